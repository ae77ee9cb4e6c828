"""The way to snowflake's broker: by one of its fronts, or through an AMP cache.

Steps: ``resolve``, ``connect``, ``tls_handshake`` with a front, then ``broker`` (``broker_amp`` through a cache): a poll without an
offer, which the broker answers itself. Fronts are gone through in the order of the line until one leads to the broker.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

import anyio

from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.net.amp import cache_url
from circumvent.net.errors import PeerError, StepFailed
from circumvent.net.protocol_codes import http_status_failure
from circumvent.tor.errors import TorError
from circumvent.tor.snowflake import amp
from circumvent.tor.snowflake.broker import LONGEST, Nat, poll, read_reply

if TYPE_CHECKING:
    from circumvent.model.option import Endpoint, Option
    from circumvent.model.snowflake import SnowflakeSettings
    from circumvent.net.http import HttpSession
    from circumvent.net.stream import ByteStream
    from circumvent.net.trace import OpenStep, Trace
    from circumvent.tor.snowflake.broker import Reply
    from circumvent.transport import Context

ALPN: Final = ("h2", "http/1.1")
#: Fronts that are tried, in the order of the line. The client takes one by chance, and another ten seconds later.
MOST_FRONTS: Final = 3
#: Seconds that the broker may take for an answer of its own.
LIMIT: Final = 10.0
_OK: Final = 200


class Broker:
    """A connection that leads to the broker; made by :func:`reach_broker`."""

    def __init__(
        self, session: HttpSession, settings: SnowflakeSettings, context: Context, *, http2: bool
    ) -> None:
        """Ask over ``session``."""
        self._session = session
        self._settings = settings
        self._context = context
        # Go names itself so, by the version that it speaks.
        self._headers = (("User-Agent", f"Go-http-client/{'2.0' if http2 else '1.1'}"),)

    async def ask(self, sdp: str | None, nat: Nat = Nat.UNKNOWN) -> Reply:
        """Return what the broker says to an offer, or to a poll without one.

        :raises PeerError: when it is not the broker who answers.
        """
        asked = poll(sdp, nat=nat, bridge=self._settings.bridge)
        data = await self._through_cache(asked) if self._settings.amp_cache else await self._post(asked)
        try:
            return read_reply(data)
        except TorError as exc:
            raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc

    async def aclose(self) -> None:
        """Close the connection; never raises."""
        await self._session.aclose()

    async def _post(self, asked: bytes) -> bytes:
        answer = await self._session.request(
            "POST", urljoin(self._settings.url, "client"), headers=self._headers, body=asked, max_body=LONGEST
        )
        if answer.status != _OK:
            raise PeerError(*http_status_failure(answer.status))
        return answer.body

    async def _through_cache(self, asked: bytes) -> bytes:
        page = amp.page_url(self._settings.url, asked, self._context.random)
        answer = await self._session.request(
            "GET", cache_url(page, self._settings.amp_cache), headers=self._headers, max_body=LONGEST
        )
        if answer.status != _OK:
            raise PeerError(*http_status_failure(answer.status))
        if answer.header("location") is not None:  # to the broker itself, past the cache
            raise PeerError(failures.WRONG_ANSWER, "the cache redirects to the broker")
        try:
            return amp.read_page(answer.body)
        except TorError as exc:
            raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc


async def reach_broker(option: Option, settings: SnowflakeSettings, context: Context) -> Broker:
    """Connect to the fronts of the line, one after the other, until the broker answers through one.

    :raises StepFailed: when none leads to it; the failure is that of the last.
    :raises CannotTry: when nothing was sent.
    """
    others = [replace(option.endpoint, host=front, addresses=()) for front in settings.fronts[1:]]
    *places, last = [option.endpoint, *others][:MOST_FRONTS]
    for place in places:
        try:
            return await _reach(place, option, settings, context)
        except StepFailed:
            context.trace.another_way()
    return await _reach(last, option, settings, context)


async def _reach(place: Endpoint, option: Option, settings: SnowflakeSettings, context: Context) -> Broker:
    trace = context.trace
    stream = await context.dialer.stream(place, trace)
    broker: Broker | None = None
    try:
        broker = await _open(stream, place.host, option, settings, context)
        if settings.amp_cache:
            async with trace.step("broker_amp", limit=trace.limit or LIMIT) as step:
                await _greet(broker, trace, step)
        else:
            async with trace.step("broker", limit=trace.limit or LIMIT) as step:
                await _greet(broker, trace, step)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await (stream if broker is None else broker).aclose()
        raise
    return broker


async def _greet(broker: Broker, trace: Trace, step: OpenStep) -> None:
    """Ask without an offer; whatever the broker says to that, it is there."""
    began = trace.clock.now()
    reply = await broker.ask(None)
    step.detail["said"] = str(reply.refused or "answer")
    trace.round_trip(trace.clock.now() - began)
    trace.prove(Proof.REACHED)


async def _open(
    stream: ByteStream, front: str, option: Option, settings: SnowflakeSettings, context: Context
) -> Broker:
    """Speak TLS to the front, by its own name, and HTTP to the host behind it."""
    from circumvent.net.http import open_http  # noqa: PLC0415 - the crypto library is loaded while SYNs fly
    from circumvent.net.tls import TlsConfig, start_tls  # noqa: PLC0415 - as above

    trace = context.trace
    url = cache_url(settings.url, settings.amp_cache) if settings.amp_cache else settings.url
    if not url.startswith("https://"):
        return Broker(open_http(stream, url=url, http2=False, trace=trace), settings, context, http2=False)
    trust = context.trust if option.ca is None else context.trust.with_extra(option.ca)
    name = None if settings.no_sni else front
    config = TlsConfig(server_name=name, verify_name=front, alpn=ALPN, trust=trust)
    tls = await start_tls(stream, config, trace)
    http2 = tls.peer.alpn == "h2"
    return Broker(open_http(tls, url=url, http2=http2, trace=trace), settings, context, http2=http2)
