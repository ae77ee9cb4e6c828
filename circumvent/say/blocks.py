"""What a screen is made of: blocks of text without width or colour, which :mod:`circumvent.cli.draw` lays out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """A paragraph over the whole width; ``strong`` for the answer itself."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Point:
    """A short word and what is said to it. ``mark`` colours it."""

    lead: str
    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Points:
    """Points under each other, their words in one column."""

    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """Things to do. One stands alone, more are numbered."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way out: one row of the table."""

    rank: int
    mark: str
    name: str
    kind: str
    word: str
    tries: str
    first_data: str = ""
    speed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The ways out of one scope; ``more`` names those that have no row."""

    heading: str
    ways: tuple[Way, ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """All ways out, scope by scope, in common columns."""

    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Options with the same verdict, how many they are, and which, why."""

    mark: str
    word: str
    count: int
    text: str


@dataclass(frozen=True, slots=True)
class Groups:
    """What does not work, by verdict."""

    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of cells in columns under a header; the first cell is a label. Rows in ``wrong`` stand out."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    wrong: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A length: its name, the length, and the length in words. ``limit``: others are held against it."""

    label: str
    length: float
    text: str
    limit: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """Lengths on one scale, under each other."""

    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Space:
    """An empty line."""


Block = Sentence | Heading | Points | Steps | Table | Groups | Grid | Bars | Space
