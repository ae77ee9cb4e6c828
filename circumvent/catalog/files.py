"""Reading the catalogue's files: once each, when first asked for, from wherever the package lies (also a zip)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, TypeVar

import msgspec

from circumvent.catalog.rows import Row

SomeRow = TypeVar("SomeRow", bound=Row)


class CatalogError(RuntimeError):
    """A file of the catalogue is damaged: the installation is at fault, never the user."""


@cache
def _document(name: str) -> dict[str, Any]:
    text = resources.files("circumvent.catalog").joinpath("data", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def rows(file: str, table: str, kind: type[SomeRow]) -> tuple[SomeRow, ...]:
    """Return the tables ``[[table]]`` of a file, validated.

    :raises CatalogError: when one is not what it must be.
    """
    try:
        return msgspec.convert(_document(file).get(table, []), tuple[kind, ...])  # type: ignore[valid-type] # mypy wants a literal
    except msgspec.ValidationError as exc:
        raise CatalogError(f"{file}.toml: {exc}") from exc
