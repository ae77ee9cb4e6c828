"""The time of day: given what servers say and show, expect this correction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from circumvent.check.time_of_day import TimeOfDay
from circumvent.model.record import Attempt, Failure, Step
from circumvent.model.words import Proof
from circumvent.net.clock import Clock
from tests.check.fakes import make
from tests.diagnose.build import attempt

if TYPE_CHECKING:
    from circumvent.model.option import Option

DAY = 86400.0
#: 2026-11-22T12:00:00Z, on a clock that is two years ahead.
TRUE = 1_795_348_800.0


def anchor(operator: str) -> Option:
    return make(f"anchor-{operator}", "https", user=False, baseline=True, operator=operator)


def says(skew: float) -> Attempt:
    return attempt(Proof.CARRIED, step="carry", detail={"clock_skew_s": skew})


def dated(error: str | None, begin: str, end: str, *more: Step) -> Attempt:
    failure = Failure(step="tls_handshake", error=error) if error is not None else None
    step = Step(
        name="tls_handshake", t0=0, t=0.1, failure=failure, detail={"not_before": begin, "not_after": end}
    )
    base = attempt(Proof.NONE if error else Proof.CARRIED, error, step="tls_handshake")
    return msgspec.structs.replace(base, steps=(step, *more))


def test_one_operator_alone_corrects_nothing() -> None:
    clock = Clock()
    day = TimeOfDay(clock)
    day.take(anchor("A"), says(2 * DAY))
    day.take(anchor("A"), says(2 * DAY))
    assert day.agreed() is None
    assert not day.correct()
    assert clock.skew is None


def test_two_that_agree_do_and_the_clock_of_the_check_is_right_from_then_on() -> None:
    clock = Clock(started_wall=TRUE + 2 * DAY)
    day = TimeOfDay(clock)
    day.take(anchor("A"), says(2 * DAY))
    day.take(anchor("B"), says(2 * DAY + 1))
    assert day.agreed() == (2 * DAY, 2)
    assert day.correct()
    assert abs(clock.wall() - TRUE) < 5
    assert not day.correct(), "it moves once"


def test_two_that_disagree_do_not() -> None:
    day = TimeOfDay(Clock())
    day.take(anchor("A"), says(2 * DAY))
    day.take(anchor("B"), says(0.3))
    assert day.agreed() is None


def test_a_right_clock_is_left_alone() -> None:
    clock = Clock()
    day = TimeOfDay(clock)
    for operator in "AB":
        day.take(anchor(operator), says(0.4))
    assert day.agreed() == (0.4, 2)
    assert not day.correct()
    assert clock.skew is None


def test_what_the_user_holds_tells_no_time() -> None:
    day = TimeOfDay(Clock())
    day.take(make("mine", "https", operator="A"), says(DAY))
    day.take(anchor("B"), says(DAY))
    assert day.agreed() is None


def test_years_off_every_certificate_fails_and_two_operators_are_asked_by_their_own_dates() -> None:
    clock = Clock(started_wall=TRUE + 730 * DAY)
    day = TimeOfDay(clock)
    day.take(anchor("A"), dated("ssl_expired", "2026-10-01T00:00:00Z", "2026-12-30T00:00:00Z"))
    assert day.to_ask() == []
    day.take(anchor("B"), dated("ssl_expired", "2026-11-01T00:00:00Z", "2027-01-30T00:00:00Z"))
    asked = day.to_ask()
    assert {option.operator for option, _ in asked} == {"A", "B"}
    assert all(abs(moment - TRUE) < 60 * DAY for _, moment in asked)
    assert day.to_ask() == [], "they are asked once"
    carry = Step(name="carry", t0=0.1, t=0.2, detail={"clock_skew_s": 730 * DAY})
    for option, _ in asked:
        day.take_by_its_dates(option, dated(None, "2026-10-01T00:00:00Z", "2026-12-30T00:00:00Z", carry))
    assert day.correct()
    assert clock.skew == 730 * DAY


def test_a_time_outside_the_servers_own_dates_is_not_believed() -> None:
    clock = Clock(started_wall=TRUE + 730 * DAY)
    day = TimeOfDay(clock)
    carry = Step(name="carry", t0=0.1, t=0.2, detail={"clock_skew_s": 300 * DAY})
    for operator in "AB":
        answer = dated(None, "2026-10-01T00:00:00Z", "2026-12-30T00:00:00Z", carry)
        day.take_by_its_dates(anchor(operator), answer)
    assert not day.correct()


def test_damaged_dates_are_passed_over() -> None:
    day = TimeOfDay(Clock())
    for operator, begin in (("A", "soon"), ("B", "2027-12-30T00:00:00Z")):
        day.take(anchor(operator), dated("ssl_expired", begin, "2026-12-30T00:00:00Z"))
    assert day.to_ask() == []
