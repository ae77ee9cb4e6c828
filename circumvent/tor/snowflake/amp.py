"""Polls through an AMP cache: a request in a path, an answer in a page.

A cache serves other people's pages below its own name and takes GET only. So a poll stands in the path
(``amp/client/0`` + anything + ``/`` + base64url) of a page of the broker's, and the answer in that page: ``0`` and base64 in
pieces with white space in between, in ``<pre>`` elements (snowflake's broker specification, section 2.1.2, and its AMP armor).
Where a cache has the page follows from its URL (AMP cache URLs: subdomain, then ``c``, ``s`` for https, host, path).
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from circumvent.tor.errors import TorError
from circumvent.tor.snowflake.broker import LONGEST

if TYPE_CHECKING:
    import random

#: Bytes of chance in each path, so that no cache answers from what it has.
FRESH_BYTES: Final = 9
_PATH: Final = "amp/client/0"
_ELEMENT: Final = re.compile(rb"<pre(?:\s[^<>]{0,1000})?>([^<]*)(</pre\s{0,9}>)?", re.IGNORECASE)
_WHITE: Final = re.compile(rb"[\t\n\f\r ]+")


def page_url(broker: str, poll: bytes, chance: random.Random) -> str:
    """Return the URL of the broker's page that answers ``poll``."""
    fresh = _base64url(chance.randbytes(FRESH_BYTES))
    return urljoin(broker, f"{_PATH}{fresh}/{_base64url(poll)}")


def read_page(page: bytes) -> bytes:
    """Return what an answer's page holds.

    :raises TorError: when it is no such page.
    """
    if len(page) > LONGEST:
        raise TorError("the page is too long")
    pieces = []
    for element in _ELEMENT.finditer(page):
        if element[2] is None:
            raise TorError("the page is cut")
        text = html.unescape(element[1].decode("latin-1")).encode("latin-1", "replace")
        pieces.append(_WHITE.sub(b"", text))
    whole = b"".join(pieces)
    if whole[:1] != b"0":
        raise TorError("the page holds no answer of a broker's")
    try:
        return base64.b64decode(whole[1:], validate=True)
    except binascii.Error as exc:
        raise TorError("the page holds no base64") from exc


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
