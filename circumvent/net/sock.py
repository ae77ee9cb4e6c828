"""Sockets: opened here and nowhere else.

Our own non-blocking sockets in place of the event loop's transports, for what those hide: the error as the
system raised it (an RST stays ``ConnectionResetError``), the kernel's round trip and counters (``TCP_INFO``),
its arrival stamps of datagrams, and the first bytes of whoever answered. Never a name look-up: addresses are
literals. Every connection is cold: no TCP Fast Open, a new source port.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio
from anyio import lowlevel
from anyio.abc import ByteStream

from circumvent.net.interface_addresses import interface_address
from circumvent.net.stream import Datagram
from circumvent.net.tcp_info import TCP_INFO_SIZE, last_data_seconds, parse_tcp_info

if TYPE_CHECKING:
    from circumvent.model.record import Json
    from circumvent.net.trace import Trace

#: How much of the first answer is kept, in bytes: enough for "HTTP/1.1 302" or a TLS alert.
FIRST_BYTES: Final = 64
#: Addresses that stand for a whole family when the kernel is asked for a route (documentation prefixes, RFC 5737
#: and RFC 3849: the default route covers them, and no packet is sent).
ROUTE_PROBES: Final = {"ipv4": "198.51.100.1", "ipv6": "2001:db8::1"}

#: ECONNRESET in this platform's numbers: a SYN that an RST answers is ECONNREFUSED instead.
_RESET: Final[int] = getattr(errno, "WSAECONNRESET", errno.ECONNRESET)
_LARGEST_DATAGRAM: Final = 65535
# SO_TIMESTAMPNS of asm-generic/socket.h; on 32-bit machines the variant with 64-bit times.
_TIMESTAMPNS: Final = 35 if sys.maxsize > 2**32 else 64
_TIMESTAMP_SIZE: Final = 16
# IP_BOUND_IF and IPV6_BOUND_IF of macOS netinet/in.h and netinet6/in6.h.
_DARWIN_BOUND_IF: Final = {socket.AF_INET: 25, socket.AF_INET6: 125}
#: A difference between the wall clock's and the monotonic clock's course, in seconds, that is a step.
_CLOCK_STEP: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where packets leave from: an interface by name, or one of this machine's own addresses."""

    interface: str | None = None
    address: str | None = None


async def connect_tcp(
    address: str,
    port: int,
    *,
    trace: Trace,
    source: Source | None = None,
    note: dict[str, Json] | None = None,
) -> SocketStream:
    """Open a TCP connection to an IP address.

    ``note`` is filled as facts become known: ``local_port``, then ``kernel_rtt_ms`` (the kernel's time from SYN
    to SYN-ACK, absent if the SYN was lost once), ``loop_ms`` (the same as seen from here) and
    ``syn_retransmits``.

    :raises OSError: as the system raises it.
    :raises ValueError: if ``address`` is no IP address.
    """
    stream = SocketStream(_open(address, socket.SOCK_STREAM, source), trace)
    try:
        await stream._connect(sockaddr(address, port), {} if note is None else note)  # noqa: SLF001 - the second half of its construction
    except BaseException:
        stream.close()
        raise
    return stream


async def connect_udp(
    address: str,
    port: int,
    *,
    trace: Trace,
    source: Source | None = None,
    note: dict[str, Json] | None = None,
) -> UdpSocket:
    """Open a UDP socket that talks to one peer only. Nothing is sent. ``note`` gets ``local_port``.

    :raises OSError: if there is no route, or as the system raises it.
    :raises ValueError: if ``address`` is no IP address.
    """
    raw = _open(address, socket.SOCK_DGRAM, source)
    try:
        raw.connect(sockaddr(address, port))
        datagrams = UdpSocket(raw, trace)
    except BaseException:
        raw.close()
        raise
    if note is not None:
        note["local_port"] = datagrams.local_port
    await lowlevel.checkpoint()
    return datagrams


def bound_udp(address: str, source: Source | None = None) -> socket.socket:
    """Open a UDP port of our own, at the address from which packets to ``address`` leave; :mod:`circumvent.net.udp_port`.

    :raises OSError: if there is no route, or as the system raises it.
    """
    raw = _open(address, socket.SOCK_DGRAM, source)
    try:
        if raw.getsockname()[1] == 0:
            raw.bind(sockaddr(source_address(address, source) or "", 0))
    except ValueError:
        raw.close()
        raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH)) from None
    return raw


def route_error(address: str, source: Source | None = None) -> OSError | None:
    """Ask the kernel whether ``address`` has a route; return its error if not. No packet is sent."""
    try:
        with _open(address, socket.SOCK_DGRAM, source) as raw:
            raw.connect(sockaddr(address, 9))
    except OSError as exc:
        return exc
    return None


def source_address(address: str, source: Source | None = None) -> str | None:
    """Return our own address that packets to ``address`` would leave from. No packet is sent."""
    try:
        with _open(address, socket.SOCK_DGRAM, source) as raw:
            raw.connect(sockaddr(address, 9))
            return str(raw.getsockname()[0])
    except OSError:
        return None


def sockaddr(address: str, port: int) -> tuple[Any, ...]:
    """Return what ``connect`` takes, without ever asking a resolver.

    :raises ValueError: if ``address`` is no IP address.
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return (address, port)
    scope = parsed.scope_id or "0"
    index = int(scope) if scope.isdigit() else socket.if_nametoindex(scope)
    return (address.partition("%")[0], port, 0, index)


def _open(address: str, kind: socket.SocketKind, source: Source | None) -> socket.socket:
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    raw = socket.socket(family, kind)
    try:
        raw.setblocking(False)
        if kind is socket.SOCK_STREAM:
            # Handshakes are small writes, and a ClientHello that is cut must leave as it was cut.
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source is not None:
            _bind(raw, source)
    except BaseException:
        raw.close()
        raise
    return raw


def _bind(raw: socket.socket, source: Source) -> None:
    """Bind to the source's interface and address; to the interface's own address where the first isn't allowed."""
    address = source.address
    if source.interface is not None and not _bind_to_interface(raw, source.interface) and address is None:
        address = interface_address(source.interface, "ipv6" if raw.family == socket.AF_INET6 else "ipv4")
        if address is None:
            raise OSError(errno.EADDRNOTAVAIL, "the interface has no address of this family")
    if address is not None:
        if (ipaddress.ip_address(address).version == 6) != (raw.family == socket.AF_INET6):
            raise OSError(errno.EADDRNOTAVAIL, "the source address is of the other family")
        raw.bind(sockaddr(address, 0))


def _bind_to_interface(raw: socket.socket, name: str) -> bool:
    try:
        if sys.platform == "linux":
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode() + b"\0")
        elif sys.platform == "darwin":
            level = socket.IPPROTO_IPV6 if raw.family == socket.AF_INET6 else socket.IPPROTO_IP
            raw.setsockopt(level, _DARWIN_BOUND_IF[raw.family], socket.if_nametoindex(name))
        else:
            return False
    except PermissionError:
        return False
    return True


class SocketStream(ByteStream):
    """A TCP connection. Made by :func:`connect_tcp`.

    Errors are the system's own: ``ConnectionResetError`` after an RST, :class:`anyio.EndOfStream` after a FIN.
    """

    def __init__(self, raw: socket.socket, trace: Trace) -> None:
        """Take over a non-blocking socket that is not connected yet."""
        self._socket = raw
        self._trace = trace
        self._opened = time.monotonic()
        self._last_sent = self._opened
        self._sent = 0
        self._received = 0
        self._ended: dict[str, Json] = {}
        self._pending: OSError | None = None
        self._last_facts: dict[str, Json] | None = None
        self.first_bytes = b""
        self.local_port = 0
        self.local_address = ""

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Wait for bytes.

        :raises anyio.EndOfStream: after a FIN.
        :raises OSError: as the system raises it, ``ConnectionResetError`` after an RST.
        :raises anyio.ClosedResourceError: if the stream was closed here.
        """
        await lowlevel.checkpoint_if_cancelled()
        waited = False
        while True:
            self._require_open()
            try:
                data = self._socket.recv(max_bytes)
            except BlockingIOError:
                await anyio.wait_readable(self._socket)
                waited = True
            except OSError as exc:
                self._note_end("rst" if isinstance(exc, ConnectionResetError) else "error")
                raise
            else:
                if waited:
                    self._note_late()
                else:  # a peer that is faster than we are must not keep the others from their turn
                    await lowlevel.cancel_shielded_checkpoint()
                return self._took(data)

    async def send(self, item: bytes) -> None:
        """Send all of ``item``.

        :raises OSError: as the system raises it, ``BrokenPipeError`` when the peer had closed before.
        :raises anyio.ClosedResourceError: if the stream was closed here.
        """
        await lowlevel.checkpoint()
        rest = memoryview(item)
        while rest:
            self._require_open()
            try:
                count = self._socket.send(rest)
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
            except OSError as exc:
                self._note_end("rst" if isinstance(exc, ConnectionResetError) else "error")
                raise
            else:
                self._last_sent = time.monotonic()
                self._sent += count
                self._trace.bytes_sent += count
                rest = rest[count:]

    async def send_eof(self) -> None:
        """Send a FIN; receiving goes on."""
        self._require_open()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        await lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Close; never raises and never waits."""
        self.close()

    def close(self) -> None:
        """Close at once. The kernel's facts are taken before, so that they can still explain a failure."""
        if self._socket.fileno() < 0:
            return
        self._last_facts = self.facts()
        self._trace.unwatch(self)
        anyio.notify_closing(self._socket)
        self._socket.close()

    @property
    def ended(self) -> str | None:
        """Tell how the peer ended the stream: ``rst``, ``fin``, ``error``, or ``None`` while it has not."""
        ended = self._ended.get("ended")
        return ended if isinstance(ended, str) else None

    def facts(self) -> dict[str, Json]:
        """Return what is known about the connection: now, or at the moment it was closed.

        Everywhere: ``local_port``, ``sent`` and ``received`` bytes, ``age_ms``, and, when the peer ended the
        stream, ``ended`` (``rst``, ``fin``, ``error``) with ``ended_after_ms`` since our last packet that we
        know of. On Linux also those of :func:`circumvent.net.tcp_info.parse_tcp_info`.
        """
        if self._last_facts is not None:
            return self._last_facts
        return {
            "local_port": self.local_port,
            "sent": self._sent,
            "received": self._received,
            "age_ms": _milliseconds(time.monotonic() - self._opened),
            **self._ended,
            **self._kernel_facts(),
        }

    async def _connect(self, peer: tuple[Any, ...], note: dict[str, Json]) -> None:
        self._trace.first_packet()
        self._trace.watch(self)
        self._opened = self._last_sent = time.monotonic()
        try:
            code = self._socket.connect_ex(peer)
            self.local_address, self.local_port = self._socket.getsockname()[:2]
            note["local_port"] = self.local_port
            if code in {errno.EINPROGRESS, errno.EWOULDBLOCK}:
                await anyio.wait_writable(self._socket)
                code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            else:
                await lowlevel.checkpoint()
            if code == _RESET:
                # Connected, and reset before we were awake: not the connect failed but what comes next.
                self._pending = ConnectionResetError(code, os.strerror(code))
                self._note_end("rst")
            elif code:
                raise OSError(code, os.strerror(code))
        except ConnectionError:
            self._note_end("rst")
            raise
        self._note_connected(note)

    def _note_connected(self, note: dict[str, Json]) -> None:
        """Read the kernel's round trip at the wake-up, before a byte is sent."""
        note["loop_ms"] = _milliseconds(time.monotonic() - self._opened)
        facts = self._kernel_facts()
        if "total_retrans" in facts:
            note["syn_retransmits"] = facts["total_retrans"]
            round_trip = facts.get("rtt_ms")
            if not facts["total_retrans"] and isinstance(round_trip, int | float):
                note["kernel_rtt_ms"] = round_trip
                self._trace.late(time.monotonic() - self._opened - round_trip / 1000)

    def _note_late(self) -> None:
        """Tell how long data lay here unread because this loop was busy, where the kernel knows."""
        if sys.platform == "linux" and self._trace.timing:
            with suppress(OSError):
                raw = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_SIZE)
                self._trace.late(last_data_seconds(raw))

    def _took(self, data: bytes) -> bytes:
        if not data:
            self._note_end("fin")
            raise anyio.EndOfStream
        if len(self.first_bytes) < FIRST_BYTES:
            self.first_bytes += data[: FIRST_BYTES - len(self.first_bytes)]
        self._received += len(data)
        self._trace.bytes_received += len(data)
        return data

    def _note_end(self, how: str) -> None:
        if not self._ended:
            self._ended = {
                "ended": how,
                "ended_after_ms": _milliseconds(time.monotonic() - self._last_sent),
            }

    def _kernel_facts(self) -> dict[str, Json]:
        if sys.platform != "linux":
            return {}
        try:
            raw = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_SIZE)
        except OSError:
            return {}
        return parse_tcp_info(raw)

    def _require_open(self) -> None:
        if self._socket.fileno() < 0:
            raise anyio.ClosedResourceError
        if self._pending is not None:
            raise self._pending


class UdpSocket:
    """Datagrams to and from one peer, stamped by the kernel where it can. Made by :func:`connect_udp`."""

    def __init__(self, raw: socket.socket, trace: Trace) -> None:
        """Take over a connected, non-blocking UDP socket."""
        self._socket = raw
        self._trace = trace
        self._opened = time.monotonic()
        self._offset = time.time() - self._opened
        self._stamps = _ask_for_stamps(raw)
        self.local_address: str = raw.getsockname()[0]
        self.local_port: int = raw.getsockname()[1]
        self.sent = 0
        self.received = 0

    async def send(self, data: bytes) -> None:
        """Send one datagram.

        :raises OSError: as the system raises it, ``ConnectionRefusedError`` after an ICMP port unreachable.
        :raises anyio.ClosedResourceError: if the socket was closed here.
        """
        await lowlevel.checkpoint()
        self._trace.first_packet()
        while True:
            self._require_open()
            try:
                self._socket.send(data)
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
            else:
                break
        self.sent += 1
        self._trace.bytes_sent += len(data)

    async def receive(self) -> Datagram:
        """Wait for the next datagram.

        :raises OSError: as for :meth:`send`.
        :raises anyio.ClosedResourceError: if the socket was closed here.
        """
        await lowlevel.checkpoint_if_cancelled()
        waited = False
        while True:
            self._require_open()
            try:
                data, stamp = self._take()
            except BlockingIOError:
                self._offset = time.time() - time.monotonic()
                await anyio.wait_readable(self._socket)
                waited = True
            else:
                if not waited:
                    await lowlevel.cancel_shielded_checkpoint()
                self.received += 1
                self._trace.bytes_received += len(data)
                return Datagram(data, self._trace.clock.at(stamp))

    async def aclose(self) -> None:
        """Close; never raises and never waits."""
        self.close()

    def close(self) -> None:
        """Close at once."""
        if self._socket.fileno() >= 0:
            anyio.notify_closing(self._socket)
            self._socket.close()

    def _take(self) -> tuple[bytes, float]:
        """Return a datagram and its monotonic arrival time: the kernel's if it gave one that can be trusted."""
        if not self._stamps:
            return self._socket.recv(_LARGEST_DATAGRAM), time.monotonic()
        data, ancillary, _, _ = self._socket.recvmsg(_LARGEST_DATAGRAM, socket.CMSG_SPACE(_TIMESTAMP_SIZE))
        now = time.monotonic()
        offset = time.time() - now
        before, self._offset = self._offset, offset
        stamp = kernel_stamp(ancillary)
        if stamp is None or abs(offset - before) > _CLOCK_STEP:
            return data, now
        arrived = stamp - offset
        return data, arrived if self._opened <= arrived <= now else now

    def _require_open(self) -> None:
        if self._socket.fileno() < 0:
            raise anyio.ClosedResourceError


def kernel_stamp(ancillary: list[tuple[int, int, bytes]]) -> float | None:
    """Return the wall-clock second in an ``SCM_TIMESTAMPNS`` message (two 64-bit numbers), if there is one."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _TIMESTAMPNS and len(data) == _TIMESTAMP_SIZE:
            seconds = int.from_bytes(data[:8], sys.byteorder, signed=True)
            return seconds + int.from_bytes(data[8:], sys.byteorder, signed=True) / 1e9
    return None


def _ask_for_stamps(raw: socket.socket) -> bool:
    if sys.platform != "linux":
        return False
    try:
        raw.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
