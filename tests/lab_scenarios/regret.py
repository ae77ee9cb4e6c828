"""What a recommendation costs beside the best one: its true score minus the best true score.

The true score of an option is worked out from its scenario alone, and from nothing that a check measured: the seconds
in which 64 KiB come down through it, on this link, when nothing is lost::

    round trips of its protocol * round trip of the link + 64 KiB / rate of the link + limits

where the round trips are those until the first carried byte, and ``limits`` are 5 s if the truth allows only promises
with limits (``degraded``, ``unstable``), which is what a cut costs in the score of a report. An option that can't
work has no score: recommending it is counted as a mistake of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.lab.scenario_world import world_of
from circumvent.lab.truth import PROMISES, name_of
from circumvent.lab.world.description import Connect, Socks
from circumvent.model.words import Scope, Status
from circumvent.rank.score import CUT_COST, GOAL_KIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.lab.run import Result
    from circumvent.lab.scenario import Scenario
    from circumvent.lab.world.description import World

#: Round trips until the first carried byte, as the protocols have them: TCP 1, TLS 1.3 1, QUIC 1, then a question.
ROUND_TRIPS: Final = {
    "dns-udp": 1,
    "dns-tcp": 2,
    "dot": 3,
    "doh": 3,
    "doh3": 2,
    "doq": 2,
    "dnscrypt": 2,  # its certificate, a question
    "odoh": 4,  # the target's key, a question
    "https": 3,
    "h3": 2,
    "socks5": 5,  # TCP, method, request; then TLS and a question to the control
    "socks4a": 4,
    "http-connect": 4,
    "wireguard": 2,  # its handshake, a question inside
    "starlink": 3,  # a control through it: TCP, TLS, a question
    "tor": 5,  # TCP, TLS, the link, a circuit, a descriptor
    "obfs4": 6,
    "webtunnel": 7,  # TCP, TLS, an upgrade; then as tor inside
    "meek": 7,  # TCP, TLS, a poll; then as tor inside
    "openvpn": 6,  # reset, TLS, keys, addresses, a question inside
}


@dataclass(frozen=True, slots=True)
class Regret:
    """One recommendation: its scope, whose it is, the seconds it costs beside ``best``."""

    scope: Scope
    label: str
    best: str
    seconds: float


def true_score(kind: str, label: str, scenario: Scenario, world: World) -> float:
    """Return the true score of an option in seconds; infinite if it can't work."""
    entry = scenario.truth.of(label)
    promised = PROMISES & set(entry.statuses) if entry is not None else frozenset()
    if not promised:
        return math.inf
    link = scenario.link
    trips = ROUND_TRIPS[kind] + _more(kind, label, world)
    seconds = trips * (link.up.delay + link.down.delay)
    seconds += 0.0 if link.down.rate is None else GOAL_KIB * 1024 / link.down.rate
    return seconds if Status.WORKS in promised else seconds + CUT_COST


def regrets(result: Result, scenario: Scenario) -> Iterator[Regret]:
    """Return the regret of the best recommendation of each scope, the top one first.

    Where something must work in a scope and nothing is recommended, the regret is infinite. Voice has no
    recommendations.
    """
    world = world_of(scenario)
    options = [option for option in result.report.options if not option.baseline]
    told = {one.scope: one.id for one in result.report.recommendations if one.because == "best"}
    for scope in Scope:
        scores = {
            option.id: true_score(option.kind, name_of(option), scenario, world)
            for option in options
            if option.scope is scope and scope is not Scope.VOICE
        }
        names = {option.id: name_of(option) for option in options}
        best = min(scores, key=lambda one: (scores[one], names[one]), default=None)
        if best is None or (math.isinf(scores[best]) and scope not in told):
            continue
        chosen = told.get(scope)
        if chosen is None:
            if _must_work(names[best], scenario):
                yield Regret(scope, "nothing", names[best], math.inf)
            continue
        seconds = scores[chosen] - scores[best] if math.isfinite(scores[best]) else math.inf
        yield Regret(scope, names[chosen], names[best], seconds)


def _must_work(label: str, scenario: Scenario) -> bool:
    entry = scenario.truth.of(label)
    return entry is not None and tuple(entry.statuses) == (Status.WORKS,)


def _more(kind: str, label: str, world: World) -> int:
    """Return the round trips that this very option needs more: TLS to a proxy, a password for SOCKS 5."""
    if kind not in ("http-connect", "socks5"):
        return 0
    _, host, *notes = label.split()
    services = world.server(host).services
    if kind == "http-connect":
        return int("tls" in notes and any(isinstance(one, Connect) and one.tls for one in services))
    wants = any(isinstance(one, Socks) and one.password is not None for one in services)
    return int(kind == "socks5" and wants)
