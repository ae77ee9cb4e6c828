"""The question before Tor is asked: what an observer can see of it, directly or through a front."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from circumvent.cli import terminal
from circumvent.cli.cells import wrap
from circumvent.cli.question import laws_here
from circumvent.say.bridges import in_one_line, what_is_seen
from circumvent.say.law import law_sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.catalog import SettingsApi
    from circumvent.check.settings import CheckSettings


def ask_if_needed(settings: CheckSettings, apis: Sequence[SettingsApi], *, asked: bool) -> bool:
    """Tell whether only a front is to be used; ``asked``: ask the user, where there is one. Scripts get one line.

    :raises KeyboardInterrupt: where the answer is that nothing shall be sent.
    """
    if not asked:
        return False
    if not (terminal.is_terminal(sys.stdin) and terminal.is_terminal(sys.stderr)):
        terminal.tell(in_one_line(apis[0]))
        return False
    laws = laws_here(settings)
    wide = terminal.columns(sys.stderr)
    for line in (*map(law_sentence, laws), *what_is_seen(apis[0])):
        print("\n".join(wrap(line, wide)), file=sys.stderr)
    choices = (
        "[d]irect, [F]ront or [s]top? Enter is front: "
        if laws
        else "[D]irect, [f]ront or [s]top? Enter is direct: "
    )
    while True:
        print(choices, end="", file=sys.stderr, flush=True)
        given = sys.stdin.readline()
        answer = given.strip().lower()
        if not given or answer in {"s", "stop"}:
            raise KeyboardInterrupt
        if answer in {"", "d", "direct", "f", "front"}:
            return bool(laws) if not answer else answer.startswith("f")
