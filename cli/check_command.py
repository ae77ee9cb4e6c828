"""``circumvent check``: plan, question, run, end screen, files."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from circumvent.check.assemble import exit_code
from circumvent.check.plan import NothingToCheck, make_plan
from circumvent.check.settings import SettingsError
from circumvent.cli import kept, terminal, values
from circumvent.cli.dump_file import DumpProblem, check_writable, write_dump
from circumvent.cli.options import settings_of
from circumvent.cli.paste import read_stdin
from circumvent.cli.question import ask_if_needed
from circumvent.cli.terminals_in_check import found_terminals, wants_satellites, where_to_look
from circumvent.model.kinds import SATELLITE, is_satellite
from circumvent.say.end import Ending, end_screen, quiet_line

if TYPE_CHECKING:
    from collections.abc import Collection

    from circumvent.check.plan import Plan
    from circumvent.check.settings import CheckSettings
    from circumvent.cli.drive import View
    from circumvent.model.option import Option
    from circumvent.model.report import Report

BAD_INPUT = 2
NO_TERMINAL = "no satellite terminal was found on this network; more about that: circumvent satellite"
LOOKED_AT = "before all else a satellite terminal would be looked for at: {places}"
OVER_BOTH = (
    "if one stands behind another connection than the usual one, all that follows would be tried over both"
)
WOULD_ASK = "after each connection's part 1.1.1.1 would be asked, by HTTPS, under which address it is seen"
SHELL_HISTORY = "this link is now in your shell history; next time: circumvent check -"
SECOND_LOGIN = (
    "each profile is logged in to once; where it is up on another device, that may end its session there"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What is shown, and what is written where. ``redact`` is ``None`` if it was not given."""

    json: bool = False
    dump: str | None = None
    redact: str | None = None
    plain: bool = False
    quiet: bool = False


def start(given: dict[str, Any]) -> int:
    """Run what the options of ``circumvent check`` ask for.

    :raises ValueProblem: for a number, a size or a word that is none.
    """
    level = given["redact"]
    if level is not None:
        level = values.choice("--redact", level, ("none", "default", "strict"))
    output = Output(
        json=given["json"],
        dump=given["dump"],
        redact=level,
        plain=terminal.plain_wanted(given["plain"]),
        quiet=given["quiet"],
    )
    try:
        settings = settings_of(given)
        if not given["plan"]:
            return run_check(settings, output)
        planned_run = planned(settings, output, look=False)
        if settings.ask_public_address:
            terminal.tell(WOULD_ASK)
    except (SettingsError, DumpProblem) as exc:
        return fail(exc)
    from circumvent.say.exposure import plan_screen  # noqa: PLC0415 - for --plan only

    terminal.show(plan_screen(planned_run), sys.stdout, plain=output.plain)
    return 0


def run_check(settings: CheckSettings, output: Output) -> int:
    """Run a check, show it, write what was asked for, return the exit code.

    :raises SettingsError: when nothing can be checked as it was asked.
    :raises DumpProblem: when the file of ``--dump`` can't be written.
    """
    began = None if "-" in settings.named else time.monotonic()
    if output.dump is not None:
        check_writable(output.dump, output.redact or "default")
    plan = planned(settings, output)
    answered = ask_if_needed(settings, output)
    if answered is not settings:
        settings, plan = answered, planned(answered, output)
        began = None  # a person thought about it, which is no time of the check's
    if settings.save:
        kept.load_chain(plan)
    from circumvent.cli.links_in_check import run_links  # noqa: PLC0415 - the engine; not for --plan or mistakes

    report, interrupted = run_links(plan, lambda: view_for(output), began, quiet=output.quiet)
    if output.dump is not None:
        try:
            write_dump(report, output.dump, output.redact or "default")
        except OSError as exc:
            terminal.tell(f"--dump: the file can't be written ({exc.strerror or 'error'}).")
            output = replace(output, dump=None)
    if settings.save:
        kept.keep(report, plan)
    _show(report, settings, output, interrupted=interrupted)
    return exit_code(report, need=settings.need, interrupted=interrupted)


def planned(settings: CheckSettings, output: Output, *, look: bool = True) -> Plan:
    """Make the plan and say what of the input can't be used; ``look`` for satellite terminals where they are asked for.

    :raises SettingsError: when nothing can be done.
    """
    found = _terminals(settings, look=look) if wants_satellites(settings) else ()
    plan = make_plan(settings, stdin=read_stdin, id_key=kept.id_key() if settings.save else None, found=found)
    if plan.parsed is not None:
        for sentence in plan.parsed.sentences():
            terminal.tell(sentence)
        if not output.quiet and any(_secret_in_history(option) for option in plan.parsed.options):
            terminal.tell(SHELL_HISTORY)
        if not output.quiet and any(option.traits.account for option in plan.parsed.options):
            terminal.tell(SECOND_LOGIN)
        named = any(is_satellite(option.kind) for option in plan.parsed.options)
        if named and not wants_satellites(settings):
            for sentence in laws_of(
                {SATELLITE}, settings
            ):  # before the first packet, also where all else is quiet
                terminal.tell(sentence)
    return plan


def _terminals(settings: CheckSettings, *, look: bool) -> tuple[Option, ...]:
    """Return the terminals of this network, after facts of law on them; or say where they would be looked for."""
    for sentence in laws_of({SATELLITE}, settings):
        terminal.tell(sentence)
    if look:
        found = found_terminals(settings)
        if not found:
            terminal.tell(NO_TERMINAL)
        return found
    where = where_to_look(settings)
    places = dict.fromkeys(one.address for one in (*where.candidates, *where.others))
    terminal.tell(LOOKED_AT.format(places=", ".join(places) or "nowhere"))
    if settings.interface is None:
        terminal.tell(OVER_BOTH)
    return ()


def fail(error: Exception) -> int:
    """Say what is wrong with the input, one line for each mistake."""
    for sentence in error.sentences if isinstance(error, NothingToCheck) else (str(error),):
        terminal.tell(sentence)
    return BAD_INPUT


def _secret_in_history(option: Option) -> bool:
    return option.origin.source == "argument" and (option.user is not None or option.password is not None)


def view_for(output: Output) -> View:
    """Return how to show a check while it runs."""
    if output.quiet:
        from circumvent.cli.drive import Silent  # noqa: PLC0415 - one of three

        return Silent()
    if output.plain or not terminal.can_move(sys.stderr):
        from circumvent.cli.lines import Lines  # noqa: PLC0415 - one of three

        return Lines()
    from circumvent.cli.live import Live  # noqa: PLC0415 - one of three

    return Live(colour=terminal.style_for(sys.stderr).colour)


def _show(report: Report, settings: CheckSettings, output: Output, *, interrupted: bool) -> None:
    if output.json:
        print(report.to_json(output.redact or "none"), flush=True)
        if output.quiet or not terminal.is_terminal(sys.stderr):
            return
    stream = sys.stderr if output.json else sys.stdout
    if output.quiet:
        print(quiet_line(report, interrupted=interrupted, need=settings.need), file=stream, flush=True)
        return
    ending = Ending(
        interrupted=interrupted,
        laws=law_sentences(report, settings),
        dumped=output.dump,
        plain_dump=output.redact == "none",
        kept=settings.save,
        need=settings.need,
    )
    terminal.show(end_screen(report, ending), stream, plain=output.plain)


def law_sentences(report: Report, settings: CheckSettings) -> tuple[str, ...]:
    """Return the facts of law that touch what was tried, each with its source and date."""
    scopes = {option.scope.value for option in report.options if not option.baseline} | {"handing_on"}
    if any(is_satellite(option.kind) for option in report.options):
        scopes.add(SATELLITE)
    return laws_of(scopes, settings)


def laws_of(scopes: Collection[str], settings: CheckSettings) -> tuple[str, ...]:
    """Return the facts of law that apply to any of ``scopes`` in this country."""
    from circumvent import catalog  # noqa: PLC0415 - read for the end screen
    from circumvent.check.baseline_rows import country  # noqa: PLC0415 - as above
    from circumvent.say.law import law_sentence  # noqa: PLC0415 - as above

    return tuple(
        law_sentence(law)
        for law in catalog.laws(country(settings))
        if set(law.applies_to).intersection(scopes)
    )
