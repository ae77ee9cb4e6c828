"""Findings about names: who answers falsely, and who answers in somebody else's place.

The comparison itself is :mod:`circumvent.names.honesty`; here it becomes findings, and the list of liars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.diagnose.findings import NOT_SEEN, Result, finding
from circumvent.diagnose.look import (
    PLACES,
    best_proof,
    carried,
    counted,
    failed_with,
    ids,
    seen_twice,
    silent,
)
from circumvent.model import failure as failures
from circumvent.model.kinds import KINDS
from circumvent.model.words import FindingKind, Proof
from circumvent.names import facts as name_facts
from circumvent.names.honesty import Judgement, judge, redirected
from circumvent.names.plan import CLEAR_KINDS
from circumvent.names.witness import Witness, witness

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.diagnose.look import Look
    from circumvent.model.report import OptionReport

#: Two resolvers of different operators that tell the same lie are not both at fault.
OPERATORS: Final = 2


def liars(look: Look) -> dict[str, str]:
    """Return the resolvers whose answers were shown to be false, with the reasons."""
    return look.remember(
        "liars",
        lambda: {
            name: "; ".join(found.reasons[:3])
            for name, found in _judged(look).items()
            if found.word == "lies"
        },
    )


def forged(look: Look) -> frozenset[str]:
    """Return the plain resolvers from behind which only forged answers came, in two attempts (evidence E1).

    Over an encrypted channel it is the resolver itself that answered falsely; and so may one be of which nobody
    knows that it is honest (the user's own, with roots of its own), unless somebody was seen to inject.
    """
    injected = any(_second_answers(option) for option in _resolvers(look))
    return frozenset(
        option.id
        for option in _resolvers(look)
        if not option.baseline
        and option.kind in CLEAR_KINDS
        and (injected or option.origin == "catalogue")
        and not carried(option)
        and len(failed_with(option, failures.WRONG_ANSWER)) >= 2
    )


def dns_injection(look: Look) -> Result:
    """Two answers came to one question, or resolvers of different operators tell the same lie in clear."""
    plain = [option for option in _resolvers(look) if option.kind in CLEAR_KINDS and counted(option)]
    if not plain:
        return None
    doubled = [option for option in plain if _second_answers(option)]
    lying = [option for option in plain if option.id in liars(look)]
    strangers = {option.operator or look.place_of[option.id] for option in lying}
    if not doubled and len(strangers) < OPERATORS:
        return NOT_SEEN
    told = doubled or lying
    how = "two answers to one question" if doubled else "resolvers of different operators tell the same lie"
    return finding(
        FindingKind.DNS_INJECTION,
        f"Forges DNS answers on the way ({how}).",
        evidence=ids(told),
        alternatives={"the resolver at fault": bool(doubled) or len(strangers) >= OPERATORS},
        detail={"resolvers": len(told), "second_answers": len(doubled)},
    )


def dns_lying_resolver(look: Look) -> Result:
    """A resolver tells what others, proven, contradict."""
    judged = _judged(look)
    if not judged:
        return None
    lying = [
        option for option in _resolvers(look) if option.id in liars(look) and not _second_answers(option)
    ]
    own = [option for option in lying if option.detail.get("system_resolver")]
    channel = [option for option in lying if option.kind not in CLEAR_KINDS]
    if not own and not channel:
        return NOT_SEEN
    injected = any(_second_answers(option) for option in _resolvers(look))
    others_lie = any(option.kind in CLEAR_KINDS and option not in own for option in lying)
    who = "This network's resolver" if own else f"{channel[0].label}"
    reasons = liars(look)[(own or channel)[0].id]
    return finding(
        FindingKind.DNS_LYING_RESOLVER,
        f"{who} gives false answers ({reasons}).",
        evidence=ids(own or channel),
        alternatives={
            "differences of a content network": _shown_by_itself(reasons)
            or bool(judged_against(look, (own or channel)[0])),
            "injection on the way": bool(channel) or not (injected or others_lie),
        },
        detail={"own": bool(own)},
    )


def dns_redirected(look: Look) -> Result:
    """Somebody else answers behind the address of a known resolver."""
    heard = look.remember("witnesses", lambda: _witnesses(look))
    if not any(one.identity for one in heard):
        return None
    found = redirected(heard, name_facts.load())
    if not found:
        return NOT_SEEN
    named = {one.id for one in found}
    options = [option for option in look.options if option.id in named]
    return finding(
        FindingKind.DNS_REDIRECTED,
        f"Answers in the place of other DNS servers ({found[0].reason}).",
        evidence=ids(options),
        alternatives={"anycast": len(options) > 1},
        detail={"resolvers": len(options)},
    )


def dns_blocked(look: Look) -> Result:
    """Plain DNS to other servers gets no answer at three places, while this network's resolver answers."""
    others = [
        option
        for option in _resolvers(look)
        if option.kind in CLEAR_KINDS and not option.detail.get("system_resolver") and counted(option)
    ]
    if not others:
        return None
    if any(best_proof(option) is not Proof.NONE for option in others):
        return NOT_SEEN
    dark = [option for option in others if silent(option) and seen_twice(option)]
    up = [option for option in dark if look.place_of[option.id] in look.up_over_tcp]
    if len(look.places(up)) < PLACES:
        return None
    own = any(
        option.detail.get("system_resolver") and best_proof(option) is not Proof.NONE
        for option in look.options
    )
    return finding(
        FindingKind.DNS_BLOCKED,
        f"Blocks other DNS servers (0 of {len(look.places(up))} places answered).",
        evidence=ids(up),
        alternatives={"dead servers": True, "all UDP dropped": own},
    )


RULES: Final[dict[FindingKind, Callable[[Look], Result]]] = {
    FindingKind.DNS_INJECTION: dns_injection,
    FindingKind.DNS_LYING_RESOLVER: dns_lying_resolver,
    FindingKind.DNS_REDIRECTED: dns_redirected,
    FindingKind.DNS_BLOCKED: dns_blocked,
}


def judged_against(look: Look, option: OptionReport) -> tuple[str, ...]:
    """Return the proven resolvers that an option's answers were held against."""
    found = _judged(look).get(option.id)
    return found.references if found is not None else ()


def _resolvers(look: Look) -> list[OptionReport]:
    return look.where(lambda option: KINDS[option.kind].family == "names")


def _witnesses(look: Look) -> list[Witness]:
    heard = (
        witness(option.id, option.kind, option.attempts, operator=option.operator, filtering=option.filtering)
        for option in _resolvers(look)
    )
    return [one for one in heard if one is not None]


def _judged(look: Look) -> dict[str, Judgement]:
    heard = look.remember("witnesses", lambda: _witnesses(look))
    return look.remember("judged", lambda: judge(heard, name_facts.load()) if heard else {})


def _second_answers(option: OptionReport) -> bool:
    """Tell whether a second, different answer came late to a question that was answered."""
    for attempt in option.attempts:
        step = attempt.step("late_answers")
        if step is not None and step.detail.get("second_answers"):
            return True
    return False


def _shown_by_itself(reasons: str) -> bool:
    """Tell whether a lie needs no comparison: an injected or impossible address, one address for all."""
    return any(
        words in reasons for words in ("known injected", "no address of the public", "unrelated names")
    )
