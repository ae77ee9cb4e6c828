"""smux, sans-IO: one stream inside a reliable connection, as its client (version 2, with windows; version 1 without).

A frame has a head of 8 bytes, little-endian: version (1 byte), command (1), length (2), stream (4). Commands: 0 opens a
stream, 1 ends it, 2 data, 3 nothing (sent now and then so that the peer stays), 4 (version 2) how many bytes the receiver has
consumed and how many more it takes (4 bytes each).
"""

from __future__ import annotations

import struct
from typing import Final

from circumvent.tor.errors import TorError

# Specification.
_HEAD: Final = struct.Struct("<BBHI")
_UPDATE: Final = struct.Struct("<II")
OPEN, FIN, PUSH, NOTHING, UPDATE = range(5)
FIRST_WINDOW: Final = 262_144  #: bytes that each side may send before it hears of the other's window
LONGEST_FRAME: Final = 32_768
#: A client's streams have odd numbers; the first is this.
STREAM: Final = 3
_WRAP: Final = 1 << 32

# Ours.
WINDOW: Final = 1 << 20  #: bytes that we let the peer send


class Smux:
    """One stream of one session, and nothing else in it."""

    def __init__(self, version: int = 2) -> None:
        """Open the stream: :meth:`take_out` has the first frame."""
        self._version = version
        self._out = bytearray(self._frame(OPEN))
        self._in = bytearray()
        self._arrived = bytearray()
        self._waiting = bytearray()
        self._sent = 0
        self._peer_consumed = 0
        self._peer_window = FIRST_WINDOW
        self._consumed = 0
        self._told: int | None = None
        #: The peer has ended the stream.
        self.ended = False

    def send(self, data: bytes) -> None:
        """Keep ``data`` for the stream."""
        self._waiting += data
        self._push()

    def finish(self) -> None:
        """End the stream."""
        self._out += self._frame(FIN)

    def keep_alive(self) -> None:
        """Say nothing, aloud."""
        self._out += self._frame(NOTHING, stream=0)

    def take_out(self) -> bytes:
        """Return the bytes that are to be sent."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def take(self) -> bytes:
        """Return the stream's bytes that have arrived; they count as consumed."""
        data = bytes(self._arrived)
        self._arrived.clear()
        self._consumed += len(data)
        if self._version > 1 and data and (self._told is None or self._consumed - self._told >= WINDOW // 2):
            self._told = self._consumed
            self._out += self._frame(UPDATE, _UPDATE.pack(self._consumed % _WRAP, WINDOW))
        return data

    def feed(self, data: bytes) -> None:
        """Take bytes of the connection.

        :raises TorError: when they are no frames of this version, or more than was allowed.
        """
        self._in += data
        while len(self._in) >= _HEAD.size:
            version, command, length, stream = _HEAD.unpack_from(self._in)
            if version != self._version or command > (UPDATE if self._version > 1 else NOTHING):
                raise TorError("not a frame of smux")
            if len(self._in) < _HEAD.size + length:
                return
            body = bytes(self._in[_HEAD.size : _HEAD.size + length])
            del self._in[: _HEAD.size + length]
            if stream == STREAM:
                self._framed(command, body)

    def _framed(self, command: int, body: bytes) -> None:
        if command == PUSH:
            self._arrived += body
            if len(self._arrived) > WINDOW + LONGEST_FRAME:
                raise TorError("more bytes than the window of the stream")
        elif command == FIN:
            self.ended = True
        elif command == UPDATE:
            if len(body) != _UPDATE.size:
                raise TorError("not an update of a window")
            self._peer_consumed, self._peer_window = _UPDATE.unpack(body)
            self._push()

    def _push(self) -> None:
        while self._waiting and (room := self._room()) > 0:
            body = bytes(self._waiting[: min(room, LONGEST_FRAME)])
            del self._waiting[: len(body)]
            self._sent += len(body)
            self._out += self._frame(PUSH, body)

    def _room(self) -> int:
        if self._version == 1:
            return LONGEST_FRAME
        return self._peer_window - (self._sent - self._peer_consumed) % _WRAP

    def _frame(self, command: int, body: bytes = b"", stream: int = STREAM) -> bytes:
        return _HEAD.pack(self._version, command, len(body), stream) + body
