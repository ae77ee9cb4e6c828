"""meek: a byte stream as a row of HTTP requests (meek's own wire format, as meek-client and meek_lite speak it).

Each request carries what is to be sent, at most 64 KiB, under a session id of its own; each answer what has come in.
Where neither side has anything to say, the client asks again: at once after data, else after 100 ms, half as long again
each time, at most every 5 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
from anyio import lowlevel
from anyio.abc import ByteStream

from circumvent.net.errors import PeerError
from circumvent.net.protocol_codes import http_status_failure

if TYPE_CHECKING:
    import random

    from circumvent.net.http import HttpSession
    from circumvent.net.http_types import HttpClient
    from circumvent.net.trace import Trace
    from circumvent.net.verify import TrustStore

# Specification.
LONGEST: Final = 64 * 1024  #: bytes of a request's or an answer's body
FIRST_WAIT: Final = 0.1  #: seconds
WAIT_FACTOR: Final = 1.5
LONGEST_WAIT: Final = 5.0
SESSION_BYTES: Final = 16
#: What a front may speak.
ALPN: Final = ("h2", "http/1.1")
_OK: Final = 200


class MeekStream(ByteStream):
    """The stream of one session. What is sent leaves with the next :meth:`receive`; one task does both."""

    def __init__(self, client: HttpClient, url: str, chance: random.Random) -> None:
        """Speak to the meek server at ``url`` over ``client``, which may lead to a front of it."""
        self._client = client
        self._url = url
        self._headers = (
            ("User-Agent", "Go-http-client/1.1"),
            ("X-Session-Id", chance.randbytes(SESSION_BYTES).hex()),
        )
        self._out = bytearray()
        self._in = bytearray()
        #: Requests so far.
        self.requests = 0

    async def poll(self) -> bool:
        """Make one request; tell whether anything was sent or came in.

        :raises PeerError: when the answer is no meek server's.
        """
        body = bytes(self._out[:LONGEST])
        self.requests += 1
        answer = await self._client.request(
            "POST", self._url, headers=self._headers, body=body, max_body=LONGEST
        )
        if answer.status != _OK:
            raise PeerError(*http_status_failure(answer.status))
        del self._out[: len(body)]
        self._in += answer.body
        return bool(body or answer.body)

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return the next bytes; errors are those of the client.

        :raises PeerError: as for :meth:`poll`.
        """
        wait = 0.0
        while not self._in:
            await anyio.sleep(wait)
            moved = await self.poll()
            wait = 0.0 if moved else min(wait * WAIT_FACTOR or FIRST_WAIT, LONGEST_WAIT)
        data = bytes(self._in[:max_bytes])
        del self._in[:max_bytes]
        return data

    async def send(self, item: bytes) -> None:
        """Keep ``item`` for the next request."""
        self._out += item
        await lowlevel.checkpoint()

    async def send_eof(self) -> None:
        """Do nothing: a session ends when nobody asks any more."""

    async def aclose(self) -> None:
        """Close the connection to the server; the session ends by itself."""
        await self._client.aclose()


async def open_front(
    stream: ByteStream, *, front: str, url: str, trust: TrustStore, trace: Trace
) -> HttpSession:
    """Speak TLS to the front, by its own name, and HTTP to the host behind it, which ``url`` names."""
    from circumvent.net.http import open_http  # noqa: PLC0415 - the crypto library is loaded while SYNs fly
    from circumvent.net.tls import TlsConfig, start_tls  # noqa: PLC0415 - as above

    if not url.startswith("https://"):
        return open_http(stream, url=url, http2=False, trace=trace)
    config = TlsConfig(server_name=front, verify_name=front, alpn=ALPN, trust=trust)
    tls = await start_tls(stream, config, trace)
    return open_http(tls, url=url, http2=tls.peer.alpn == "h2", trace=trace)
