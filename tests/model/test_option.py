"""Endpoints and options: what can't be is refused where it is made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.option import Endpoint, Option, Origin, is_address, join_host_port
from circumvent.model.secret import Secret
from circumvent.model.words import Exposure, Scope


def option(**fields: object) -> Option:
    given: dict[str, object] = {
        "id": "x",
        "kind": "socks5",
        "label": "x",
        "endpoint": Endpoint(host="proxy.example", port=1080),
        "origin": Origin(source="argument"),
    }
    return Option(**(given | fields))  # type: ignore[arg-type]  # the fields of each test


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_does_not_exist_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match=f"port {port} does not exist"):
        Endpoint(host="a.example", port=port)


def test_an_endpoint_without_host_or_with_a_name_for_an_address_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a host"):
        Endpoint(host="", port=1)
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 address"):
        Endpoint(host="a.example", port=1, addresses=("b.example",))


def test_known_addresses_need_no_look_up() -> None:
    named = Endpoint(host="a.example", port=1, addresses=("192.0.2.1",))
    assert (named.literal, named.known_addresses) == (False, ("192.0.2.1",))
    literal = Endpoint(host="2001:db8::1", port=1)
    assert (literal.literal, literal.known_addresses, str(literal)) == (
        True,
        ("2001:db8::1",),
        "[2001:db8::1]:1",
    )


@given(st.ip_addresses(), st.integers(1, 65535))
def test_host_and_port_can_be_told_apart_again(address: object, port: int) -> None:
    written = join_host_port(str(address), port)
    host, _, tail = written.rpartition(":")
    assert is_address(str(address))
    assert (host.strip("[]"), int(tail)) == (str(address), port)


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match='no kind "pigeon"'):
        option(kind="pigeon")


def test_scope_and_exposure_come_from_the_kind() -> None:
    plain = option()
    assert plain.scope is Scope.PROXY
    assert plain.exposure is plain.traits.exposure
    assert option(exposure_override=Exposure.MARKING).exposure is Exposure.MARKING


def test_what_the_user_named_is_the_users() -> None:
    assert option().held_by_user
    assert not option(origin=Origin(source="catalogue")).held_by_user


def test_no_secret_of_an_option_is_shown() -> None:
    shown = repr(option(user=Secret("alice"), password=Secret("hunter2"), ca="-----BEGIN CERTIFICATE-----"))
    assert not any(word in shown for word in ("alice", "hunter2", "BEGIN"))
