"""From an option to a verified TLS stream: what the kinds over TCP and TLS share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.net.tls import TlsConfig, TlsStream
    from circumvent.transport import Context


def tls_config(option: Option, context: Context, alpn: tuple[str, ...]) -> TlsConfig:
    """Return how to shake hands with ``option``; ``alpn`` is what its kind speaks, unless the option says."""
    from circumvent.net.tls import TlsConfig  # noqa: PLC0415 - the crypto library is loaded while SYNs fly

    host = option.endpoint.host
    return TlsConfig(
        server_name=(host if option.sni is None else option.sni) or None,
        verify_name=option.verify_name or host,
        trust=context.trust if option.ca is None else context.trust.with_extra(option.ca),
        alpn=option.alpn or alpn,
        certificate_hashes=option.certificate_hashes,
    )


async def open_tls(option: Option, context: Context, alpn: tuple[str, ...]) -> TlsStream:
    """Open a verified TLS connection to ``option``: steps ``resolve``, ``connect``, ``tls_handshake``.

    :raises StepFailed: when a step failed.
    :raises CannotTry: when nothing was sent.
    """
    stream = await context.dialer.stream(option.endpoint, context.trace)
    from circumvent.net.tls import start_tls  # noqa: PLC0415 - as above

    return await start_tls(stream, tls_config(option, context, alpn), context.trace)
