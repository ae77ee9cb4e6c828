"""Oblivious DoH (RFC 9230): the target reads the question, the relay knows who asks, and neither knows both."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

import anyio

from circumvent.model import failure as failures
from circumvent.model.option import Endpoint, OdohSettings, Option
from circumvent.model.words import Proof, Reason
from circumvent.names.odoh import (
    CONFIGURATIONS_PATH,
    MEDIA_TYPE,
    Configuration,
    OdohError,
    open_response,
    parse_configurations,
    seal_query,
)
from circumvent.names.probe import probe_names
from circumvent.net.errors import CannotTry, PeerError
from circumvent.net.failure import http_status_failure
from circumvent.transports.tls_option import open_tls, tls_config

if TYPE_CHECKING:
    from circumvent.net.http import HttpSession
    from circumvent.net.http_types import Response
    from circumvent.net.tls import TlsStream
    from circumvent.transport import Context

ALPN: Final = ("h2", "http/1.1")
#: The variables of a relay's URI template (RFC 9230, section 4.1).
TEMPLATE: Final = "{?targethost,targetpath}"
_LONGEST_CONFIGURATIONS: Final = 64 * 1024
_LONGEST_RESPONSE: Final = 70_000
#: What a target says to a query for a key that it does not have (RFC 9230, section 4.3).
_UNKNOWN_KEY: Final = 401


class OdohTransport:
    """Steps: ``connect``, ``tls_handshake``, ``configuration``, with a relay the first two again, then a resolver's."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Fetch the target's key, then probe the target, through the relay if there is one."""
        settings = option.settings
        if not isinstance(settings, OdohSettings):
            raise CannotTry(Reason.UNSUPPORTED, "an ODoH target needs its URL")
        if settings.relay is None:
            stream = await open_tls(option, context, ALPN)
            try:
                http = _open(stream, settings.url, context)
                configuration = await _configuration(http, settings.url, context)
                context.trace.prove(Proof.HANDSHAKEN)
                session = OdohSession(http, settings.url, configuration, stream, context)
                await probe_names(session, option, context, datagram=False)
            finally:
                await stream.aclose()
            return
        configuration = await _from_target(option, settings.url, context)
        stream = await open_tls(option, context, ALPN)
        try:
            url = relay_url(settings.relay, settings.url)
            session = OdohSession(_open(stream, url, context), url, configuration, stream, context)
            await probe_names(session, option, context, datagram=False)
        finally:
            await stream.aclose()


class OdohSession:
    """Questions to a target over one HTTP connection to it or to its relay."""

    def __init__(
        self, http: HttpSession, url: str, configuration: Configuration, stream: TlsStream, context: Context
    ) -> None:
        """Ask at ``url`` with the target's key. HTTP/1.1 can't multiplex: there one question waits for another."""
        self._http = http
        self._url = url
        self._configuration = configuration
        self._context = context
        self._turn = nullcontext() if stream.peer.alpn == "h2" else anyio.Lock()

    async def query(self, message: bytes) -> bytes:
        """Send one DNS message to the target and return its answer.

        :raises PeerError: when the answer was not made by the holder of the key for this question.
        """
        sealed, exchange = seal_query(self._configuration, message)
        headers = (("accept", MEDIA_TYPE), ("content-type", MEDIA_TYPE))
        async with self._turn:
            response = await self._http.request(
                "POST", self._url, headers=headers, body=sealed, max_body=_LONGEST_RESPONSE
            )
        self._context.trace.prove(Proof.HANDSHAKEN)
        if response.status == _UNKNOWN_KEY:
            raise PeerError(failures.PROXY_PROTOCOL_ERROR, "the target does not have the key any more (401)")
        _require(response, MEDIA_TYPE)
        try:
            return open_response(exchange, response.body)
        except OdohError as exc:
            raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc


def relay_url(relay: str, target: str) -> str:
    """Return where a relay wants queries to ``target`` (RFC 9230, section 4.1).

    >>> relay_url("https://relay.example/proxy", "https://target.example/dns-query")
    'https://relay.example/proxy?targethost=target.example&targetpath=/dns-query'
    """
    base = relay.removesuffix(TEMPLATE)
    parts = urlsplit(target)
    separator = "&" if "?" in base else "?"
    path = parts.path or "/"
    return f"{base}{separator}targethost={quote(parts.netloc, safe=':[]')}&targetpath={quote(path, safe='/')}"


async def _from_target(option: Option, url: str, context: Context) -> Configuration:
    """Fetch the key straight from the target; a relay passes on nothing but queries."""
    from circumvent.net.tls import TlsConfig, start_tls  # noqa: PLC0415 - loaded while SYNs fly

    parts = urlsplit(url)
    if parts.hostname is None:
        raise CannotTry(Reason.UNSUPPORTED, "the target's URL has no host")
    stream = await context.dialer.stream(Endpoint(host=parts.hostname, port=parts.port or 443), context.trace)
    config = TlsConfig(
        server_name=parts.hostname,
        verify_name=parts.hostname,
        trust=tls_config(option, context, ALPN).trust,
        alpn=ALPN,
    )
    tls = await start_tls(stream, config, context.trace)
    try:
        return await _configuration(_open(tls, url, context), url, context)
    finally:
        await tls.aclose()


async def _configuration(http: HttpSession, url: str, context: Context) -> Configuration:
    async with context.trace.step("configuration") as step:
        parts = urlsplit(url)
        where = f"{parts.scheme}://{parts.netloc}{CONFIGURATIONS_PATH}"
        response = await http.request("GET", where, max_body=_LONGEST_CONFIGURATIONS)
        _require(response, None)
        try:
            configuration = parse_configurations(response.body)
        except OdohError as exc:
            raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
        step.detail["aead"] = configuration.aead.name
        return configuration
    raise AssertionError  # pragma: no cover - a step that fails raises


def _open(stream: TlsStream, url: str, context: Context) -> HttpSession:
    from circumvent.net.http import open_http  # noqa: PLC0415 - httpx is loaded where it is spoken

    return open_http(stream, url=url, http2=stream.peer.alpn == "h2", trace=context.trace)


def _require(response: Response, media_type: str | None) -> None:
    if response.status != 200:
        raise PeerError(*http_status_failure(response.status))
    said = (response.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type is not None and said != media_type:
        raise PeerError(failures.WRONG_ANSWER, "a page in place of an oblivious DNS message")


TRANSPORT = OdohTransport()
