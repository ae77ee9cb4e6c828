"""What runs inside a path: TLS with a web server, verified end to end, and HTTP/1.1 with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio

from circumvent.control import MAX_BODY
from circumvent.net.http_types import BodyTooLong

if TYPE_CHECKING:
    from circumvent.control import FreshControl
    from circumvent.net.http import HttpSession
    from circumvent.net.http_types import HttpClient, Response
    from circumvent.net.stream import ByteStream
    from circumvent.transport import Context

#: How much of a page is read, in bytes, when nothing is stated about what it holds.
GLANCE: Final = 64 * 1024


async def open_inside(stream: ByteStream, url: str, context: Context, *, step: str) -> HttpSession:
    """Speak HTTP/1.1 to the server of ``url`` over ``stream``, inside TLS if it is ``https://``.

    HTTP/1.1 because a few small requests take fewer bytes than HTTP/2 does to begin. The certificate is held
    against the roots of the check alone: what an option brings of its own counts for its own server only. ``step``
    is the name of the TLS step. The stream is closed if that fails.

    :raises StepFailed: when the TLS handshake failed.
    """
    from circumvent.net.http import open_http  # noqa: PLC0415 - loaded while packets fly
    from circumvent.net.tls import TlsConfig, start_tls  # noqa: PLC0415 - as above

    parts = urlsplit(url)
    if parts.scheme == "https":
        host = parts.hostname or ""
        config = TlsConfig(server_name=host, verify_name=host, alpn=("http/1.1",), trust=context.trust)
        stream = await start_tls(stream, config, context.trace, step=step)
    try:
        return open_http(stream, url=url, http2=False, trace=context.trace)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(stream)
        raise


async def fetch_control(session: HttpClient, fresh: FreshControl) -> Response:
    """Fetch a control, or only the beginning of its page if nothing is stated about what it holds.

    :raises PeerError: when the answer is no HTTP, is cut, or is longer than a control may be.
    """
    try:
        return await session.request("GET", fresh.url, max_body=MAX_BODY if fresh.judges_body else GLANCE)
    except BodyTooLong as exc:
        if fresh.judges_body or exc.response is None:
            raise
        return exc.response
