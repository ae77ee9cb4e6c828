"""What a censor keeps for a rule: penalties that end, chance that repeats, bounds."""

from __future__ import annotations

import pytest  # noqa: TC002 - fixtures are typed by it

from circumvent.lab import rule as rules
from circumvent.lab.rule import Memory, Penalties


def test_penalties_end_and_are_not_shortened() -> None:
    penalties = Penalties()
    assert not penalties
    penalties.punish("a", 10.0)
    penalties.punish("a", 5.0)
    assert penalties
    assert penalties.holds("a", 9.9)
    assert not penalties.holds("b", 0.0)
    assert not penalties.holds("a", 10.0)
    assert not penalties


def test_everything_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_REMEMBERED", 10)
    penalties, memory = Penalties(), Memory.seeded(1, "x")
    for number in range(100):
        penalties.punish(number, 1.0)
        memory.keep(number, number)
    assert sum(penalties.holds(number, 0.0) for number in range(100)) == 10
    assert list(memory.table) == list(range(90, 100))


def test_chance_depends_on_seed_and_name() -> None:
    def draw(seed: int, name: str) -> float:
        return Memory.seeded(seed, name).random.random()

    assert draw(1, "a") == draw(1, "a")
    assert len({draw(1, "a"), draw(2, "a"), draw(1, "b")}) == 3
