"""The question before the first run that names nothing: what an observer can see, careful or normal."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from circumvent.cli import terminal
from circumvent.cli.cells import wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.catalog import Law
    from circumvent.check.settings import CheckSettings
    from circumvent.cli.check_command import Output

#: What an observer of the line can see of a run; five lines.
WHAT_IS_SEEN: Final = (
    "Whoever runs this network can see which addresses this device contacts, and when.",
    "Normal: web pages and large DNS services, as any phone does, and a few things that stand out:",
    "encrypted DNS of small operators, plain DNS to strangers, and short bursts like the start of a call.",
    "Careful: only what any phone does. Less is learned: no calls, no small DNS services.",
    "Nothing names you or this program, and the order and the choice differ each time.",
)
IN_ONE_LINE: Final = (
    "circumvent: the network can see what this check contacts; --careful tries only what any phone does, "
    "--plan shows it first."
)


def ask_if_needed(settings: CheckSettings, output: Output) -> CheckSettings:
    """Ask between careful and normal where the rules say so; return the settings with the answer.

    Asked: interactive, nothing named, and none of ``--careful --include --fast --plan --quiet --json`` given. With
    ``--save`` the answer is kept and not asked again. Scripts get one line.
    """
    decided = settings.careful or settings.include or settings.fast or output.quiet or output.json
    if settings.named or settings.target or not settings.wants_builtin or decided:
        return settings
    if not (terminal.is_terminal(sys.stdin) and terminal.is_terminal(sys.stderr)):
        terminal.tell(IN_ONE_LINE)
        return settings
    kept = _kept() if settings.save else None
    careful = kept if kept is not None else _ask(laws_here(settings))
    if settings.save and kept is None:
        _keep(careful)
    return replace(settings, careful=careful)


def laws_here(settings: CheckSettings) -> tuple[Law, ...]:
    """Return the laws of this country that are known; if there are any, careful is what Enter means."""
    from circumvent import catalog  # noqa: PLC0415 - for the question only
    from circumvent.check.baseline_rows import country  # noqa: PLC0415 - as above

    return catalog.laws(country(settings))


def _ask(laws: Sequence[Law]) -> bool:
    from circumvent.say.law import law_sentence  # noqa: PLC0415 - as above

    wide, law = terminal.columns(sys.stderr), bool(laws)
    for line in (*map(law_sentence, laws), *WHAT_IS_SEEN):
        print("\n".join(wrap(line, wide)), file=sys.stderr)
    choices = (
        "[C]areful or [n]ormal? Enter is careful: " if law else "[c]areful or [N]ormal? Enter is normal: "
    )
    while True:
        print(choices, end="", file=sys.stderr, flush=True)
        given = sys.stdin.readline()
        if not given:
            raise KeyboardInterrupt
        answer = given.strip().lower()
        if answer in {"", "c", "careful", "n", "normal"}:
            return law if not answer else answer.startswith("c")


def _kept() -> bool | None:
    from circumvent.state import State  # noqa: PLC0415 - most runs keep nothing

    return State().careful()


def _keep(careful: bool) -> None:
    from circumvent.state import State  # noqa: PLC0415 - as above

    try:
        State().keep_careful(careful)
    except OSError as exc:
        terminal.tell(f"--save: the answer can't be kept ({exc.strerror or 'error'}).")
