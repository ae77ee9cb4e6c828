"""Profiles behind censors, with real servers: each is called what can be known of it, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from circumvent.lab.actions import Drop
from circumvent.lab.blocking import Blocking
from circumvent.lab.flow import DOWN, UP
from circumvent.lab.packet import UDP, Endpoint, rewritten
from circumvent.lab.rule import Verdict
from circumvent.lab.rules.endpoint import AnyPacket
from circumvent.lab.rules.limits import Amount
from circumvent.lab.rules.tunnels import OpenVpn, WireGuard
from circumvent.lab.scope import Scope
from circumvent.lab.shaping import Shape
from circumvent.model.words import Proof, Status
from circumvent.say.reasons import text_of
from circumvent.say.tunnels import passes_nothing, silent_to_strangers
from tests.lab_scenarios.vpn_world import NEAR, vpn_world

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.lab.rule import Memory, Sight
    from circumvent.model.report import OptionReport
    from tests.lab_scenarios.vpn_world import VpnWorld

pytestmark = [
    pytest.mark.daemons,
    pytest.mark.requires("wireguard-go", "openvpn", "unbound"),
    pytest.mark.timeout(120),
]

#: All UDP but that of the network's own resolver.
_UDP: Final = Scope(protocols=("udp",), ports=("1-52", "54-65535"))
_TUNNELS: Final = Scope(ports=(1194, 51820))


def profiles(world: VpnWorld) -> dict[str, str]:
    """What a user holds: WireGuard, OpenVPN over UDP and, wrapped, over TCP."""
    return {
        "wg.conf": world.wireguard().profile(),
        "udp.ovpn": world.openvpn().with_remote(),
        "tcp.ovpn": world.openvpn(transport="tcp", wrapping="tls-crypt").with_remote(),
    }


def verdicts(found: dict[str, OptionReport]) -> dict[str, tuple[Status, Proof]]:
    return {name: (option.status, option.proof) for name, option in found.items()}


def show(found: dict[str, OptionReport]) -> None:
    for name, option in found.items():
        print(name, text_of(option), option.proof, option.failure, option.detail, [(a.cut_bytes, a.down_kbps, a.up_kbps, [(s.name, s.failure and s.failure.error, round(s.t - s.t0, 2)) for s in a.steps]) for a in option.attempts])


def test_what_nothing_touches_works(tmp_path: Path) -> None:
    with vpn_world(tmp_path) as world:
        found = world.check(profiles(world))
    show(found)


def test_udp_dropped(tmp_path: Path) -> None:
    with vpn_world(tmp_path, Blocking(name="udp", when=AnyPacket(), then=Drop(), scope=_UDP)) as world:
        found = world.check(profiles(world))
    show(found)


def test_handshakes_dropped(tmp_path: Path) -> None:
    rules = (Blocking(name="openvpn", when=OpenVpn(), then=Drop()), Blocking(name="wireguard", when=WireGuard(), then=Drop()))
    with vpn_world(tmp_path, *rules) as world:
        found = world.check(profiles(world))
    show(found)


def test_cut(tmp_path: Path) -> None:
    rule = Blocking(name="cut", when=Amount(payload=16384, direction=DOWN), then=Drop(), scope=_TUNNELS)
    with vpn_world(tmp_path, rule) as world:
        found = world.check(profiles(world))
    show(found)


def test_upload(tmp_path: Path) -> None:
    rule = Blocking(name="slow", when=AnyPacket(), then=Shape(rate=4000.0, directions=(UP,), patience=5.0), scope=_TUNNELS)
    with vpn_world(tmp_path, rule) as world:
        found = world.check(profiles(world))
    show(found)


def test_hollow(tmp_path: Path) -> None:
    rule = Blocking(name="data", when=Amount(packets=2), then=Drop(), scope=Scope(ports=(51820,)))
    with vpn_world(tmp_path, rule) as world:
        held = {"wg.conf": world.wireguard().profile(), "udp.ovpn": world.openvpn(forward=False).with_remote()}
        found = world.check(held)
    show(found)


def test_down(tmp_path: Path) -> None:
    with vpn_world(tmp_path) as world:
        held = profiles(world)
        for daemon in world.daemons[2:]:
            daemon.stop()
        found = world.check(held)
    show(found)


def test_keys(tmp_path: Path) -> None:
    with vpn_world(tmp_path) as world:
        peer, other = world.wireguard(), world.wireguard()
        right, wrong = world.openvpn(wrapping="tls-crypt"), world.openvpn(wrapping="tls-crypt")
        held = {
            "wg.conf": other.profile(endpoint=f"{peer.address}:{peer.port}"),
            "udp.ovpn": wrong.with_remote().replace(wrong.address, right.address),
        }
        found = world.check(held)
    show(found)


def test_password(tmp_path: Path) -> None:
    with vpn_world(tmp_path) as world:
        server = world.openvpn(password=True)
        text = server.with_remote().replace(server.password, "another-password")
        found = world.check({"udp.ovpn": text})
        log = server.daemon.log_tail()
    show(found)
    print(log)


def test_ipv6(tmp_path: Path) -> None:
    with vpn_world(tmp_path, client=("fd78::2",)) as world:
        peer, server = world.wireguard(), world.openvpn(ipv6=True)
        found = world.check({"wg.conf": peer.profile(endpoint=f"[{peer.address_ipv6}]:{peer.port}"), "udp.ovpn": server.with_remote()})
    show(found)
