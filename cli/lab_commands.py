"""The commands of ``circumvent lab``, declared for typer."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from circumvent.cli import options

#: What a command does not know itself belongs to the check that it runs.
PASSES_ON: Final[dict[str, Any]] = {"allow_extra_args": True, "ignore_unknown_options": True}
_LAB: Final = "Laboratory"

Scenario = Annotated[str, typer.Argument(metavar="SCENARIO")]
Seed = Annotated[
    str | None,
    typer.Option(metavar="N", help="what decides all chance (default: 0)", rich_help_panel=_LAB),
]
Pcap = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="where the packets of the client go", rich_help_panel=_LAB),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="truth, verdicts and report as one JSON document", rich_help_panel="Output"),
]
Plain = options.Plain
BehaviourId = Annotated[
    str | None, typer.Argument(metavar="ID", help="a behaviour, or the beginning of several")
]
Program = Annotated[list[str] | None, typer.Argument(metavar="COMMAND")]

lab = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@lab.callback(invoke_without_command=True)
def root() -> None:
    """Run the same tool behind a simulated censor. On Linux, without root, and nothing leaves this machine."""


@lab.command("list")
def list_(plain: Plain = False) -> int:
    """List the scenarios."""
    from circumvent.cli.lab_screens import run_list  # noqa: PLC0415 - not for --help

    return run_list(plain=plain)


@lab.command("show")
def show(scenario: Scenario, plain: Plain = False) -> int:
    """Show a scenario in full. What it models, its link, its censor, what is true there, and the sources."""
    from circumvent.cli.lab_screens import run_show  # noqa: PLC0415 - not for --help

    return run_show(scenario, plain=plain)


@lab.command("rules")
def rules(behaviour: BehaviourId = None, plain: Plain = False) -> int:
    """List what censors have been seen to do. One in full, with its sources and the rules that model it, by its id."""
    from circumvent.cli.lab_screens import run_rules  # noqa: PLC0415 - not for --help

    return run_rules(behaviour, plain=plain)


@lab.command("run", context_settings=PASSES_ON)
def run(
    context: typer.Context,
    scenario: Scenario,
    seed: Seed = None,
    json: Json = False,
    plain: Plain = False,
) -> int:
    """Check from inside a scenario, and hold what is said against the truth. SCENARIO is a name, or a TOML file.

    Further options, files and links are the check's: circumvent check --help
    """
    from circumvent.cli.lab_run import Wanted, start  # noqa: PLC0415 - not for --help

    return start(Wanted(scenario, tuple(context.args), seed=seed, json=json, plain=plain))


@lab.command("shell")
def shell(scenario: Scenario, command: Program = None, seed: Seed = None) -> int:
    """Open a shell inside a scenario, or run a command there. For any program: curl, a browser, an app.

    Options of the command itself stand behind two dashes.
    """
    from circumvent.cli.lab_shell import run_shell  # noqa: PLC0415 - not for --help

    return run_shell(scenario, command or [], seed=seed)


@lab.command("record", context_settings=PASSES_ON)
def record(
    context: typer.Context,
    scenario: Scenario,
    pcap: Pcap = None,
    seed: Seed = None,
    json: Json = False,
    plain: Plain = False,
) -> int:
    """Run a scenario, and keep the packets. As run does, with all that the client sends and gets in a pcap file."""
    from circumvent.cli.lab_run import Wanted, start_recording  # noqa: PLC0415 - not for --help

    wanted = Wanted(scenario, tuple(context.args), seed=seed, json=json, plain=plain)
    return start_recording(wanted, pcap)


@lab.command("replay")
def replay(scenario: Scenario, plain: Plain = False) -> int:
    """Show a recorded run that ships with the package. On every system; it runs nothing."""
    from circumvent.cli.lab_screens import run_replay  # noqa: PLC0415 - not for --help

    return run_replay(scenario, plain=plain)


@lab.command("doctor")
def doctor(plain: Plain = False) -> int:
    """Say whether this machine lets a lab be built, how to allow it, and which real servers are installed."""
    from circumvent.cli.lab_screens import run_doctor  # noqa: PLC0415 - not for --help

    return run_doctor(plain=plain)
