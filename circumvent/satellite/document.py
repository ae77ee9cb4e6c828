"""A plan as a document for programs: plain values under English names, with the source and date of every fact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.satellite.facts import Site, System
    from circumvent.satellite.find import Terminal
    from circumvent.satellite.geometry import Place
    from circumvent.satellite.judge import Judgement
    from circumvent.satellite.others import Other
    from circumvent.satellite.plan import NearSite, SystemPlan
    from circumvent.satellite.recognise import TerminalRow


def plan_document(near: str, place: Place, plans: Sequence[SystemPlan]) -> dict[str, Any]:
    """Return what ``circumvent satellite plan --json`` prints; lengths are kilometres, times milliseconds."""
    return {
        "near": {"name": near or None, "latitude": place.latitude, "longitude": place.longitude},
        "systems": [_system(plan) for plan in plans],
    }


def terminal_document(terminal: Terminal, judgement: Judgement, lost: float | None) -> dict[str, Any]:
    """Return what is known of a terminal by its own word: no identity, no position, no version."""
    return {
        "address": terminal.address,
        "interface": terminal.interface,
        "sky": judgement.sky.value,
        "gateway": judgement.gateway.value,
        "broken": None if judgement.broken is None else judgement.broken.value,
        "state": judgement.reason,
        "lost": None if lost is None else round(lost, 3),
        "causes": [
            {
                "cause": found.cause.value,
                "confidence": found.confidence,
                "evidence": dict(found.evidence),
                "ruled_out": [name for name, out in found.alternatives.items() if out],
                "remaining": [name for name, out in found.alternatives.items() if not out],
            }
            for found in judgement.causes
        ],
    }


def other_document(other: Other) -> dict[str, Any]:
    """Return what is known of a terminal that is no dish: what fits it and why; of a router what it says of the dish."""
    router = other.router
    return {
        "address": other.address,
        "interface": other.interface,
        "systems": [
            {
                "model": fit.terminal.slug,
                "name": fit.terminal.name,
                "system": fit.terminal.system,
                "certainty": fit.certainty.value,
                "evidence": dict(fit.evidence),
                **_origin(fit.terminal),
            }
            for fit in other.fits
        ],
        "dish": None
        if router is None
        else {
            "behind": router.has_dish,
            "state": None if router.disabled is None else router.disabled.value,
            "lost": router.pop_lost,
            "rtt_ms": router.pop_ms,
        },
    }


def _system(plan: SystemPlan) -> dict[str, Any]:
    low, high = plan.expected
    return {
        "system": plan.system.slug,
        "name": plan.system.name,
        "altitude_km": plan.system.altitude,
        "reach_km": round(plan.reach, 1),
        "rule_of_thumb_km": plan.rule,
        "gateways_known": plan.known,
        "direct": plan.direct,
        "needs_links": plan.needs_links,
        "has_links": plan.system.links,
        "floor_ms": round(plan.floor, 1),
        "expected_ms": [round(low, 1), round(high, 1)],
        "gateways": [_near(one) for one in plan.gateways],
        "pops": [_near(one) for one in plan.pops],
        "note": plan.system.note,
        **_origin(plan.system),
    }


def _near(one: NearSite) -> dict[str, Any]:
    hop = one.hop
    return {
        "name": one.site.name,
        "country": one.site.country,
        "latitude": one.site.latitude,
        "longitude": one.site.longitude,
        "distance_km": round(one.distance, 1),
        "within_rule_of_thumb": one.within_rule,
        "elevation_deg": None if hop is None else [round(hop.up_elevation, 1), round(hop.down_elevation, 1)],
        "slant_range_km": None if hop is None else [round(hop.up_range, 1), round(hop.down_range, 1)],
        "round_trip_ms": None if one.round_trip is None else round(one.round_trip, 1),
        **_origin(one.site),
    }


def _origin(row: System | Site | TerminalRow) -> dict[str, Any]:
    return {"source": row.source, "date": row.date.isoformat(), "verified": row.verified}
