"""Profiles behind censors, with real servers: each is called what can be known of it, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from circumvent.lab.actions import Drop
from circumvent.lab.blocking import Blocking
from circumvent.lab.flow import DOWN, UP
from circumvent.lab.netlink import Netlink
from circumvent.lab.packet import UDP, Endpoint, rewritten
from circumvent.lab.rule import DROPPED, Verdict
from circumvent.lab.rules.endpoint import AnyPacket
from circumvent.lab.rules.limits import Amount
from circumvent.lab.rules.tunnels import OpenVpn, WireGuard
from circumvent.lab.scope import Scope
from circumvent.lab.shaping import Shape
from circumvent.model.words import Proof, Reason, Status
from circumvent.model.words import Scope as Reach
from circumvent.say.reasons import reason
from circumvent.say.tunnels import passes_nothing, silent_to_strangers
from tests.lab_scenarios.vpn_world import vpn_world

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

_PORTS: Final = (1194, 51820)
#: All UDP but that of the network's own resolver.
_UDP: Final = Scope(protocols=("udp",), ports=("1-52", "54-65535"))
_TUNNELS: Final = Scope(ports=_PORTS)


def profiles(world: VpnWorld) -> dict[str, str]:
    """What a user holds: WireGuard, OpenVPN over UDP and, wrapped, over TCP."""
    return {
        "wg.conf": world.wireguard().profile(),
        "udp.ovpn": world.openvpn().with_remote(),
        "tcp.ovpn": world.openvpn(transport="tcp", wrapping="tls-crypt").with_remote(),
    }


def statuses(found: dict[str, OptionReport]) -> dict[str, Status]:
    return {name: option.status for name, option in found.items()}


def logins(option: OptionReport) -> int:
    """How often a server was shown credentials."""
    return sum(
        attempt.proof.at_least(Proof.HANDSHAKEN) or attempt.step("authenticate") is not None
        for attempt in option.attempts
    )


def test_what_nothing_touches_works_and_lasts(tmp_path: Path) -> None:
    with vpn_world(tmp_path) as world:
        found = world.check(profiles(world))
    assert statuses(found) == dict.fromkeys(("wg", "udp", "tcp"), Status.WORKS)
    assert {option.proof for option in found.values()} == {Proof.SUSTAINED}
    assert {logins(option) for option in found.values()} == {1}
    (first,) = [one for one in world.last.recommendations if one.scope is Reach.SYSTEM]
    assert "It serves all apps" in first.text
    assert first.visible.endswith("easy to recognise")
    assert first.backup is None  # all three stand in one /24: where one is shut out, so are the others


def test_udp_is_dropped(tmp_path: Path) -> None:
    """Three servers of the user's that nobody knows to be up: down, blocked, or a wrong key."""
    with vpn_world(tmp_path, Blocking(name="udp", when=AnyPacket(), then=Drop(), scope=_UDP)) as world:
        found = world.check(profiles(world))
        world.wire.check_fired()
    expected = {"wg": Status.UNREACHABLE, "udp": Status.UNREACHABLE, "tcp": Status.WORKS}
    assert statuses(found) == expected
    assert silent_to_strangers(found["wg"])
    assert not silent_to_strangers(found["udp"])
    assert [len(found[name].attempts) for name in ("wg", "udp")] == [2, 2]


def test_handshakes_are_dropped_by_their_signatures(tmp_path: Path) -> None:
    rules = [Blocking(name="openvpn", when=OpenVpn(), then=Drop())]
    rules.append(Blocking(name="wireguard", when=WireGuard(), then=Drop()))
    with vpn_world(tmp_path, *rules) as world:
        found = world.check(profiles(world))
        world.wire.check_fired()
    assert statuses(found) == dict.fromkeys(("wg", "udp", "tcp"), Status.UNREACHABLE)
    assert {option.proof for option in found.values()} == {Proof.NONE}
    assert silent_to_strangers(found["wg"])
    assert silent_to_strangers(found["tcp"])


def test_flows_are_cut_after_16_kilobytes(tmp_path: Path) -> None:
    rule = Blocking(name="cut", when=Amount(payload=16384, direction=DOWN), then=Drop(), scope=_TUNNELS)
    with vpn_world(tmp_path, rule) as world:
        found = world.check(profiles(world))
        world.wire.check_fired()
    assert statuses(found) == dict.fromkeys(("wg", "udp", "tcp"), Status.DEGRADED)
    for option in found.values():
        assert option.detail["limit"] == "cut"
        assert 14_000 <= option.detail["cut_bytes"] <= 16_500
        assert logins(option) == 1
    assert "flow_cut" in {finding.kind for finding in world.last.network.findings}


def test_the_way_up_is_throttled(tmp_path: Path) -> None:
    """128 kbit/s up: it works, and the report says what it does in each direction."""
    rule = Blocking(
        name="slow",
        when=AnyPacket(),
        then=Shape(rate=16_000.0, directions=(UP,), patience=5.0),
        scope=_TUNNELS,
    )
    with vpn_world(tmp_path, rule) as world:
        found = world.check(profiles(world))
        world.wire.check_fired()
    assert statuses(found) == dict.fromkeys(("wg", "udp", "tcp"), Status.WORKS)
    for option in found.values():
        assert option.throughput_kbps is not None
        assert option.throughput_kbps.up is not None
        assert option.throughput_kbps.up < 400  # without the filter it is some thousands


def test_handshakes_pass_and_data_does_not(tmp_path: Path) -> None:
    """By a filter that lets two packets through, and by a server that has lost its own way out."""
    rule = Blocking(name="data", when=Amount(packets=2), then=Drop(), scope=Scope(ports=(51820,)))
    with vpn_world(tmp_path, rule) as world:
        held = {
            "wg.conf": world.wireguard().profile(),
            "udp.ovpn": world.openvpn(forward=False).with_remote(),
        }
        found = world.check(held)
        world.wire.check_fired()
    assert statuses(found) == dict.fromkeys(("wg", "udp"), Status.UNREACHABLE)
    for option in found.values():
        assert option.proof is Proof.HANDSHAKEN
        assert passes_nothing(option)
        assert reason(option) == "it connects, and nothing passes through it"
        assert logins(option) == 1


def test_servers_are_down(tmp_path: Path) -> None:
    with vpn_world(tmp_path) as world:
        held = profiles(world)
        for daemon in world.daemons[3:]:
            daemon.stop()
        found = world.check(held)
    assert statuses(found) == dict.fromkeys(("wg", "udp", "tcp"), Status.UNREACHABLE)
    assert {option.evidence for option in found.values()} == {None}


def test_keys_are_not_those_of_the_server(tmp_path: Path) -> None:
    """Both servers are silent then, so nothing tells it from a block."""
    with vpn_world(tmp_path) as world:
        peer, other = world.wireguard(), world.wireguard()
        right, wrong = world.openvpn(wrapping="tls-crypt"), world.openvpn(wrapping="tls-crypt")
        held = {
            "wg.conf": other.profile(endpoint=f"{peer.address}:{peer.port}"),
            "udp.ovpn": wrong.with_remote().replace(wrong.address, right.address),
        }
        found = world.check(held)
    assert statuses(found) == dict.fromkeys(("wg", "udp"), Status.UNREACHABLE)
    assert all(map(silent_to_strangers, found.values()))


def test_a_wrong_password_is_refused_and_never_tried_again(tmp_path: Path) -> None:
    with vpn_world(tmp_path) as world:
        server = world.openvpn(password=True)
        text = server.with_remote().replace(server.password, "another-password")
        (option,) = world.check({"home.ovpn": text}, "--trials", "5").values()
        refusals = server.daemon.log_tail().count("Auth Username/Password verification failed")
    assert (option.status, option.detail["authenticated"]) == (Status.REFUSED, True)
    assert option.failure is not None
    assert option.failure.error == "auth_rejected"
    assert refusals == len(option.attempts) == 1


@dataclass(frozen=True, slots=True)
class Rebind:
    """A translator that forgets a flow after so many packets from the client, and gives it another port."""

    name: str = "rebind"
    after: int = 12

    def see(self, sight: Sight, memory: Memory) -> Verdict | None:
        """Rewrite what goes up; what comes down to the port of before finds nobody."""
        packet = sight.packet
        if packet.protocol != UDP or packet.fragment is not None:
            return None
        if sight.direction is UP:
            if packet.receiver.port not in _PORTS or sight.flow.up.packets <= self.after:
                return None
            before, now = packet.sender.port, packet.sender.port ^ 1
            memory.keep(now, before)
            return Verdict(replace=rewritten(packet, sender=Endpoint(packet.sender.address, now)))
        if packet.sender.port not in _PORTS:
            return None
        known = memory.table.get(packet.receiver.port)
        if known is not None:
            return Verdict(replace=rewritten(packet, receiver=Endpoint(packet.receiver.address, known)))
        return DROPPED if packet.receiver.port ^ 1 in memory.table else None


def test_a_translator_gives_another_port_meanwhile(tmp_path: Path) -> None:
    """Tunnels are known by their keys and not by their ports: they go on."""
    with vpn_world(tmp_path, Rebind()) as world:
        held = {"wg.conf": world.wireguard().profile(), "udp.ovpn": world.openvpn().with_remote()}
        found = world.check(held)
        world.wire.check_fired()
    assert statuses(found) == dict.fromkeys(("wg", "udp"), Status.WORKS)
    assert {option.proof for option in found.values()} == {Proof.SUSTAINED}


def test_a_client_has_ipv6_alone(tmp_path: Path) -> None:
    with vpn_world(tmp_path, client=("fd78::2",)) as world:
        peer, server, old = world.wireguard(), world.openvpn(ipv6=True), world.wireguard()
        held = {
            "wg.conf": peer.profile(endpoint=f"[{peer.address_ipv6}]:{peer.port}"),
            "udp.ovpn": server.with_remote(),
            "old.conf": old.profile(),
        }
        found = world.check(held)
    assert statuses(found) == {"wg": Status.WORKS, "udp": Status.WORKS, "old": Status.NOT_RUN}
    assert found["old"].reason == "no_family"


def test_a_wrong_clock_holds_profiles_back_and_locks_no_key_out(tmp_path: Path) -> None:
    """The peer remembers the latest time that it saw: two hours later than now would shut the key out for two hours."""
    with vpn_world(tmp_path) as world:
        held = {"wg.conf": world.wireguard().profile(), "udp.ovpn": world.openvpn().with_remote()}
        found = world.check(held, clock=7200.0)
        assert {(one.status, one.reason) for one in found.values()} == {(Status.NOT_RUN, Reason.CLOCK)}
        assert "clock_skew" in {finding.kind for finding in world.last.network.findings}
        assert statuses(world.check(held, "--anyway", clock=7200.0)) == {
            "wg": Status.WORKS,
            "udp": Status.WORKS,
        }
        assert statuses(world.check(held)) == {"wg": Status.WORKS, "udp": Status.WORKS}


def test_a_profile_that_is_up_on_this_device_is_left_alone(tmp_path: Path) -> None:
    with vpn_world(tmp_path) as world:
        peer = world.wireguard()
        with world.wire.in_client(), Netlink() as netlink:
            netlink.add_address("lo", peer.addresses[0].partition("/")[0])
        (option,) = world.check({"wg.conf": peer.profile()}).values()
        assert (option.status, option.reason) == (Status.NOT_RUN, Reason.IN_USE)
        (option,) = world.check({"wg.conf": peer.profile()}, "--anyway").values()
        assert option.status is Status.WORKS
        assert any("a second login may have ended the first" in note for note in world.last.notes)
