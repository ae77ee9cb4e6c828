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
        others=tuple(one for one in where.others if one.interface == interface),
        networks=tuple(name for name in where.networks if name == interface),
    )


def found_terminals(settings: CheckSettings) -> tuple[Option, ...]:
    """Look for terminals, for at most two seconds; return an option for each, still without its own id.

    Of terminals that are no dishes those that are known or likely: an address that may be one is no option.
    """
    import anyio  # noqa: PLC0415 - as above

    from circumvent.satellite.others import look_around  # noqa: PLC0415 - as above

    found = anyio.run(look_around, where_to_look(settings))
    dishes = [
        _option("starlink", "Starlink terminal", one.address, 9200, one.interface) for one in found.dishes
    ]
    others = [
        _option("satellite-terminal", one.fits[0].terminal.name, one.address, 80, one.interface)
        for one in found.apart
        if one.sure
    ]
    merged: dict[tuple[str, str], Option] = {}
    for one in (*dishes, *others):
        there = merged.get((one.kind, one.endpoint.host), one)
        interfaces = (*there.origin.interfaces, *one.origin.interfaces)
        origin = replace(there.origin, interfaces=tuple(dict.fromkeys(interfaces)))
        merged[one.kind, one.endpoint.host] = replace(there, origin=origin)
    return tuple(merged.values())


def _option(kind: str, label: str, address: str, port: int, interface: str | None) -> Option:
    return Option(
        id=kind,
        kind=kind,
        label=label,
        endpoint=Endpoint(host=address, port=port),
        origin=Origin(source="this network", interfaces=() if interface is None else (interface,)),
    )
