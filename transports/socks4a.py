"""SOCKS 4a: one request, one answer of eight bytes, names resolved by the proxy, no password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.model import failure as failures
from circumvent.model.words import Proof, Reason
from circumvent.net import socks
from circumvent.net.errors import CannotTry, NetError
from circumvent.transports.proxying import ProxyDialer, ProxyTransport, host_to_ask_for

if TYPE_CHECKING:
    from circumvent.model.option import Endpoint, Option
    from circumvent.net.stream import ByteStream
    from circumvent.net.trace import OpenStep, Trace
    from circumvent.transport import Context


class Socks4aDialer(ProxyDialer):
    """Opens streams through a SOCKS 4a proxy."""

    def check(self) -> None:
        """Refuse what SOCKS 4a cannot say: passwords, and user names with NUL or over 255 bytes."""
        if self.option.password is not None:
            raise CannotTry(Reason.UNSUPPORTED, "SOCKS4a knows no passwords")
        try:
            self._request("name.invalid", 1)
        except ValueError as exc:
            raise CannotTry(Reason.UNSUPPORTED, str(exc)) from None

    async def ask(self, stream: ByteStream, endpoint: Endpoint, trace: Trace, step: OpenStep) -> ByteStream:
        """Send the request and read the answer."""
        step.detail["user"] = self.option.user is not None
        try:
            request = self._request(host_to_ask_for(endpoint, family=4), endpoint.port)
        except ValueError as exc:
            raise NetError(failures.SOCKS_ADDRESS_NOT_SUPPORTED, str(exc)) from None
        await stream.send(request)
        socks.decode_socks4_reply(await self.receive_exactly(stream, trace, socks.SOCKS4_REPLY))
        self.prove(trace, Proof.HANDSHAKEN)
        return stream

    def _request(self, host: str, port: int) -> bytes:
        user = "" if self.option.user is None else self.option.user.reveal()
        return socks.encode_socks4a(host, port, user)


class Socks4a(ProxyTransport):
    """The transport of ``socks4a``."""

    def make_dialer(self, option: Option, context: Context, *, carries_another: bool) -> Socks4aDialer:
        """Return a dialer through ``option``."""
        return Socks4aDialer(option, context, carries_another=carries_another)


TRANSPORT = Socks4a()
