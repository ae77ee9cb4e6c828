"""conjure bridges: whether their registrar can be reached. Nothing is registered, so no phantom is connected to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model.bridge import ConjureSettings
from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry, PeerError, StepFailed
from circumvent.net.protocol_codes import http_status_failure

if TYPE_CHECKING:
    from circumvent.model.option import Endpoint, Option
    from circumvent.net.http import HttpSession
    from circumvent.net.stream import ByteStream
    from circumvent.transport import Context

ALPN: Final = ("h2", "http/1.1")
#: Fronts that are tried, in the order of the line. The client takes one by chance, and another ten seconds later.
MOST_FRONTS: Final = 3
#: What is taken in of an answer; a registrar's has 18 bytes.
MOST_BODY: Final = 64 * 1024
#: Go's client, by which Tor's one asks, names itself so.
HEADERS: Final = (("User-Agent", "Go-http-client/1.1"),)

#: How far it went: clauses that stand in the report.
REGISTERED_BY_DNS: Final = "its registration over DNS is not spoken by this version"
REACHED: Final = "its registrar answers; phantoms are not tried yet"
FRONT_REACHED: Final = "its AMP cache answers; phantoms are not tried yet"


class Conjure:
    """Tries options of kind ``conjure``. Every attempt ends uncounted or failed: nothing can be carried yet."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Ask the registrar who it is, through the fronts of the line until one is connected to.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: always else, with how far it went.
        """
        settings = option.settings
        if not isinstance(settings, ConjureSettings):
            raise CannotTry(Reason.UNSUPPORTED, "a conjure bridge without its registrar")
        if settings.registrar == "dns":
            raise CannotTry(Reason.UNSUPPORTED, REGISTERED_BY_DNS)
        others = [replace(option.endpoint, host=front, addresses=()) for front in settings.fronts]
        *places, last = [option.endpoint, *others][:MOST_FRONTS]
        for place in places:
            try:
                known = await self._ask(place, option, settings, context)
            except StepFailed:
                context.trace.another_way()
            else:
                break
        else:
            known = await self._ask(last, option, settings, context)
        raise CannotTry(Reason.UNSUPPORTED, REACHED if known else FRONT_REACHED)

    async def _ask(
        self, place: Endpoint, option: Option, settings: ConjureSettings, context: Context
    ) -> bool:
        """Ask at one front; tell whether a registrar answered (step ``registrar``)."""
        from circumvent.tor.conjure import is_registrar, question  # noqa: PLC0415 - few checks have such an option

        asked = question(settings, context.random)
        stream = await context.dialer.stream(place, context.trace)
        session: HttpSession | None = None
        try:
            session = await _open(stream, place.host, asked.url, option, context)
            async with context.trace.step("registrar") as step:
                step.detail["registrar"] = settings.registrar
                answer = await session.request(asked.method, asked.url, headers=HEADERS, max_body=MOST_BODY)
                step.detail["status"] = answer.status
                context.trace.prove(Proof.REACHED)
                known = is_registrar(answer)
                if known and asked.url.startswith("https://"):
                    context.trace.prove(Proof.HANDSHAKEN)
                if not known and settings.registrar != "ampcache":
                    raise PeerError(*http_status_failure(answer.status))
                return known
        finally:
            with anyio.CancelScope(shield=True):
                await (stream if session is None else session).aclose()


async def _open(stream: ByteStream, front: str, url: str, option: Option, context: Context) -> HttpSession:
    """Speak TLS to the front, by its own name, and HTTP to the host behind it."""
    from circumvent.net.http import open_http  # noqa: PLC0415 - the crypto library is loaded while SYNs fly
    from circumvent.net.tls import TlsConfig, start_tls  # noqa: PLC0415 - as above

    if not url.startswith("https://"):
        return open_http(stream, url=url, http2=False, trace=context.trace)
    trust = context.trust if option.ca is None else context.trust.with_extra(option.ca)
    config = TlsConfig(server_name=front, verify_name=front, alpn=ALPN, trust=trust)
    tls = await start_tls(stream, config, context.trace)
    return open_http(tls, url=url, http2=tls.peer.alpn == "h2", trace=context.trace)


TRANSPORT = Conjure()
