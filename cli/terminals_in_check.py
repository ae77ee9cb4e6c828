"""``circumvent check --include satellite``: terminals that are found on this network become options beside the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from circumvent.model.kinds import SATELLITE, is_satellite
from circumvent.model.option import Endpoint, Option, Origin

if TYPE_CHECKING:
    from circumvent.check.settings import CheckSettings
    from circumvent.satellite.find import Surroundings


def wants_satellites(settings: CheckSettings) -> bool:
    """Tell whether satellite links were asked for: never unless they are named."""
    return any(word == SATELLITE or is_satellite(word) for word in (*settings.include, *settings.only))


def where_to_look(settings: CheckSettings) -> Surroundings:
    """Return where a terminal would be looked for; nothing is sent."""
    from circumvent.satellite.find import read_surroundings  # noqa: PLC0415 - only where it was asked for

    return behind(read_surroundings(), settings.interface)


def behind(where: Surroundings, interface: str | None) -> Surroundings:
    """Return what lies behind one interface, if one is named."""
    if interface is None:
        return where
    return replace(
        where,
        candidates=tuple(one for one in where.candidates if one.interface == interface),
        networks=tuple(name for name in where.networks if name == interface),
    )


def found_terminals(settings: CheckSettings) -> tuple[Option, ...]:
    """Look for terminals, for at most two seconds; return an option for each, still without its own id."""
    import anyio  # noqa: PLC0415 - as above

    from circumvent.satellite.find import find_terminals  # noqa: PLC0415 - as above

    found = anyio.run(find_terminals, where_to_look(settings).candidates)
    return tuple(
        Option(
            id="starlink",
            kind="starlink",
            label="Starlink terminal",
            endpoint=Endpoint(host=address, port=9200),
            origin=Origin(source="this network"),
        )
        for address in dict.fromkeys(one.address for one in found)
    )
