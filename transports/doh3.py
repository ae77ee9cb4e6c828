"""DNS over HTTP/3: RFC 8484 over QUIC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.model.option import WebSettings
from circumvent.names.probe import probe_names
from circumvent.net.http3 import ALPN, Http3Session
from circumvent.transports.doh_exchange import DohSession
from circumvent.transports.quic_option import open_link

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.transport import Context


class Doh3:
    """Tries resolvers of kind ``doh3``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Connect, then probe the resolver up to ``context.goal``, all on one QUIC connection.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        settings = option.settings
        if not isinstance(settings, WebSettings):
            raise TypeError(f"an option of kind {option.kind} needs WebSettings")
        http = Http3Session(await open_link(option, context, ALPN))
        try:
            session = DohSession(http, settings.url, method=settings.method)
            await probe_names(session, option, context, datagram=False)
        finally:
            await http.aclose()


TRANSPORT = Doh3()
