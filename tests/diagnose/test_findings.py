"""Findings: given what these places did, expect this finding, this certainty, or none."""

from __future__ import annotations

import pytest

from circumvent.diagnose import rules_line, rules_tls
from circumvent.diagnose.conclude import conclude
from circumvent.diagnose.findings import NOT_SEEN
from circumvent.diagnose.look import Look
from circumvent.diagnose.rules import all_findings
from circumvent.model.report import Finding, Network, OptionReport
from circumvent.model.words import FindingKind, NetworkState, Proof, Status
from tests.diagnose.build import attempt, option, silence, tls

SITES = ("alpha", "beta", "gamma")


def at(place: str, kind: str, *attempts: object, **fields: object) -> OptionReport:
    return option(f"{place}-{kind}", kind, *attempts, place=place, **fields)  # type: ignore[arg-type]  # the fields of each test


def dark_udp(kind: str) -> list[OptionReport]:
    """Three places that answer over TCP and are silent to ``kind``."""
    return [
        one for site in SITES for one in (at(site, "dot", attempt()), at(site, kind, silence(), silence()))
    ]


def dark_ports(**fields: str) -> list[OptionReport]:
    """The same, silent on two ports of each place."""
    again = [at(site, "dns-udp", silence(), silence(), **fields) for site in SITES]
    return [*dark_udp("doq"), *again]


def test_udp_blocked_needs_three_places_that_answer_over_tcp() -> None:
    found = rules_line.udp_blocked(Look(dark_ports(), {}))
    assert isinstance(found, Finding)
    assert found.confidence == 0.95
    assert rules_line.udp_blocked(Look(dark_ports()[:4], {})) is None


def test_one_port_is_not_all_of_udp() -> None:
    assert rules_line.udp_blocked(Look(dark_udp("doq"), {})) is None


def test_a_users_own_servers_may_offer_nothing_over_udp() -> None:
    mine = [
        at(site, kind, *tries, origin="user")
        for site in SITES
        for kind, tries in (
            ("dot", (attempt(),)),
            ("doq", (silence(), silence())),
            ("dns-udp", (silence(), silence())),
        )
    ]
    seen = conclude(mine, Network(state=NetworkState.UNKNOWN))
    (found,) = (one for one in seen.network.findings if one.kind is FindingKind.UDP_BLOCKED)
    assert found.remaining == ("no UDP service there",)
    assert Status.BLOCKED not in {one.status for one in seen.options}


def test_one_datagram_back_and_udp_is_not_blocked() -> None:
    look = Look([*dark_ports(), at("delta", "stun", attempt())], {})
    assert rules_line.udp_blocked(look) == NOT_SEEN


def test_the_networks_own_resolver_says_nothing_about_the_way_out() -> None:
    own = option("own", "dns-udp", attempt(), detail={"system_resolver": True})
    assert isinstance(rules_line.udp_blocked(Look([*dark_ports(), own], {})), Finding)


def test_silence_seen_once_is_no_class() -> None:
    once = [one for site in SITES for one in (at(site, "dot", attempt()), at(site, "doq", silence()))]
    assert rules_line.udp_blocked(Look(once, {})) is None


def test_dead_places_are_no_finding() -> None:
    dead = [
        one
        for site in SITES
        for one in (at(site, "dot", silence(), silence()), at(site, "doq", silence(), silence()))
    ]
    assert rules_line.udp_blocked(Look(dead, {})) is None


def test_quic_blocked_where_other_udp_passes() -> None:
    look = Look([*dark_udp("doh3"), at("delta", "dns-udp", attempt())], {})
    found = rules_line.quic_blocked(look)
    assert isinstance(found, Finding)
    assert found.confidence == 0.95
    assert rules_line.udp_blocked(look) == NOT_SEEN


def test_quic_blocked_gives_way_to_udp_blocked() -> None:
    assert rules_line.quic_blocked(Look([*dark_ports(), *dark_udp("doh3")], {})) is None


def test_a_users_own_server_may_not_speak_quic() -> None:
    mine = [
        one
        for site in SITES
        for one in (at(site, "dot", attempt()), at(site, "doh3", silence(), silence(), origin="user"))
    ]
    found = rules_line.quic_blocked(Look([*mine, at("delta", "dns-udp", attempt())], {}))
    assert isinstance(found, Finding)
    assert found.confidence == 0.8
    assert "no QUIC there" in found.remaining


def test_three_places_of_the_catalogue_are_a_class_whatever_else_the_user_named() -> None:
    mine = at("delta", "doh3", silence(), silence(), origin="user")
    up = (at("delta", "dot", attempt()), at("delta", "dns-udp", attempt()))
    seen = conclude([*dark_udp("doh3"), mine, *up], Network(state=NetworkState.UNKNOWN))
    assert {one.status for one in seen.options if one.kind == "doh3"} == {Status.BLOCKED}
    two = [one for one in dark_udp("doh3") if one.place != at(SITES[0], "doh3").place]
    few = conclude([*two, mine, *up], Network(state=NetworkState.UNKNOWN))
    assert {one.status for one in few.options if one.kind == "doh3"} == {Status.UNREACHABLE}


def test_ports_are_looked_at_apart() -> None:
    answers = at("alpha", "doq", attempt())
    found = rules_line.quic_blocked(Look([*dark_udp("doh3"), answers], {}))
    assert isinstance(found, Finding)
    assert found.detail["ports"] == ["443"]
    assert "on port 443" in found.summary
    mixed = Look([*dark_udp("doh3"), at("alpha", "doh3", attempt()), answers], {})
    assert rules_line.quic_blocked(mixed) == NOT_SEEN


def test_only_servers_that_are_known_to_speak_quic_make_a_class() -> None:
    def verdicts(origin: str) -> set[Status]:
        mine = [
            one
            for site in SITES
            for one in (at(site, "dot", attempt()), at(site, "doh3", silence(), silence(), origin=origin))
        ]
        seen = conclude([*mine, at("delta", "dns-udp", attempt())], Network(state=NetworkState.UNKNOWN))
        assert FindingKind.QUIC_BLOCKED in {one.kind for one in seen.network.findings}
        return {one.status for one in seen.options if one.kind == "doh3"}

    assert verdicts("user") == {Status.UNREACHABLE}
    assert verdicts("catalogue") == {Status.BLOCKED}


def test_a_resolver_that_is_slow_to_answer_is_not_throttled() -> None:
    fast = at("alpha", "socks5", attempt(Proof.SUSTAINED, down_kbps=5000.0))
    slow = {kind: at("beta", kind, attempt(Proof.SUSTAINED, down_kbps=50.0)) for kind in ("doh", "socks5")}
    seen = conclude([fast, *slow.values()], Network(state=NetworkState.UNKNOWN))
    status = {one.id: one.status for one in seen.options}
    assert status["beta-doh"] is Status.WORKS
    assert status["beta-socks5"] is Status.DEGRADED


def test_loss_at_three_places_is_lossy_udp() -> None:
    def voice(site: str, lost: int) -> OptionReport:
        heard = attempt(step="sustain_down", detail={"sent": 50, "lost": lost})
        return at(site, "stun", heard)

    lossy = [voice(site, 20) for site in SITES]
    found = rules_line.udp_lossy(Look([*lossy, at("tcp", "dot", attempt())], {}))
    assert isinstance(found, Finding)
    assert "60 of 150" in found.summary
    assert rules_line.udp_lossy(Look([voice(site, 1) for site in SITES], {})) == NOT_SEEN
    sound = [voice(f"sound-{number}", 0) for number in range(4)]
    assert rules_line.udp_lossy(Look([*lossy, *sound], {})) == NOT_SEEN
    a_little = [voice(site, 7) for site in SITES]
    assert rules_line.udp_lossy(Look([*a_little, *sound[:3]], {})) == NOT_SEEN, "21 of 300: a busy moment"


def test_flows_cut_at_the_same_size_at_two_places() -> None:
    def cut(site: str, size: int) -> OptionReport:
        return at(
            site,
            "socks5",
            attempt(Proof.CARRIED, "truncated_after_n_bytes", step="sustain_down", cut_bytes=size),
        )

    passes = at("far", "socks5", attempt(Proof.SUSTAINED, step="sustain_down"))
    found = rules_line.flow_cut(Look([cut("a", 16_000), cut("b", 16_900), passes], {}))
    assert isinstance(found, Finding)
    assert found.confidence == 0.95
    alone = rules_line.flow_cut(Look([cut("a", 16_000), cut("b", 16_900)], {}))
    assert isinstance(alone, Finding)
    assert alone.remaining == ("a limit of the servers",)
    assert rules_line.flow_cut(Look([cut("a", 16_000), cut("b", 60_000)], {})) is None
    assert rules_line.flow_cut(Look([passes], {})) == NOT_SEEN


def test_what_stands_still_over_lossy_udp_was_not_cut() -> None:
    stalled = [
        at(
            site,
            "doq",
            attempt(Proof.CARRIED, "generic_timeout_error", step="sustain_down", cut_bytes=18_000),
        )
        for site in SITES
    ]
    tcp = at("tcp", "dot", attempt(Proof.SUSTAINED, step="sustain_down"))
    lossy = [
        at(site, "stun", attempt(step="sustain_down", detail={"sent": 50, "lost": 20})) for site in SITES
    ]
    assert rules_line.flow_cut(Look([*stalled, tcp, *lossy], {})) == NOT_SEEN
    assert isinstance(rules_line.flow_cut(Look([*stalled, tcp], {})), Finding)


def intercepted(site: str, issuer: str, **fields: object) -> OptionReport:
    bad = attempt(
        Proof.REACHED, "ssl_unknown_authority", step="tls_handshake", detail={"top_issuer": issuer, "os_trusted": False},
        fidelity=tls(),
    )  # fmt: skip
    return at(site, "https", bad, operator=site, **fields)


def test_the_same_unknown_issuer_at_two_operators_is_interception() -> None:
    found = rules_tls.tls_interception(Look([intercepted("a", "Corp CA"), intercepted("b", "Corp CA")], {}))
    assert isinstance(found, Finding)
    assert "Corp CA" in found.summary


@pytest.mark.parametrize(
    "options",
    [
        [intercepted("a", "Corp CA")],
        [intercepted("a", "One CA"), intercepted("b", "Other CA")],
        [intercepted("a", "Corp CA", origin="user"), intercepted("b", "Corp CA", origin="user")],
    ],
)
def test_one_operator_other_issuers_or_a_users_own_server_are_not(options: list[OptionReport]) -> None:
    assert not isinstance(rules_tls.tls_interception(Look(options, {})), Finding)


def test_ipv6_that_loses_every_race_is_broken() -> None:
    def host(site: str) -> OptionReport:
        late = attempt(Proof.NONE, counted=False, family="ipv6", t0=0.0, t=0.31)
        return at(site, "dot", attempt(), late)

    routes = {"routes": {"ipv6": True}}
    found = rules_line.ipv6_broken(Look([host(site) for site in SITES], routes))
    assert isinstance(found, Finding)
    works = at("delta", "dot", attempt(family="ipv6"))
    assert rules_line.ipv6_broken(Look([*(host(site) for site in SITES), works], routes)) == NOT_SEEN
    assert rules_line.ipv6_broken(Look([host(site) for site in SITES], {"routes": {"ipv6": False}})) is None


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"portal": {"caught": True, "pages": 2, "where": "10.0.0.1"}}, FindingKind.CAPTIVE_PORTAL),
        ({"vpn": {"on": True, "interface": "wg0"}}, FindingKind.VPN_ALREADY_ON),
        ({"clock": {"skew_s": -172800.0, "operators": 3}}, FindingKind.CLOCK_SKEW),
        ({"tcp_proxied": True}, FindingKind.TCP_PROXIED),
        ({"state": "national_only"}, FindingKind.NATIONAL_ONLY),
        ({"state": "offline"}, FindingKind.OFFLINE),
    ],
)
def test_facts_become_findings(facts: dict[str, object], kind: FindingKind) -> None:
    seen, _ = all_findings(Look([], facts))
    assert [one.kind for one in seen] == [kind]
    assert seen[0].id == "f1"


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"portal": {"caught": False}}, FindingKind.CAPTIVE_PORTAL),
        ({"vpn": {"on": False}}, FindingKind.VPN_ALREADY_ON),
        ({"clock": {"skew_s": 0.3, "operators": 3}}, FindingKind.CLOCK_SKEW),
        ({"tcp_proxied": False}, FindingKind.TCP_PROXIED),
    ],
)
def test_looked_for_and_not_seen_is_said(facts: dict[str, object], kind: FindingKind) -> None:
    seen, absent = all_findings(Look([], facts))
    assert seen == []
    assert kind in absent


def test_without_observations_nothing_is_claimed_and_nothing_denied() -> None:
    assert all_findings(Look([], {})) == ([], [])
