"""DNS over HTTPS (RFC 8484) over TCP: HTTP/2, or HTTP/1.1 where the server knows no better."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model.option import WebSettings
from circumvent.model.words import Proof
from circumvent.names.probe import probe_names
from circumvent.net.http_types import MAX_BODY
from circumvent.transports.doh_exchange import DohSession
from circumvent.transports.tls_option import open_tls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from circumvent.model.option import Option
    from circumvent.net.http import HttpSession
    from circumvent.net.http_types import Response
    from circumvent.net.trace import Trace
    from circumvent.transport import Context

ALPN: Final = ("h2", "http/1.1")


class Doh:
    """Tries resolvers of kind ``doh``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Connect, then probe the resolver up to ``context.goal``, all on one connection.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        settings = option.settings
        if not isinstance(settings, WebSettings):
            raise TypeError(f"an option of kind {option.kind} needs WebSettings")
        stream = await open_tls(option, context, ALPN)
        try:
            from circumvent.net.http import open_http  # noqa: PLC0415 - httpx is loaded where it is spoken

            url = settings.url.removesuffix("{?dns}")
            http2 = stream.peer.alpn == "h2"
            http = open_http(stream, url=url, http2=http2, trace=context.trace)
            session = DohSession(_Http(http, context.trace, multiplexed=http2), url, method=settings.method)
            await probe_names(session, option, context, datagram=False)
        finally:
            await stream.aclose()


class _Http:
    """An HTTP connection that proves ``handshaken`` by its first response.

    Only then has the server, after our half of the TLS handshake, said anything. HTTP/1.1 can't multiplex: there
    one request waits for the other.
    """

    def __init__(self, http: HttpSession, trace: Trace, *, multiplexed: bool) -> None:
        self._http = http
        self._trace = trace
        self._turn = nullcontext() if multiplexed else anyio.Lock()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        max_body: int = MAX_BODY,
        on_bytes: Callable[[int], None] | None = None,
    ) -> Response:
        """Send a request and return the whole response."""
        async with self._turn:
            response = await self._http.request(
                method, url, headers=headers, body=body, max_body=max_body, on_bytes=on_bytes
            )
        self._trace.prove(Proof.HANDSHAKEN)
        return response

    async def aclose(self) -> None:
        """Close the connection; never raises."""
        await self._http.aclose()


TRANSPORT = Doh()
