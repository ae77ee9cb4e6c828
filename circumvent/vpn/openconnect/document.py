"""The XML documents of a gateway, read without giving it any power.

A document type declaration is refused as soon as it begins, so that there are no entities but the five of XML itself
and nothing is ever fetched; the encoding is UTF-8 whatever the document says, so that it chooses no decoder; size,
depth, number of elements and of attributes are bounded. The parser is expat, whose errors become
:class:`DocumentError`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes, nested elements, elements, and attributes of one element, of the largest document that is read.
LARGEST: Final = 128 * 1024
DEEPEST: Final = 32
MOST_ELEMENTS: Final = 2000
MOST_ATTRIBUTES: Final = 64


class DocumentError(ValueError):
    """This is no XML that we read."""


@dataclass(slots=True)
class Element:
    """One element: its name, attributes, text (its own, joined), and the elements in it."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def find(self, name: str) -> Element | None:
        """Return the first element of that name right inside this one."""
        return next((child for child in self.children if child.name == name), None)

    def walk(self) -> Iterator[Element]:
        """Return this element and all inside it, in the order of the document."""
        yield self
        for child in self.children:
            yield from child.walk()

    def __repr__(self) -> str:
        return f"Element({len(self.children)} children)"


def parse(data: bytes) -> Element:
    """Read a document and return its root.

    :raises DocumentError: when it is not well-formed, declares a document type, or is too large.
    """
    if len(data) > LARGEST:
        raise DocumentError("the document is too large")
    builder = _Builder()
    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.buffer_text = True
    try:
        parser.Parse(data, True)
    except expat.ExpatError as exc:
        raise DocumentError("the document is no well-formed XML") from exc
    if builder.root is None:
        raise DocumentError("the document is empty")  # pragma: no cover - expat has said so before
    return builder.root


def write(element: Element) -> str:
    """Write an element as XML."""
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in element.attributes.items())
    inside = escape(element.text) + "".join(write(child) for child in element.children)
    return f"<{element.name}{attributes}>{inside}</{element.name}>"


def _refuse_doctype(*_declaration: object) -> None:
    raise DocumentError("the document declares a document type")


class _Builder:
    """Makes the tree while expat reads."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._elements = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS or len(self._open) >= DEEPEST or len(attributes) > MOST_ATTRIBUTES:
            raise DocumentError("the document has too many elements")
        element = Element(name, dict(attributes))
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, _name: str) -> None:
        self._open.pop()

    def characters(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text
