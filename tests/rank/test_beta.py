"""The quantile of a Beta distribution, held against published values and its own inverse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.rank.beta import beta_cdf, beta_quantile

PARAMETER = st.floats(0.5, 50.0)


@pytest.mark.parametrize(
    ("ok", "trials", "bound"), [(1, 1, 0.431), (2, 3, 0.349), (3, 3, 0.638), (0, 3, 0.046)]
)
def test_the_bounds_of_the_documented_scores(ok: int, trials: int, bound: float) -> None:
    assert beta_quantile(0.05, 1.5 + ok, 0.5 + trials - ok) == pytest.approx(bound, abs=0.0006)


@given(st.floats(0.0, 1.0))
def test_closed_forms(x: float) -> None:
    assert beta_cdf(x, 1, 1) == pytest.approx(x)
    assert beta_cdf(x, 2, 1) == pytest.approx(x * x)
    assert beta_cdf(x, 1, 3) == pytest.approx(1 - (1 - x) ** 3)


@given(st.floats(0.01, 0.99), PARAMETER, PARAMETER)
def test_the_quantile_inverts_the_distribution(q: float, a: float, b: float) -> None:
    x = beta_quantile(q, a, b)
    assert 0 <= x <= 1
    assert beta_cdf(x, a, b) == pytest.approx(q, abs=1e-5)


@given(st.floats(0.0, 1.0), PARAMETER, PARAMETER)
def test_it_mirrors_and_stays_in_bounds(x: float, a: float, b: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(1 - beta_cdf(1 - x, b, a), abs=1e-9)


def test_ends() -> None:
    assert beta_cdf(-1, 2, 2) == 0
    assert beta_cdf(2, 2, 2) == 1
