"""Worlds as values, and as JSON."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.lab.world import description
from circumvent.lab.world.description import Character, DescriptionError, Half, Names, Server, Web
from circumvent.lab.world.standard import SITES, standard_world

WORLD = standard_world()


def test_a_world_survives_json() -> None:
    assert description.read(description.write(WORLD)) == WORLD


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_what_is_no_description_is_refused(data: bytes) -> None:
    with pytest.raises(DescriptionError):
        description.read(data)


@pytest.mark.parametrize("data", [b'{"\xff":1}', b'{"resolver":"\xe9"}', b"[" * 100_000])
def test_text_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(DescriptionError):
        description.read(data)


def other(**changes: object) -> bytes:
    return description.write(msgspec.structs.replace(WORLD, **changes))


@pytest.mark.parametrize(
    "data",
    [
        other(servers=(*WORLD.servers, WORLD.servers[0])),
        other(networks=(*WORLD.networks, WORLD.networks[0])),
        other(networks=WORLD.networks[1:]),
        other(resolver="nowhere.example"),
        other(servers=(*WORLD.servers, Server(name="a", network="anvil", addresses=(), services=()))),
        description.write(WORLD).replace(b'"network"', b'"net"', 1),
    ],
)
def test_a_description_that_does_not_fit_together_is_refused(data: bytes) -> None:
    with pytest.raises(DescriptionError):
        description.read(data)


def test_servers_are_found_by_every_name() -> None:
    server = WORLD.server("sites.iris.example")
    assert all(WORLD.server(name) is server for name in SITES)
    assert WORLD.network(server).operator == "Iris"
    assert WORLD.half(server) is Half.FOREIGN
    with pytest.raises(KeyError):
        WORLD.server("nowhere.example")


def test_a_resolver_takes_another_character() -> None:
    world = WORLD.with_character(WORLD.resolver, Character.LYING, listed=("a.example",), lies=("192.0.2.1",))
    (names,) = world.server(WORLD.resolver).services
    assert isinstance(names, Names)
    assert (names.character, names.listed) == (Character.LYING, ("a.example",))
    assert len(world.servers) == len(WORLD.servers)
    with pytest.raises(KeyError):
        WORLD.with_character("www.anvil.example", Character.LYING)


def test_a_server_is_added_or_replaced() -> None:
    new = Server(name="new.anvil.example", network="anvil", addresses=("198.41.0.99",), services=(Web(),))
    world = WORLD.with_server(new)
    assert world.server(new.name) is new
    assert len(world.with_server(new).servers) == len(WORLD.servers) + 1


def test_services_are_found_by_half() -> None:
    assert {server.name for server, _ in WORLD.serving(Names, Half.DOMESTIC)} == {
        "dns.homeline.example",
        "dns.homecloud.example",
    }
