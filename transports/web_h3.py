"""Web pages over HTTP/3: kind ``h3``, judged as :mod:`circumvent.transports.web` judges those over TCP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.net.http3 import ALPN, Http3Session
from circumvent.transports.quic_option import open_link
from circumvent.transports.web_exchange import exchange, method_of, read_option

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.transport import Context


class WebOverQuic:
    """Tries options of kind ``h3``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Connect, verify, fetch; then move bytes if a bulk resource lives on the same server.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        control = read_option(option)
        session = Http3Session(await open_link(option, context, ALPN, fronted=True))
        try:
            await exchange(session, control, context, method=method_of(option))
        finally:
            await session.aclose()


TRANSPORT = WebOverQuic()
