"""``circumvent satellite plan``: which gateways are near a place, computed here. Nothing is sent."""

from __future__ import annotations

import json as json_text
import sys
from typing import Final

from circumvent import catalog
from circumvent.check.baseline_rows import country
from circumvent.check.settings import CheckSettings
from circumvent.cli import terminal, values
from circumvent.cli.page import page
from circumvent.cli.private_file import write_private
from circumvent.inputs.suggest import suggest
from circumvent.satellite.document import plan_document
from circumvent.satellite.facts import City, cities, find_cities, sites, systems
from circumvent.satellite.geometry import Place
from circumvent.satellite.picture import draw_svg
from circumvent.satellite.plan import plan_for
from circumvent.say.satellite import plan_screen
from circumvent.text import sanitise

BAD_INPUT: Final = 2
_EXAMPLE: Final = "Examples: --near 35.7,51.4 and --near Tehran"


def run_plan(near: str | None, *, svg: str | None, html: str | None = None, json: bool, plain: bool) -> int:
    """Print the plan for a place; draw it if ``svg`` names a file, and write a page with both if ``html`` does.

    :raises ValueProblem: when no place is meant, or more than one.
    """
    name, place, land = place_of(near)
    plans = [plan_for(place, system, sites(system.slug)) for system in systems()]
    laws = [law for law in catalog.laws(land) if "satellite" in law.applies_to]
    screen = plan_screen(name, place, plans, laws)
    shown = name or f"{place.latitude:.2f}, {place.longitude:.2f}"
    if svg is not None:
        write_private(draw_svg(shown, place, plans), svg, option="--svg")
    if html is not None:
        title = f"Satellite gateways near {shown}"
        write_private(page(title, screen, pictures=[draw_svg(shown, place, plans)]), html, option="--html")
    if json:
        print(json_text.dumps(plan_document(name, place, plans), ensure_ascii=False, indent=2), flush=True)
        return 0
    terminal.show(screen, sys.stdout, plain=plain)
    return 0


def place_of(near: str | None) -> tuple[str, Place, str | None]:
    """Return the name, the place and the country of what ``--near`` says; coordinates have no name.

    Whose law is told with coordinates is guessed as elsewhere, from locale and time zone.

    :raises ValueProblem: when no place is meant, or more than one.
    """
    if near is None or not near.strip():
        raise values.ValueProblem(f"satellite plan: it needs a place. {_EXAMPLE}")
    place = _coordinates(near)
    if place is not None:
        return "", place, country(CheckSettings())
    found = find_cities(near)
    if len(found) == 1:
        return found[0].name, found[0].place, found[0].country
    shown = f'"{sanitise(near, 40)}"'
    if found:
        raise values.ValueProblem(f"--near: {shown} can be {_choices(found)}. Give one of them.")
    meant = suggest(near.partition(",")[0].strip(), [city.name for city in cities()])
    hint = f" Did you mean {meant}?" if meant else " Give its coordinates."
    raise values.ValueProblem(f"--near: {shown} is no city of the list.{hint} {_EXAMPLE}")


def _coordinates(text: str) -> Place | None:
    """Return the place of two numbers; ``None`` where the text is none of that kind."""
    parts = text.split(",")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return None
    if len(numbers) != 2:
        raise values.ValueProblem(f"--near: a place needs two numbers, north and east. {_EXAMPLE}")
    try:
        return Place(*numbers)
    except ValueError as exc:
        raise values.ValueProblem(f"--near: {exc}. {_EXAMPLE}") from exc


def _choices(found: tuple[City, ...]) -> str:
    return " or ".join(f'"{city.name}, {city.country}"' for city in found)
