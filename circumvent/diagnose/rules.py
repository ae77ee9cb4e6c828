"""All rules together: what was seen, and what was looked for and not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from circumvent.diagnose import rules_line, rules_names, rules_satellite, rules_tls
from circumvent.diagnose.findings import NOT_SEEN
from circumvent.model.report import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from circumvent.diagnose.findings import Result
    from circumvent.diagnose.look import Look
    from circumvent.model.words import FindingKind

RULES: Final[Mapping[FindingKind, Callable[[Look], Result]]] = {
    **rules_line.RULES,
    **rules_tls.RULES,
    **rules_names.RULES,
    **rules_satellite.RULES,
}


def all_findings(look: Look) -> tuple[list[Finding], list[FindingKind]]:
    """Run every rule; return what was seen, numbered, and the kinds that were looked for and not seen."""
    seen: list[Finding] = []
    absent: list[FindingKind] = []
    for kind, rule in RULES.items():
        result = rule(look)
        if isinstance(result, Finding):
            seen.append(result)
        elif result == NOT_SEEN:
            absent.append(kind)
    return _numbered(seen), absent


def _numbered(found: Sequence[Finding]) -> list[Finding]:
    """Give the findings their ids, the surest first; those of satellite links last, so that a dump without them has no gap."""
    ordered = sorted(found, key=lambda one: (one.kind in rules_satellite.RULES, -one.confidence))
    return [msgspec.structs.replace(one, id=f"f{index}") for index, one in enumerate(ordered, 1)]
