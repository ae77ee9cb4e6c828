"""``--anchors FILE``: the user's own anchors and domestic hosts, in TOML (``[[anchor]]``)."""

from __future__ import annotations

from typing import Any, Final

from circumvent.catalog.rows import Anchor
from circumvent.inputs.files import Unreadable, read_file
from circumvent.inputs.hosts import clean_host
from circumvent.inputs.problem import LineError, shown_name
from circumvent.inputs.suggest import suggest
from circumvent.inputs.toml_lines import TomlError, load, tables
from circumvent.model.option import is_address

_LARGEST: Final = 1024 * 1024
_MOST: Final = 1000
_FIELDS: Final = ("host", "address", "port", "network", "class", "domestic")


class AnchorFileError(ValueError):
    """The file can't be used. The message names file, line and fault."""


def read(path: str) -> tuple[Anchor, ...]:
    """Read the file at ``path``.

    :raises AnchorFileError: when it is unreadable, holds no anchor, or one of them is wrong.
    """
    name = shown_name(path)
    try:
        text = read_file(path, _LARGEST).decode()
        document = load(text.removeprefix("\ufeff"))
    except Unreadable as exc:
        raise AnchorFileError(f"{name}: {exc}") from exc
    except UnicodeDecodeError as exc:
        raise AnchorFileError(f"{name}: this is no TOML file.") from exc
    except TomlError as exc:
        place = name if exc.line is None else f"{name}:{exc.line}"
        raise AnchorFileError(f"{place}: {exc.sentence}") from exc
    rows = document.pop("anchor", None)
    if document or not isinstance(rows, list) or not 0 < len(rows) <= _MOST:
        raise AnchorFileError(f"{name}: it must hold [[anchor]] tables and nothing else, at most {_MOST}.")
    places = tables(text, "anchor")
    anchors = []
    for number, row in enumerate(rows):
        line = places[number].line if len(places) == len(rows) else None
        try:
            anchors.append(_anchor(row))
        except LineError as exc:
            place = name if line is None else f"{name}:{line}"
            raise AnchorFileError(f"{place}: {exc.sentence}") from exc
    return tuple(anchors)


def _anchor(row: Any) -> Anchor:
    if not isinstance(row, dict):
        raise LineError("an anchor is a table.")
    for field in row:
        if field not in _FIELDS:
            meant = suggest(field, _FIELDS)
            hint = f' Did you mean "{meant}"?' if meant else f" Fields: {', '.join(_FIELDS)}."
            raise LineError(f"an anchor has no such field.{hint}")
    host, port, domestic = row.get("host"), row.get("port", 443), row.get("domestic", False)
    if not isinstance(host, str):
        raise LineError("an anchor needs a host, in quotes.")
    host = clean_host(f"[{host}]" if ":" in host else host)
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
        raise LineError("port is a whole number from 1 to 65535.")
    if not isinstance(domestic, bool):
        raise LineError("domestic is true or false.")
    words = {field: row.get(field, default) for field, default in (("network", host), ("class", "cloud"))}
    if not all(isinstance(word, str) and 0 < len(word) <= 100 for word in words.values()):
        raise LineError("network and class are short texts in quotes.")
    return Anchor(
        host=host,
        cls="domestic" if domestic else words["class"],
        network=words["network"],
        port=port,
        addresses=_addresses(row.get("address", [])),
        domestic=domestic,
    )


def _addresses(value: Any) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) and is_address(item) for item in items):
        raise LineError("address is an IP address in quotes, or a list of them.")
    return tuple(clean_host(f"[{item}]" if ":" in item else item) for item in items)
