"""The commands, declared for typer."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
Words = Annotated[str, typer.Option(help="comma-separated")]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


@app.command("check")
def check(  # noqa: PLR0913 - one parameter an option
    named: Annotated[list[str] | None, typer.Argument()] = None,
    builtin: Annotated[bool | None, typer.Option("--builtin/--no-builtin")] = None,
    only: Words = "",
    skip: Words = "",
    include: Words = "",
    careful: bool = False,
    control: list[str] = [],
    bulk: str | None = None,
    anchors: str | None = None,
    ca: list[str] = [],
    trust_anchor: str | None = None,
    dns_control: list[str] = [],
    resolver: str | None = None,
    system_dns: bool = False,
    interface: str | None = None,
    trials: int = 3,
    deadline: float | None = None,
    patient: bool = False,
    all_: Annotated[bool, typer.Option("--all")] = False,
    fast: bool = False,
    target: list[str] = [],
    country: str | None = None,
    need: str | None = None,
    cross_check: bool = False,
    allow_private: bool = False,
    json: bool = False,
) -> None:
    """Try options, rank them, say what to do."""
    from circumvent.check.settings import CheckSettings
    from circumvent.cli.check_command import run_check

    settings = CheckSettings(
        named=tuple(named or ()), builtin=builtin, only=_words(only), skip=_words(skip), include=_words(include),
        careful=careful, control=tuple(control), bulk=bulk, anchors=anchors, ca=tuple(ca), trust_anchor=trust_anchor,
        dns_control=tuple(dns_control), resolver=resolver, system_dns=system_dns, interface=interface, trials=trials,
        deadline=deadline, patient=patient, all=all_, fast=fast, target=tuple(target), country=country, need=need,
        cross_check=cross_check, allow_private=allow_private,
    )
    raise typer.Exit(run_check(settings))


@app.callback()
def root() -> None:
    """circumvent."""


def run(arguments: list[str]) -> int:
    """Run typer on the arguments and return the exit code."""
    try:
        app(arguments, standalone_mode=True)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else 2
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
