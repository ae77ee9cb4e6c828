"""Reading the catalogue's files: once each, when first asked for, from wherever the package lies (also a zip)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from circumvent.catalog.rows import Row

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

SomeRow = TypeVar("SomeRow", bound=Row)

#: Where the files lie. The laboratory puts a folder of its own before it, in which its world's servers stand.
folders: list[Traversable] = [resources.files("circumvent.catalog").joinpath("data")]


class CatalogError(RuntimeError):
    """A file of the catalogue is damaged: the installation is at fault, never the user."""


@cache
def _document(name: str) -> dict[str, Any]:
    found = [file for folder in folders if (file := folder.joinpath(f"{name}.toml")).is_file()]
    return tomllib.loads(found[0].read_text(encoding="utf-8"))


def rows(file: str, table: str, kind: type[SomeRow]) -> tuple[SomeRow, ...]:
    """Return the tables ``[[table]]`` of a file, validated.

    :raises CatalogError: when one is not what it must be.
    """
    try:
        return msgspec.convert(_document(file).get(table, []), tuple[kind, ...])  # type: ignore[valid-type] # mypy wants a literal
    except msgspec.ValidationError as exc:
        raise CatalogError(f"{file}.toml: {exc}") from exc
