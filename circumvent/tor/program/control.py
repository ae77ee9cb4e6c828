"""tor's control protocol (control-spec, version 1), as far as a bootstrap needs it. Bytes in, values out.

Whoever listens at the socket of a private folder is most likely tor; what it says is bounded and read like all else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The longest line, and most bytes of one conversation, that are read.
LONGEST_LINE: Final = 8192
MOST_BYTES: Final = 4 * 1024 * 1024
COOKIE_BYTES: Final = 32
#: What is asked again and again while tor bootstraps; its answer ends with a line of its own.
ASK: Final = b"GETINFO status/bootstrap-phase traffic/read traffic/written\r\n"
#: Lets tor use the network.
GO: Final = b"SETCONF DisableNetwork=0\r\n"

_BOOTSTRAP: Final = re.compile(r"BOOTSTRAP PROGRESS=(\d{1,3}) TAG=([a-z0-9_]{1,40})(?: |$)")
_REASON: Final = re.compile(r" REASON=([A-Z_]{1,32})(?: |$)")
_COUNT: Final = re.compile(r" COUNT=(\d{1,9})(?: |$)")
_SUMMARY: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_VERSION: Final = re.compile(r"version=(\d{1,3}(?:\.\d{1,5}){1,3}[a-z0-9.-]{0,20})")
_TRAFFIC: Final = re.compile(r"traffic/(read|written)=(\d{1,15})")
_REPLY: Final = re.compile(r"([2-6]\d\d)([ +-])(.*)")
#: Status codes that say yes, and the code of what comes without having been asked for (section 2.3).
_FINE: Final = range(200, 300)
EVENT: Final = 650


class ControlError(Exception):
    """This is not tor's control protocol, or tor refused. The message names no secret."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A phase (section 4.1.10.1): percent, tag, and what is in its way if tor says so."""

    percent: int
    tag: str
    reason: str | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes that tor has read or written since its start."""

    direction: str
    count: int


@dataclass(frozen=True, slots=True)
class Version:
    """The version of tor."""

    text: str


Said = Bootstrap | Traffic | Version


class Conversation:
    """What tor says, taken apart line by line."""

    def __init__(self) -> None:
        self._left = b""
        self._bytes = 0
        self._in_data = False

    def take(self, data: bytes) -> Iterator[Said]:
        """Take bytes that came in; yield what they say and is of interest.

        :raises ControlError: when it is no control protocol, tor refuses a command, or there is no end of it.
        """
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            raise ControlError("tor says more than anybody asked for")
        *lines, self._left = (self._left + data).split(b"\n")
        if max(map(len, (*lines, self._left))) > LONGEST_LINE:
            raise ControlError("a line of tor's has no end")
        for line in lines:
            said = self._read(line.rstrip(b"\r").decode("ascii", "replace"))
            if said is not None:
                yield said

    def _read(self, line: str) -> Said | None:
        if self._in_data:  # lines of a long value, up to a full stop; nothing that we ask for has any
            self._in_data = line != "."
            return None
        found = _REPLY.fullmatch(line)
        if found is None:
            raise ControlError("this is not tor's control protocol")
        code, follows, text = int(found[1]), found[2], found[3]
        if code not in _FINE and code != EVENT:
            raise ControlError(f"tor refuses a command ({code})")
        self._in_data = follows == "+"
        return _meaning(text)


def begin(cookie: bytes) -> bytes:
    """Return the first commands: who we are, that tor belongs to us, what we want to hear (sections 3.5, 3.22, 3.4).

    :raises ControlError: when the cookie is none.
    """
    if len(cookie) != COOKIE_BYTES:
        raise ControlError("tor's cookie has another length")
    commands = (
        f"AUTHENTICATE {cookie.hex()}",
        "TAKEOWNERSHIP",
        "SETEVENTS STATUS_CLIENT",
        "GETINFO version",
    )
    return "".join(f"{command}\r\n" for command in commands).encode("ascii")


def read_port(text: str) -> int:
    r"""Return the port from the file of ``ControlPortWriteToFile``.

    :raises ControlError: when there is none on loopback.

    >>> read_port("PORT=127.0.0.1:9151\n")
    9151
    """
    found = re.search(r"^PORT=127\.0\.0\.1:(\d{1,5})\s*$", text[:200], re.MULTILINE)
    if found is None or not 0 < int(found[1]) < 65536:
        raise ControlError("tor names no port of its own")
    return int(found[1])


def _meaning(text: str) -> Said | None:
    if found := _BOOTSTRAP.search(text):
        bare = _SUMMARY.sub('""', text)  # sentences could hold anything
        reason, count = _REASON.search(bare), _COUNT.search(bare)
        return Bootstrap(
            min(int(found[1]), 100),
            found[2],
            reason[1] if reason else None,
            int(count[1]) if count else 0,
        )
    if found := _TRAFFIC.fullmatch(text):
        return Traffic(found[1], int(found[2]))
    if found := _VERSION.match(text):
        return Version(found[1])
    return None
