"""Advice: do this, why in numbers, what if it stops, what an observer sees."""

from __future__ import annotations

import pytest

from circumvent.model.kinds import KINDS
from circumvent.say.advice import next_step, visible, what, why
from tests.say.reports import good


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_advice(kind: str) -> None:
    found = good("name", kind, 71.0)
    assert "name" in what(found)
    assert "3 of 3 tries just now carried data; 71 ms" in what(found)
    assert visible(found)
    assert "{" not in what(found) + visible(found)


def test_why_is_told_in_counts() -> None:
    assert why(good("a", "doh", 71.0, tries=3, ok=2)) == "2 of 3 tries just now carried data; 71 ms"


def test_what_if_it_stops() -> None:
    assert next_step(None) == "If it stops, run the check again."
    assert next_step(good("other", "dot", 9.0)) == "If it stops: other (DNS over TLS)."


def test_an_ipv6_proxy_is_told_by_address_and_port() -> None:
    assert "2001:db8::1 port 1080" in what(good("a", "socks5", 9.0, endpoint="[2001:db8::1]:1080"))


def test_a_satellite_link_comes_with_its_danger() -> None:
    found = good("dish", "starlink", 71.0)
    assert "can be located" in what(found)
    assert "can be located" in visible(found)
    assert next_step(found) == "If it stops: dish in the terminal's own network."
