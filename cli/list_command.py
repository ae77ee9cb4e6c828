"""``circumvent list``: the built-in options, or the kinds that can be tried."""

from __future__ import annotations

import sys

from circumvent import catalog
from circumvent.cli import terminal, values
from circumvent.model.kinds import FAMILIES, KINDS
from circumvent.model.words import Exposure
from circumvent.say.catalogue import built_in, kinds


def run_list(*, only_kinds: bool, only: list[str], sources: bool, plain: bool) -> int:
    """Print the list; ``only`` holds kinds, families or exposures."""
    if only_kinds:
        terminal.show(kinds(KINDS.values()), sys.stdout, plain=plain)
        return 0
    known = (*KINDS, *sorted(FAMILIES), *(one.value for one in Exposure))
    wanted = [values.choice("--only", word, known) for word in values.words(only)]
    options = [
        option
        for option in catalog.options()
        if not option.baseline
        and (not wanted or {option.kind, option.traits.family, option.exposure.value} & set(wanted))
    ]
    terminal.show(built_in(options, catalog.facts() if sources else None), sys.stdout, plain=plain)
    return 0
