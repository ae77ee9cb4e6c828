"""The commands of ``circumvent satellite``, declared for typer."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from circumvent.cli import options

_WHERE: Final = "Where"
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
Json = Annotated[
    bool, typer.Option("--json", help="one JSON document on standard output", rich_help_panel=_OUTPUT)
]
Plain = options.Plain

satellite = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@satellite.callback(invoke_without_command=True)
def root() -> None:
    """Tell which satellite gateways are near a place. Nothing is sent."""


@satellite.command("plan")
def plan(near: Near = None, svg: Svg = None, json: Json = False, plain: Plain = False) -> int:
    """Show the known gateways nearest to a place. How far, whether one satellite reaches them, and the latency to expect.

    Computed on this device from lists that ship with the package, each fact with its date and source. Nothing is sent.
    """
    from circumvent.cli.satellite_command import run_plan  # noqa: PLC0415 - not for --help

    return run_plan(near, svg=svg, json=json, plain=plain)
