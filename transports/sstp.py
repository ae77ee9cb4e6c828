"""SSTP servers (Windows, SoftEther, MikroTik): a call inside verified TLS, PPP in it, packets of our own through that.

What the messages look like is in :mod:`circumvent.vpn.sstp` and :mod:`circumvent.vpn.ppp`; this module sends them in
order, one login at most, and says what came of it.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.sstp import SstpSettings
from circumvent.model.words import Proof
from circumvent.net.errors import PeerError, Refusal
from circumvent.net.protocol_codes import http_status_failure
from circumvent.transports.sstp_tunnel import SstpLink, SstpTunnel, goodbye
from circumvent.transports.tunnel_proof import prove_tunnel
from circumvent.transports.vpn_tls import host_field, login_limit, open_vpn_tls, require_pin
from circumvent.vpn.http_head import HeadError, HeadReader
from circumvent.vpn.ppp import PppError
from circumvent.vpn.ppp_client import Impostor, NoAgreement, NoCredentials, Phase, PppClient, Rejected
from circumvent.vpn.sstp.binding import call_connected
from circumvent.vpn.sstp.message import (
    BindingRequest,
    Control,
    MessageType,
    SstpError,
    binding_request,
    connect_request,
    encode_data,
    opening_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.model.option import Option
    from circumvent.net.tls import TlsStream
    from circumvent.transport import Context

CHUNK: Final = 16 * 1024
#: Packets that are looked at in one step, after which the other side only keeps us busy.
MOST_PACKETS: Final = 200


class Sstp:
    """Tries options of kind ``sstp``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Open a call, sign in once, and prove what the link carries.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        settings = option.settings if isinstance(option.settings, SstpSettings) else SstpSettings()
        stream = await open_vpn_tls(option, context, settings.pin)
        call = _Call(stream, option, context, settings)
        try:
            await call.open()
            await call.authenticate()
            await prove_tunnel(await call.configure(), option, context)
        finally:
            await call.aclose()


class _Call:
    """One call, from the HTTP request to its end."""

    def __init__(self, stream: TlsStream, option: Option, context: Context, settings: SstpSettings) -> None:
        self._stream = stream
        self._option = option
        self._trace = context.trace
        self._random = context.random
        self._settings = settings
        self._link: SstpLink | None = None
        self._binding: BindingRequest | None = None
        self._client = PppClient(option.user, option.password, context.random, pap=settings.pap)
        self._began = False

    async def open(self) -> None:
        """Ask for a call; its acknowledgement shows an SSTP server (``tunnel_handshake``)."""
        async with self._trace.step("tunnel_handshake") as step:
            require_pin(self._stream, self._settings.pin)
            endpoint = self._option.endpoint
            host = host_field(endpoint)
            correlation = str(uuid.UUID(bytes=self._random.randbytes(16), version=4)).upper()
            await self._stream.send(opening_request(host, correlation))
            reader = HeadReader()
            try:
                while (head := reader.feed(await self._stream.receive(CHUNK))) is None:
                    pass
            except HeadError as exc:
                raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
            step.detail["status"] = head.status
            if head.status != 200:
                raise PeerError(*http_status_failure(head.status))
            self._link = SstpLink(self._stream, reader.rest, self._trace)
            await self._link.send(connect_request())
            message = await self._link.receive()
            if isinstance(message, Control) and message.kind == MessageType.CALL_CONNECT_NAK:
                raise PeerError(failures.WRONG_ANSWER, "the server does not take a call that carries PPP")
            if not isinstance(message, Control) or message.kind != MessageType.CALL_CONNECT_ACK:
                raise PeerError(failures.WRONG_ANSWER, "the server did not acknowledge the call")
            try:
                self._binding = binding_request(message)
            except SstpError as exc:
                raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
            self._trace.prove(Proof.HANDSHAKEN)

    async def authenticate(self) -> None:
        """Agree on the link, then sign in: a step each, because each may take its time."""
        async with self._trace.step("authenticate", limit=login_limit(self._trace)):
            self._began = True
            await self._send(self._client.start())
            await self._until(lambda phase: phase is not Phase.ESTABLISH)
        if self._client.phase is Phase.AUTHENTICATE:
            async with self._trace.step("authenticate", limit=login_limit(self._trace)) as step:
                step.detail["method"] = self._client.method
                await self._until(lambda phase: phase is not Phase.AUTHENTICATE)

    async def configure(self) -> SstpTunnel:
        """Bind both authentications, and ask for an address (``configuration``)."""
        async with self._trace.step("configuration", limit=login_limit(self._trace)) as step:
            link, binding = self._link, self._binding
            if link is None or binding is None:
                raise AssertionError  # pragma: no cover - open() raised
            await link.send(call_connected(binding, self._stream.peer.chain[0], self._client.keys))
            await self._send(self._client.begin_network())
            await self._until(lambda phase: phase is Phase.OPEN)
            step.detail["ipv4"] = True
            return SstpTunnel(link, self._client)

    async def aclose(self) -> None:
        """End the link and the call as far as they came, and close; never raises."""
        if self._link is None:
            await self._stream.aclose()
        else:
            await self._link.aclose(goodbye(self._client if self._began else None))

    async def _until(self, reached: Callable[[Phase], bool]) -> None:
        """Take in packets until the link has reached a phase.

        :raises Refusal: when the server does not let us in.
        :raises PeerError: when no link will come of it.
        """
        link = self._link
        if link is None:
            raise AssertionError  # pragma: no cover - open() raised
        for _ in range(MOST_PACKETS):
            if reached(self._client.phase):
                return
            if self._client.phase is Phase.ENDED:
                raise anyio.EndOfStream
            packet = await link.receive()
            if not isinstance(packet, Control):
                await self._send(self._take(packet.payload))
        raise PeerError(failures.WRONG_ANSWER, "the server negotiates without end")

    def _take(self, frame: bytes) -> list[bytes]:
        try:
            return self._client.receive(frame)
        except PppError:
            return []  # discarded (RFC 1661, section 2)
        except Rejected as exc:
            raise Refusal(failures.AUTH_REJECTED, str(exc), authenticated=True) from exc
        except NoCredentials as exc:
            wanted = "the server wants a user name and a password"
            raise Refusal(failures.AUTH_REJECTED, wanted, authenticated=True) from exc
        except Impostor as exc:
            raise PeerError(failures.WRONG_KEY, "the server did not show that it knows the password") from exc
        except NoAgreement as exc:
            raise PeerError(failures.WRONG_ANSWER, f"no agreement on {exc}") from exc

    async def _send(self, frames: list[bytes]) -> None:
        if frames and self._link is not None:
            await self._link.send(b"".join(encode_data(frame) for frame in frames))


TRANSPORT = Sstp()
