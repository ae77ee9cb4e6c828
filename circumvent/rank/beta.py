"""The quantile of a Beta distribution, for the small-sample bound of a success rate.

Regularised incomplete beta by Lentz's continued fraction (Press et al., *Numerical Recipes*, 6.4), inverted by
bisection: a few microseconds, and no numeric library.
"""

from __future__ import annotations

import math
from typing import Final

_TINY: Final = 1e-300
_PRECISION: Final = 1e-12
_TURNS: Final = 300


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return P(X <= x) for X ~ Beta(a, b), with a, b > 0 and 0 <= x <= 1."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):  # the fraction converges fast on this side of the mean
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1 - x, b, a) / b


def beta_quantile(q: float, a: float, b: float) -> float:
    """Return the x with P(X <= x) = q for X ~ Beta(a, b)."""
    low, high = 0.0, 1.0
    while high - low > _PRECISION:
        middle = (low + high) / 2
        if beta_cdf(middle, a, b) < q:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _TURNS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < _PRECISION:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
