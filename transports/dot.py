"""DNS over TLS (RFC 7858): plain DNS framing inside a verified TLS connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.model.words import Proof
from circumvent.names.exchange import StreamExchange
from circumvent.names.probe import probe_names
from circumvent.transports.tls_option import open_tls

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.transport import Context

#: Registered with IANA for RFC 7858; servers that know no ALPN ignore it.
ALPN: Final = ("dot",)


class Dot:
    """Tries resolvers of kind ``dot``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Connect, then probe the resolver up to ``context.goal``, all on one connection.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        stream = await open_tls(option, context, ALPN)
        try:
            session = StreamExchange(stream, context.trace, Proof.HANDSHAKEN)
            await probe_names(session, option, context, datagram=False)
        finally:
            await stream.aclose()


TRANSPORT = Dot()
