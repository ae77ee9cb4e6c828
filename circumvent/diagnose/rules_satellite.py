"""Findings about satellite links, from what terminals said of themselves: jamming, the sky, the place, the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.diagnose.findings import NOT_SEEN, Result, finding
from circumvent.diagnose.look import counted
from circumvent.model.kinds import is_satellite
from circumvent.model.words import FindingKind
from circumvent.satellite.signs import Found, Signs, causes, read_detail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from circumvent.diagnose.look import Look

#: Each attempt whose terminal said how it is: its id, and the signs.
Told = list[tuple[str, Signs]]


def gps_denied(look: Look) -> Result:
    """A terminal that looks for its position finds none."""
    return _result(look, FindingKind.GPS_DENIED, lambda signs: signs.gps_denied is not None)


def jamming_suspected(look: Look) -> Result:
    """A terminal finds no position and loses its pings, and nothing stands in the sky's way. Never more than a suspicion."""
    return _result(look, FindingKind.JAMMING_SUSPECTED, lambda signs: signs.jammed is not None)


def obstructed(look: Look) -> Result:
    """Something stands between a terminal and the sky: it says so, or a larger share of the sky than it can spare is hidden."""
    return _result(look, FindingKind.OBSTRUCTED, lambda signs: signs.hidden is not None)


def no_service_here(look: Look) -> Result:
    """The operator does not serve the place, by the terminal's word."""
    return _result(look, FindingKind.NO_SERVICE_HERE, lambda _: True)


def account_inactive(look: Look) -> Result:
    """The operator does not serve the account, by the terminal's word."""
    return _result(look, FindingKind.ACCOUNT_INACTIVE, lambda _: True)


def told(look: Look) -> Told:
    """Return what terminals said in attempts that count."""
    return [
        (attempt.id, read_detail(step.detail))
        for option in look.options
        if is_satellite(option.kind)
        for attempt in counted(option)
        if (step := attempt.step("sky")) is not None
    ]


def _result(look: Look, kind: FindingKind, known: Callable[[Signs], bool]) -> Result:
    """Return the finding if an attempt shows it, ``NOT_SEEN`` if one said what it needs and does not, else ``None``."""
    said = look.remember("satellite", lambda: told(look))
    seen = [(number, found) for number, signs in said for found in causes(signs) if found.cause is kind]
    if seen:
        last = seen[-1][1]
        return finding(
            kind,
            _SUMMARIES[kind](last),
            evidence=[number for number, _ in seen],
            alternatives=last.alternatives,
            detail=dict(last.evidence),
        )
    return NOT_SEEN if any(known(signs) for _, signs in said) else None


def _no_position(found: Found) -> str:
    count = found.evidence.get("gps_sats")
    seen = "" if count is None else f" ({count} satellites of positioning seen)"
    return f"The satellite terminal finds no position: GPS is disturbed here{seen}."


def _jammed(found: Found) -> str:
    share = float(found.evidence.get("lost", 0.0))
    return f"Jamming: the satellite terminal loses {share:.0%} of its pings under a clear sky, and has no GPS fix."


def _hidden(found: Found) -> str:
    share = found.evidence.get("obstructed")
    much = "" if share is None else f" ({float(share):.1%} of it hidden)"
    return f"Something stands between the satellite terminal and the sky{much}."


def _said(found: Found) -> str:
    return str(found.evidence.get("said", "")).replace("_", " ")


_SUMMARIES: Final[Mapping[FindingKind, Callable[[Found], str]]] = {
    FindingKind.GPS_DENIED: _no_position,
    FindingKind.JAMMING_SUSPECTED: _jammed,
    FindingKind.OBSTRUCTED: _hidden,
    FindingKind.NO_SERVICE_HERE: lambda found: (
        f"The satellite operator does not serve this place; the terminal says so ({_said(found)})."
    ),
    FindingKind.ACCOUNT_INACTIVE: lambda found: (
        f"The satellite operator does not serve this account; the terminal says so ({_said(found)})."
    ),
}

RULES: Final[Mapping[FindingKind, Callable[[Look], Result]]] = {
    FindingKind.GPS_DENIED: gps_denied,
    FindingKind.JAMMING_SUSPECTED: jamming_suspected,
    FindingKind.OBSTRUCTED: obstructed,
    FindingKind.NO_SERVICE_HERE: no_service_here,
    FindingKind.ACCOUNT_INACTIVE: account_inactive,
}
