"""From the tables of a TOML document to frozen dataclasses, strictly: an unknown field is an error, with its line.

The types of the fields are the format. What is a protocol in the code (the trigger and the action of a rule) is a
table here that names one of its implementations; :class:`Choices` knows them.
"""

from __future__ import annotations

import enum
import re
import types
from collections.abc import Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec

from circumvent.inputs.suggest import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

Place = tuple[str | int, ...]
_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\"-]+)\s*\]\]?")
_KEY: Final = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")


class BuildError(ValueError):
    """A table is not what its place wants. ``place`` is where: keys and indices from the top."""

    def __init__(self, place: Place, sentence: str) -> None:
        super().__init__(f"{shown(place)}: {sentence}" if place else sentence)
        self.place = place
        self.sentence = sentence


def shown(place: Place) -> str:
    """Return a place as people write it: ``rule[2].then.drop``."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


class Choices:
    """Implementations of a protocol, by the words that name them; ``key`` is the field that holds the word."""

    def __init__(self, key: str, classes: Mapping[str, type]) -> None:
        self.key = key
        self.classes = dict(classes)

    def build(self, value: object, place: Place, choices: Mapping[type, Choices]) -> Any:
        """Build the implementation that a table, or a bare word, names.

        :raises BuildError: when there is none, or its fields don't fit.
        """
        table = {self.key: value} if isinstance(value, str) else value
        if not isinstance(table, dict) or not isinstance(table.get(self.key), str):
            raise BuildError(place, f"this is a table with {self.key} = one of {', '.join(self.classes)}")
        word = table[self.key]
        if word not in self.classes:
            raise BuildError((*place, self.key), _no_such(word, self.classes))
        rest = {name: one for name, one in table.items() if name != self.key}
        return build(self.classes[word], rest, place, choices)


def build(
    cls: type[Any], table: object, place: Place = (), choices: Mapping[type, Choices] | None = None
) -> Any:
    """Build a dataclass from a table.

    :raises BuildError: for an unknown or missing field, or a value that the field does not take.
    """
    if not isinstance(table, dict):
        raise BuildError(place, "this is a table")
    known = {one.name: one for one in fields(cls) if one.init}
    for name in table:
        if name not in known:
            raise BuildError((*place, name), _no_such(name, known))
    for name, one in known.items():
        if name not in table and one.default is MISSING and one.default_factory is MISSING:
            raise BuildError(place, f"{name} is missing")
    hints = get_type_hints(cls)
    values = {
        name: _value(hints[name], value, (*place, name), choices or {}) for name, value in table.items()
    }
    try:
        return cls(**values)
    except (TypeError, ValueError) as exc:
        raise BuildError(place, str(exc)) from exc


def line_of(text: str, place: Place) -> int | None:
    """Return the line of a place in a document, or of what is nearest to it; ``None`` if that is nowhere."""
    header: Place = ()
    counts: dict[str, int] = {}
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        found: Place | None = None
        if match := _HEADER.match(line):
            name = match[2].replace('"', "")
            parts: Place = tuple(name.split("."))
            if match[1] == "[[":
                counts[name] = counts.get(name, -1) + 1
                parts = (*parts, counts[name])
            elif parts[0] in counts and len(parts) > 1:  # a table of the last [[...]]
                parts = (parts[0], counts[str(parts[0])], *parts[1:])
            header = found = parts
        elif match := _KEY.match(line):
            found = (*header, match[1])
        if found is not None and found == place[: len(found)] and (best is None or len(found) > best[0]):
            best = len(found), number
    return best[1] if best else None


def _value(hint: Any, value: object, place: Place, choices: Mapping[type, Choices]) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = [one for one in get_args(hint) if one is not type(None)][:1] or [hint]
    if isinstance(hint, type) and hint in choices:
        return choices[hint].build(value, place, choices)
    if is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, place, choices)
    if get_origin(hint) in (tuple, list, Sequence) and len(get_args(hint)) in (1, 2):
        item = get_args(hint)[0]
        if isinstance(item, type) and (item in choices or is_dataclass(item)):
            if not isinstance(value, list):
                raise BuildError(place, "this is a list of tables")
            return tuple(_value(item, one, (*place, number), choices) for number, one in enumerate(value))
    return _plain(hint, value, place)


def _plain(hint: Any, value: object, place: Place) -> Any:
    if hint is bytes and isinstance(value, str):
        return _octets(value, place)
    try:
        return msgspec.convert(value, hint, strict=True)
    except msgspec.ValidationError as exc:
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            words = [str(one.value) for one in hint]
            raise BuildError(place, f"this is one of {', '.join(words)}") from exc
        raise BuildError(place, str(exc)) from exc


def _octets(text: str, place: Place) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as exc:
        raise BuildError(place, "bytes are written in hexadecimal") from exc


def _no_such(word: str, known: Mapping[str, object]) -> str:
    meant = suggest(word, sorted(known))
    return f'there is no "{word}".' + (
        f' Did you mean "{meant}"?' if meant else f" Known: {', '.join(known)}."
    )
