"""Findings: what the network does, each with its evidence and the explanations that were ruled out.

A rule returns a :class:`Finding` when it sees the thing, ``NOT_SEEN`` when it looked and did not, and ``None``
when there was nothing to look at. Confidence is 0.95 with all named alternatives ruled out, 0.8 with all but one,
0.6 with all but two; less is not reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from circumvent.model.report import Finding, confidence_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from circumvent.model.words import FindingKind

NOT_SEEN: Final = "not_seen"
Result = Finding | str | None

#: A finding that rests on a second vantage alone is never surer than this.
SECOND_VANTAGE_MOST: Final = 0.8


def finding(
    kind: FindingKind,
    summary: str,
    *,
    evidence: Iterable[str] = (),
    alternatives: Mapping[str, bool] | None = None,
    detail: dict[str, Any] | None = None,
) -> Finding | None:
    """Make a finding. ``alternatives`` maps each other explanation to whether it was ruled out.

    Returns ``None`` when more than two remain.
    """
    given = alternatives or {}
    remaining = tuple(name for name, out in given.items() if not out)
    confidence = confidence_of(len(remaining))
    if confidence is None:
        return None
    return Finding(
        id="",
        kind=kind,
        confidence=confidence,
        summary=summary,
        evidence=tuple(dict.fromkeys(evidence))[:50],
        ruled_out=tuple(name for name, out in given.items() if out),
        remaining=remaining,
        detail=detail or {},
    )
