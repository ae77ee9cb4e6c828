"""From observations to the whole conclusion."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circumvent.diagnose.conclude import conclude
from circumvent.model.report import Network, OptionReport
from circumvent.model.words import Evidence, FindingKind, NetworkState, Proof, Reason, Status, UdpState
from tests.diagnose.build import attempt, option, refused, silence

SITES = ("alpha", "beta", "gamma")


def network(**facts: Any) -> Network:
    return Network(state=NetworkState.UNKNOWN, facts=facts)


def at(place: str, kind: str, *attempts: Any, **fields: Any) -> OptionReport:
    return option(f"{place}-{kind}", kind, *attempts, place=place, **fields)


def test_udp_dropped_everywhere_is_a_block_by_class() -> None:
    """E4: TCP answers at three places, UDP at none; the servers' own health is unknown."""
    rows = [
        at(site, kind, *tries)
        for site in SITES
        for kind, tries in (
            ("dot", (attempt(),)),
            ("doq", (silence(), silence())),
            ("dns-udp", (silence(), silence())),
        )
    ]
    found = conclude(rows, network())
    assert FindingKind.UDP_BLOCKED in {one.kind for one in found.network.findings}
    assert found.network.udp is UdpState.BLOCKED
    dark = [one for one in found.options if one.kind == "doq"]
    assert {(one.status, one.evidence) for one in dark} == {(Status.BLOCKED, Evidence.CLASS)}


def test_where_udp_is_blocked_silent_profiles_over_udp_are_likely_blocked() -> None:
    """E4 covers what travels over UDP: WireGuard, and OpenVPN only where the profile says so."""
    rows = [
        at(site, kind, *tries, origin="catalogue")
        for site in SITES
        for kind, tries in (
            ("dot", (attempt(),)),
            ("doq", (silence(), silence())),
            ("dns-udp", (silence(), silence())),
        )
    ]
    step = "tunnel_handshake"
    quiet = (silence(step), silence(step))
    profiles = [
        at("home", "wireguard", *quiet),
        at("work", "openvpn", *quiet, detail={"transport": "udp", "wrapping": "tls-crypt"}),
        at("tcp", "openvpn", *quiet, detail={"transport": "tcp", "wrapping": "tls-crypt"}),
        at("either", "openvpn", *quiet, detail={"transport": "both"}),
    ]
    found = {one.id: one for one in conclude([*rows, *profiles], network()).options}
    assert {
        name: (found[name].status, found[name].evidence)
        for name in ("home-wireguard", "work-openvpn", "tcp-openvpn", "either-openvpn")
    } == {
        "home-wireguard": (Status.BLOCKED, Evidence.CLASS),
        "work-openvpn": (Status.BLOCKED, Evidence.CLASS),
        "tcp-openvpn": (Status.UNREACHABLE, None),
        "either-openvpn": (Status.UNREACHABLE, None),
    }


def test_a_silent_profile_beside_one_that_answers_is_no_evidence() -> None:
    quiet = (silence("tunnel_handshake"), silence("tunnel_handshake"))
    found = conclude([at("a", "wireguard", *quiet), at("b", "wireguard", attempt())], network())
    assert [one.status for one in found.options] == [Status.UNREACHABLE, Status.WORKS]


def test_a_tunnel_that_stands_and_passes_nothing_is_handshaken() -> None:
    hollow = attempt(Proof.HANDSHAKEN, "generic_timeout_error", step="carry")
    (one,) = conclude([at("a", "wireguard", hollow)], network()).options
    assert (one.status, one.proof) == (Status.UNREACHABLE, Proof.HANDSHAKEN)


def test_another_server_in_place_of_a_profile_is_not_reached() -> None:
    for error in ("wrong_key", "clock_skew"):
        (one,) = conclude([at("a", "openvpn", attempt(Proof.REACHED, error))], network()).options
        assert (one.status, one.failure and one.failure.error) == (Status.UNREACHABLE, error)


def test_under_a_state_without_a_way_out_nothing_is_blocked() -> None:
    rows = [at(site, "doq", silence(), silence()) for site in SITES]
    found = conclude(rows, network(portal={"caught": True}))
    assert found.network.state is NetworkState.CAPTIVE_PORTAL
    assert {one.status for one in found.options} == {Status.UNREACHABLE}


def through(proof: Proof, **fields: Any) -> Any:
    return attempt(proof, counted=False, why="second vantage", **fields)


@pytest.mark.parametrize(
    ("tries", "status"),
    [
        ((silence(), silence(), through(Proof.HANDSHAKEN)), Status.BLOCKED),
        ((silence(), through(Proof.HANDSHAKEN)), Status.UNREACHABLE),
        ((silence(), silence(), through(Proof.REACHED)), Status.UNREACHABLE),
        ((silence(), silence(), through(Proof.HANDSHAKEN, t0=100.0, t=101.0)), Status.UNREACHABLE),
        ((attempt(Proof.REACHED, "eof_error"), silence(), through(Proof.HANDSHAKEN)), Status.UNREACHABLE),
    ],
)
def test_a_second_vantage_needs_two_silences_a_handshake_and_one_minute(
    tries: tuple[Any, ...], status: Status
) -> None:
    (found,) = conclude([option("a", "dot", *tries)], network()).options
    assert found.status is status


def test_latency_leaves_out_connects_that_a_middlebox_answered() -> None:
    row = option("a", "dot", attempt(step="connect"))
    (plain,) = conclude([row], network()).options
    (proxied,) = conclude([row], network(tcp_proxied=True)).options
    assert plain.latency_ms is not None
    assert proxied.latency_ms is not None
    assert (plain.latency_ms.median, proxied.latency_ms.median) == (100.0, 0.0)


def test_nothing_is_known_of_what_was_not_tried() -> None:
    (found,) = conclude([option("a")], network(), held_back={"a": Reason.ENOUGH}).options
    assert (found.status, found.reason) == (Status.NOT_RUN, Reason.ENOUGH)
    assert (found.success.p, found.success.p_low, found.latency_ms, found.failure) == (None, None, None, None)


def test_a_reason_goes_when_the_option_speaks_for_itself() -> None:
    row = option("a", "dot", attempt(), reason=Reason.BUDGET, reason_detail="of bytes")
    (found,) = conclude([row], network()).options
    assert (found.status, found.reason, found.reason_detail) == (Status.WORKS, None, None)


def test_throttled_needs_a_line_that_does_ten_times_more_elsewhere() -> None:
    slow = at("alpha", "socks5", attempt(Proof.SUSTAINED, down_kbps=30.0))
    fast = at("beta", "socks5", attempt(Proof.SUSTAINED, down_kbps=3000.0))
    same = at("alpha", "http-connect", attempt(Proof.SUSTAINED, down_kbps=3000.0))
    assert conclude([slow, fast], network()).options[0].status is Status.DEGRADED
    assert conclude([slow, same], network()).options[0].status is Status.WORKS
    assert conclude([slow], network()).options[0].status is Status.WORKS


ATTEMPTS = st.sampled_from(
    [
        attempt(),
        attempt(Proof.SUSTAINED, down_kbps=900.0),
        attempt(Proof.CARRIED, "truncated_after_n_bytes", cut_bytes=16000),
        silence(),
        silence(counted=False, why="the deadline came"),
        attempt(Proof.NONE, "connection_reset"),
        attempt(Proof.NONE, "ssl_unknown_authority", detail={"top_issuer": "State Root"}),
        attempt(Proof.REACHED, "wrong_answer"),
        refused(authenticated=True),
        through(Proof.HANDSHAKEN),
    ]
)
KINDS = st.sampled_from(["dot", "doh", "doq", "doh3", "dns-udp", "socks5", "https", "stun"])


@given(st.lists(st.tuples(KINDS, st.lists(ATTEMPTS, max_size=4)), max_size=8), st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_conclusion_concluded_again_is_itself(rows: list[tuple[str, list[Any]]], catalogue: bool) -> None:
    options = [
        option(f"o{number}", kind, *tries, origin="catalogue" if catalogue else "user")
        for number, (kind, tries) in enumerate(rows)
    ]
    once = conclude(options, network(routes={"online": True, "ipv6": True}))
    stored = msgspec.json.decode(msgspec.json.encode(once.options), type=tuple[OptionReport, ...])
    again = conclude(stored, once.network)
    assert again.options == once.options
    assert again.network == once.network


@given(st.lists(ATTEMPTS, max_size=4))
@settings(max_examples=80, deadline=None)
def test_a_failure_is_given_for_all_but_what_works_and_was_not_run(tries: list[Any]) -> None:
    (found,) = conclude([option("a", "dot", *tries)], network()).options
    assert (found.failure is None) == (found.status in {Status.WORKS, Status.NOT_RUN})
    assert (found.reason is not None) == (found.status is Status.NOT_RUN)
    assert (found.evidence is not None) == (found.status is Status.BLOCKED)
