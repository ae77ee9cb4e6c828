"""Links: delay, jitter, loss, order, rate, queue, handover; the same seed gives the same run."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.lab.link import Handover, Link, LinkConfig


def link(**how: object) -> Link:
    return Link(LinkConfig(**how), random.Random(1))  # type: ignore[arg-type]  # fields by name


def test_nothing_happens_on_a_perfect_link() -> None:
    perfect = link()
    assert perfect.config.perfect
    assert perfect.send(1500, 3.0) == (3.0,)
    assert not link(delay=0.1).config.perfect


def test_delay() -> None:
    assert link(delay=0.025).send(1500, 3.0) == (3.025,)


@given(st.floats(0, 0.5), st.lists(st.floats(0, 10), min_size=2, max_size=30))
def test_jitter_keeps_bounds_and_order(jitter: float, times: list[float]) -> None:
    jittery = link(delay=0.5, jitter=jitter)
    arrived = []
    for now in sorted(times):
        (due,) = jittery.send(100, now)
        assert due >= now + 0.5 - jitter - 1e-9
        arrived.append(due)
    assert arrived == sorted(arrived)


def test_loss_and_duplicates_come_as_often_as_said() -> None:
    lossy = link(loss=0.1, duplicate=0.2)
    outcomes = [len(lossy.send(100, number / 100)) for number in range(5000)]
    assert 0.08 < outcomes.count(0) / 5000 < 0.12
    assert 0.15 < outcomes.count(2) / 5000 < 0.21
    assert lossy.counters.lost == outcomes.count(0)
    assert lossy.counters.duplicated == outcomes.count(2)


def test_reordering_lets_others_overtake() -> None:
    shuffled = link(delay=0.01, reorder=0.2, reorder_by=0.05)
    arrived = [due for number in range(500) for due in shuffled.send(100, number / 100)]
    assert arrived != sorted(arrived)
    assert 50 < shuffled.counters.reordered < 150


def test_rate_and_queue() -> None:
    slow = link(rate=1000.0, queue=500)
    assert slow.send(100, 0.0) == (0.1,)
    assert slow.send(100, 0.0) == (0.2,)
    outcomes = [slow.send(100, 0.0) for _ in range(10)]
    assert outcomes.count(()) == 7  # 500 bytes wait, one of them the packet on its way
    assert slow.counters.overflowed == 7
    assert slow.send(100, 10.0) == (10.1,)
    assert link(rate=1000.0, queue=50).send(100, 0.0) == (0.1,)  # an empty queue takes any packet


def test_a_handover_every_15_seconds() -> None:
    leo = link(delay=0.04, handover=Handover(period=15, lasts=0.2))
    assert [bool(leo.send(100, now)) for now in (0.0, 0.1, 14.9, 15.0, 15.19, 15.21, 30.1)] == [
        True, True, True, False, False, True, False,
    ]  # fmt: skip


def test_one_seed_one_run() -> None:
    def run(seed: int) -> list[tuple[float, ...]]:
        each = Link(LinkConfig(delay=0.1, jitter=0.1, loss=0.3), random.Random(seed))
        return [each.send(100, float(number)) for number in range(50)]

    assert run(1) == run(1)
    assert run(1) != run(2)


@pytest.mark.parametrize(
    "how",
    [
        {"jitter": 1.0},
        {"loss": 1.1},
        {"loss": -0.1},
        {"rate": 0.0},
        {"queue": -1},
        {"delay": 0.1, "jitter": -0.1},
    ],
)
def test_nonsense_is_refused(how: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"."):
        LinkConfig(**how)  # type: ignore[arg-type]  # fields by name
    with pytest.raises(ValueError, match="handover"):
        Handover(period=1, lasts=2)
