"""Reports of invented networks, one for each form of the end screen."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final

import msgspec

from circumvent.model.kinds import KINDS
from circumvent.model.record import Attempt, Failure, Step
from circumvent.model.report import (
    Bytes,
    Finding,
    Latency,
    Network,
    OptionReport,
    Report,
    RunSettings,
    Success,
    Target,
    Throughput,
    Tool,
)
from circumvent.model.words import (
    Evidence,
    FindingKind,
    NetworkState,
    Proof,
    Reason,
    Scope,
    Status,
    UdpState,
)
from circumvent.rank import advise
from circumvent.say.end import Ending
from circumvent.say.reasons import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_numbers = count(1)


def option(label: str, kind: str = "doh", status: Status = Status.WORKS, **fields: Any) -> OptionReport:
    """An option as a report has it."""
    traits = KINDS[kind]
    host = label.lower().replace(" ", "-") + ".example"
    defaults: dict[str, Any] = {
        "id": f"{kind}-{host}",
        "endpoint": f"{host}:{traits.port}",
        "place": host,
        "proof": Proof.NONE,
    }
    found = OptionReport(
        kind=kind,
        label=label,
        scope=traits.scope,
        exposure=traits.exposure,
        status=status,
        **{**defaults, **fields},
    )
    return msgspec.structs.replace(found, text=text_of(found))


def good(label: str, kind: str, ms: float, *, kbps: float | None = None, **fields: Any) -> OptionReport:
    """An option that works: three tries of three."""
    tries = fields.pop("tries", 3)
    ok = fields.pop("ok", tries)
    attempts = tuple(
        Attempt(
            id=f"a{next(_numbers)}",
            t0=0.1,
            t=0.5,
            proof=Proof.SUSTAINED if index < ok else Proof.NONE,
            latency_ms=ms if index < ok else None,
            failure=None if index < ok else Failure(step="connect", error="generic_timeout_error"),
            down_kbps=kbps,
        )
        for index in range(tries)
    )
    return option(
        label,
        kind,
        fields.pop("status", Status.WORKS),
        proof=fields.pop("proof", Proof.SUSTAINED),
        success=Success(trials=tries, ok=ok, p=0.9, p_low=0.6),
        latency_ms=Latency(median=ms, min=ms, max=ms),
        throughput_kbps=Throughput(down=kbps) if kbps else None,
        attempts=attempts,
        **fields,
    )


def failed(
    label: str, kind: str, status: Status, step: str, error: str, *, detail: str | None = None, **fields: Any
) -> OptionReport:
    """An option that failed twice the same way."""
    failure = Failure(step=step, error=error, detail=detail)
    facts = fields.pop("facts", {})
    seconds = 4.0 if "timeout" in error else 0.031
    tries = tuple(
        Attempt(
            id=f"a{next(_numbers)}",
            t0=0.1,
            t=0.1 + seconds,
            failure=failure,
            steps=(Step(name=step, t0=0.1, t=0.1 + seconds, failure=failure, detail=facts),),
        )
        for _ in range(2)
    )
    return option(
        label, kind, status, failure=failure, success=Success(trials=2, ok=0), attempts=tries, **fields
    )


def waiting(label: str, kind: str, reason: Reason, **fields: Any) -> OptionReport:
    """An option that was not tried."""
    return option(label, kind, Status.NOT_RUN, reason=reason, **fields)


def anchor(number: int, *, domestic: bool = False, up: bool = False) -> OptionReport:
    """A baseline row that was tried."""
    return option(
        f"anchor {number}",
        "https",
        Status.WORKS if up else Status.UNREACHABLE,
        proof=Proof.CARRIED if up else Proof.NONE,
        baseline=True,
        success=Success(trials=2, ok=2 if up else 0),
        detail={"anchor": {"class": "cdn", "network": f"AS{64496 + number % 7}", "domestic": domestic}},
    )


def report(
    state: NetworkState,
    options: Sequence[OptionReport],
    *,
    findings: Sequence[Finding] = (),
    facts: dict[str, Any] | None = None,
    **fields: Any,
) -> Report:
    """A report about these options, ranked as the check ranks."""
    ranked = advise.ranking(options)
    places = {one.id: one.place or one.id for one in options}
    defaults: dict[str, Any] = {
        "id": "0123456789abcdef",
        "started": "2026-11-22T10:00:00Z",
        "duration_s": 6.2,
        "bytes": Bytes(sent=210_000, received=890_000),
        "tool": Tool(version="0.1.0"),
        "settings": RunSettings(deadline_s=30.0, trials=3),
        "ranking": ranked,
        "recommendations": advise.recommendations(options, ranked, places),
    }
    network = Network(
        state=state,
        ipv4=True,
        ipv6=False,
        udp=UdpState.WORKS,
        clock_skew_s=0.3,
        interface="wlan0",
        findings=tuple(findings),
        not_seen=(FindingKind.DNS_INJECTION, FindingKind.TLS_INTERCEPTION),
        not_tested=("voice",),
        facts=facts or {},
    )
    return Report(network=network, options=tuple(options), **{**defaults, **fields})


def filtered() -> Report:
    """A network that drops QUIC and cuts flows: some of everything."""
    findings = (
        Finding(
            id="f1",
            kind=FindingKind.QUIC_BLOCKED,
            confidence=0.95,
            summary="Drops QUIC (0 of 6 places answered; TCP to the same places did).",
            evidence=("a1", "a2"),
            ruled_out=("dead servers", "no QUIC there", "all UDP dropped"),
        ),
        Finding(
            id="f2",
            kind=FindingKind.FLOW_CUT,
            confidence=0.8,
            summary="Stops downloads after about 16 kB (3 times).",
            evidence=("a3",),
            ruled_out=("one server alone",),
            remaining=("a limit of the servers",),
        ),
    )
    options = (
        good("amsterdam", "socks5", 88.0, kbps=6000.0, origin="user"),
        good("helsinki", "socks5", 130.0, kbps=4200.0, status=Status.UNSTABLE, tries=3, ok=2, origin="user"),
        good("vienna", "http-connect", 96.0, status=Status.DEGRADED, detail={"limit": "cut", "cut_bytes": 16100}, proof=Proof.CARRIED),
        good("prague", "http-connect", 240.0, kbps=48.0, status=Status.DEGRADED, detail={"limit": "slow"}),
        *(good(f"Resolver {n}", "doh", 60.0 + n, kbps=900.0) for n in range(1, 6)),
        good("Quad9", "dot", 70.0),
        good("Example page", "https", 66.0, kbps=7700.0),
        good("oslo", "stun", 31.0, proof=Proof.CARRIED),
        option(
            "Liar", "dns-udp", Status.DEGRADED, proof=Proof.CARRIED, success=Success(trials=2, ok=2),
            failure=Failure(step="honesty", error="wrong_answer"), detail={"limit": "wrong_answer", "honesty": "one address for all names"},
        ),
        failed("Cloudflare", "doh", Status.BLOCKED, "tls_handshake", "connection_reset", evidence=Evidence.SECOND_VANTAGE),
        failed("Google", "doh3", Status.BLOCKED, "quic_handshake", "generic_timeout_error", evidence=Evidence.CLASS),
        failed("AdGuard", "doq", Status.BLOCKED, "quic_handshake", "generic_timeout_error", evidence=Evidence.CLASS),
        failed("athens", "dot", Status.UNREACHABLE, "connect", "generic_timeout_error"),
        failed("warsaw", "dot", Status.UNREACHABLE, "connect", "connection_refused"),
        failed("dublin", "socks5", Status.UNREACHABLE, "connect", "generic_timeout_error", origin="user"),
        failed(
            "lisbon", "dot", Status.UNREACHABLE, "tls_handshake", "ssl_unknown_authority", facts={"top_issuer": "Firewall Root CA"}
        ),
        failed("madrid", "http-connect", Status.REFUSED, "proxy_handshake", "auth_rejected", detail="it asks for a password (Basic)"),
        waiting("sofia", "doh", Reason.NO_FAMILY, reason_detail="this network has no IPv6"),
        waiting("private-name", "dot", Reason.NAME_PRIVATE),
    )  # fmt: skip
    targets = (
        Target(name="www.example.org", direct=Status.BLOCKED, least_sufficient=("doh-resolver-1.example",)),
        Target(name="example.com", direct=Status.WORKS),
        Target(name="example.net", direct=Status.UNREACHABLE),
    )
    return report(NetworkState.FILTERED, options, findings=findings, targets=targets)


def open_() -> Report:
    """A network without filtering."""
    options = (
        good("amsterdam", "socks5", 61.0, kbps=41000.0, origin="user"),
        *(good(f"Resolver {n}", "dot", 19.0 + n) for n in range(1, 3)),
        waiting("sofia", "doh", Reason.NO_FAMILY),
    )
    rows = [anchor(n, up=True) for n in range(14)]
    return report(NetworkState.OPEN, (*options, *rows))


def nothing_works() -> Report:
    """A network on which what was tried gets nowhere, and other hosts answer."""
    options = (
        failed("dublin", "socks5", Status.UNREACHABLE, "connect", "generic_timeout_error", origin="user"),
        failed("madrid", "http-connect", Status.REFUSED, "proxy_handshake", "auth_rejected", origin="user"),
    )
    settings = RunSettings(deadline_s=30.0, trials=3, builtin=False)
    return report(NetworkState.FILTERED, (*options, anchor(1, up=True)), settings=settings)


def national_only() -> Report:
    """Only domestic hosts answer."""
    options = [
        failed(f"Resolver {n}", "doh", Status.UNREACHABLE, "connect", "generic_timeout_error")
        for n in range(45)
    ]
    options += [waiting("sofia", "doh", Reason.NO_FAMILY)]
    rows = [anchor(n) for n in range(12)] + [anchor(n + 20, domestic=True, up=True) for n in range(5)]
    return report(NetworkState.NATIONAL_ONLY, (*options, *rows), duration_s=8.4)


def offline() -> Report:
    """No network at all."""
    options = [waiting(f"Resolver {n}", "doh", Reason.OFFLINE) for n in range(20)]
    facts = {"routes": {"ipv4": False, "ipv6": False, "online": False, "carrier": False}}
    return report(NetworkState.OFFLINE, options, facts=facts, bytes=Bytes(), duration_s=0.1)


def local_only() -> Report:
    """A router that answers, and nothing behind it."""
    options = [
        failed(f"Resolver {n}", "doh", Status.UNREACHABLE, "connect", "generic_timeout_error")
        for n in range(4)
    ]
    return report(NetworkState.LOCAL_ONLY, (*options, *(anchor(n) for n in range(12))), duration_s=9.0)


def portal() -> Report:
    """A network that wants a sign-in."""
    options = [
        failed(f"Resolver {n}", "doh", Status.UNREACHABLE, "connect", "connection_refused") for n in range(4)
    ]
    facts = {"portal": {"pages": 2, "of": 2, "answered": 2, "caught": True, "where": "10.20.0.1"}}
    finding = Finding(
        id="f1",
        kind=FindingKind.CAPTIVE_PORTAL,
        confidence=0.95,
        summary="Asks you to sign in (a page from 10.20.0.1 came back).",
    )
    return report(NetworkState.CAPTIVE_PORTAL, options, facts=facts, findings=[finding], duration_s=0.7)


def unknown() -> Report:
    """Too little was heard to tell what the network is; a wrong clock and a VPN besides."""
    options = (
        good("amsterdam", "socks5", 61.0, origin="user", tries=1, proof=Proof.CARRIED),
        failed("athens", "dot", Status.UNREACHABLE, "carry", "wrong_answer"),
    )
    findings = (
        Finding(
            id="f1",
            kind=FindingKind.VPN_ALREADY_ON,
            confidence=0.95,
            summary="A VPN is on (wg0): results are those of the VPN.",
        ),
        Finding(
            id="f2",
            kind=FindingKind.CLOCK_SKEW,
            confidence=0.8,
            summary="This device's clock is wrong by 3 hours (behind).",
        ),
    )
    return report(NetworkState.UNKNOWN, (*options, anchor(1), anchor(2, up=True)), findings=findings)


def deadline() -> Report:
    """The time ran out before everything was tried."""
    options = (
        good("amsterdam", "socks5", 61.0, origin="user"),
        *(waiting(f"Resolver {n}", "doh", Reason.DEADLINE) for n in range(3)),
    )
    return report(NetworkState.FILTERED, options, complete=False, duration_s=30.0)


def interrupted() -> Report:
    """Ctrl-C after a second."""
    options = (
        good("amsterdam", "socks5", 88.0, origin="user", tries=1),
        good("Quad9", "dot", 64.0, tries=2),
        *(waiting(f"Resolver {n}", "doh", Reason.INTERRUPTED) for n in range(8)),
        failed("madrid", "http-connect", Status.REFUSED, "proxy_handshake", "auth_rejected", origin="user"),
    )
    return report(NetworkState.UNKNOWN, options, complete=False, duration_s=1.0)


def blocked_option(scope: Scope = Scope.NAMES) -> OptionReport:
    """One blocked option, for tests of single sentences."""
    del scope
    return failed(
        "Cloudflare", "doh", Status.BLOCKED, "tls_handshake", "connection_reset", evidence=Evidence.FORGED
    )


#: Every form of the end screen: its report, and what the command line adds.
FORMS: Final[dict[str, tuple[Callable[[], Report], Ending]]] = {
    "filtered": (filtered, Ending()),
    "filtered-dumped": (
        filtered,
        Ending(dumped="report.json", laws=("A law of Exampleland. (source, 2025-01-01; not legal advice)",)),
    ),
    "open": (open_, Ending()),
    "nothing-works": (nothing_works, Ending()),
    "national-only": (national_only, Ending()),
    "offline": (offline, Ending()),
    "local-only": (local_only, Ending()),
    "portal": (portal, Ending()),
    "unknown": (unknown, Ending(kept=True)),
    "deadline": (deadline, Ending()),
    "interrupted": (interrupted, Ending(interrupted=True)),
}
