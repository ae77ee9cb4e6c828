"""The head of an HTTP/1.1 response after which the connection carries something else (RFC 9112, section 2).

Both AnyConnect (``CONNECT``) and SSTP (``SSTP_DUPLEX_POST``) begin so. Only what such a head needs: one status line,
header fields, an empty line, all of it bounded. What follows is handed on untouched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

#: A head that is longer, in bytes, is no answer to a request of ours.
LONGEST_HEAD: Final = 32 * 1024
MOST_FIELDS: Final = 200
_END: Final = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}):[ \t]*([^\r\n]*)")


class HeadError(ValueError):
    """What came is not the head of an HTTP/1.x response."""


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A status and header fields, names in lower case, in the order of arrival."""

    status: int
    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """Return the first field called ``name`` (lower case)."""
        return next((value for key, value in self.fields if key == name), None)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every field called ``name`` (lower case)."""
        return tuple(value for key, value in self.fields if key == name)


class HeadReader:
    """Takes bytes until a head is whole; :attr:`rest` then has what came after it."""

    def __init__(self) -> None:
        self.rest = b""
        self._received = b""

    def feed(self, data: bytes) -> ResponseHead | None:
        """Take in ``data``; return the head once it is whole.

        :raises HeadError: when this is no head of a response, or too long a one.
        """
        searched = max(len(self._received) - 3, 0)
        self._received += data
        beginning = self._received[:5]
        if not b"HTTP/".startswith(beginning) and beginning != b"HTTP/":
            raise HeadError("this is no HTTP response")
        end = _END.search(self._received, searched, LONGEST_HEAD)
        if end is None:
            if len(self._received) >= LONGEST_HEAD:
                raise HeadError("the head of the response does not end")
            return None
        self.rest = self._received[end.end() :]
        return parse_head(self._received[: end.start()])


def parse_head(head: bytes) -> ResponseHead:
    """Read a head without its empty line.

    :raises HeadError: when it is none.
    """
    first, *lines = re.split(rb"\r?\n", head)
    status = _STATUS_LINE.fullmatch(first)
    if status is None:
        raise HeadError("the status line of the response can't be read")
    if len(lines) > MOST_FIELDS:
        raise HeadError("the response has too many header fields")
    fields = []
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise HeadError("a header field of the response can't be read")
        fields.append((field[1].decode("ascii").lower(), field[2].rstrip().decode("latin-1")))
    return ResponseHead(int(status[1]), tuple(fields))
