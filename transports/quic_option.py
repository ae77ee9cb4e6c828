"""From an option to a QUIC link: what the kinds over QUIC share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.net.quic import QuicConfig, open_quic

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.net.quic import QuicLink
    from circumvent.transport import Context


def quic_config(option: Option, context: Context, alpn: str, *, fronted: bool = False) -> QuicConfig:
    """Return how to shake hands with ``option``; ``alpn`` is what its kind speaks, unless the option says."""
    return QuicConfig(
        server_name=option.endpoint.host if option.sni is None else option.sni or None,
        verify_name=option.verify_name or option.endpoint.host,
        trust=context.trust if option.ca is None else context.trust.with_extra(option.ca),
        alpn=option.alpn or (alpn,),
        certificate_hashes=option.certificate_hashes,
        fronted=fronted,
    )


async def open_link(option: Option, context: Context, alpn: str, *, fronted: bool = False) -> QuicLink:
    """Open a verified connection to ``option``, with ``resolve``, ``connect`` and ``quic_handshake`` steps.

    ``fronted``: a finished handshake proves nothing yet, because a front may answer for an origin.

    :raises StepFailed: when a step failed.
    :raises CannotTry: when nothing was sent.
    """
    socket = await context.dialer.datagram(option.endpoint, context.trace)
    return await open_quic(socket, quic_config(option, context, alpn, fronted=fronted), context.trace)
