"""Findings from certificates."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from circumvent.diagnose.findings import NOT_SEEN, Result, finding
from circumvent.diagnose.look import best_proof, counted, failed_with, ids
from circumvent.model import failure as failures
from circumvent.model.words import FindingKind, Proof

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.diagnose.look import Look
    from circumvent.model.report import OptionReport

#: The same unknown issuer at this many operators is somebody in between, not a server's own mistake.
OPERATORS: Final = 2


def intercepted(look: Look) -> dict[str, list[OptionReport]]:
    """Return, by issuer, the options behind a certificate of an unknown authority where a public one is due.

    Catalogue endpoints and built-in controls only: a user's own server may sign its own certificate.
    """
    by_issuer: dict[str, list[OptionReport]] = defaultdict(list)
    for option in look.options:
        if option.origin != "catalogue":
            continue
        for attempt in failed_with(option, failures.SSL_UNKNOWN_AUTHORITY):
            step = next((one for one in attempt.steps if one.failure is not None), None)
            issuer = step.detail.get("top_issuer") if step is not None else None
            if isinstance(issuer, str) and issuer:
                by_issuer[issuer].append(option)
                break
    return {issuer: found for issuer, found in by_issuer.items() if len(_operators(look, found)) >= OPERATORS}


def tls_interception(look: Look) -> Result:
    """Somebody reads inside TLS: the same unknown issuer at two operators."""
    shaken = look.where(lambda one: any(attempt.fidelity.tls != "none" for attempt in counted(one)))
    if not shaken:
        return None
    by_issuer = intercepted(look)
    if not by_issuer:
        return NOT_SEEN if any(best_proof(one).at_least(Proof.HANDSHAKEN) for one in shaken) else None
    issuer, options = max(by_issuer.items(), key=lambda one: len(one[1]))
    trusted = any(
        step.detail.get("os_trusted") is True
        for option in options
        for attempt in counted(option)
        for step in attempt.steps
    )
    where = " This device trusts that issuer: it may be an antivirus or a company's own." if trusted else ""
    return finding(
        FindingKind.TLS_INTERCEPTION,
        f"Reads inside TLS (certificate by {issuer}).{where}",
        evidence=ids(options),
        alternatives={"a server's own mistake": True, "own antivirus": not trusted},
        detail={"issuer": issuer, "os_trusted": trusted, "operators": len(_operators(look, options))},
    )


def behind_block_pages(look: Look) -> frozenset[str]:
    """Return the options in whose place a documented block page came, in two attempts (evidence E1)."""
    found = set()
    for option in look.options:
        pages = [one for one in counted(option) if any(step.detail.get("block_page") for step in one.steps)]
        if len(pages) >= 2 and not option.baseline:
            found.add(option.id)
    return frozenset(found)


RULES: Final[dict[FindingKind, Callable[[Look], Result]]] = {FindingKind.TLS_INTERCEPTION: tls_interception}


def _operators(look: Look, options: list[OptionReport]) -> set[str]:
    return {option.operator or look.place_of[option.id] for option in options}
