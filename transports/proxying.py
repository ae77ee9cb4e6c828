"""What proxies have in common: a connection to the proxy, a handshake that asks it for another one, and the try.

A proxy is a :class:`~circumvent.net.stream.Dialer` that stands on another dialer, so that proxies chain in any
order. What a try of it proves is written where its own options are tried; a proxy that merely carries another
option proves nothing about that one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import anyio

from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry, PeerError, Refusal
from circumvent.transports.carry import carry_through

if TYPE_CHECKING:
    from circumvent.model.option import Endpoint, Option
    from circumvent.net.stream import ByteStream, DatagramStream
    from circumvent.net.trace import OpenStep, Trace
    from circumvent.transport import Context


class ProxyDialer(ABC):
    """Opens streams through one proxy."""

    def __init__(self, option: Option, context: Context, *, carries_another: bool) -> None:
        """Reach ``option`` over ``context.dialer``. ``carries_another``: the attempt is not about this option."""
        self.option = option
        self.context = context
        self.carries_another = carries_another

    async def stream(self, endpoint: Endpoint, trace: Trace) -> ByteStream:
        """Open a stream to ``endpoint``: the steps of reaching the proxy, then ``proxy_handshake``.

        :raises StepFailed: when a step failed.
        :raises CannotTry: when nothing may be sent, or the protocol cannot say what the option has.
        """
        self.check()
        stream = await self.reach(trace)
        try:
            async with trace.step("proxy_handshake") as step:
                step.detail["proxy"] = self.option.kind
                stream = await self._asked(stream, endpoint, trace, step)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)
            raise
        return stream

    async def datagram(self, endpoint: Endpoint, trace: Trace) -> DatagramStream:  # noqa: ARG002 - a Dialer's
        """Refuse: most proxies carry no datagrams."""
        raise CannotTry(Reason.UNSUPPORTED, f"a {self.option.kind} proxy carries no datagrams")

    def check(self) -> None:  # noqa: B027 - most have nothing to check
        """Check, before anything is sent, that the protocol can say what the option has.

        :raises CannotTry: when it cannot.
        """

    async def reach(self, trace: Trace) -> ByteStream:
        """Open the connection to the proxy itself."""
        return await self.context.dialer.stream(self.option.endpoint, trace)

    @abstractmethod
    async def ask(self, stream: ByteStream, endpoint: Endpoint, trace: Trace, step: OpenStep) -> ByteStream:
        """Ask the proxy for a stream to ``endpoint``, in the protocol's words, and return that stream."""

    def prove(self, trace: Trace, proof: Proof) -> None:
        """Raise the proof, if the attempt is about this proxy."""
        if not self.carries_another:
            trace.prove(proof)

    async def receive(self, stream: ByteStream, trace: Trace, most: int) -> bytes:
        """Receive up to ``most`` bytes of the proxy's own; the first proves that it was reached."""
        data = await stream.receive(most)
        self.prove(trace, Proof.REACHED)
        return data

    async def receive_exactly(self, stream: ByteStream, trace: Trace, count: int) -> bytes:
        """Receive ``count`` bytes and not one more: what follows belongs to the tunnel."""
        data = b""
        while len(data) < count:
            data += await self.receive(stream, trace, count - len(data))
        return data

    async def _asked(
        self, stream: ByteStream, endpoint: Endpoint, trace: Trace, step: OpenStep
    ) -> ByteStream:
        """Ask; the refusal of a proxy that only carries another option is not that option's refusal."""
        try:
            return await self.ask(stream, endpoint, trace, step)
        except Refusal as exc:
            if not self.carries_another:
                raise
            raise PeerError(exc.error, "said the option that carries this one") from exc


class ProxyTransport(ABC):
    """Tries options of one proxy protocol: a control through it, and as much as ``sustained`` wants."""

    @abstractmethod
    def make_dialer(self, option: Option, context: Context, *, carries_another: bool) -> ProxyDialer:
        """Return the dialer of this protocol."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Try ``option`` once, up to ``context.goal``."""
        await carry_through(self.make_dialer(option, context, carries_another=False), option, context)

    def dialer(self, option: Option, context: Context) -> ProxyDialer:
        """Return a dialer for other options to be carried by ``option``."""
        return self.make_dialer(option, context, carries_another=True)


def host_to_ask_for(endpoint: Endpoint, *, family: int | None = None) -> str:
    """Return what to ask a proxy for: a known address (of IP version ``family``), else the name.

    An address that came with the option stands in place of a look-up here as everywhere; other names are the
    proxy's to resolve, so that nobody else sees them.
    """
    known = [one for one in endpoint.known_addresses if family is None or (":" in one) == (family == 6)]
    return known[0] if known else endpoint.host
