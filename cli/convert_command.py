"""``circumvent convert``: an option in another form, so that one that works can be handed on."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from circumvent.cli import terminal, values
from circumvent.cli.paste import read_stdin
from circumvent.cli.private_file import write_private
from circumvent.convert import FORMS, CannotWrite, write
from circumvent.ids import IdMaker
from circumvent.inputs import read_inputs
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.option import Option

BAD_INPUT: Final = 2
#: Endings of files, and the forms that they stand for.
_ENDINGS: Final = {".toml": "toml", ".conf": "conf", ".ovpn": "ovpn", ".svg": "svg", ".txt": "link"}
SECRETS: Final = (
    "what follows holds keys or passwords: who sees this screen, or the file that it goes to, can use them"
)


class ConvertProblem(ValueError):
    """It can't be done as it was asked. The message is a sentence."""


def run_convert(
    named: Sequence[str], *, to: str | None, option: str | None, output: str | None, force: bool
) -> int:
    """Write what is named in the form ``to``, on standard output or into a file that only its owner can read.

    :raises ValueProblem: for a form that is none.
    """
    try:
        form = _form(to, output)
        chosen = _chosen(named, option)
        text = _written(chosen, form)
        if output is not None:
            save_secret(text, output, force=force)
            return 0
    except ConvertProblem as exc:
        terminal.tell(str(exc))
        return BAD_INPUT
    if terminal.is_terminal(sys.stdout):
        _say_before(chosen)
    print(text, end="", flush=True)
    return 0


def _form(to: str | None, output: str | None) -> str:
    if to is not None:
        return values.choice("--to", to, FORMS)
    return _ENDINGS.get(Path(output).suffix.lower(), "toml") if output is not None else "toml"


def _chosen(named: Sequence[str], wanted: str | None) -> tuple[Option, ...]:
    """Return the options that are named, or the one of them that ``wanted`` calls by label or id."""
    if not named:
        raise ConvertProblem(
            "convert: name a file, a link or a built-in option. Example: circumvent convert wg.conf --to qr"
        )
    # Nothing is sent anywhere: private addresses are as good as others.
    ours, others = _built_in(named)
    parsed = read_inputs(others, ids=IdMaker(), stdin=read_stdin, allow_private=True)
    for sentence in parsed.sentences():
        terminal.tell(sentence)
    options = (*ours, *parsed.options)
    if not options:
        raise ConvertProblem("convert: nothing that can be written was named")
    if wanted is None:
        return options
    found = tuple(one for one in options if wanted in (one.label, one.id))
    if len(found) == 1:
        return found
    what = "no" if not found else "more than one"
    raise ConvertProblem(f'--option: there is {what} option "{sanitise(wanted, 40)}". {_names(options)}')


def _built_in(named: Sequence[str]) -> tuple[list[Option], list[str]]:
    """Tell built-in options, by their ids, from files and links."""
    from circumvent import catalog  # noqa: PLC0415 - some 20 ms

    ours: list[Option] = []
    others: list[str] = []
    for name in named:
        found = None
        if name != "-" and "/" not in name and not Path(name).exists():
            found = next((one for one in catalog.options() if one.id == name and not one.baseline), None)
        if found is None:
            others.append(name)
        else:
            ours.append(replace(found, operator=None, cdn=None))
    return ours, others


def _written(options: Sequence[Option], form: str) -> str:
    """Return the text; a list of which one option can't be written is refused with that option's name."""
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    try:
        return write(options, form, unicode=encoding.startswith("utf"))
    except CannotWrite as exc:
        if len(options) == 1:
            raise ConvertProblem(
                f'"{sanitise(options[0].label, 40)}" can\'t be written as {form}: {exc}'
            ) from exc
        if form not in ("toml", "link"):
            raise ConvertProblem(f"--to {form}: {exc}. {_names(options)}") from exc
        for one in options:
            try:
                write([one], form)
            except CannotWrite as problem:
                raise ConvertProblem(
                    f'"{sanitise(one.label, 40)}" can\'t be written as {form}: {problem}'
                ) from exc
        raise ConvertProblem(f"--to {form}: {exc}") from exc


def _names(options: Sequence[Option]) -> str:
    shown = [f'"{sanitise(one.label, 30)}"' for one in options[:8]]
    return f"There are {', '.join(shown)}" + (f" and {len(options) - 8} more." if len(options) > 8 else ".")


def save_secret(text: str, name: str, *, force: bool) -> None:
    """Write a file that only its owner can read; one that is there already is left alone unless ``force`` says not."""
    try:
        write_private(text, name, option="--output", force=force)
    except values.ValueProblem as exc:
        raise ConvertProblem(str(exc)) from exc
    terminal.tell(f"{sanitise(name, 100)} is written; it holds keys or passwords, and only you can read it.")


def _say_before(options: Sequence[Option]) -> None:
    """Say on a terminal what stands in what follows, and what the law says of handing it on, where that is known."""
    from circumvent import catalog  # noqa: PLC0415 - for a terminal only
    from circumvent.check.baseline_rows import country  # noqa: PLC0415 - as above
    from circumvent.check.settings import CheckSettings  # noqa: PLC0415 - as above
    from circumvent.say.law import law_sentence  # noqa: PLC0415 - as above

    for law in catalog.laws(country(CheckSettings())):
        if "handing_on" in law.applies_to:
            terminal.tell(law_sentence(law))
    if any(one.held_by_user for one in options):
        terminal.tell(SECRETS)
