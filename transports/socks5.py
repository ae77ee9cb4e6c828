"""SOCKS 5 (RFC 1928, RFC 1929): streams with names resolved by the proxy, passwords, and its UDP relay.

Round trips: greeting, password where it is wanted, request. Nothing is sent ahead of its answer, because a server
that wants a password and gets a request in its place drops the connection.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.option import Endpoint, is_address
from circumvent.model.words import Proof, Reason
from circumvent.net import socks
from circumvent.net.errors import CannotTry, NetError, PeerError, StepFailed
from circumvent.net.failure import translate
from circumvent.net.stream import Datagram
from circumvent.transports.carry import carry_through
from circumvent.transports.proxying import ProxyDialer, ProxyTransport, host_to_ask_for

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.net.stream import ByteStream, DatagramStream
    from circumvent.net.trace import OpenStep, Trace
    from circumvent.transport import Context

#: The relay gets FACTOR times the latency of the attempt to answer, at least SHORTEST seconds; the question is
#: sent again after a third of that.
RELAY_FACTOR: Final = 6.0
RELAY_SHORTEST: Final = 1.0
#: Datagrams of others, or malformed, that are passed over while waiting for the relay's.
STRAY: Final = 32


class Socks5Dialer(ProxyDialer):
    """Opens streams, and datagram sockets, through a SOCKS 5 proxy."""

    def check(self) -> None:
        """Refuse user names and passwords that do not fit."""
        try:
            self._password_message()
        except ValueError as exc:
            raise CannotTry(Reason.UNSUPPORTED, str(exc)) from None

    async def ask(self, stream: ByteStream, endpoint: Endpoint, trace: Trace, step: OpenStep) -> ByteStream:
        """Greet, authenticate, ask for a connection."""
        await self._greet(stream, trace, step)
        await self._request(stream, trace, socks.Command.CONNECT, host_to_ask_for(endpoint), endpoint.port)
        return stream

    async def datagram(self, endpoint: Endpoint, trace: Trace) -> DatagramStream:
        """Open a socket that talks to ``endpoint`` through the proxy's UDP relay (RFC 1928 section 7).

        The relay is always looked for at the proxy's own address, on the port that it names: an address named by
        a stranger is not followed.

        :raises StepFailed: when a step failed.
        """
        self.check()
        control = await self.reach(trace)
        try:
            async with trace.step("proxy_handshake") as step:
                step.detail["proxy"] = self.option.kind
                await self._greet(control, trace, step)
                associate = socks.Command.UDP_ASSOCIATE
                relay = await self._request(control, trace, associate, "0.0.0.0", 0)
                if not relay.port:
                    raise PeerError(failures.PROXY_PROTOCOL_ERROR, "its relay is at port 0")
            ours = self.option.endpoint
            # Where one address of several was reached, the relay is there.
            known = (trace.address,) if trace.address and not self.option.via else ours.addresses
            place = Endpoint(host=ours.host, port=relay.port, addresses=known)
            socket = await self.context.dialer.datagram(place, trace)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(control)
            raise
        return Relayed(control, socket, host_to_ask_for(endpoint), endpoint.port)

    async def _greet(self, stream: ByteStream, trace: Trace, step: OpenStep) -> None:
        """Agree on a method, and authenticate if that is what the server chose."""
        message = self._password_message()
        await stream.send(socks.encode_greeting(password=message is not None))
        reply = await self.receive_exactly(stream, trace, socks.METHOD_REPLY)
        method = socks.decode_method(reply, password=message is not None)
        step.detail["method"] = method.name.lower()
        if method is socks.Method.PASSWORD and message is not None:
            await stream.send(message)
            socks.decode_password_status(await self.receive_exactly(stream, trace, socks.PASSWORD_REPLY))
        self.prove(trace, Proof.HANDSHAKEN)

    async def _request(
        self, stream: ByteStream, trace: Trace, command: socks.Command, host: str, port: int
    ) -> socks.Address:
        """Send a request and return the address that the answer is bound to."""
        try:
            request = socks.encode_request(command, host, port)
        except ValueError as exc:
            raise NetError(failures.SOCKS_ADDRESS_NOT_SUPPORTED, str(exc)) from None
        await stream.send(request)
        start = await self.receive_exactly(stream, trace, socks.REPLY_START)
        socks.decode_reply_start(start)
        head = start + await self.receive_exactly(stream, trace, socks.REPLY_HEAD - socks.REPLY_START)
        rest = await self.receive_exactly(stream, trace, socks.decode_reply_head(head))
        return socks.decode_reply(head + rest)

    def _password_message(self) -> bytes | None:
        user, password = self.option.user, self.option.password
        if user is None and password is None:
            return None
        return socks.encode_password(
            "" if user is None else user.reveal(), "" if password is None else password.reveal()
        )


class Relayed:
    """Datagrams to one peer through a SOCKS 5 relay. It lives as long as the connection that asked for it."""

    def __init__(self, control: ByteStream, socket: DatagramStream, host: str, port: int) -> None:
        """Send to ``host`` and ``port`` over ``socket``; ``control`` is kept open."""
        self._control = control
        self._socket = socket
        self._host = host
        self._port = port

    async def send(self, data: bytes) -> None:
        """Send one datagram; errors are those of the socket below."""
        await self._socket.send(socks.encode_datagram(self._host, self._port, data))

    async def receive(self) -> Datagram:
        """Wait for the next datagram of the peer; what is malformed or from elsewhere is passed over.

        :raises PeerError: after too many of those.
        """
        for _ in range(STRAY):
            datagram = await self._socket.receive()
            try:
                sender, data = socks.decode_datagram(datagram.data)
            except PeerError:
                continue
            if sender.port == self._port and (not is_address(self._host) or sender.host == self._host):
                return Datagram(data, datagram.arrived)
        raise PeerError(failures.PROXY_PROTOCOL_ERROR, "the relay sends what nobody asked for")

    async def aclose(self) -> None:
        """Close the socket and the connection; never raises."""
        with anyio.CancelScope(shield=True):
            await self._socket.aclose()
            await anyio.aclose_forcefully(self._control)


class Socks5(ProxyTransport):
    """The transport of ``socks5``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Try ``option`` once, up to ``context.goal``; a first try then looks at the UDP relay too."""
        dialer = self.make_dialer(option, context, carries_another=False)
        await carry_through(dialer, option, context)
        resolver = context.controls.resolver
        if resolver is not None and context.goal.at_least(Proof.SUSTAINED):
            await _ask_through_relay(dialer, resolver, context)

    def make_dialer(self, option: Option, context: Context, *, carries_another: bool) -> Socks5Dialer:
        """Return a dialer through ``option``."""
        return Socks5Dialer(option, context, carries_another=carries_another)


async def _ask_through_relay(dialer: Socks5Dialer, resolver: Endpoint, context: Context) -> None:
    """Carry a DNS question through the UDP relay; the answer, or the lack of one, is a fact and no failure.

    Step ``udp_associate``: ``works`` with the ``rcode`` of the answer, or not with the ``error``. A proxy whose TCP
    carries is useful without UDP, and most have no relay.
    """
    trace = context.trace
    before = trace.failure
    limit = max(RELAY_FACTOR * (trace.latency_ms or 0.0) / 1000, RELAY_SHORTEST)
    with suppress(StepFailed):
        async with trace.step("udp_associate", limit=limit + trace.timeouts.limit) as step:
            try:
                step.detail["rcode"] = await _question(dialer, resolver, context, limit)
            except (NetError, OSError) as exc:
                failure = translate(exc, "udp_associate")
                step.detail.update(works=False, error=failure.error)
            else:
                step.detail["works"] = True
    trace.failure = before


async def _question(dialer: Socks5Dialer, resolver: Endpoint, context: Context, limit: float) -> str:
    """Ask for a fresh name, and once more if nothing comes; return the response code of the answer.

    :raises NetError: when the relay cannot be had, or the answer belongs to another question.
    :raises TimeoutError: when nothing came.
    """
    from circumvent.names.message import (  # noqa: PLC0415 - costs dnspython, and only here
        make_query,
        read_answer,
    )
    from circumvent.names.plan import fresh_label  # noqa: PLC0415 - as above

    query = make_query(fresh_label(context.random) + ".", "A", random=context.random)
    relayed = await dialer.datagram(resolver, context.trace)
    try:
        for wait in (limit / 3, limit * 2 / 3):
            await relayed.send(query.wire)
            with anyio.move_on_after(wait):
                datagram = await relayed.receive()
                return read_answer(query, datagram.data).rcode
    finally:
        await relayed.aclose()
    raise TimeoutError


TRANSPORT = Socks5()
