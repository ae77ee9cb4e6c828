"""Words for tunnels: given what a VPN did, expect these."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from circumvent.cli.draw import Style, draw
from circumvent.model.kinds import KINDS
from circumvent.model.words import NetworkState, Proof, Reason, Status
from circumvent.say.end import end_screen
from circumvent.say.names import Names
from circumvent.say.reasons import reason
from circumvent.say.tunnels import app, passes_nothing, silent_to_strangers, stopped, visible
from circumvent.say.ways import groups
from tests.say.reports import failed, report, waiting

if TYPE_CHECKING:
    from circumvent.model.report import OptionReport

TIMEOUT = "generic_timeout_error"
VPN = sorted(kind.name for kind in KINDS.values() if kind.family == "vpn")


def dead(label: str = "home", kind: str = "wireguard", **fields: object) -> OptionReport:
    found = failed(label, kind, Status.UNREACHABLE, "tunnel_handshake", TIMEOUT)
    found.detail.update(fields)
    return found


def hollow(label: str = "home", kind: str = "wireguard") -> OptionReport:
    return failed(label, kind, Status.UNREACHABLE, "carry", TIMEOUT, proof=Proof.HANDSHAKEN)


def told(*options: OptionReport) -> str:
    found = report(NetworkState.FILTERED, options)
    (group,) = groups(found, Names(found.options))
    return group.text


@pytest.mark.parametrize("kind", VPN)
def test_every_tunnel_has_an_app_and_shows_something(kind: str) -> None:
    assert app(kind) != "its app"
    assert visible(kind)


def test_a_try_that_ended_well_and_short_of_the_end_is_no_failure() -> None:
    unknown, reached = "unknown_failure", Proof.REACHED
    bare = failed("home", "ikev2", Status.UNREACHABLE, "authenticate", unknown, proof=reached)
    assert reason(bare) == "it answered, and nothing more can be tried without a key or password"
    answered = failed("home", "l2tp", Status.UNREACHABLE, "tunnel_handshake", unknown, proof=reached)
    assert reason(answered) == "it answered, and this kind is tried no further"
    for other in (
        failed("home", "ikev2", Status.UNREACHABLE, "tunnel_handshake", unknown, proof=reached),
        failed("home", "ikev2", Status.UNREACHABLE, "authenticate", unknown),
        failed("home", "ikev2", Status.UNREACHABLE, "authenticate", TIMEOUT, proof=reached),
        failed("home", "socks5", Status.UNREACHABLE, "authenticate", unknown, proof=reached),
    ):
        assert stopped(other) is None


def test_other_kinds_are_no_tunnels() -> None:
    assert visible("socks5") is None
    assert not passes_nothing(
        failed("a", "socks5", Status.UNREACHABLE, "carry", TIMEOUT, proof=Proof.HANDSHAKEN)
    )


def test_silence_of_a_server_that_is_silent_to_strangers_has_three_causes() -> None:
    assert silent_to_strangers(dead())
    assert told(dead()) == (
        "home (WireGuard): the handshake of the tunnel got no answer for 4 s. Down, blocked, or not the right key"
        " (such servers are silent then): this check cannot tell which"
    )


def test_a_plain_openvpn_server_answers_everybody_and_a_wrapped_one_does_not() -> None:
    assert told(dead(kind="openvpn", wrapping="plain")).endswith(
        ". Down or blocked: this check cannot tell which"
    )
    assert "or not the right key" in told(dead(kind="openvpn", wrapping="tls-crypt"))


def test_a_tunnel_through_which_nothing_passes_says_so() -> None:
    assert passes_nothing(hollow())
    assert reason(hollow()) == "it connects, and nothing passes through it"
    assert told(hollow()) == (
        "home (WireGuard): it connects, and nothing passes through it. What connects and passes nothing: its server has"
        " no way out itself, or this network drops what follows the handshake"
    )
    found = report(NetworkState.FILTERED, [hollow()])
    screen = "\n".join(draw(end_screen(found), Style(width=None, plain=True)))
    assert "try it once more in its app" in screen


@pytest.mark.parametrize(
    ("kind", "error", "detail", "authenticated", "expected"),
    [
        ("openvpn", "auth_rejected", "AUTH_FAILED", True, "AUTH_FAILED"),
        ("openconnect", "auth_rejected", None, True, "the server did not accept the key or password"),
        ("ikev2", "auth_rejected", "no common proposal", False, "something at this address said no: no common proposal"),
        ("ikev2", "geo_refused", "settings", False, "something at this address said no: settings"),
    ],
)  # fmt: skip
def test_who_refused_and_what(
    kind: str, error: str, detail: str | None, authenticated: bool, expected: str
) -> None:
    option = failed(
        "home",
        kind,
        Status.REFUSED,
        "authenticate",
        error,
        detail=detail,
        proof=Proof.HANDSHAKEN,
    )
    option.detail["authenticated"] = authenticated
    assert reason(option) == expected


def test_what_was_held_back_says_how_to_try_it_all_the_same() -> None:
    up = waiting("home", "wireguard", Reason.IN_USE, reason_detail="its inside address is on this device")
    assert reason(up) == (
        "it is in use on this device; --anyway tries it (its inside address is on this device)"
    )
    assert reason(waiting("home", "wireguard", Reason.CLOCK)) == (
        "this device's clock is wrong; --anyway tries it"
    )
