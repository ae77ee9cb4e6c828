"""From observations to verdicts: the one function that the check, and every re-reading of a report, goes through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from circumvent.diagnose import rules_line, rules_names, rules_tls
from circumvent.diagnose.look import Look, best_proof, carried, counted, silent
from circumvent.diagnose.rules import all_findings
from circumvent.diagnose.state import decide_state
from circumvent.diagnose.verdict import Circumstances, Verdict, decide
from circumvent.model.kinds import KINDS
from circumvent.model.report import Latency, Network, OptionReport, Success, Throughput
from circumvent.model.words import Evidence, FindingKind, NetworkState, Proof, Reason, UdpState
from circumvent.rank.score import lower_median, observe, success_rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from circumvent.model.report import Finding

#: States in which nothing was learned about servers: no option is blocked.
NO_WAY_OUT = frozenset(
    {
        NetworkState.NATIONAL_ONLY,
        NetworkState.LOCAL_ONLY,
        NetworkState.CAPTIVE_PORTAL,
        NetworkState.OFFLINE,
    }
)
#: Findings that show filtering.
FILTERING = frozenset(
    {
        FindingKind.DNS_INJECTION,
        FindingKind.DNS_LYING_RESOLVER,
        FindingKind.DNS_REDIRECTED,
        FindingKind.DNS_BLOCKED,
        FindingKind.UDP_BLOCKED,
        FindingKind.QUIC_BLOCKED,
        FindingKind.TLS_INTERCEPTION,
        FindingKind.FLOW_CUT,
    }
)
#: What a verdict writes into the detail of an option; a report that is read again gets new ones.
VERDICT_DETAILS = frozenset({"limit", "cut_bytes", "kbps", "authenticated", "lies", "honesty", "idle"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """Options with their verdicts, and the network with its state and findings."""

    options: tuple[OptionReport, ...]
    network: Network


def conclude(
    options: Sequence[OptionReport],
    network: Network,
    *,
    held_back: Mapping[str, Reason] | None = None,
    final: bool = True,
) -> Conclusion:
    """Diagnose observations.

    ``options`` bring their attempts (verdicts in them are ignored), ``network`` its facts; ``held_back`` says why
    an option was tried no further, default what the options say themselves.
    """
    held = held_back if held_back is not None else {one.id: one.reason for one in options if one.reason}
    look = Look(options, network.facts)
    found, absent = all_findings(look)
    kinds = {one.kind for one in found}
    evidence = _evidence(look, found)
    state = decide_state(look, filtering=bool(kinds & FILTERING) or bool(evidence), final=final)
    if look.fact("state") != state:
        look = Look(options, {**network.facts, "state": state.value})
        found, absent = all_findings(look)
    liars = rules_names.liars(look)
    line = _Line.of(options)
    decided = tuple(
        _report(
            option,
            decide(
                option.attempts,
                Circumstances(
                    held_back=held.get(option.id),
                    line_kbps=_other_rate(line, look, option),
                    lies=option.id in liars,
                    evidence=evidence.get(option.id),
                    no_way_out=state in NO_WAY_OUT,
                ),
            ),
            liars.get(option.id),
            without_connect=bool(look.fact("tcp_proxied")),
        )
        for option in options
    )
    return Conclusion(
        options=decided,
        network=msgspec.structs.replace(
            network,
            state=state,
            findings=tuple(found),
            not_seen=tuple(absent),
            not_tested=_not_tested(options, found, absent),
            ipv4=_family(look, "ipv4"),
            ipv6=False if FindingKind.IPV6_BROKEN in kinds else _family(look, "ipv6"),
            udp=_udp(look, found),
            clock_skew_s=look.fact("clock", "skew_s"),
        ),
    )


def _evidence(look: Look, found: Sequence[Finding]) -> dict[str, Evidence]:
    """Return what a block of each option would rest on: E1 before E3 before the class."""
    evidence: dict[str, Evidence] = {}
    udp = any(
        one.kind is FindingKind.UDP_BLOCKED and rules_line.NO_UDP_THERE in one.ruled_out for one in found
    )
    quic_ports = _ports_without_quic(found)
    for option in look.options:
        if option.baseline or carried(option) or not counted(option):
            continue
        traits = KINDS[option.kind]
        if udp and rules_line.is_datagram(option) and silent(option):
            evidence[option.id] = Evidence.CLASS
        if traits.quic and rules_line.port_of(option) in quic_ports and silent(option):
            evidence[option.id] = Evidence.CLASS
        if _second_vantage(option):
            evidence[option.id] = Evidence.SECOND_VANTAGE
    for options in rules_tls.intercepted(look).values():
        evidence.update({option.id: Evidence.FORGED for option in options if not option.baseline})
    evidence.update(dict.fromkeys(rules_names.forged(look), Evidence.FORGED))
    evidence.update(dict.fromkeys(rules_tls.behind_block_pages(look), Evidence.FORGED))
    return evidence


def _ports_without_quic(found: Sequence[Finding]) -> frozenset[str]:
    """Return the ports on which QUIC is blocked as a class.

    A class rests on endpoints that are known to be up: servers that may never have spoken QUIC are not.
    """
    return frozenset(
        str(port)
        for one in found
        if one.kind is FindingKind.QUIC_BLOCKED and rules_line.NO_QUIC_THERE in one.ruled_out
        for port in one.detail["ports"]
    )


def _second_vantage(option: OptionReport) -> bool:
    """Tell whether its handshake passed through another option, and failed here twice without a byte from it.

    Within 60 s; an endpoint that answered us in this run and then fell silent may have shut us out itself.
    """
    tries = counted(option)
    if len(tries) < 2 or best_proof(option) is not Proof.NONE:
        return False
    through = [
        one for one in option.attempts if one.why == "second vantage" and one.proof.at_least(Proof.HANDSHAKEN)
    ]
    return any(abs(one.t - tries[-1].t0) <= 60 for one in through)


def _report(
    option: OptionReport, verdict: Verdict, lie: str | None, *, without_connect: bool
) -> OptionReport:
    tries = counted(option)
    ok = sum(one.carried for one in tries)
    p, p_low = success_rate(ok, len(tries))
    seen = observe(tries, without_connect=without_connect)
    kept = {name: value for name, value in option.detail.items() if name not in VERDICT_DETAILS}
    detail: dict[str, Any] = {**kept, **verdict.detail}
    if lie is not None:
        detail |= {"lies": True, "honesty": lie}
    idle = _idle(option)
    if idle is not None:
        detail["idle"] = idle
    return msgspec.structs.replace(
        option,
        status=verdict.status,
        proof=verdict.proof,
        reason=verdict.reason,
        reason_detail=option.reason_detail if verdict.reason is not None else None,
        evidence=verdict.evidence,
        failure=verdict.failure,
        success=Success(trials=len(tries), ok=ok, p=_rounded(p), p_low=_rounded(p_low)),
        latency_ms=_latency(seen.latencies),
        throughput_kbps=_throughput(option),
        detail=detail,
    )


def _idle(option: OptionReport) -> dict[str, Any] | None:
    """Return what came of the idle minute: ``seconds``, and ``failure`` (a word or ``None``) or why it was not tried."""
    steps = [one.step("idle") for one in option.attempts if one.why == "idle minute"]
    step = next((one for one in steps if one is not None), None)
    if step is None:
        return None
    about: dict[str, Any] = {
        name: step.detail[name] for name in ("seconds", "unavailable") if name in step.detail
    }
    return {**about, "failure": None if step.failure is None else step.failure.error}


def _latency(seconds: Sequence[float]) -> Latency | None:
    if not seconds:
        return None
    return Latency(
        median=round(lower_median(seconds) * 1000, 1),
        min=round(min(seconds) * 1000, 1),
        max=round(max(seconds) * 1000, 1),
    )


def _throughput(option: OptionReport) -> Throughput | None:
    down = [one.down_kbps for one in counted(option) if one.down_kbps is not None]
    up = [one.up_kbps for one in counted(option) if one.up_kbps is not None]
    if not down and not up:
        return None
    return Throughput(
        down=round(lower_median(down), 1) if down else None, up=round(lower_median(up), 1) if up else None
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """The best rate (kbit/s) measured to each place, the fastest place first."""

    rates: Sequence[tuple[str, float]]

    @classmethod
    def of(cls, options: Sequence[OptionReport]) -> _Line:
        best: dict[str, float] = {}
        for option in options:
            for attempt in counted(option):
                if attempt.down_kbps is not None:
                    place = option.place or option.endpoint
                    best[place] = max(best.get(place, 0.0), attempt.down_kbps)
        return cls(sorted(best.items(), key=lambda one: -one[1]))

    def elsewhere(self, place: str) -> float | None:
        """Return the best rate to any other place."""
        return next((rate for other, rate in self.rates[:2] if other != place), None)


def _other_rate(line: _Line, look: Look, option: OptionReport) -> float | None:
    """Return the rate that an option's own is held against; how fast a resolver finds answers is no rate of the line."""
    if KINDS[option.kind].family == "names":
        return None
    return line.elsewhere(look.place_of[option.id])


def _family(look: Look, family: str) -> bool | None:
    """Tell whether a family works: something answered over it, or it has no route."""
    if any(
        one.family == family and one.proof is not Proof.NONE
        for option in look.options
        for one in option.attempts
    ):
        return True
    route = look.fact("routes", family)
    return None if route is None else False if not route else None


def _udp(look: Look, found: Sequence[Finding]) -> UdpState:
    kinds = {one.kind for one in found}
    if FindingKind.UDP_BLOCKED in kinds:
        return UdpState.BLOCKED
    if FindingKind.UDP_LOSSY in kinds:
        return UdpState.LOSSY
    answered = any(
        best_proof(option) is not Proof.NONE for option in look.options if rules_line.is_datagram(option)
    )
    return UdpState.WORKS if answered else UdpState.UNKNOWN


def _not_tested(
    options: Sequence[OptionReport], found: Sequence[Finding], absent: Sequence[FindingKind]
) -> tuple[str, ...]:
    """Return the kinds of finding that nothing was looked at for, and the families that were not tried."""
    looked = {one.kind for one in found} | set(absent)
    tried = {KINDS[option.kind].family for option in options if counted(option)}
    families = {kind.family for kind in KINDS.values()} - tried
    return (*sorted(families), *(kind.value for kind in FindingKind if kind not in looked))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
