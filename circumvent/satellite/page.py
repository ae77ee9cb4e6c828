"""The first page of whoever answers at an address of the local network, and its certificate: one GET, and nothing else.

No credentials, no second page, no method but GET. What comes is bounded and foreign text: it is read for names of makers
(:mod:`circumvent.satellite.recognise`), and never shown.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
from cryptography import x509

from circumvent.model.option import Endpoint, join_host_port
from circumvent.model.words import Proof
from circumvent.net.errors import StepFailed
from circumvent.net.http_types import BodyTooLong
from circumvent.net.sock import SocketStream
from circumvent.text import sanitise

if TYPE_CHECKING:
    from circumvent.net.http_types import Response
    from circumvent.net.stream import ByteStream, Dialer
    from circumvent.net.tls import TlsStream
    from circumvent.net.trace import Trace

HTTP: Final = 80
HTTPS: Final = 443
#: So much of a page is read, in bytes, and of a text, in characters.
LARGEST: Final = 64 * 1024
LONGEST: Final = 200
#: Headers that tell who made the device.
_TELLING: Final = ("server", "www-authenticate", "x-powered-by")
_TITLE: Final = re.compile(rb"<title[^>]{0,200}>([^<]{0,400})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page tells of its device. ``local``: our own address on the way to it."""

    status: int
    title: str = ""
    headers: tuple[str, ...] = ()
    subject: str = ""
    local: str | None = None


async def ask_page(host: str, dialer: Dialer, trace: Trace, port: int = HTTP) -> Page:
    """Ask for the first page, in the steps ``connect`` and ``page``; by TLS where that is said, or nobody answers in clear.

    Who has a certificate shows it (``tls_handshake``); nothing is verified, for nothing is believed.

    :raises StepFailed: when there is no page.
    """
    if port == HTTPS:
        return await _ask(host, dialer, trace, port, secure=True)
    try:
        page = await _ask(host, dialer, trace, port, secure=False)
    except StepFailed as first:
        if port != HTTP:
            raise
        trace.another_way()
        try:
            return await _ask(host, dialer, trace, HTTPS, secure=True)
        except StepFailed as second:
            trace.failure = first.failure
            raise first from second
    if not _leads_to_tls(page):
        return page
    try:
        return await _ask(host, dialer, trace, HTTPS, secure=True)
    except StepFailed:
        trace.failure = None
        return page


def _leads_to_tls(page: Page) -> bool:
    return 300 <= page.status <= 399 and any(
        one.lower().startswith("location: https:") for one in page.headers
    )


async def _ask(host: str, dialer: Dialer, trace: Trace, port: int, *, secure: bool) -> Page:
    from circumvent.net.http import open_http  # noqa: PLC0415 - only where a page is asked for

    stream: ByteStream = await dialer.stream(Endpoint(host=host, port=port), trace)
    local = stream.local_address if isinstance(stream, SocketStream) else None
    subject = ""
    try:
        if secure:
            stream, subject = await _wrap(stream, trace)
        scheme = "https" if secure else "http"
        url = f"{scheme}://{join_host_port(host, port)}/"
        async with trace.step("page") as step:
            session = open_http(stream, url=url, http2=False, trace=trace)
            try:
                response = await session.request("GET", url, max_body=LARGEST)
            except BodyTooLong as exc:
                if exc.response is None:
                    raise
                response = exc.response
            trace.prove(Proof.REACHED)
            step.detail["status"] = response.status
            return _page(response, subject, local)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(stream)
    raise AssertionError  # pragma: no cover - a step that fails raises


async def _wrap(stream: ByteStream, trace: Trace) -> tuple[TlsStream, str]:
    """Speak TLS to whoever it is; return the stream, and the names in its certificate."""
    from circumvent.net.tls import TlsConfig, start_tls  # noqa: PLC0415 - as above
    from circumvent.net.verify import TrustStore  # noqa: PLC0415 - as above

    config = TlsConfig(server_name=None, verify_name=None, alpn=("http/1.1",), trust=TrustStore.mozilla())
    secured = await start_tls(stream, config, trace)
    trace.prove(Proof.REACHED)
    chain = secured.peer.chain
    return secured, _names(chain[0]) if chain else ""


def _names(certificate: bytes) -> str:
    """Return whom a certificate names, and who signed it."""
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        parts = [str(one.value) for name in (parsed.subject, parsed.issuer) for one in name]
    except ValueError:
        return ""
    return sanitise(" ".join(parts), LONGEST)


def _page(response: Response, subject: str, local: str | None) -> Page:
    found = _TITLE.search(response.body[:LARGEST])
    title = "" if found is None else html.unescape(found[1].decode("utf-8", "replace"))
    told = [f"{name}: {value}" for name, value in response.headers if name in (*_TELLING, "location")]
    return Page(
        status=response.status,
        title=sanitise(" ".join(title.split()), LONGEST),
        headers=tuple(sanitise(one, LONGEST) for one in told[:8]),
        subject=subject,
        local=local,
    )
