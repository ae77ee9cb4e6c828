"""``circumvent bridges``: what Tor recommends here, tried, and the lines of what works."""

from __future__ import annotations

import json as json_text
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import anyio

from circumvent import catalog
from circumvent.check.assemble import exit_code
from circumvent.check.plan import make_plan, read_pem_file
from circumvent.check.settings import SettingsError
from circumvent.cli import terminal, values
from circumvent.cli.bridges_question import ask_if_needed
from circumvent.cli.check_command import BAD_INPUT, Output, fail, law_sentences, view_for
from circumvent.cli.convert_command import ConvertProblem, save_secret
from circumvent.cli.drive import drive
from circumvent.cli.dump_file import DumpProblem, check_writable, write_dump
from circumvent.cli.options import settings_of
from circumvent.convert.bridge_lists import LIST_FORMS, write_lines
from circumvent.convert.problem import CannotWrite
from circumvent.inputs.bridge_lines import TRANSPORTS
from circumvent.recommend.ask import ask, check_resolver
from circumvent.say.bridges import bridges_screen, plan_blocks
from circumvent.say.end import Ending, quiet_line
from circumvent.say.sums import asked_for, carries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.catalog import SettingsApi
    from circumvent.check.settings import CheckSettings
    from circumvent.model.report import Report
    from circumvent.recommend.answer import Recommendation
    from circumvent.recommend.ask import Advice

SCHEMA: Final = "circumvent.bridges/1"
NOTHING: Final = 1
OFFLINE: Final = 4
ASKING: Final = "asking Tor which bridges it recommends"
NOBODY: Final = "no bridge to try"
_ENDINGS: Final = {".torrc": "torrc", ".svg": "svg"}
#: Options of this command that are no settings of the check.
_OWN: Final = ("fronted", "yes", "to", "output", "force")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of Tor, and in which form the lines go where; ``form`` is ``None`` for lines under the screen."""

    transports: tuple[str, ...] = ()
    fronted: bool = False
    yes: bool = False
    plan: bool = False
    form: str | None = None
    file: str | None = None
    force: bool = False


def start(given: dict[str, Any]) -> int:
    """Run what the options of ``circumvent bridges`` ask for.

    :raises ValueProblem: for a word or a number that is none.
    """
    words = values.words(given.pop("only") or [])
    for word in words:
        values.choice("--only", word, tuple(sorted(TRANSPORTS - {""})))
    wanted = Wanted(
        transports=words,
        fronted=given["fronted"],
        yes=given["yes"],
        plan=given["plan"],
        form=_form(given["to"], given["output"]),
        file=given["output"],
        force=given["force"],
    )
    output = Output(
        json=given["json"],
        dump=given["dump"],
        plain=terminal.plain_wanted(given["plain"]),
        quiet=given["quiet"],
    )
    try:
        settings = settings_of({name: value for name, value in given.items() if name not in _OWN})
        return run_bridges(settings, wanted, output)
    except (SettingsError, DumpProblem) as exc:
        return fail(exc)


def run_bridges(
    settings: CheckSettings, wanted: Wanted, output: Output, apis: Sequence[SettingsApi] | None = None
) -> int:
    """Ask, try, show, write; return the exit code. ``apis`` are those of the catalogue unless given.

    :raises SettingsError: when it can't be done as it was asked.
    :raises DumpProblem: when the file of ``--dump`` can't be written.
    """
    apis = catalog.settings_apis() if apis is None else apis
    check_resolver(settings)
    if output.dump is not None:
        check_writable(output.dump, "default")
    if wanted.plan:
        page = plan_blocks(apis, fronted=wanted.fronted, country=settings.country)
        terminal.show(page, sys.stdout, plain=output.plain)
        return 0
    settings = replace(settings, named=("-",), builtin=False)
    pem = tuple(read_pem_file(path) for path in settings.ca)
    fronted = wanted.fronted or ask_if_needed(settings, apis, asked=_may_ask(wanted, output))
    if not output.quiet:
        terminal.tell(ASKING)
    advice = anyio.run(_ask, settings, apis, pem, wanted, fronted)
    tried = _try(advice.recommendation, settings, output)
    if tried is not None:
        output = _dumped(tried.report, output)
    written = _write(() if tried is None else tried.lines, wanted)
    _show(advice, tried, settings, wanted, output)
    if tried is None:
        return NOTHING if advice.online else OFFLINE
    return exit_code(tried.report, need=None, interrupted=tried.interrupted) if written else BAD_INPUT


def _may_ask(wanted: Wanted, output: Output) -> bool:
    return not (wanted.yes or output.quiet or output.json)


async def _ask(
    settings: CheckSettings, apis: Sequence[SettingsApi], pem: tuple[str, ...], wanted: Wanted, fronted: bool
) -> Advice:
    return await ask(settings, apis, pem, transports=wanted.transports, fronted=fronted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of trying: the report of the check, whether it was stopped, the lines that work, best first."""

    report: Report
    interrupted: bool
    lines: tuple[str, ...]


def _try(found: Recommendation | None, settings: CheckSettings, output: Output) -> Tried | None:
    """Try the bridges that can be tried, as ``circumvent check`` does; ``None`` where there are none."""
    if found is None or not found.lines:
        return None
    text = "".join(f"Bridge {line}\n" for line in found.lines)
    plan = make_plan(settings, stdin=lambda _: text.encode("ascii"))
    report, interrupted = drive(plan, view_for(output))
    line_of = {one.id: found.lines[one.origin.line - 1] for one in plan.options if one.origin.line}
    place = {one.id: one.rank for one in report.ranking}
    usable = [one.id for one in asked_for(report) if carries(one)]
    best = sorted(usable, key=lambda one: place.get(one, len(place) + 1))
    return Tried(report=report, interrupted=interrupted, lines=tuple(line_of[one] for one in best))


def _dumped(report: Report, output: Output) -> Output:
    """Write the file of ``--dump``; return what is left to be said of it."""
    if output.dump is None:
        return output
    try:
        write_dump(report, output.dump, "default")
    except OSError as exc:
        terminal.tell(f"--dump: the file can't be written ({exc.strerror or 'error'}).")
        return replace(output, dump=None)
    return output


def _show(
    advice: Advice, tried: Tried | None, settings: CheckSettings, wanted: Wanted, output: Output
) -> None:
    """Show what came of it: on standard output, or beside it where that takes the lines or a document."""
    lines = () if tried is None else tried.lines
    taken = output.json or (wanted.form is not None and wanted.file is None)
    if output.json:
        print(json_text.dumps(document(advice, tried), ensure_ascii=False, indent=2), flush=True)
    elif taken:
        _print_form(lines, wanted)
    stream = sys.stderr if taken else sys.stdout
    if taken and (output.quiet or not terminal.is_terminal(sys.stderr)):
        return
    if output.quiet:
        said = NOBODY if tried is None else quiet_line(tried.report, interrupted=tried.interrupted)
        print(said, file=stream, flush=True)
    else:
        _show_screen(advice, tried, settings, output, stream, shown=not taken and wanted.file is None)
    if not taken and wanted.file is None and not output.quiet:
        print("".join(f"\n{line}" for line in lines), end="\n" if lines else "", flush=True)


def _show_screen(
    advice: Advice,
    tried: Tried | None,
    settings: CheckSettings,
    output: Output,
    stream: IO[str],
    *,
    shown: bool,
) -> None:
    ending = Ending()
    if tried is not None:
        laws = law_sentences(tried.report, settings)
        ending = Ending(interrupted=tried.interrupted, laws=laws, dumped=output.dump)
    report, working = (None, 0) if tried is None else (tried.report, len(tried.lines))
    page = bridges_screen(advice, report, ending, working=working, shown=shown)
    terminal.show(page, stream, plain=output.plain)


def _print_form(lines: Sequence[str], wanted: Wanted) -> None:
    if lines and wanted.form is not None:
        encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
        print(write_lines(lines, wanted.form, unicode=encoding.startswith("utf")), end="", flush=True)


def _write(lines: Sequence[str], wanted: Wanted) -> bool:
    """Write the file of ``--output``, if there is one and anything to write; tell whether all is well."""
    if wanted.file is None or not lines:
        return True
    try:
        save_secret(write_lines(lines, wanted.form or "lines"), wanted.file, force=wanted.force)
    except (ConvertProblem, CannotWrite) as exc:
        terminal.tell(str(exc))
        return False
    return True


def _form(to: str | None, output: str | None) -> str | None:
    if to is not None:
        return values.choice("--to", to, LIST_FORMS)
    if output is None:
        return None
    name = Path(output)
    return "torrc" if name.name == "torrc" else _ENDINGS.get(name.suffix.lower(), "lines")


def document(advice: Advice, tried: Tried | None) -> dict[str, Any]:
    """Return what ``--json`` prints. It holds the lines: that is what was asked for."""
    found = advice.recommendation
    return {
        "schema": SCHEMA,
        "asked": [
            {
                "host": one.host,
                "via": "front" if one.fronted else "direct",
                "failure": None
                if one.failure is None
                else {"step": one.failure.step, "error": one.failure.error},
                "not_asked": None if one.cannot is None else one.cannot.reason.value,
            }
            for one in advice.asked
        ],
        "country": None if found is None else found.country,
        "defaults": found is not None and found.nothing is not None,
        "nothing": None if found is None or found.nothing is None else found.nothing.value,
        "recommended": [
            {"transport": one.transport, "source": one.source, "problem": one.problem}
            for one in (() if found is None else found.bridges)
        ],
        "left_out": 0 if found is None else found.left_out,
        "lines": [] if tried is None else list(tried.lines),
        "report": None if tried is None else tried.report.to_dict(),
    }
