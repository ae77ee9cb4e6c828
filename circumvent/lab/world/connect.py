"""HTTP proxies that know CONNECT (RFC 9110, section 9.3.6), in clear or inside TLS, with Basic authentication."""

from __future__ import annotations

import asyncio
import base64
import hmac
from typing import TYPE_CHECKING, Final

import h11

from circumvent.lab.world.listen import BUFFER, GONE, splice
from circumvent.lab.world.outward import NoSuchHostError

if TYPE_CHECKING:
    from circumvent.lab.world.description import Connect
    from circumvent.lab.world.outward import Outward

#: Seconds that the request, and the connect that it asks for, may take.
PATIENCE: Final = 20.0
#: Rejected requests on one connection.
_MOST_TRIES: Final = 5
_LONGEST_HEAD: Final = 16 * 1024


class ConnectServer:
    """One proxy."""

    def __init__(self, connect: Connect, outward: Outward) -> None:
        self._outward = outward
        self._credentials: bytes | None = None
        if connect.password is not None:
            pair = f"{connect.user or ''}:{connect.password}".encode()
            self._credentials = b"Basic " + base64.b64encode(pair)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        for _ in range(_MOST_TRIES):
            connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_LONGEST_HEAD)
            async with asyncio.timeout(PATIENCE):
                request = await _read(connection, reader)
                if request is None:
                    return
                status, far = await self._decide(request)
            fields = [] if status == 200 else [("content-length", "0")]
            if status == 407:
                fields.append(("proxy-authenticate", 'Basic realm="laboratory"'))
            head = h11.Response(status_code=status, headers=fields, reason=b"-")
            if far is None:
                writer.write(_answered(connection, head))
                await writer.drain()
                if status != 407:
                    return
                continue
            writer.write(connection.send(head) or b"")
            await writer.drain()
            early, _ = connection.trailing_data
            if early:
                far[1].write(early)
            await splice((reader, writer), far)
            return

    async def _decide(
        self, request: h11.Request
    ) -> tuple[int, tuple[asyncio.StreamReader, asyncio.StreamWriter] | None]:
        given = dict(request.headers).get(b"proxy-authorization", b"")
        if self._credentials is not None and not hmac.compare_digest(given, self._credentials):
            return 407, None
        if request.method != b"CONNECT":
            return 405, None
        host, _, port = request.target.decode("latin-1").rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            return 400, None
        try:
            return 200, await self._outward.connect(host.strip("[]"), int(port))
        except TimeoutError:
            return 504, None
        except NoSuchHostError:
            return 502, None
        except GONE:
            return 503, None


async def _read(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """Return the next request, ``None`` when the client is done or does not speak HTTP."""
    request: h11.Request | None = None
    try:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(BUFFER))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.EndOfMessage):
                return request
            elif not isinstance(event, h11.Data):
                return None
    except h11.RemoteProtocolError:
        return None


def _answered(connection: h11.Connection, head: h11.Response) -> bytes:
    return (connection.send(head) or b"") + (connection.send(h11.EndOfMessage()) or b"")
