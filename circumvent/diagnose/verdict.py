"""The verdict on one option, from its counted attempts (``docs/verdicts.md``, *Status*).

The first rule that holds: ``not_run`` (nothing counted); all carried: ``degraded`` if cut, throttled, lying or
partly failed, else ``works``; some carried: ``unstable``; none: ``refused`` if any counted attempt was, else
``blocked`` on evidence, else ``unreachable``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from circumvent.model import failure as failures
from circumvent.model.record import Failure
from circumvent.model.words import Evidence, Proof, Reason, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.record import Attempt

#: A flow cut below this many bytes is a degradation.
CUT_BELOW: Final = 64 * 1024
#: Throttled: slower than this (kbit/s) while the line does FASTER times more elsewhere.
THROTTLED_BELOW: Final = 64.0
FASTER: Final = 10.0
#: ``blocked`` needs its evidence in this many counted failures.
SEEN: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the verdict on one option takes from outside its own attempts.

    ``held_back`` is why it was not tried (or no further); ``line_kbps`` the best rate to another place;
    ``lies`` whether its answers were shown to be false; ``evidence`` what a block would rest on; ``no_way_out``
    that nothing was learned about servers (national_only, local_only, captive_portal, offline).
    """

    held_back: Reason | None = None
    line_kbps: float | None = None
    lies: bool = False
    evidence: Evidence | None = None
    no_way_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Status, and what goes with it in the report."""

    status: Status
    proof: Proof = Proof.NONE
    reason: Reason | None = None
    evidence: Evidence | None = None
    failure: Failure | None = None
    detail: dict[str, Any]


def decide(attempts: Sequence[Attempt], around: Circumstances) -> Verdict:
    """Return the verdict on an option.

    >>> decide([], Circumstances(held_back=Reason.DEADLINE)).status
    <Status.NOT_RUN: 'not_run'>
    """
    counted = [attempt for attempt in attempts if attempt.counted]
    proof = max((attempt.proof for attempt in counted), key=lambda one: one.rung, default=Proof.NONE)
    if not counted:
        reason = _why_nothing_counts(attempts) or around.held_back or Reason.DEADLINE
        return Verdict(status=Status.NOT_RUN, reason=reason, detail={})
    carried = [attempt for attempt in counted if attempt.carried]
    if len(carried) == len(counted):
        return _all_carried(carried, proof, around)
    failure = most_frequent_failure(counted)
    if carried:
        return Verdict(status=Status.UNSTABLE, proof=proof, failure=failure, detail={})
    return _none_carried(counted, proof, failure, around)


def most_frequent_failure(counted: Sequence[Attempt]) -> Failure:
    """Return the failure of the most frequent (then latest) failed attempt, cut ones included.

    An attempt that ended short of ``carried`` and gave no reason counts as an unknown failure of its last step.
    """
    failed = [attempt.failure for attempt in counted if attempt.failure is not None]
    if not failed:
        steps = counted[-1].steps
        return Failure(step=steps[-1].name if steps else "connect", error=failures.UNKNOWN)
    frequency = Counter((one.step, one.error) for one in failed)
    most = max(frequency.values())
    return next(one for one in reversed(failed) if frequency[one.step, one.error] == most)


def refusal(attempt: Attempt) -> bool | None:
    """Return whether a peer that refused was authenticated; ``None`` when nobody refused."""
    for step in attempt.steps:
        said = step.detail.get("refusal")
        if isinstance(said, dict):
            return bool(said.get("authenticated"))
    return None


def cut_at(attempts: Sequence[Attempt]) -> int | None:
    """Return the lower median of the byte counts at which flows were cut."""
    cuts = sorted(attempt.cut_bytes for attempt in attempts if attempt.cut_bytes is not None)
    return cuts[(len(cuts) - 1) // 2] if cuts else None


def _why_nothing_counts(attempts: Sequence[Attempt]) -> Reason | None:
    return Reason.POISONED if any(attempt.poisoned for attempt in attempts) else None


def _all_carried(carried: Sequence[Attempt], proof: Proof, around: Circumstances) -> Verdict:
    if around.lies:
        failure = Failure(step="honesty", error=failures.WRONG_ANSWER)
        return Verdict(status=Status.DEGRADED, proof=proof, failure=failure, detail={"limit": "wrong_answer"})
    cut = cut_at(carried)
    if cut is not None and cut < CUT_BELOW:
        return Verdict(
            status=Status.DEGRADED,
            proof=proof,
            failure=most_frequent_failure(carried),
            detail={"limit": "cut", "cut_bytes": cut},
        )
    partly = _partly_failed(carried)
    if partly is not None:
        return Verdict(status=Status.DEGRADED, proof=proof, failure=partly, detail={"limit": "partly"})
    rate = _rate(carried)
    if rate is not None and rate < THROTTLED_BELOW and (around.line_kbps or 0.0) >= FASTER * rate:
        failure = Failure(step="sustain_down", error=failures.THROTTLED, detail=f"{rate:.0f} kbit/s")
        return Verdict(
            status=Status.DEGRADED,
            proof=proof,
            failure=failure,
            detail={"limit": "slow", "kbps": round(rate, 1)},
        )
    return Verdict(status=Status.WORKS, proof=proof, detail={})


def _partly_failed(carried: Sequence[Attempt]) -> Failure | None:
    for attempt in carried:
        step = attempt.step("carry")
        controls = step.detail.get("controls") if step is not None and step.detail.get("partly") else None
        if isinstance(controls, list):
            for control in controls:
                if isinstance(control, dict) and not control.get("ok"):
                    return Failure(step="carry", error=str(control.get("failure") or failures.WRONG_ANSWER))
    return None


def _rate(carried: Sequence[Attempt]) -> float | None:
    rates = sorted(attempt.down_kbps for attempt in carried if attempt.down_kbps is not None)
    return rates[(len(rates) - 1) // 2] if rates else None


def _none_carried(
    counted: Sequence[Attempt], proof: Proof, failure: Failure, around: Circumstances
) -> Verdict:
    refused = [attempt for attempt in counted if refusal(attempt) is not None]
    if refused:
        last = refused[-1]
        return Verdict(
            status=Status.REFUSED,
            proof=proof,
            failure=last.failure,
            detail={"authenticated": bool(refusal(last))},
        )
    strong = around.evidence is not None and (len(counted) >= SEEN or around.evidence is Evidence.FORGED)
    if strong and not around.no_way_out and not _ours_alone(counted):
        return Verdict(
            status=Status.BLOCKED, proof=proof, evidence=around.evidence, failure=failure, detail={}
        )
    return Verdict(status=Status.UNREACHABLE, proof=proof, failure=failure, detail={})


def _ours_alone(counted: Sequence[Attempt]) -> bool:
    """Tell whether every failure was made on this machine, before a packet left."""
    return all(
        attempt.failure is not None and attempt.failure.error in failures.LOCAL_FAILURES
        for attempt in counted
    )
