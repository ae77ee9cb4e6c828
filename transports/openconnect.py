"""AnyConnect gateways (Cisco's, ocserv): log in by forms, ask for a tunnel, send packets of our own through it.

What the messages look like is in :mod:`circumvent.vpn.openconnect`; this module sends them in order, one login at
most, and says what came of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from circumvent.model import failure as failures
from circumvent.model.openconnect import OpenconnectSettings
from circumvent.model.words import Proof
from circumvent.net.errors import PeerError, Refusal
from circumvent.net.protocol_codes import http_status_failure
from circumvent.transports.openconnect_tunnel import CstpTunnel
from circumvent.transports.tunnel_proof import prove_tunnel
from circumvent.transports.vpn_tls import host_field, login_limit, open_vpn_tls, require_pin
from circumvent.vpn.http_head import HeadError, HeadReader, ResponseHead
from circumvent.vpn.openconnect import document, forms
from circumvent.vpn.openconnect.cstp import (
    USER_AGENT,
    CstpError,
    connect_request,
    read_configuration,
)
from circumvent.vpn.openconnect.forms import Answer, Form, FormError, Obstacle, Unanswerable

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.net.http import HttpSession
    from circumvent.net.http_types import Response
    from circumvent.net.tls import TlsStream
    from circumvent.net.trace import OpenStep
    from circumvent.transport import Context

#: Forms of one login: a name, a password, a banner, and one to spare.
MOST_FORMS: Final = 5
MOST_REDIRECTS: Final = 3
CHUNK: Final = 16 * 1024
_UNAUTHORIZED: Final = 401
#: A word of a page to the gateway that shows it (all in lower case).
STRANGERS: Final = {
    b"global-protect": "GlobalProtect",
    b"/remote/login": "Fortinet",
    b"fgt_lang": "Fortinet",
    b"/dana-na/": "Pulse Secure",
    b"/my.policy": "F5 BIG-IP",
    b"/prx/000/": "Array",
}
#: The cookie that is a session (section 2.1.3).
SESSION_COOKIE: Final = "webvpn"
_URL: Final = re.compile(r"[!-~]{1,4096}")
_HEADERS: Final = (
    ("user-agent", USER_AGENT),
    ("x-transcend-version", "1"),
    ("x-aggregate-auth", "1"),
    ("x-support-http-auth", "true"),
    ("content-type", "application/xml; charset=utf-8"),
)


class Openconnect:
    """Tries options of kind ``openconnect``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Log in once, open the tunnel, and prove what it carries.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        gateway = _Gateway(option, context)
        try:
            form = await gateway.greet()
            await gateway.authenticate(form)
            tunnel = await gateway.connect()
            try:
                await prove_tunnel(tunnel, option, context)
            finally:
                await tunnel.aclose()
        finally:
            await gateway.aclose()


class _Gateway:
    """One visit to a gateway."""

    def __init__(self, option: Option, context: Context) -> None:
        settings = option.settings
        self._settings = settings if isinstance(settings, OpenconnectSettings) else OpenconnectSettings()
        self._option = option
        self._context = context
        self._trace = context.trace
        self._host = host_field(option.endpoint)
        self._base = f"https://{self._host}/"
        self._url = urljoin(self._base, self._settings.path)
        self._cookies: dict[str, str] = {}
        self._stream: TlsStream | None = None
        self._session: HttpSession | None = None

    async def greet(self) -> Form:
        """Say who we are; the form that comes back shows an AnyConnect gateway (``tunnel_handshake``)."""
        await self._open()
        async with self._trace.step("tunnel_handshake") as step:
            answer = await self._post(forms.init_request(self._url), step)
            if answer.obstacle is Obstacle.CERTIFICATE:
                answer = await self._post(forms.init_request(self._url, no_certificate=True), step)
            self._trace.prove(Proof.HANDSHAKEN)
            form = self._form(answer)
            chosen = self._choose(form)
            if chosen is not None and chosen not in (form.selected, form.groups[0][0]):
                # A group may have a form of its own.
                self._follow(form.action)
                form = self._form(await self._post(forms.init_request(self._url, chosen), step))
            return form

    async def authenticate(self, form: Form) -> None:
        """Answer forms until there is a session; each is a step ``authenticate``, because each may take its time."""
        told: frozenset[str] = frozenset()
        answer = Answer(form=form)
        for _ in range(MOST_FORMS):
            async with self._trace.step("authenticate", limit=login_limit(self._trace)) as step:
                form = self._form(answer)
                if told & form.secrets:  # the same question again
                    raise _rejected()
                reply = self._reply(form)
                told |= form.secrets
                self._follow(form.action)
                answer = await self._post(reply, step)
                if answer.complete:
                    self._take_session(answer)
                    return
                if answer.failed and told:
                    raise _rejected()
        async with self._trace.step("authenticate"):
            raise PeerError(failures.WRONG_ANSWER, "the gateway asks again and again")

    async def connect(self) -> CstpTunnel:
        """Ask for the tunnel, and read what the gateway assigns (``configuration``)."""
        if self._stream is None:
            await self._open()
        async with self._trace.step("configuration", limit=login_limit(self._trace)) as step:
            stream = self._stream
            if stream is None:
                raise AssertionError  # pragma: no cover - opened above
            cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items() if value)
            await stream.send(connect_request(self._host, cookie))
            head, rest = await _read_head(stream)
            step.detail["status"] = head.status
            if head.status == _UNAUTHORIZED:
                raise Refusal(failures.AUTH_REJECTED, "the session was rejected", authenticated=True)
            if head.status != 200:
                raise PeerError(*http_status_failure(head.status))
            try:
                configuration = read_configuration(head)
            except CstpError as exc:
                raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
            step.detail["ipv4"] = any(":" not in address for address in configuration.addresses)
            step.detail["ipv6"] = any(":" in address for address in configuration.addresses)
            return CstpTunnel(stream, configuration, rest, self._trace)

    async def aclose(self) -> None:
        """Close the connection; never raises."""
        if self._stream is not None:
            await self._stream.aclose()

    async def _open(self) -> None:
        from circumvent.net.http import open_http  # noqa: PLC0415 - heavy, and loaded while SYNs fly

        self._stream = await open_vpn_tls(self._option, self._context, self._settings.pin)
        self._session = open_http(self._stream, url=self._base, http2=False, trace=self._trace)

    async def _post(self, body: bytes, step: OpenStep) -> Answer:
        """Send a message and read the answer.

        :raises PeerError: when it is not one of an AnyConnect gateway.
        :raises Refusal: when it is a 401 to a form of ours.
        """
        for _ in range(MOST_REDIRECTS + 1):
            response = await self._exchange(body, step)
            if response.status not in (301, 302, 303, 307, 308):
                return self._read(response, step)
            self._follow(response.header("location") or "")
        raise PeerError(failures.HTTP_UNEXPECTED_STATUS, "the gateway redirects again and again")

    async def _exchange(self, body: bytes, step: OpenStep) -> Response:
        if self._stream is None or self._session is None:
            await self._open()
        if self._stream is None or self._session is None:
            raise AssertionError  # pragma: no cover - opened above
        require_pin(self._stream, self._settings.pin)
        headers = list(_HEADERS)
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items() if value)
        if cookie:
            headers.append(("cookie", cookie))
        response = await self._session.request(
            "POST", self._url, headers=headers, body=body, max_body=document.LARGEST
        )
        step.detail["status"] = response.status
        self._cookies.update(forms.cookies(response.headers))
        if (response.header("connection") or "").lower() == "close":
            await self._stream.aclose()
            self._stream = self._session = None
        return response

    def _read(self, response: Response, step: OpenStep) -> Answer:
        if response.status == _UNAUTHORIZED and step.name == "authenticate":
            raise _rejected()
        stranger = _stranger(response.body)
        if stranger is not None:
            raise PeerError(failures.WRONG_ANSWER, f"this is a gateway of {stranger}, not an AnyConnect one")
        if response.status == _UNAUTHORIZED:
            raise PeerError(
                failures.HTTP_UNEXPECTED_STATUS,
                "it asks for HTTP authentication: a gateway that hides, or none",
            )
        if response.status != 200:
            raise PeerError(*http_status_failure(response.status))
        try:
            return forms.parse_answer(response.body)
        except FormError as exc:
            sentence = f"{exc}: another kind of server, or a gateway that hides"
            raise PeerError(failures.WRONG_ANSWER, sentence) from exc

    def _form(self, answer: Answer) -> Form:
        """Return the form of an answer.

        :raises Refusal: when it wants what the profile does not have.
        """
        if answer.form is not None:
            return answer.form
        obstacle = answer.obstacle or Obstacle.OTHER
        raise Refusal(failures.AUTH_REJECTED, f"the gateway wants {obstacle.value}", authenticated=True)

    def _choose(self, form: Form) -> str | None:
        try:
            return forms.choose_group(form, self._settings.group)
        except Unanswerable as exc:
            raise _unanswerable(exc) from exc

    def _reply(self, form: Form) -> bytes:
        try:
            return forms.reply(form, self._option.user, self._option.password, self._settings.group)
        except Unanswerable as exc:
            raise _unanswerable(exc) from exc

    def _follow(self, place: str) -> None:
        """Go to another path of this gateway.

        :raises PeerError: when it is elsewhere: who holds a profile of one gateway is not sent to another.
        """
        try:
            url = urljoin(self._url, place)
            here = urlsplit(url)[:2] == urlsplit(self._base)[:2] and _URL.fullmatch(url)
        except ValueError:  # an address in brackets that is none
            here = None
        if not here:
            raise PeerError(failures.HTTP_UNEXPECTED_STATUS, "the gateway sends us to another place")
        self._url = url

    def _take_session(self, answer: Answer) -> None:
        if answer.token is not None:
            self._cookies[SESSION_COOKIE] = answer.token
        if not self._cookies.get(SESSION_COOKIE):
            raise PeerError(failures.WRONG_ANSWER, "the gateway accepted the login and gave no session")


def _rejected() -> Refusal:
    return Refusal(failures.AUTH_REJECTED, "name or password rejected", authenticated=True)


def _unanswerable(exc: Unanswerable) -> Refusal:
    if exc.obstacle is Obstacle.GROUP:
        return Refusal(
            failures.AUTH_REJECTED, "the gateway does not offer the profile's group", authenticated=True
        )
    return Refusal(failures.AUTH_REJECTED, f"the gateway wants {exc.obstacle.value}", authenticated=True)


def _stranger(body: bytes) -> str | None:
    """Tell whose page this is, where it is that of another VPN gateway."""
    page = body[:CHUNK].lower()
    return next((name for mark, name in STRANGERS.items() if mark in page), None)


async def _read_head(stream: TlsStream) -> tuple[ResponseHead, bytes]:
    reader = HeadReader()
    try:
        while (head := reader.feed(await stream.receive(CHUNK))) is None:
            pass
    except HeadError as exc:
        raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
    return head, reader.rest


TRANSPORT = Openconnect()
