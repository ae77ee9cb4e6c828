"""The score: expected seconds to bring the first 64 KiB (``docs/verdicts.md``, *Score and order*).

For k counted successes and counted failures that took c_i seconds each (and forced residual_i more)::

    F = (1.5 + sum(max(c_i, 1) + residual_i)) / (1.5 + k)      seconds lost to failures
    T = L + 64 / R                                             not cut
    T = ceil(64 / N) * (L + N / R + 5)                         cut after N < 64 KiB
    E = T + F

L is the lower median of the times to the first carried byte (s), R the measured rate down (KiB/s). F is the odds
of failure under Beta(1.5, 0.5) times the mean cost: a quick reset still costs a second.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.rank.beta import beta_quantile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from circumvent.model.record import Attempt

#: Successes and failures that count as seen before the first try.
PRIOR_SUCCESSES: Final = 1.5
PRIOR_FAILURES: Final = 0.5
#: What has to come down, in KiB.
GOAL_KIB: Final = 64
#: Rate (KiB/s) when none was measured, and the most that counts.
RATE_UNKNOWN: Final = 256.0
RATE_MOST: Final = 4096.0
#: The least that a failure costs, and what setting up again after a cut costs (s).
FAILURE_LEAST: Final = 1.0
CUT_COST: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was seen of one option: counted attempts only.

    ``latencies`` in seconds, one a success; ``failures`` in seconds each cost, residual included;
    ``rate`` in KiB/s down, ``cut`` in KiB, both ``None`` if not seen; ``assumed`` is the rate where none was.
    """

    latencies: tuple[float, ...] = ()
    failures: tuple[float, ...] = ()
    rate: float | None = None
    cut: float | None = None
    assumed: float = RATE_UNKNOWN

    @property
    def trials(self) -> int:
        """Return n, the counted attempts."""
        return len(self.latencies) + len(self.failures)

    @property
    def effective_rate(self) -> float:
        """Return the rate that the score uses, in KiB/s."""
        return min(self.assumed if self.rate is None else max(self.rate, 1e-3), RATE_MOST)

    @property
    def score(self) -> float:
        """Return the expected seconds to bring 64 KiB; infinite while nothing carried."""
        if not self.latencies:
            return math.inf
        latency, rate = lower_median(self.latencies), self.effective_rate
        if self.cut is not None and self.cut < GOAL_KIB:
            pieces = math.ceil(GOAL_KIB / max(self.cut, 0.25))
            transfer = pieces * (latency + self.cut / rate + CUT_COST)
        else:
            transfer = latency + GOAL_KIB / rate
        lost = PRIOR_SUCCESSES + sum(self.failures)
        return transfer + lost / (PRIOR_SUCCESSES + len(self.latencies))

    def if_next_succeed(self, count: int) -> Observed:
        """Return what would be seen if ``count`` more tries carried, as fast as the fastest so far."""
        return Observed(
            latencies=(*self.latencies, *[min(self.latencies)] * count),
            failures=self.failures,
            rate=self.rate,
            cut=self.cut,
            assumed=self.assumed,
        )


def observe(attempts: Iterable[Attempt], *, without_connect: bool = False) -> Observed:
    """Gather the counted attempts of one option.

    ``without_connect`` leaves the connect step out of the latency (a middlebox answers connects here).
    """
    counted = [attempt for attempt in attempts if attempt.counted]
    carried = [attempt for attempt in counted if attempt.carried]
    rates = [attempt.down_kbps * 1000 / 8192 for attempt in carried if attempt.down_kbps is not None]
    cuts = [attempt.cut_bytes / 1024 for attempt in carried if attempt.cut_bytes is not None]
    return Observed(
        latencies=tuple(
            seconds_to_first_byte(attempt, without_connect=without_connect) for attempt in carried
        ),
        failures=tuple(
            max(attempt.t - attempt.t0, FAILURE_LEAST) + attempt.residual_s
            for attempt in counted
            if not attempt.carried
        ),
        rate=lower_median(rates) if rates else None,
        cut=lower_median(cuts) if cuts else None,
    )


def seconds_to_first_byte(attempt: Attempt, *, without_connect: bool = False) -> float:
    """Return the seconds from an attempt's first packet to the first byte of its carry answer."""
    seconds = attempt.t - attempt.t0 if attempt.latency_ms is None else attempt.latency_ms / 1000
    if without_connect and (connect := attempt.step("connect")) is not None:
        seconds -= connect.t - connect.t0
    return max(seconds, 0.0)


@functools.lru_cache(maxsize=256)  # few tries, so few pairs; a verdict is worked out after every attempt
def success_rate(ok: int, trials: int) -> tuple[float, float] | tuple[None, None]:
    """Return the smoothed success rate and its 5 % quantile; nothing is known of an option never tried.

    >>> [round(x, 3) for x in success_rate(2, 3)]
    [0.7, 0.349]
    """
    if trials == 0:
        return None, None
    a, b = PRIOR_SUCCESSES + ok, PRIOR_FAILURES + trials - ok
    return a / (a + b), beta_quantile(0.05, a, b)


def lower_median(values: Sequence[float]) -> float:
    """Return the lower median: one of the values, never a mean of two.

    >>> lower_median([4.0, 1.0, 3.0, 2.0])
    2.0
    """
    return sorted(values)[(len(values) - 1) // 2]
