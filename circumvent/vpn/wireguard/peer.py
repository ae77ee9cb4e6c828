"""Our side of one tunnel: handshakes under way, the keys that came of them, what a datagram means.

Nothing here waits or sends. Each initiation is a handshake of its own, and the answer to an earlier one still counts:
a slow peer answers after the next has left. The peer keeps the keys of the newest only, so packets leave under those.
"""

from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.vpn.wireguard import handshake as noise
from circumvent.vpn.wireguard.cookie import Macs, verify_macs
from circumvent.vpn.wireguard.framing import Plain
from circumvent.vpn.wireguard.handshake import HandshakeError, Initiator, public_key, tai64n
from circumvent.vpn.wireguard.transport import Session, TransportError

if TYPE_CHECKING:
    from circumvent.vpn.wireguard.framing import Framing
    from circumvent.vpn.wireguard.handshake import Identity

#: Handshakes whose answer is waited for, and keys that are kept.
MOST_HANDSHAKES: Final = 8
MOST_SESSIONS: Final = 3


class PresharedKeyError(Exception):
    """The peer took our initiation and answered it, and the answer does not open: it has another preshared key."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A handshake is done: ``seconds`` from its initiation to its answer."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cookie:
    """The peer is under load and wants its cookie in the next initiation."""


@dataclass(frozen=True, slots=True)
class Packet:
    """An IP packet from the peer; empty for a keepalive."""

    data: bytes


Event = Finished | Cookie | Packet


@dataclass(slots=True)
class _Begun:
    """An initiation that left, and when."""

    handshake: Initiator = field(repr=False)
    left: float


class Peer:
    """Our side. ``ignored`` counts datagrams that are of nothing of ours."""

    def __init__(self, identity: Identity, framing: Framing | None = None, *, mtu: int = 1420) -> None:
        """Talk to the peer of ``identity``; ``mtu`` bounds what packets are filled up to."""
        self.ignored = 0
        self._identity = identity
        self._framing = framing if framing is not None else Plain()
        self._macs = Macs(identity.peer)
        self._mtu = mtu
        self._begun: dict[int, _Begun] = {}
        self._sessions: dict[int, Session] = {}
        self._current: tuple[float, Session] | None = None
        self._last: int | None = None

    def __repr__(self) -> str:
        return "Peer()"

    def initiate(self, now: float, wall: float) -> list[bytes]:
        """Return the datagrams of a new initiation. ``now`` is any clock, ``wall`` seconds since 1970."""
        index = self._free_index()
        begun = Initiator(
            self._identity,
            index=index,
            stamp=tai64n(wall),
            ephemeral=secrets.token_bytes(noise.KEY_SIZE),
            kind=self._framing.number(noise.INITIATION),
        )
        if len(self._begun) >= MOST_HANDSHAKES:
            del self._begun[next(iter(self._begun))]
        self._begun[index] = _Begun(begun, now)
        self._last = index
        message = self._framing.wrap(self._macs.add(begun.message, now))
        return [*self._framing.before(wall), message]

    def seal(self, packet: bytes, now: float) -> bytes:
        """Return the datagram of an IP packet.

        :raises TransportError: without keys, or when they are too old.
        """
        if self._current is None:
            raise TransportError("no handshake is done")
        message = self._current[1].seal(packet, now, self._mtu)
        number = self._framing.number(noise.DATA)
        if number != noise.DATA:
            message = struct.pack("<I", number) + message[4:]
        return self._framing.wrap(message)

    def stale(self, now: float) -> bool:
        """Tell whether another handshake is due, and none is under way."""
        return (
            self._current is not None
            and self._current[1].stale(now)
            and not any(now - begun.left < noise.REKEY_TIMEOUT for begun in self._begun.values())
        )

    def superseded(self) -> float | None:
        """Return when an initiation left that is later than the keys in use and may still be answered.

        The peer has given up the keys of earlier ones when it answered it, so that nothing passes before we know.
        """
        if self._current is None:
            return None
        later = [begun.left for begun in self._begun.values() if begun.left > self._current[0]]
        return max(later, default=None)

    def receive(self, datagram: bytes, now: float) -> Event | None:
        """Return what a datagram says; ``None`` for what is not ours, or does not authenticate.

        :raises PresharedKeyError: when the peer's answer shows that it has another preshared key.
        """
        message = self._framing.unwrap(datagram)
        event: Event | None = None
        if message is not None and len(message) >= 8:
            try:
                event = self._event(message, now)
            except (HandshakeError, TransportError):
                event = None
        self.ignored += event is None
        return event

    def _event(self, message: bytes, now: float) -> Event | None:
        kind, first, second = struct.unpack_from("<III", message + bytes(4))
        if kind == noise.DATA:
            session = self._sessions.get(first)
            return None if session is None else Packet(session.open(message, now))
        if kind == noise.RESPONSE and (begun := self._begun.get(second)) is not None:
            return self._finish(begun, message, now)
        if kind == noise.COOKIE_REPLY and first == self._last:
            self._macs.take(message, first, now)
            return Cookie()
        return None

    def _finish(self, begun: _Begun, message: bytes, now: float) -> Finished:
        try:
            keys = begun.handshake.finish(message)
        except HandshakeError as exc:
            # Only who has read our initiation knows our public key, which the first mac is made with.
            if self._mac_is_right(message):
                raise PresharedKeyError from exc
            raise
        del self._begun[keys.local_index]
        session = self._sessions[keys.local_index] = Session(keys, now)
        if self._current is None or begun.left >= self._current[0]:
            self._current = begun.left, session
        while len(self._sessions) > MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        return Finished(now - begun.left)

    def _mac_is_right(self, message: bytes) -> bool:
        ours = public_key(self._identity.private)
        return len(message) == noise.RESPONSE_SIZE and verify_macs(ours, message)[0]

    def _free_index(self) -> int:
        index = secrets.randbits(32)
        while index in self._begun or index in self._sessions:
            index = secrets.randbits(32)  # pragma: no cover - one in a billion
        return index
