"""Data messages (WireGuard paper, section 5.4.6): a counter, and a packet sealed with it; each counter opens once."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from circumvent.vpn.wireguard.handshake import DATA

if TYPE_CHECKING:
    from circumvent.vpn.wireguard.handshake import Keys

HEADER_SIZE: Final = 16
TAG_SIZE: Final = 16
#: What is sealed is filled up to a multiple of this, in bytes.
BLOCK: Final = 16
#: Seconds and messages after which a new handshake is due, and after which keys are worth nothing (section 6.1).
REKEY_AFTER_TIME: Final = 120.0
REJECT_AFTER_TIME: Final = 180.0
REKEY_AFTER_MESSAGES: Final = 1 << 60
REJECT_AFTER_MESSAGES: Final = (1 << 64) - (1 << 13) - 1
#: Messages may come out of order by so many (the reference implementation keeps 8128; ours are fewer).
WINDOW: Final = 2048
#: The largest message there is.
MOST: Final = 65_535


class TransportError(ValueError):
    """A data message that is not for these keys, was changed, came twice or came too late."""


class Replay:
    """The counters that have been seen (RFC 6479, with one number in place of its ring)."""

    def __init__(self) -> None:
        self._highest = -1
        self._seen = 0

    def new(self, counter: int) -> bool:
        """Tell whether ``counter`` may still come."""
        if counter >= REJECT_AFTER_MESSAGES:
            return False
        if counter > self._highest:
            return True
        behind = self._highest - counter
        return behind < WINDOW and not self._seen >> behind & 1

    def note(self, counter: int) -> None:
        """Take ``counter`` as seen. Only what has authenticated may move the window."""
        if counter > self._highest:
            shift = counter - self._highest
            self._seen = 1 if shift >= WINDOW else (self._seen << shift | 1) & ((1 << WINDOW) - 1)
            self._highest = counter
        else:
            self._seen |= 1 << (self._highest - counter)


class Session:
    """The keys of one handshake at work, since ``now`` (any clock in seconds, the same everywhere)."""

    def __init__(self, keys: Keys, now: float) -> None:
        self.born = now
        self.local_index = keys.local_index
        self._remote = struct.pack("<II", DATA, keys.remote_index)
        self._send = ChaCha20Poly1305(keys.send)
        self._receive = ChaCha20Poly1305(keys.receive)
        self._counter = 0
        self._replay = Replay()

    def __repr__(self) -> str:
        return f"Session(local_index={self.local_index:#x})"

    def usable(self, now: float) -> bool:
        """Tell whether packets may still be sent and taken."""
        return now - self.born < REJECT_AFTER_TIME and self._counter < REJECT_AFTER_MESSAGES

    def stale(self, now: float) -> bool:
        """Tell whether the side that began should begin another handshake."""
        return now - self.born >= REKEY_AFTER_TIME or self._counter >= REKEY_AFTER_MESSAGES

    def seal(self, packet: bytes, now: float, mtu: int = MOST) -> bytes:
        """Return the message for an IP packet, filled up, but not beyond ``mtu``; an empty one is a keepalive.

        :raises TransportError: when the keys are too old.
        """
        if not self.usable(now):
            raise TransportError("the keys are too old")
        counter = struct.pack("<Q", self._counter)
        self._counter += 1
        padded = packet + bytes(min(-len(packet) % BLOCK, max(mtu - len(packet), 0)))
        return self._remote + counter + self._send.encrypt(bytes(4) + counter, padded, None)

    def open(self, message: bytes, now: float) -> bytes:
        """Return the IP packet in a message without what fills it up; a keepalive is empty.

        :raises TransportError: when it does not authenticate, came before, or the keys are too old.
        """
        if not HEADER_SIZE + TAG_SIZE <= len(message) <= MOST:
            raise TransportError("no data message")
        kind, receiver, counter = struct.unpack_from("<IIQ", message)
        if kind != DATA or receiver != self.local_index:
            raise TransportError("for somebody else")
        if not self.usable(now) or not self._replay.new(counter):
            raise TransportError("too late, or a second time")
        try:
            packet = self._receive.decrypt(bytes(4) + message[8:16], message[HEADER_SIZE:], None)
        except InvalidTag as exc:
            raise TransportError("it does not authenticate") from exc
        self._replay.note(counter)
        return _without_padding(packet)


def _without_padding(packet: bytes) -> bytes:
    """Cut a packet to the length that its header states; what has none stays as it is."""
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        return packet[: int.from_bytes(packet[2:4])]
    if len(packet) >= 40 and packet[0] >> 4 == 6:
        return packet[: 40 + int.from_bytes(packet[4:6])]
    return packet
