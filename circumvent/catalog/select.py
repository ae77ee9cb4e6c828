"""Which of the built-in options one run tries.

Few of each kind, chosen anew each time, so that a run has no fixed signature. Pure: chance is an argument.
What the user names is never left out by ``careful`` or by the limits, only by ``only`` and ``skip``.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from circumvent.model.words import Exposure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from random import Random

    from circumvent.model.option import Option

#: How many of each kind and exposure one run tries; STUN is a burst to servers that nobody else on the line asks.
FEW: Final = 3
FEW_OF: Final = {
    ("doh", Exposure.ORDINARY): 4,
    ("odoh", Exposure.NOTABLE): 2,
    ("https", Exposure.ORDINARY): 4,
    ("h3", Exposure.ORDINARY): 4,
    # Few may be tried of what marks the user: rather one of each.
    ("tor", Exposure.MARKING): 1,
    ("obfs4", Exposure.MARKING): 1,
    ("meek", Exposure.MARKING): 1,
    ("snowflake", Exposure.MARKING): 1,
}
#: What marks the user: so many in all.
MOST_MARKING: Final = 3
#: Never part of a run unless it is named.
SATELLITE: Final = "satellite"


def words_of(option: Option) -> frozenset[str]:
    """Return the words that name ``option`` in ``--include``, ``--only`` and ``--skip``: kind, family, exposure."""
    return frozenset({option.kind, option.traits.family, str(option.exposure)})


def select(
    options: Iterable[Option],
    *,
    random: Random,
    careful: bool = False,
    include: Collection[str] = (),
    only: Collection[str] = (),
    skip: Collection[str] = (),
    everything: bool = False,
) -> tuple[Option, ...]:
    """Return what one run tries, in the order given.

    ``only`` and ``skip`` hold kinds, families or exposures and apply to all. ``careful`` leaves out what is not
    ordinary, ``include`` brings it (and satellite) back. ``everything`` lifts the limits on numbers, but not
    that on marking endpoints. Operators take turns, and resolvers that filter come last.
    """
    wanted = [option for option in options if _named(option, only, skip)]
    held = [option for option in wanted if option.held_by_user]
    ours = [option for option in wanted if not option.held_by_user and _allowed(option, careful, include)]
    chosen = {option.id for option in held} | {
        option.id for option in _few(ours, random, everything=everything)
    }
    return tuple(option for option in wanted if option.id in chosen)


def _named(option: Option, only: Collection[str], skip: Collection[str]) -> bool:
    words = words_of(option)
    if not words.isdisjoint(skip):
        return False
    # The baseline tells what the network is; without it no verdict on the others would mean anything.
    return not only or option.baseline or not words.isdisjoint(only)


def _allowed(option: Option, careful: bool, include: Collection[str]) -> bool:
    if not words_of(option).isdisjoint(include):
        return True
    if option.traits.family == SATELLITE:
        return False
    return not careful or option.exposure is Exposure.ORDINARY


def _few(options: Sequence[Option], random: Random, *, everything: bool) -> list[Option]:
    """Choose a few of each kind and exposure; of what marks the user a few in all."""
    chosen: list[Option] = []
    taken: Counter[tuple[str, Exposure]] = Counter()
    marking = 0
    for option in _in_turns(options, random):
        group = (option.kind, option.exposure)
        if not everything and taken[group] >= FEW_OF.get(group, FEW):
            continue
        if option.exposure is Exposure.MARKING:
            if marking >= MOST_MARKING:
                continue
            marking += 1
        taken[group] += 1
        chosen.append(option)
    return chosen


def _in_turns(options: Sequence[Option], random: Random) -> list[Option]:
    """Shuffle, then put the first option of each operator and kind before the second, unfiltered ones first."""
    shuffled = random.sample(list(options), len(options))
    shuffled.sort(key=lambda option: option.filtering)
    seen: Counter[tuple[str, str]] = Counter()
    ranked: list[tuple[int, Option]] = []
    for option in shuffled:
        key = (option.kind, option.operator or option.endpoint.host)
        ranked.append((seen[key], option))
        seen[key] += 1
    ranked.sort(key=lambda item: item[0])
    return [option for _, option in ranked]
