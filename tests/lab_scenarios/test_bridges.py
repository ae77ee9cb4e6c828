"""Tor bridges behind censors, with real ones: each is called what can be known of it, and nothing more."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import pytest

from circumvent.lab.actions import Drop, Reset
from circumvent.lab.blocking import Blocking
from circumvent.lab.flow import DOWN
from circumvent.lab.netlink import Netlink
from circumvent.lab.rules.encrypted import FullyEncrypted
from circumvent.lab.rules.endpoint import AnyPacket
from circumvent.lab.rules.limits import Amount
from circumvent.lab.rules.tls import ClientHello, HelloWanted
from circumvent.lab.scope import Scope
from circumvent.model.words import Evidence, Proof, Status
from tests.lab import proxies, tor
from tests.lab.daemon import find_program
from tests.lab_scenarios.vpn_world import vpn_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from circumvent.lab.rule import Rule
    from circumvent.model.report import OptionReport
    from tests.lab_scenarios.vpn_world import VpnWorld

pytestmark = [
    pytest.mark.daemons,
    pytest.mark.requires("tor", "obfs4proxy", "unbound", "microsocks"),
    pytest.mark.timeout(120),
]

BRIDGE: Final = "198.51.100.34"
PROXY: Final = "203.0.113.200"
#: What a filter of Tor sees of it, and of obfs4: one server, three ports.
_AT_THE_BRIDGE: Final = Scope(servers=(f"{BRIDGE}/32",))


class Bridges:
    """A bridge on the far side of the wire, and a proxy beside it that the filter leaves alone."""

    def __init__(self, world: VpnWorld, folder: Path) -> None:
        self.world = world
        for name in ("tor", "proxy"):
            (folder / name).mkdir()
        with world.wire.in_world():
            with Netlink() as netlink:
                for address in (BRIDGE, PROXY):
                    netlink.add_address("lo", address)
            self.bridge = tor.start_bridge(
                folder / "tor", address=BRIDGE, obfs4proxy=find_program("obfs4proxy") or ""
            )
            self.proxy = proxies.start_microsocks(folder / "proxy", address=PROXY, password=False)
        world.daemons += [self.bridge.daemon, self.proxy.daemon]
        world.daemons += [proxy.daemon for mode, proxy in self.bridge.obfs4.items() if mode]

    def check(self, *more: str, proxy: bool = False) -> dict[str, OptionReport]:
        """Check both kinds of the bridge, and the proxy if that is asked for; return them by their file."""
        held = {"plain.txt": self.bridge.line(), "obfs4.txt": self.bridge.line(0)}
        if proxy:
            held["proxy.txt"] = f"socks5://{PROXY}:{self.proxy.port}"
        found = self.world.check(held, *more)
        self.world.wire.check_fired()
        return found


@contextlib.contextmanager
def bridges(folder: Path, *rules: Rule) -> Iterator[Bridges]:
    """Open a wire with these rules and a bridge behind it."""
    with vpn_world(folder, *rules) as world:
        yield Bridges(world, folder)


def test_what_nothing_touches_works_and_lasts(tmp_path: Path) -> None:
    with bridges(tmp_path) as there:
        found = there.check()
    assert {name: (one.status, one.proof) for name, one in found.items()} == dict.fromkeys(
        ("plain", "obfs4"), (Status.WORKS, Proof.SUSTAINED)
    )
    assert {one.success.ok for one in found.values()} == {3}


def test_traffic_that_looks_like_nothing_is_dropped(tmp_path: Path) -> None:
    """Silence: a wrong cert, a dead bridge and a filter look the same, and none of them is claimed."""
    with bridges(tmp_path, Blocking(name="nothing", when=FullyEncrypted(), then=Drop())) as there:
        found = there.check()
    assert found["plain"].status is Status.WORKS
    obfs4 = found["obfs4"]
    assert (obfs4.status, obfs4.proof, obfs4.evidence) == (Status.UNREACHABLE, Proof.NONE, None)
    assert obfs4.failure is not None
    assert (obfs4.failure.step, obfs4.failure.error) == ("obfs4_handshake", "generic_timeout_error")


def test_a_second_vantage_shows_that_it_was_a_filter(tmp_path: Path) -> None:
    rule = Blocking(name="nothing", when=FullyEncrypted(), then=Drop())
    with bridges(tmp_path, rule) as there:
        found = there.check("--cross-check", proxy=True)
    assert found["plain"].status is Status.WORKS
    assert (found["obfs4"].status, found["obfs4"].evidence) == (Status.BLOCKED, Evidence.SECOND_VANTAGE)


def test_the_address_of_the_bridge_is_dropped(tmp_path: Path) -> None:
    rule = Blocking(name="address", when=AnyPacket(), then=Drop(), scope=_AT_THE_BRIDGE)
    with bridges(tmp_path, rule) as there:
        found = there.check("--cross-check", proxy=True)
    assert found["proxy"].proof.at_least(Proof.HANDSHAKEN)
    for kind in ("plain", "obfs4"):
        assert (found[kind].status, found[kind].evidence) == (Status.BLOCKED, Evidence.SECOND_VANTAGE)


def test_the_tls_of_tor_is_known_by_its_hello(tmp_path: Path) -> None:
    """A host name that nobody serves, no ALPN: what is inside obfs4 is not seen."""
    rule = Blocking(
        name="tor-hello",
        when=ClientHello(wanted=HelloWanted(ja4=("t13d",))),
        then=Reset(),
        scope=_AT_THE_BRIDGE,
    )
    with bridges(tmp_path, rule) as there:
        found = there.check()
    assert found["plain"].status is Status.UNREACHABLE
    assert found["plain"].failure is not None
    assert (found["plain"].failure.step, found["plain"].failure.error) == (
        "tls_handshake",
        "connection_reset",
    )
    assert found["obfs4"].status is Status.WORKS


@pytest.mark.parametrize("kilobytes", [16, 50])
def test_flows_are_cut_after_so_much(tmp_path: Path, kilobytes: int) -> None:
    rule = Blocking(
        name="cut", when=Amount(payload=kilobytes * 1024, direction=DOWN), then=Drop(), scope=_AT_THE_BRIDGE
    )
    with bridges(tmp_path, rule) as there:
        found = there.check()
    plain, obfs4 = found["plain"], found["obfs4"]
    assert plain.status is Status.DEGRADED
    assert plain.detail["limit"] == "cut"
    assert plain.detail["cut_bytes"] <= kilobytes * 1024
    assert plain.detail["cut_bytes"] > (kilobytes - 3) * 1024
    if kilobytes == 50:  # the padding of obfs4 may fill 16 KiB before anything was carried
        assert (obfs4.status, obfs4.detail["limit"]) == (Status.DEGRADED, "cut")
    else:
        assert obfs4.status in (Status.DEGRADED, Status.UNSTABLE, Status.UNREACHABLE)
