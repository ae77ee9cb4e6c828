"""The score: expected seconds to bring 64 KiB. Figures are worked by hand from docs/verdicts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.record import Attempt, Failure, Step
from circumvent.model.words import Proof
from circumvent.rank.beta import beta_cdf, beta_quantile
from circumvent.rank.score import Observed, lower_median, observe, success_rate

seconds = st.floats(0.001, 30.0)
rates = st.none() | st.floats(0.1, 10_000.0)


@st.composite
def observed(draw: st.DrawFn) -> Observed:
    return Observed(
        latencies=tuple(draw(st.lists(seconds, min_size=1, max_size=6))),
        failures=tuple(draw(st.lists(st.floats(1.0, 30.0), max_size=6))),
        rate=draw(rates),
        cut=draw(st.none() | st.floats(1.0, 63.0)),
    )


@pytest.mark.parametrize(
    ("ok", "trials", "p", "p_low"),
    [(1, 1, 0.833, 0.431), (2, 3, 0.700, 0.349), (3, 3, 0.900, 0.638), (0, 3, 0.300, 0.046)],
)
def test_the_rates_that_the_rules_give(ok: int, trials: int, p: float, p_low: float) -> None:
    rate, low = success_rate(ok, trials)
    assert rate == pytest.approx(p, abs=5e-4)
    assert low == pytest.approx(p_low, abs=5e-4)


def test_nothing_is_known_of_what_was_never_tried() -> None:
    assert success_rate(0, 0) == (None, None)


def test_one_success_costs_its_transfer_and_the_prior_odds_of_failure() -> None:
    # T = 0.1 + 64/256, F = 1.5 / 2.5
    assert Observed(latencies=(0.1,)).score == pytest.approx(0.35 + 0.6)


def test_a_quick_reset_still_costs_a_second() -> None:
    reset = Attempt(id="a1", t0=0.0, t=0.05, failure=Failure(step="connect", error="connection_reset"))
    fine = Attempt(id="a2", t0=0.0, t=0.2, proof=Proof.CARRIED, latency_ms=100.0)
    assert observe([reset, fine]).score == pytest.approx(0.35 + 2.5 / 2.5)


def test_a_flow_cut_at_16_kib_pays_for_setting_up_four_times() -> None:
    cut = Observed(latencies=(0.1,), rate=256.0, cut=16.0)
    assert cut.score == pytest.approx(4 * (0.1 + 16 / 256 + 5) + 0.6)
    assert cut.score > Observed(latencies=(3.0,), rate=10.0).score


def test_what_never_carried_has_no_score() -> None:
    assert math.isinf(Observed(failures=(1.0,)).score)


def test_uncounted_attempts_do_not_speak() -> None:
    lost = Attempt(id="a1", t0=0.0, t=9.0, counted=False, proof=Proof.NONE)
    assert observe([lost]).trials == 0


def test_connects_that_a_middlebox_answers_leave_the_latency() -> None:
    attempt = Attempt(
        id="a1",
        t0=0.0,
        t=1.0,
        proof=Proof.CARRIED,
        latency_ms=300.0,
        steps=(Step(name="connect", t0=0.0, t=0.1),),
    )
    assert observe([attempt], without_connect=True).latencies[0] == pytest.approx(0.2)


@given(observed(), st.floats(1.0, 30.0))
def test_one_more_failure_never_improves_the_score(seen: Observed, cost: float) -> None:
    worse = Observed(latencies=seen.latencies, failures=(*seen.failures, cost), rate=seen.rate, cut=seen.cut)
    assert worse.score >= seen.score


@given(observed(), st.floats(0.0, 1.0), st.floats(1.0, 3.0))
def test_one_more_success_that_is_no_slower_never_worsens_it(
    seen: Observed, part: float, faster: float
) -> None:
    latency = lower_median(seen.latencies) * part
    rate = None if seen.rate is None else lower_median([seen.rate, seen.rate * faster])
    better = Observed(latencies=(*seen.latencies, latency), failures=seen.failures, rate=rate, cut=seen.cut)
    assert better.score <= seen.score + 1e-9


@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_the_lower_median_is_one_of_the_values(values: list[float]) -> None:
    assert lower_median(values) in values


@given(st.floats(0.01, 0.99), st.floats(0.5, 20.0), st.floats(0.5, 20.0))
def test_quantile_and_distribution_agree(q: float, a: float, b: float) -> None:
    assert beta_cdf(beta_quantile(q, a, b), a, b) == pytest.approx(q, abs=1e-6)


@pytest.mark.parametrize(
    ("x", "a", "b", "p"), [(0.5, 2.0, 2.0, 0.5), (0.3, 1.0, 1.0, 0.3), (0.2, 1.0, 3.0, 0.488)]
)
def test_the_distribution_where_it_has_a_closed_form(x: float, a: float, b: float, p: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(p, abs=1e-12)
