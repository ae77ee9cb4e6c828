"""Starlink: the chain from the dish over the sky and the ground station to the internet, link by link.

The dish is asked two things, how it is and what its last minutes were like (:mod:`circumvent.satellite.dish`), by gRPC on
its usual port, else by gRPC-Web on 9201. Nothing here changes it, and nothing asks where it is. What it says of itself proves
that it is a dish, never that it carries: that is for controls, which must leave by the interface behind which the dish is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.words import FindingKind, Proof, Reason
from circumvent.net.errors import CannotTry, PeerError, Refusal
from circumvent.net.interface_addresses import interface_addresses
from circumvent.net.interfaces import owner_of
from circumvent.net.sock import SocketStream, UdpSocket
from circumvent.satellite.ask import DishLink
from circumvent.satellite.judge import Health, judge, lost_share, signs_of
from circumvent.satellite.recognise import physics
from circumvent.satellite.signs import detail_of
from circumvent.transports.carry import carry_through
from circumvent.transports.link_loss import watch_loss
from circumvent.transports.sustain import sustain_through

if TYPE_CHECKING:
    from collections.abc import Iterable

    from circumvent.model.option import Endpoint, Option
    from circumvent.model.record import Json
    from circumvent.net.stream import ByteStream, DatagramStream, Dialer
    from circumvent.net.trace import Trace
    from circumvent.satellite.dish import DishHistory, DishStatus
    from circumvent.satellite.judge import Judgement
    from circumvent.satellite.signs import Found
    from circumvent.transport import Context


class StarlinkTransport:
    """Steps: ``connect``, ``terminal``, ``sky``, ``gateway``, ``link``, those of the controls, ``physics``, ``loss``, ``internet``, ``handovers``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Walk the chain until a link is broken, or the goal is reached."""
        dish = _Dish(option, context)
        status, history = await dish.health()
        await dish.sky(status, history)
        await dish.gateway(status, history)
        await dish.internet()
        watched = context.watch if context.trace.proof is Proof.SUSTAINED else None
        seconds = watched if context.idle is None else context.idle
        if seconds is not None and context.trace.proof.at_least(Proof.CARRIED):
            await dish.handovers(seconds)


class _Dish:
    """One attempt at one dish."""

    def __init__(self, option: Option, context: Context) -> None:
        self._option = option
        self._context = context
        self._trace: Trace = context.trace
        self._link = DishLink(option.endpoint, context.dialer, context.trace)

    async def health(self) -> tuple[DishStatus, DishHistory | None]:
        """Ask how it is, and what its last minutes were like."""
        return await self._link.status(), await self._link.history()

    async def sky(self, status: DishStatus, history: DishHistory | None) -> None:
        """Tell whether it sees satellites and is served, by its own word."""
        async with self._trace.step("sky") as step:
            seen = judge(status, history)
            step.detail.update(_sky_detail(status, history, seen))
            if seen.sky is Health.BROKEN:
                raise no_sky(seen.reason, seen.causes)

    async def gateway(self, status: DishStatus, history: DishHistory | None) -> None:
        """Tell whether its own pings come back from the ground: over its last two minutes, where it says that."""
        async with self._trace.step("gateway") as step:
            seen = judge(status, history)
            lost = lost_share(status, history)
            latency = status.latency_ms if history is None else history.latency_ms
            step.detail.update(_history_detail(history))
            step.detail["health"] = seen.gateway.value
            step.detail["loss"] = None if lost is None else round(lost, 3)
            step.detail["rtt_ms"] = None if latency is None else round(latency, 1)
            if seen.gateway is Health.BROKEN:
                raise PeerError(failures.PACKET_LOSS, "the terminal's own pings to the ground are lost")

    async def internet(self) -> None:
        """Fetch the controls, and move 64 KiB, through the link behind which the dish is."""
        await prove_link(self._link.local, self._option, self._context)

    async def handovers(self, seconds: float) -> None:
        """Note how many of the dish's own pings were lost while the link was watched or idle: satellites change every 15 s."""
        history = await self._link.history(round(seconds))
        async with self._trace.step("handovers") as step:
            step.detail.update(_history_detail(history))


async def prove_link(local: str | None, option: Option, context: Context) -> None:
    """Fetch the controls, watch the link for loss, and move 64 KiB, all by the interface that has the address ``local``.

    A link that loses too much is not one that lasts, however many bytes come through. What light says of the round trips
    stands in a step ``physics``.

    :raises StepFailed: when it does not carry, or does not last.
    """
    trace = context.trace
    place = trace.address, trace.family
    trace.another_way()  # the latency is the link's, not that of questions to the terminal
    dialer = SameLink(context.dialer, local)
    bulk = context.controls.bulk if context.goal.at_least(Proof.SUSTAINED) else None
    try:
        await carry_through(dialer, option, replace(context, goal=Proof.CARRIED))
        async with trace.step("physics") as step:
            step.detail.update(_physics(trace))
        if bulk is not None and await watch_loss(dialer, context):
            await sustain_through(dialer, bulk, context)
    except CannotTry as exc:
        if exc.reason is not Reason.NAME_PRIVATE:
            raise
        # No resolver of this run answered: that is what came of the link, after a terminal that was asked and is well.
        async with trace.step("internet"):
            raise PeerError(failures.NETWORK_UNREACHABLE, "no name could be looked up") from exc
    finally:
        trace.address, trace.family = place


def round_trips(trace: Trace) -> tuple[float, ...]:
    """Return the milliseconds of handshakes and exchanges with controls: a round trip or more each, so too long if anything."""
    return tuple(
        (step.t - step.t0) * 1000
        for step in trace.steps
        if step.name in {"control_tls", "control_http"} and step.failure is None
    )


def _physics(trace: Trace) -> dict[str, Json]:
    light = physics(round_trips(trace))
    if light.least is None:
        return {"unavailable": "nothing came back through it"}
    return {"rtt_ms": round(light.least, 1), "excluded": list(light.excluded), "fits": list(light.fits)}


class SameLink:
    """Opens connections only by the interface by which the dish was reached: what leaves elsewhere proves nothing of it."""

    def __init__(self, dialer: Dialer, local: str | None) -> None:
        """Use ``dialer``; ``local`` is our own address on the way to the dish."""
        self._dialer = dialer
        self._local = local

    async def stream(self, endpoint: Endpoint, trace: Trace) -> ByteStream:
        """Open a stream, and look in a step ``link`` by which interface it leaves.

        :raises StepFailed: when a step failed, also because the connection leaves by another link.
        :raises CannotTry: when nothing may be sent.
        """
        stream = await self._dialer.stream(endpoint, trace)
        try:
            async with trace.step("link") as step:
                step.detail["same"] = same = self._same(stream)
                if not same:
                    raise PeerError(
                        failures.NETWORK_UNREACHABLE, "packets to the internet leave by another link"
                    )
        except BaseException:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)
            raise
        return stream

    async def datagram(self, endpoint: Endpoint, trace: Trace) -> DatagramStream:
        """Open a datagram socket.

        :raises CannotTry: when it leaves by another link, also when nothing may be sent.
        """
        socket = await self._dialer.datagram(endpoint, trace)
        if not self._same(socket):
            await socket.aclose()
            raise CannotTry(Reason.OFFLINE, "packets to the internet leave by another link")
        return socket

    def _same(self, stream: ByteStream | DatagramStream) -> bool:
        if self._local is None or not isinstance(stream, SocketStream | UdpSocket):
            return False
        everybody = interface_addresses()
        return owner_of(self._local, everybody) == owner_of(stream.local_address, everybody)


def no_sky(reason: str | None, found: Iterable[Found]) -> PeerError:
    """Return what a broken sky is in words: the operator's no, or no network.

    The dish does not prove who it is, so its no is none of an authenticated peer.
    """
    causes = {one.cause for one in found}
    if FindingKind.ACCOUNT_INACTIVE in causes:
        return Refusal(failures.AUTH_REJECTED, reason, authenticated=False)
    if FindingKind.NO_SERVICE_HERE in causes:
        return Refusal(failures.GEO_REFUSED, reason, authenticated=False)
    return PeerError(failures.NETWORK_UNREACHABLE, reason)


def _sky_detail(status: DishStatus, history: DishHistory | None, seen: Judgement) -> dict[str, Json]:
    """Return what the dish said of the sky; what it did not say is left out. The findings rest on this alone."""
    found: dict[str, Json] = {
        "health": seen.sky.value,
        "state": seen.reason or (None if status.outage is None else status.outage.value),
        "hours": None if status.obstruction_hours is None else round(status.obstruction_hours, 1),
        "alerts": list(status.alerts) or None,
    }
    said = {key: value for key, value in found.items() if value is not None}
    return said | detail_of(signs_of(status, history))


def _history_detail(history: DishHistory | None) -> dict[str, Json]:
    return {} if history is None else {"seconds": history.seconds, "lost": history.lost}


TRANSPORT: Final = StarlinkTransport()
