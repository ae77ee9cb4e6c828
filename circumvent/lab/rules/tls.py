"""Triggers on TLS: what a ClientHello says or how it looks, and that a ServerHello comes back.

The same :class:`HelloWanted` is used for TLS over TCP, for QUIC (:mod:`circumvent.lab.rules.quic`) and for DTLS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from circumvent.lab.blocking import Judgement
from circumvent.lab.flow import DOWN, MOST_FIRST, UP, Direction
from circumvent.lab.names import Names  # noqa: TC001 - scenario files are read by the types of fields
from circumvent.lab.packet import UDP
from circumvent.lab.tls import SeenHello, hello_of, is_server_hello, read_dtls_hello

if TYPE_CHECKING:
    from circumvent.lab.rule import Memory, Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class HelloWanted:
    """Which ClientHellos are meant: those for which everything that is said here holds; any at all if nothing is.

    ``names``: its server name is one of these. ``spared``: its server name is none of these, or it has none.
    ``nameless``: it has no server name (``True``), or has one (``False``). ``extensions``: it has all of these;
    ``without``: it has none of these. ``ja3``, ``ja4``: its fingerprint is one of these, or begins with it.
    """

    names: Names | None = None
    spared: Names | None = None
    nameless: bool | None = None
    extensions: tuple[int, ...] = ()
    without: tuple[int, ...] = ()
    ja3: tuple[str, ...] = ()
    ja4: tuple[str, ...] = ()

    def judge(self, hello: SeenHello) -> Judgement:
        """Judge a ClientHello; ``NO`` if more of it must come first."""
        checks = (
            self._name_check(hello),
            self._extension_check(hello),
            self._fingerprint_check(hello),
        )
        if Judgement.NEVER in checks:
            return Judgement.NEVER
        return Judgement.NO if Judgement.NO in checks else Judgement.YES

    def _name_check(self, hello: SeenHello) -> Judgement:
        if self.names is None and self.spared is None and self.nameless is None:
            return Judgement.YES
        if hello.name is None and not hello.complete:
            return Judgement.NO
        name = hello.name
        wanted = (
            (self.names is None or (name is not None and name in self.names))
            and (self.spared is None or name is None or name not in self.spared)
            and (self.nameless is None or self.nameless is (name is None))
        )
        return Judgement.YES if wanted else Judgement.NEVER

    def _extension_check(self, hello: SeenHello) -> Judgement:
        there = set(hello.extensions)
        if there & set(self.without):
            return Judgement.NEVER
        if not hello.complete and (self.without or not there.issuperset(self.extensions)):
            return Judgement.NO
        return Judgement.YES if there.issuperset(self.extensions) else Judgement.NEVER

    def _fingerprint_check(self, hello: SeenHello) -> Judgement:
        if not self.ja3 and not self.ja4:
            return Judgement.YES
        if not hello.complete:
            return Judgement.NO
        ja3, ja4 = hello.ja3() or "", hello.ja4() or ""
        if (self.ja3 and ja3.startswith(self.ja3)) or (self.ja4 and ja4.startswith(self.ja4)):
            return Judgement.YES
        return Judgement.NEVER


#: Any ClientHello.
ANY_HELLO = HelloWanted()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHello:
    """A ClientHello over TCP.

    ``reassemble``: the TCP stream is put together; else each segment is read alone. ``join_records``: TLS records are
    joined; else the first record is read alone. ``handshake_needed``: only on connections whose three packets of the
    TCP handshake were seen; without it a lone segment suffices, as in Henan (A Wall Behind A Wall, S&P 2025).
    """

    wanted: HelloWanted = ANY_HELLO
    reassemble: bool = True
    join_records: bool = True
    handshake_needed: bool = True
    direction: Direction = UP

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Read the ClientHello as far as it came."""
        if sight.direction is not self.direction or not sight.packet.payload_length:
            return Judgement.NO
        if self.handshake_needed and not sight.flow.answered:
            return Judgement.NO
        hello = hello_of(sight, reassemble=self.reassemble, join_records=self.join_records)
        if isinstance(hello, bool):
            return Judgement.NEVER if hello else Judgement.NO
        return self.wanted.judge(hello)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHello:
    """The server answers a ClientHello: seen dropped on its way into Iran in 2025 (net4people/bbs #489)."""

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Look at the first record of the server."""
        stream = sight.flow.down.stream
        if stream is None or (len(stream.data) > 5 and not is_server_hello(bytes(stream.data[:6]))):
            return Judgement.NEVER
        there = sight.direction is DOWN and is_server_hello(bytes(stream.data[:6]))
        return Judgement.YES if there else Judgement.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class DtlsClientHello:
    """A DTLS ClientHello, which is how WebRTC and with it Snowflake begins (net4people/bbs #255 and others)."""

    wanted: HelloWanted = ANY_HELLO

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Look at a datagram of the client; STUN messages may come before."""
        if sight.packet.protocol != UDP:
            return Judgement.NEVER
        if sight.direction is not UP:
            return Judgement.NO
        hello = read_dtls_hello(sight.packet.payload)
        if hello is not None:
            return self.wanted.judge(hello)
        return Judgement.NEVER if sight.flow.up.fresh > 4 * MOST_FIRST else Judgement.NO
