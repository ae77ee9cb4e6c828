"""What this network is and does: the first lines of a screen, and how that was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from circumvent.model.words import FindingKind, NetworkState, Proof
from circumvent.say.blocks import Point
from circumvent.say.language import _
from circumvent.say.words import confidence_word
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.report import Finding, Network, OptionReport, Report

#: States with no way out: nothing was learned about any option.
NO_WAY_OUT: Final = frozenset(
    {
        NetworkState.OFFLINE,
        NetworkState.LOCAL_ONLY,
        NetworkState.CAPTIVE_PORTAL,
        NetworkState.NATIONAL_ONLY,
    }
)
#: Findings about this device, said before anything about the network.
_DEVICE: Final = frozenset({FindingKind.VPN_ALREADY_ON, FindingKind.CLOCK_SKEW})
#: Findings that the first line says already.
_STATES: Final = frozenset({FindingKind.OFFLINE, FindingKind.CAPTIVE_PORTAL, FindingKind.NATIONAL_ONLY})
#: The most characters of a finding's summary.
LONGEST: Final = 300


def device_points(network: Network) -> tuple[Point, ...]:
    """Return what is to be known about this device before anything else."""
    return tuple(_point(one) for one in network.findings if one.kind in _DEVICE)


def network_points(network: Network) -> tuple[Point, ...]:
    """Return what the network does, the surest first; what is less than possible is not shown."""
    return tuple(
        _point(one)
        for one in network.findings
        if one.kind not in _DEVICE | _STATES and confidence_word(one.confidence) is not None
    )


def finding_short(finding: Finding) -> str:
    """Return what was seen without its numbers, as it stands after ``seen:``.

    >>> from circumvent.model.report import Finding
    >>> finding_short(Finding(id="f1", kind="quic_blocked", confidence=0.9, summary="Drops QUIC (0 of 6 answered)."))
    'drops QUIC'
    """
    said = sanitise(finding.summary, LONGEST).partition(" (")[0].rstrip(".")
    return said[:1].lower() + said[1:] if said[1:2].islower() else said


def _point(finding: Finding) -> Point:
    text = sanitise(finding.summary, LONGEST)
    if finding.remaining:
        text += _(" Not ruled out: {others}.").format(
            others=", ".join(sanitise(one) for one in finding.remaining)
        )
    return Point(confidence_word(finding.confidence) or "", text)


def not_decided(report: Report) -> str:
    """Say why the state is unknown."""
    foreign = anchors(report, domestic=False)
    if not foreign:
        return _("No host was asked for comparison.")
    answered = sum(map(_up, foreign))
    return _("{n} of {total} hosts asked for comparison answered; that is too little to tell.").format(
        n=answered, total=len(foreign)
    )


def how_seen(report: Report) -> tuple[Point, ...]:
    """Return what shows a network with no way out."""
    facts = report.network.facts
    match report.network.state:
        case NetworkState.OFFLINE:
            return _offline(report.network, facts)
        case NetworkState.CAPTIVE_PORTAL:
            return (_portal(facts),)
        case NetworkState.LOCAL_ONLY:
            return (
                Point(_("router"), _("it answers (seen in the neighbour table)")),
                Point(_("beyond"), _abroad(report)),
            )
        case _:
            home = anchors(report, domestic=True)
            return (
                Point(
                    _("domestic"),
                    _("{n} of {total} sites answered").format(n=sum(map(_up, home)), total=len(home)),
                ),
                Point(_("abroad"), _abroad(report)),
            )


def anchors(report: Report, *, domestic: bool) -> list[OptionReport]:
    """Return the baseline rows that compare: hosts abroad, or at home."""
    return [
        option
        for option in report.options
        if isinstance(option.detail.get("anchor"), dict)
        and bool(option.detail["anchor"].get("domestic")) is domestic
        and option.success.trials > 0
    ]


def _abroad(report: Report) -> str:
    foreign = anchors(report, domestic=False)
    networks = {str(option.detail["anchor"].get("network")) for option in foreign}
    return _("{n} of {total} addresses in {networks} networks answered").format(
        n=sum(map(_up, foreign)), total=len(foreign), networks=len(networks)
    )


def _offline(network: Network, facts: dict[str, Any]) -> tuple[Point, ...]:
    routes = facts.get("routes")
    known = routes if isinstance(routes, dict) else {}
    name = sanitise(network.interface or "", 20) or _("network")
    if known.get("carrier") is False:
        return (Point(name, _("no cable, and joined to no wireless network")),)
    return (Point(name, _("no route to the internet, neither IPv4 nor IPv6")),)


def _portal(facts: dict[str, Any]) -> Point:
    portal = facts.get("portal")
    known = portal if isinstance(portal, dict) else {}
    where = sanitise(str(known.get("where") or _("this network")), 60)
    said = _(
        "{n} of {total} test pages came back as a page from {where} instead of what they must be"
    ).format(n=_number(known.get("pages")), total=_number(known.get("of")), where=where)
    return Point(_("pages"), said)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _up(option: OptionReport) -> bool:
    return option.proof.at_least(Proof.HANDSHAKEN)


def line_facts(network: Network) -> str:
    """Say in one line what this network has: ``IPv4 yes, IPv6 no, UDP yes, clock right``."""
    told = [_family("IPv4", network.ipv4), _family("IPv6", network.ipv6)]
    told.append(
        {"works": _("UDP yes"), "lossy": _("UDP with losses"), "blocked": _("UDP no")}.get(network.udp, "")
    )
    skew = network.clock_skew_s
    if skew is not None:
        told.append(_("clock right") if abs(skew) < 60 else _("clock wrong"))
    return ", ".join(one for one in told if one)


def _family(name: str, works: bool | None) -> str:
    return (
        ""
        if works is None
        else _("{name} yes").format(name=name)
        if works
        else _("{name} no").format(name=name)
    )


def seen_so_far(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings that are shown while a check runs."""
    return tuple(one for one in findings if one.kind not in _STATES)
