"""HTTP proxies: CONNECT over HTTP/1.1 (RFC 9110 section 9.3.6), in clear or inside TLS, with Basic if need be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anyio.abc import ByteStream

from circumvent.model import failure as failures
from circumvent.model.option import ProxySettings
from circumvent.model.words import Proof, Reason
from circumvent.net.connect import ConnectReader, ConnectReply, basic, encode_connect
from circumvent.net.errors import CannotTry, NetError, PeerError, Refusal
from circumvent.net.protocol_codes import http_status_failure
from circumvent.transports.proxying import ProxyDialer, ProxyTransport, host_to_ask_for
from circumvent.transports.tls_option import tls_config

if TYPE_CHECKING:
    from circumvent.model.option import Endpoint, Option
    from circumvent.net.trace import OpenStep, Trace
    from circumvent.transport import Context

PROXY_AUTHENTICATION_REQUIRED: Final = 407
#: How much is read at once while the head of the answer arrives, in bytes.
CHUNK: Final = 4096


class HttpConnectDialer(ProxyDialer):
    """Opens streams through an HTTP proxy."""

    @property
    def tls(self) -> bool:
        """Tell whether the proxy itself is spoken to inside TLS."""
        return isinstance(self.option.settings, ProxySettings) and self.option.settings.tls

    def check(self) -> None:
        """Refuse a user name with a colon, and a certificate that cannot be read."""
        try:
            self._authorization()
        except ValueError as exc:
            raise CannotTry(Reason.UNSUPPORTED, str(exc)) from None
        if self.option.ca is None:
            return
        try:
            self.context.trust.with_extra(self.option.ca)
        except ValueError:
            raise CannotTry(Reason.UNSUPPORTED, "its ca holds no readable certificate") from None

    async def reach(self, trace: Trace) -> ByteStream:
        """Connect to the proxy, and speak TLS to it if it is an ``https://`` proxy."""
        stream = await super().reach(trace)
        if not self.tls:
            return stream
        from circumvent.net.tls import start_tls  # noqa: PLC0415 - the crypto library is loaded while SYNs fly

        config = tls_config(self.option, self.context, ("http/1.1",))
        return await start_tls(stream, config, trace, proves=not self.carries_another)

    async def ask(self, stream: ByteStream, endpoint: Endpoint, trace: Trace, step: OpenStep) -> ByteStream:
        """Send CONNECT and read the head of the answer."""
        authorization = self._authorization()
        step.detail["password"] = authorization is not None
        try:
            request = encode_connect(host_to_ask_for(endpoint), endpoint.port, authorization)
        except ValueError as exc:
            raise NetError(failures.HTTP_REQUEST_FAILED, str(exc)) from None
        await stream.send(request)
        reader = ConnectReader()
        reply: ConnectReply | None = None
        while reply is None:
            reply = reader.feed(await self.receive(stream, trace, CHUNK))
        step.detail["status"] = reply.status
        self._decide(reply, offered=authorization is not None)
        if reply.page or reply.rest:
            # A web server that answers 200 to anything does this. A tunnel may begin with bytes of the other
            # side: whether this is one, the controls tell.
            step.detail["page"] = reply.page
        else:
            self.prove(trace, Proof.HANDSHAKEN)
        return Continued(stream, reply.rest) if reply.rest else stream

    def _decide(self, reply: ConnectReply, *, offered: bool) -> None:
        if reply.accepted:
            return
        if reply.status == PROXY_AUTHENTICATION_REQUIRED:
            wanted = ", ".join(reply.schemes) or "an unknown scheme"
            what = "user name or password rejected" if offered else "it asks for a password"
            # TLS to the proxy is always verified here, so whoever says no is the proxy.
            raise Refusal(failures.AUTH_REJECTED, f"{what} ({wanted})", authenticated=self.tls)
        error, detail = http_status_failure(reply.status)
        raise PeerError(error, detail)

    def _authorization(self) -> str | None:
        user, password = self.option.user, self.option.password
        if user is None and password is None:
            return None
        return basic("" if user is None else user.reveal(), "" if password is None else password.reveal())


class Continued(ByteStream):
    """A stream whose first bytes had been read already, together with the head before them."""

    def __init__(self, stream: ByteStream, first: bytes) -> None:
        """Give ``first`` before anything else."""
        self._stream = stream
        self._first = first

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return the next bytes; errors are those of the stream below."""
        if not self._first:
            return await self._stream.receive(max_bytes)
        data, self._first = self._first[:max_bytes], self._first[max_bytes:]
        return data

    async def send(self, item: bytes) -> None:
        """Send ``item``; errors are those of the stream below."""
        await self._stream.send(item)

    async def send_eof(self) -> None:
        """End our side."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()


class HttpConnect(ProxyTransport):
    """The transport of ``http-connect``."""

    def make_dialer(self, option: Option, context: Context, *, carries_another: bool) -> HttpConnectDialer:
        """Return a dialer through ``option``."""
        return HttpConnectDialer(option, context, carries_another=carries_another)


TRANSPORT = HttpConnect()
