"""Web pages without a tunnel: ``https`` over TCP and TLS; ``h3`` is handed to :mod:`circumvent.transports.web_h3`.

A page of the user's (or of the baseline) is an option in its own right: it works here, or something between does
not let it. What must come back is stated in the fragment of its URL, as for a control.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.transports.sustain import Counted
from circumvent.transports.tls_option import tls_config
from circumvent.transports.web_exchange import exchange, method_of, read_option

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.transport import Context

ALPN: Final = ("h2", "http/1.1")


class Web:
    """Tries options of kinds ``https`` and ``h3``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Connect, verify, fetch; then move bytes if a bulk resource lives on the same server.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        if option.kind == "h3":
            from circumvent.transports.web_h3 import TRANSPORT as OVER_QUIC  # noqa: PLC0415 - QUIC loads slowly

            await OVER_QUIC.attempt(option, context)
            return
        control = read_option(option)
        counted = Counted(await context.dialer.stream(option.endpoint, context.trace))
        from circumvent.net.tls import start_tls  # noqa: PLC0415 - the crypto library is loaded while SYNs fly

        stream = await start_tls(counted, tls_config(option, context, ALPN), context.trace)
        try:
            from circumvent.net.http import open_http  # noqa: PLC0415 - as above

            http2 = stream.peer.alpn == "h2"
            session = open_http(stream, url=control.url, http2=http2, trace=context.trace)
            await exchange(session, control, context, counted, method=method_of(option))
        finally:
            await stream.aclose()


TRANSPORT = Web()
