"""Real daemons in the places of embedded servers: the whole check finds the same open world."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import circumvent
from circumvent.lab.wire import WireConfig, open_wire
from circumvent.lab.world import arguments, process, real
from circumvent.lab.world.description import Character, Connect, Names, Socks, Web
from circumvent.lab.world.prepare import prepare
from circumvent.lab.world.process import WorldFailedError
from circumvent.lab.world.standard import standard_world
from circumvent.model.words import NetworkState, Proof, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.lab.wire import Wire
    from circumvent.lab.world.description import World
    from circumvent.lab.world.prepare import Prepared

#: One server for each program.
REAL = {
    "dns.cedar.example": ("unbound", "dnsdist"),
    "crypt.cedar.example": "dnsdist",
    "turn.iris.example": "turnserver",
    "control.ember.example": "caddy",
    "proxy.fjord.example": ("squid", "v2ray"),
    "proxy.grove.example": "v2ray",
    "lying.krill.example": ("unbound", "dnsdist"),
}


def with_some(world: World) -> World:
    for name, programs in REAL.items():
        names = (programs,) if isinstance(programs, str) else programs
        world = world.with_server(msgspec.structs.replace(world.server(name), real=names))
    return world


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(with_some(standard_world()), tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="module")
def wire(prepared: Prepared) -> Iterator[Wire]:
    with open_wire(WireConfig(world=prepared.world.addresses())) as open_one:
        with open_one.in_world():
            running = process.start(prepared)
        yield open_one
        running.stop()


@pytest.mark.namespace
@pytest.mark.requires(*real.COMMANDS)
@pytest.mark.timeout(120)
def test_everything_works_with_daemons_too(wire: Wire, prepared: Prepared, tmp_path: Path) -> None:
    keywords: dict[str, Any] = arguments.write_files(prepared, tmp_path)
    (name,) = keywords.pop("named")
    tables = arguments.options(prepared, everything=True).split("\n\n")
    mine = [table for table in tables if any(f" {server}" in table for server in REAL)]
    Path(name).write_text("\n\n".join(mine) + "\n", encoding="utf-8")
    with wire.in_client():
        report = asyncio.run(circumvent.acheck([name], **keywords, system_dns=True, deadline=80, all=True))
    tried = {one.label: one for one in report.options if not one.baseline}
    assert len(tried) == len(mine)
    liars = {
        label: one
        for label, one in tried.items()
        if "lying.krill" in label and "doh3" not in label and "doq" not in label
    }
    assert {(one.status, one.failure.error if one.failure else None) for one in liars.values()} == {
        (Status.DEGRADED, "wrong_answer")
    }
    good = {label: one for label, one in tried.items() if "lying.krill" not in label}
    # Thirteen daemons and the wire share this machine's cores: a single try may come too late.
    fine = {Status.WORKS, Status.UNSTABLE}
    assert {label: (one.status, one.failure) for label, one in good.items() if one.status not in fine} == {}
    assert sum(one.status is Status.UNSTABLE for one in good.values()) <= len(good) // 10
    short = {label: one.proof for label, one in good.items() if one.proof is not Proof.SUSTAINED}
    assert set(short) <= {
        "h3 control.ember.example"
    }  # caddy answers a POST over HTTP/3 before it has read it
    assert report.network.state in (NetworkState.OPEN, NetworkState.FILTERED)


@pytest.mark.namespace
@pytest.mark.requires("unbound")
def test_a_daemon_that_does_not_come_up_is_said(tmp_path: Path) -> None:
    whole = standard_world()
    server = msgspec.structs.replace(
        whole.server("dns.homeline.example"), addresses=("127.0.0.63",), real=("unbound",)
    )
    small = prepare(msgspec.structs.replace(whole, servers=(server,)), tmp_path)
    small.zone("nsec3").write_text("no zone\n")
    with pytest.raises(WorldFailedError):
        process.start(small)


def test_programs_take_what_they_speak() -> None:
    assert real.takes("unbound", Names(character=Character.LYING))
    assert real.takes("dnsdist", Names())
    assert not real.takes("unbound", Names(character=Character.SILENT))
    assert not real.takes("squid", Connect(user="a", password="b"))
    assert not real.takes("caddy", Web(pages="portal"))
    assert not real.takes("caddy", Socks())


def test_what_is_left_stays_embedded() -> None:
    server = with_some(standard_world()).server("dns.cedar.example")
    (names,) = server.services
    left = real.rest(server, names)
    assert isinstance(left, Names)
    assert left.protocols == ("doh3", "doq")
    assert real.rest(msgspec.structs.replace(server, real=()), names) == names


def test_installed_programs_stand_in_at_three_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real, "find_program", lambda name: name if name in ("unbound", "squid") else None)
    world = real.with_daemons(standard_world())
    assert world.server("dns.anvil.example").real == ("unbound",)
    assert world.server("proxy.ember.example").real == ("squid",)
    assert world.server("www.anvil.example").real == ()
    assert world.server("silent.krill.example").real == ()
    assert sum(server.real == ("unbound",) for server in world.servers) == real.MOST_EACH


@pytest.mark.namespace
@pytest.mark.requires(*real.COMMANDS)
def test_a_world_with_all_of_them_comes_up(tmp_path: Path) -> None:
    prepared = prepare(real.with_daemons(standard_world()), tmp_path)
    programs = {program for server in prepared.world.servers for program in server.real}
    assert programs == set(real.COMMANDS)
    with open_wire(WireConfig(world=prepared.world.addresses())) as wire:
        with wire.in_world():
            running = process.start(prepared)
        running.stop()
