"""How proxies find what they are asked for."""

from __future__ import annotations

import asyncio

import pytest

from circumvent.lab.world.outward import NoSuchHostError, NotAllowedError, Outward

NAMES = {
    "both.example": ["2001:db8::1", "198.51.100.1"],
    "six.example": ["2001:db8::1"],
    "own.example": ["127.0.0.9"],
}


def outward(*sources: str) -> Outward:
    return Outward(lambda name: NAMES.get(name, []), sources)


def test_addresses_are_those_of_our_families() -> None:
    assert outward("198.51.100.9").addresses("both.example") == ["198.51.100.1"]
    assert outward("198.51.100.9", "2001:db8::9").addresses("both.example") == NAMES["both.example"]
    assert outward("198.51.100.9").addresses("203.0.113.1") == ["203.0.113.1"]
    assert outward("2001:db8::9").addresses("[2001:db8::5]") == ["2001:db8::5"]


@pytest.mark.parametrize("host", ["no.such.example", "six.example", "2001:db8::5"])
def test_what_is_nowhere(host: str) -> None:
    with pytest.raises(NoSuchHostError):
        outward("198.51.100.9").addresses(host)


@pytest.mark.parametrize("host", ["own.example", "127.0.0.1"])
def test_loopback_is_not_allowed(host: str) -> None:
    with pytest.raises(NotAllowedError):
        outward("198.51.100.9").addresses(host)


def test_the_last_failure_is_told() -> None:
    with pytest.raises(NoSuchHostError):
        asyncio.run(outward("198.51.100.9").connect("no.such.example", 80))
