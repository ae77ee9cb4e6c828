"""The commands of ``circumvent satellite``, declared for typer."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from circumvent.cli import options

_WHERE: Final = "Where"
_HOW: Final = "How much"
_OUTPUT: Final = "Output"

Near = Annotated[
    str | None,
    typer.Option(
        metavar="LAT,LON|CITY",
        help="the place: degrees north, degrees east; or a city",
        rich_help_panel=_WHERE,
    ),
]
Svg = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="a picture too, written to FILE", rich_help_panel=_OUTPUT),
]
Html = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="a page with text and picture, written to FILE", rich_help_panel=_OUTPUT
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="one JSON document on standard output", rich_help_panel=_OUTPUT)
]
Plain = options.Plain

QuietSky = Annotated[
    bool,
    typer.Option(
        "--quiet-sky",
        help="ask the terminal alone, and send nothing by its radio (nothing is ever changed on it)",
        rich_help_panel=_HOW,
    ),
]
Patient = Annotated[
    bool,
    typer.Option(
        "--patient",
        help="watch a link that holds for half a minute, in which satellites hand it on",
        rich_help_panel=_HOW,
    ),
]
AskPublicAddress = options.AskPublicAddress
Interface = Annotated[
    str | None, typer.Option(metavar="NAME", help="look behind this connection only", rich_help_panel=_WHERE)
]

satellite = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@satellite.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    interface: Interface = None,
    quiet_sky: QuietSky = False,
    ask_public_address: AskPublicAddress = False,
    patient: Patient = False,
    json: Json = False,
    plain: Plain = False,
) -> int:
    """Look for a satellite terminal and test it. Link by link, from the terminal over sky and gateway to the internet.

    Asked are the gateways of this device and 192.168.100.1, for a terminal's status: never where it is or whose.
    """
    if context.invoked_subcommand is not None:
        return 0
    from circumvent.cli.terminals_command import run_terminals  # noqa: PLC0415 - not for --help

    return run_terminals(
        interface=interface,
        quiet_sky=quiet_sky,
        ask_public_address=ask_public_address,
        patient=patient,
        json=json,
        plain=plain,
    )


@satellite.command("plan")
def plan(
    near: Near = None, svg: Svg = None, html: Html = None, json: Json = False, plain: Plain = False
) -> int:
    """Show the known gateways nearest to a place. How far, whether one satellite reaches them, and the latency to expect.

    Computed on this device from lists that ship with the package, each fact with its date and source. Nothing is sent.
    """
    from circumvent.cli.satellite_command import run_plan  # noqa: PLC0415 - not for --help

    return run_plan(near, svg=svg, html=html, json=json, plain=plain)
