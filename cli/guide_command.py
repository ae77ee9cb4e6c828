"""``circumvent guide``: short pages that need no internet."""

from __future__ import annotations

import sys

from circumvent.cli import terminal, values
from circumvent.inputs.suggest import suggest
from circumvent.say.guide import PAGES, contents, page
from circumvent.text import sanitise


def run_guide(name: str | None, *, plain: bool) -> int:
    """Print a page, or which pages there are.

    :raises ValueProblem: when there is none of this name.
    """
    if name is not None and name not in PAGES:
        meant = suggest(name, sorted(PAGES))
        hint = f" Did you mean {meant}?" if meant else ""
        raise values.ValueProblem(
            f'circumvent guide: there is no page "{sanitise(name, 40)}".{hint} All pages: circumvent guide'
        )
    terminal.show(contents() if name is None else page(name), sys.stdout, plain=plain)
    return 0
