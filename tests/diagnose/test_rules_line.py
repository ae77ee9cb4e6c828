"""Findings about the line itself, beyond those of :mod:`tests.diagnose.test_findings`."""

from __future__ import annotations

from typing import Any

from circumvent.diagnose import rules_line
from circumvent.diagnose.findings import NOT_SEEN
from circumvent.diagnose.look import Look
from circumvent.model.report import Finding
from circumvent.model.words import Proof
from tests.diagnose.build import attempt, option, silence

SITES = ("alpha", "beta", "gamma")


def stalled(**fields: Any) -> Any:
    detail = {"tcp": {"bytes_acked": 518, "bytes_received": 0}}
    return silence("tls_handshake", detail=detail, **fields)


def test_large_packets_that_vanish_at_three_places() -> None:
    rows = [option(site, "dot", stalled()) for site in SITES]
    small = option("small", "dns-udp", attempt())
    found = rules_line.mtu_trouble(Look([*rows, small], {}))
    assert isinstance(found, Finding)
    assert rules_line.mtu_trouble(Look(rows[:2], {})) == NOT_SEEN
    assert rules_line.mtu_trouble(Look([small], {})) is None


def test_on_a_line_that_loses_most_packets_stalls_tell_nothing_of_large_ones() -> None:
    rows = [option(site, "dot", stalled()) for site in SITES]
    again = [option(f"lost-{n}", "dot", attempt(detail={"syn_retransmits": 1})) for n in range(40)]
    assert rules_line.mtu_trouble(Look([*rows, *again], {})) is None
    once = [option(f"first-{n}", "dot", attempt(detail={"syn_retransmits": 0})) for n in range(60)]
    assert isinstance(rules_line.mtu_trouble(Look([*rows, *again, *once], {})), Finding)
    calls = option("call", "stun", attempt(step="voice", detail={"sent": 100, "lost": 90, "loss": 0.9}))
    assert rules_line.mtu_trouble(Look([*rows, calls], {})) is None


def test_a_hello_that_was_never_acknowledged_is_something_else() -> None:
    lost = silence("tls_handshake", detail={"tcp": {"bytes_acked": 1, "bytes_received": 0}})
    assert rules_line.mtu_trouble(Look([option(site, "dot", lost) for site in SITES], {})) == NOT_SEEN


def test_a_clock_that_one_source_calls_wrong_is_less_sure() -> None:
    sure = rules_line.clock_skew(Look([], {"clock": {"skew_s": 172800.0, "operators": 2}}))
    one = rules_line.clock_skew(Look([], {"clock": {"skew_s": -172800.0, "operators": 1}}))
    assert isinstance(sure, Finding)
    assert isinstance(one, Finding)
    assert (sure.confidence, one.confidence) == (0.95, 0.8)
    assert "2 days (ahead)" in sure.summary
    assert "2 days (behind)" in one.summary
    assert rules_line.clock_skew(Look([], {"clock": {"skew_s": 20.0, "operators": 2}})) == NOT_SEEN


def test_a_stun_option_over_tcp_is_no_datagram() -> None:
    assert rules_line.is_datagram(option("a", "stun"))
    assert not rules_line.is_datagram(option("b", "stun", detail={"transport": "tcp"}))
    assert not rules_line.is_datagram(option("c", "dot"))


def test_a_flow_is_cut_only_if_another_passes_or_it_is_less_sure() -> None:
    def cut() -> Any:
        return attempt(Proof.CARRIED, "truncated_after_n_bytes", step="sustain_down", cut_bytes=16000)

    rows = [option("a", "socks5", cut()), option("b", "socks5", cut())]
    passing = option("c", "socks5", attempt(Proof.SUSTAINED))
    less, more = (rules_line.flow_cut(Look(given, {})) for given in (rows, [*rows, passing]))
    assert isinstance(less, Finding)
    assert isinstance(more, Finding)
    assert less.confidence < more.confidence
