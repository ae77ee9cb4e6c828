"""What runs inside a path: TLS with a web server, verified end to end, and HTTP/1.1 with it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

if TYPE_CHECKING:
    from circumvent.net.http import HttpSession
    from circumvent.net.stream import ByteStream
    from circumvent.transport import Context


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
