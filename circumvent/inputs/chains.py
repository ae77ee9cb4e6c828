"""``via``: options that go through another one, named by its label."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from circumvent.model.words import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from circumvent.ids import IdMaker
    from circumvent.model.option import Option

#: How many options may stand one behind the other.
LONGEST_CHAIN: Final = 4
_CARRIERS: Final = frozenset({Scope.PROXY, Scope.SYSTEM})


@dataclass(frozen=True, slots=True)
class Chained:
    """An option without id, and the label of the one that carries it."""

    option: Option
    via: str


def resolve_chains(
    options: Mapping[str, Option], chained: Sequence[Chained], ids: IdMaker
) -> tuple[list[Option], list[tuple[Chained, str]]]:
    """Tie each chained option to its carrier: return those that could be, and the others with a sentence.

    An id depends on the carrier's id, so carriers come first; what is left after :data:`LONGEST_CHAIN` rounds
    goes round in a circle, or through something that is not there.
    """
    known: dict[str, Option] = {}
    for option in options.values():
        known.setdefault(option.label, option)
    done: list[Option] = []
    waiting = list(chained)
    failed: list[tuple[Chained, str]] = []
    for _ in range(LONGEST_CHAIN):
        still: list[Chained] = []
        ready: list[Option] = []
        for item in waiting:
            carrier = known.get(item.via)
            if carrier is None:
                still.append(item)
            elif carrier.scope not in _CARRIERS:
                failed.append((item, "the option that via names cannot carry another. Proxies can."))
            else:
                ready.append(ids.named(replace(item.option, via=carrier.id)))
        for option in ready:
            known.setdefault(option.label, option)
        done += ready
        waiting = still
    labels = {item.option.label for item in waiting}
    for item in waiting:
        circle = item.via in labels
        failed.append((item, _CIRCLE if circle else _MISSING))
    return done, failed


_MISSING: Final = "via must be the label of another option that was named, and there is none."
_CIRCLE: Final = "via leads back to itself, through too many others, or to one that is left out."
