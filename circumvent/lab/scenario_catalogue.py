"""The catalogue of a scenario's check: servers of its world in the place of the public ones.

What a check knows of an endpoint decides what it may conclude: of a server in its catalogue it knows that it was up and
what it spoke, of a user's own it does not. So a scenario can have some of its options there (``[check] catalogue``). Only
the files that name endpoints are replaced; facts of countries, block pages and the like stay as they are.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from circumvent.catalog.select import FEW, FEW_OF
from circumvent.lab.scenario_build import BuildError
from circumvent.model.words import Exposure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from circumvent.lab.world.description import World

    Row = dict[str, Any]

#: Kinds of option that one row of a resolver makes together: who names the one gets the other.
_TOGETHER: Final = {"doh3": "doh", "dns-udp": "dns-tcp", "dns-tcp": "dns-udp"}
#: Bridges are public ones here, which mark who connects to them.
_BRIDGES: Final = frozenset({"tor", "obfs4"})
_PLACE: Final = ("check", "catalogue")
#: A day of no meaning; rows want one.
_DATE: Final = "date = 2026-01-01"


def name_in_truth(kind: str, label: str, *, held_by_user: bool) -> str:
    """Return the label by which a scenario knows an option: those of the catalogue do not name their kind."""
    return label if held_by_user else f"{kind} {label}"


def write(rows: Sequence[Row], world: World, folder: Path) -> None:
    """Write the files of a catalogue that has these options (rows as the user's are, in :mod:`.world.arguments`).

    :raises BuildError: when no catalogue can have exactly these, or a check would not try all of them.
    """
    _check(rows)
    folder.mkdir(exist_ok=True)
    servers: dict[str, list[Row]] = {}
    for row in rows:
        servers.setdefault(_label(row), []).append(row)
    resolvers = [table for label, own in servers.items() for table in _resolver(label, own, world)]
    voices = [_stun(row, world) for row in rows if row["kind"] == "stun"]
    bridges = [_bridge(row, world) for row in rows if row["kind"] in _BRIDGES]
    for name, tables in (("resolvers", resolvers), ("voice", voices), ("tor", bridges), ("pages", [])):
        (folder / f"{name}.toml").write_text("".join(tables), "utf-8")


def _check(rows: Sequence[Row]) -> None:
    there = {(row["kind"], _label(row)) for row in rows}
    for kind, label in sorted(there):
        other = _TOGETHER.get(kind)
        if other is not None and (other, label) not in there:
            raise BuildError(_PLACE, f"{kind} {label}: a catalogue has it together with {other}")
        if kind not in {"doh", "doh3", "dot", "doq", "dns-udp", "dns-tcp", "stun", *_BRIDGES}:
            raise BuildError(_PLACE, f"{kind} {label}: this kind is not among those that can be put there")
    for kind, count in Counter(kind for kind, _ in there).items():
        exposures = (Exposure.MARKING,) if kind in _BRIDGES else Exposure
        most = max(FEW_OF.get((kind, exposure), FEW) for exposure in exposures)
        if count > most:
            raise BuildError(_PLACE, f"{kind}: a check tries {most} of a catalogue's, and these are {count}")


def _label(row: Row) -> str:
    return str(row["label"]).removeprefix(f"{row['kind']} ")


def _resolver(label: str, rows: Iterable[Row], world: World) -> Iterable[str]:
    kinds = {row["kind"]: row for row in rows if row["kind"] not in {"stun", *_BRIDGES}}
    if not kinds:
        return
    server = world.server(label)
    fields: Row = {"slug": f"lab-{label.replace('.', '-')}", "label": label, "large": True}
    fields |= {"operator": world.network(server).operator, "addresses": list(server.addresses)}
    if "doh" in kinds:
        fields |= {"doh": kinds["doh"]["url"], "doh3": "doh3" in kinds}
    fields |= {kind: server.name for kind in ("dot", "doq") if kind in kinds}
    if "dns-udp" in kinds:
        fields["plain"] = server.ipv4
    yield _table("resolver", fields)


def _bridge(row: Row, world: World) -> str:
    label = _label(row)
    fields = {"slug": f"lab-{row['kind']}-{label.replace('.', '-')}", "label": label, "line": row["line"]}
    return _table("bridge", {**fields, "operator": world.network(world.server(label)).operator})


def _stun(row: Row, world: World) -> str:
    label = _label(row)
    fields = {"slug": f"lab-{label.replace('.', '-').replace(' ', '-')}", "label": label}
    fields |= {"operator": world.network(world.server(row["host"])).operator, "host": row["host"]}
    return _table("stun", {**fields, "port": row["port"], "transports": [row["transport"]]})


def _table(name: str, fields: Row) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in fields.items()]
    return "\n".join([f"[[{name}]]", *lines, 'source = "the laboratory"', _DATE, "", ""])
