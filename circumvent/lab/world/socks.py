"""SOCKS proxies: version 5 (RFC 1928, passwords RFC 1929, UDP ASSOCIATE) and version 4a, on one port."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hmac
import socket
import struct
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from circumvent.lab.world.listen import GONE, splice
from circumvent.lab.world.outward import NoSuchHostError, NotAllowedError

if TYPE_CHECKING:
    from circumvent.lab.world.description import Socks
    from circumvent.lab.world.outward import Outward, Streams

#: Seconds that the conversation before the tunnel may take.
PATIENCE: Final = 20.0
_MOST_ASSOCIATIONS: Final = 200
_LONGEST: Final = 255
_NONE, _PASSWORD, _UNACCEPTABLE = 0x00, 0x02, 0xFF
_CONNECT, _UDP_ASSOCIATE = 0x01, 0x03
_IPV4, _NAME, _IPV6 = 0x01, 0x03, 0x04
_GRANTED, _REJECTED = 90, 91
_NOWHERE: Final = ("0.0.0.0", 0)


class _BadRequestError(ValueError):
    """What the client says is not SOCKS; ``reply`` is the code that tells it so."""

    def __init__(self, reply: int = 1) -> None:
        super().__init__("not SOCKS")
        self.reply = reply


class SocksServer:
    """One proxy."""

    def __init__(self, socks: Socks, outward: Outward) -> None:
        self._socks = socks
        self._outward = outward
        self._associations = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        async with asyncio.timeout(PATIENCE):
            version = (await reader.readexactly(1))[0]
            opened: Streams | _Association | None = None
            if version == 4 and self._socks.password is None:
                opened = await self._version4(reader, writer)
            elif version == 5 and await self._authenticated(reader, writer):
                opened = await self._version5(reader, writer)
        if isinstance(opened, _Association):
            await self._hold(reader, opened)
        elif opened is not None:
            await splice((reader, writer), opened)

    async def _version4(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Streams | None:
        command, port, packed = struct.unpack("!BH4s", await reader.readexactly(7))
        await _until_nul(reader)
        named = packed[:3] == b"\0\0\0" and packed[3]
        host = (await _until_nul(reader)).decode("latin-1") if named else socket.inet_ntoa(packed)
        try:
            if command != _CONNECT:
                raise _BadRequestError
            far = await self._outward.connect(host, port)
        except (*GONE, _BadRequestError):
            writer.write(bytes([0, _REJECTED]) + bytes(6))
            await writer.drain()
            return None
        writer.write(bytes([0, _GRANTED]) + bytes(6))
        await writer.drain()
        return far

    async def _authenticated(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        offered = await reader.readexactly((await reader.readexactly(1))[0])
        wanted = _NONE if self._socks.password is None else _PASSWORD
        if wanted not in offered:
            writer.write(bytes([5, _UNACCEPTABLE]))
            await writer.drain()
            return False
        writer.write(bytes([5, wanted]))
        if wanted == _NONE:
            return True
        await reader.readexactly(1)
        user = await reader.readexactly((await reader.readexactly(1))[0])
        password = await reader.readexactly((await reader.readexactly(1))[0])
        right = (self._socks.user or "").encode(), (self._socks.password or "").encode()
        good = hmac.compare_digest(user, right[0]) & hmac.compare_digest(password, right[1])
        writer.write(bytes([1, 0 if good else 1]))
        await writer.drain()
        return good

    async def _version5(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Streams | _Association | None:
        reply, bound = 0, _NOWHERE
        opened: Streams | _Association | None = None
        try:
            command, host, port = await _request(reader)
            if command == _CONNECT:
                opened = await self._outward.connect(host, port)
                bound = opened[1].get_extra_info("sockname")[:2]
            elif command == _UDP_ASSOCIATE and self._socks.udp and self._associations < _MOST_ASSOCIATIONS:
                client, ours = (str(writer.get_extra_info(end)[0]) for end in ("peername", "sockname"))
                opened = _Association(self._outward, client)
                bound = await opened.open(ours)
            else:
                reply = 7
        except _BadRequestError as exc:
            reply = exc.reply
        except OSError as exc:
            reply = _reply_code(exc)
        writer.write(bytes([5, reply, 0]) + _address(*bound))
        await writer.drain()
        return opened

    async def _hold(self, reader: asyncio.StreamReader, association: _Association) -> None:
        """Keep an association as long as its connection stands (RFC 1928, section 7)."""
        self._associations += 1
        try:
            while await reader.read(_LONGEST):
                pass
        finally:
            self._associations -= 1
            association.close()


class _Association(asyncio.DatagramProtocol):
    """The relay of one UDP ASSOCIATE: a socket for the client, and one a family for everybody else."""

    def __init__(self, outward: Outward, client: str) -> None:
        self._outward = outward
        self._client = client
        self._client_place: Any = None
        self._near: asyncio.DatagramTransport | None = None
        self._far: dict[str, asyncio.DatagramTransport] = {}

    async def open(self, ours: str) -> tuple[str, int]:
        """Open the sockets and return where the client is to send to.

        :raises OSError: when there are no more.
        """
        loop = asyncio.get_running_loop()
        self._near, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(ours, 0))
        for source in self._outward.sources:
            transport, _ = await loop.create_datagram_endpoint(lambda: _Far(self), local_addr=(source, 0))
            self._far[source] = transport
        host, port = self._near.get_extra_info("sockname")[:2]
        return str(host), int(port)

    def close(self) -> None:
        """Close all sockets."""
        for transport in (self._near, *self._far.values()):
            if transport is not None:
                transport.close()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Pass a datagram of the client on; what is malformed, a fragment or somebody else's is dropped."""
        if str(addr[0]) != self._client or data[:3] != b"\0\0\0":
            return
        self._client_place = addr
        with contextlib.suppress(OSError, _BadRequestError, struct.error):
            host, port, payload = _from_datagram(data[3:])
            address = self._outward.addresses(host)[0]
            self._far[self._outward.source(address) or ""].sendto(payload, (address, port))

    def back(self, data: bytes, addr: Any) -> None:
        """Pass an answer back."""
        if self._near is not None and self._client_place is not None:
            self._near.sendto(b"\0\0\0" + _address(str(addr[0]), addr[1]) + data, self._client_place)


class _Far(asyncio.DatagramProtocol):
    def __init__(self, association: _Association) -> None:
        self._association = association

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._association.back(data, addr)


async def _until_nul(reader: asyncio.StreamReader) -> bytes:
    data = b""
    while (byte := await reader.readexactly(1)) != b"\0":
        data += byte
        if len(data) > _LONGEST:
            raise _BadRequestError
    return data


async def _request(reader: asyncio.StreamReader) -> tuple[int, str, int]:
    version, command, _, kind = await reader.readexactly(4)
    if version != 5:
        raise _BadRequestError
    if kind == _NAME:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode("latin-1")
    elif kind in (_IPV4, _IPV6):
        host = str(ip_address(await reader.readexactly(4 if kind == _IPV4 else 16)))
    else:
        raise _BadRequestError(8)
    return command, host, int.from_bytes(await reader.readexactly(2), "big")


def _from_datagram(data: bytes) -> tuple[str, int, bytes]:
    kind = data[0] if data else 0
    start = 2 if kind == _NAME else 1
    size = {_IPV4: 4, _IPV6: 16, _NAME: data[1] if len(data) > 1 else 0}.get(kind)
    if size is None or len(data) < start + size + 2:
        raise _BadRequestError
    raw = data[start : start + size]
    host = raw.decode("latin-1") if kind == _NAME else str(ip_address(raw))
    (port,) = struct.unpack_from("!H", data, start + size)
    return host, port, data[start + size + 2 :]


def _address(host: str, port: int) -> bytes:
    packed = ip_address(host.partition("%")[0]).packed
    return bytes([_IPV4 if len(packed) == 4 else _IPV6]) + packed + port.to_bytes(2, "big")


def _reply_code(error: OSError) -> int:
    """Return the reply for a failed connect (RFC 1928, section 6)."""
    if isinstance(error, NotAllowedError):
        return 2
    if isinstance(error, NoSuchHostError | TimeoutError):
        return 4
    return {errno.ENETUNREACH: 3, errno.EHOSTUNREACH: 4, errno.ECONNREFUSED: 5}.get(error.errno or 0, 1)
