"""Block pages: what networks show in the place of a page that they block.

Only marks of documented pages count (evidence E1); that something looks like a block page is no evidence.
"""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from typing import Final

#: How much of an answer is searched, in bytes.
SEARCHED: Final = 4096


def block_page(answer: bytes) -> str | None:
    """Return the country (two letters) of the documented block page that ``answer`` is, ``None`` if it is none.

    ``answer`` is the beginning of an HTTP response as it came, header included.
    """
    head, _, body = answer[:SEARCHED].partition(b"\r\n\r\n")
    location = next((line for line in head.split(b"\r\n")[1:] if line[:9].lower() == b"location:"), b"")
    places = {"body": body, "location": location}
    return next((country for where, text, country in _marks() if text in places[where]), None)


@functools.cache
def _marks() -> tuple[tuple[str, bytes, str], ...]:
    data = resources.files("circumvent.catalog").joinpath("data", "block_pages.toml").read_text("utf-8")
    return tuple(
        (row["where"], row["text"].encode(), row["country"]) for row in tomllib.loads(data)["block_page"]
    )
