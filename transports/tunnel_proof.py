"""What goes through a packet tunnel: the same proof for every VPN.

A tunnel whose handshake is done may carry nothing, and often does where only handshakes are let through. So packets of
our own go through it, without a network device:

* ``carry``: ICMP echo of the gateway inside and of one place beyond it, and the question that proves a resolver (a signed
  denial of a fresh name, and a control name) over UDP. Only that question proves ``carried``: an echo can be answered by
  whoever is at the other end, the denial is signed by the root. Where the resolver may run on the server itself, it answers
  though nothing is passed on: then it counts only together with an echo from beyond;
* ``mtu``: the largest packet that comes back;
* ``sustain_down``, ``sustain_up``: :mod:`circumvent.transports.tunnel_flow`;
* ``idle``: one more question after the tunnel was left alone.

What answers echoes, how large and how often is up to others, so their silence is recorded and is no failure.
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.names import facts
from circumvent.names.ask import Asker, Question
from circumvent.names.carry import carry_in, prove_carried
from circumvent.names.exchange import DatagramExchange
from circumvent.names.message import make_query
from circumvent.net.errors import NetError, PeerError
from circumvent.net.failure import translate
from circumvent.net.trace import OpenStep
from circumvent.net.tunnel import Inside
from circumvent.transports.tunnel_flow import Questions, sustain_inside

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.model.record import Json
    from circumvent.net.stream import DatagramStream
    from circumvent.net.tunnel import Echoes, PacketTunnel
    from circumvent.transport import Context

DNS_PORT: Final = 53
#: Resolvers of the tunnel's own that are asked, and operators of public ones besides.
MOST_OWN: Final = 2
MOST_PUBLIC: Final = 2
#: Seconds that one resolver has before the next is asked too.
STAGGER: Final = 0.8
#: Seconds between two echo requests to a place that has not answered, and how many there are.
PING_AGAIN: Final = (0.4, 0.8, 1.6)
#: Seconds that echoes may still take when the question was answered first.
PING_LATE: Final = 0.5
#: Packet sizes that are tried for ``mtu`` when the whole of what the tunnel says does not come back, in bytes.
SIZES: Final = (1440, 1420, 1400, 1380, 1360, 1320, 1280, 1240, 1200, 1000, 576)
#: How often the largest one is tried, and the rest.
TRIES: Final = 3
#: A place that answers only smaller packets than this limits echoes: it shows nothing about the tunnel.
SMALLEST_MTU: Final = 576
#: How long it may take to find the largest packet: seconds, or so many round trips if that is more.
MTU_SECONDS, MTU_ROUND_TRIPS = 3.0, 6.0
#: Seconds beyond a round trip and a half that echoes of one size may take.
MTU_WAIT: Final = 0.2
#: What ends a connection outside, or keeps a packet from leaving.
_GONE: Final = (
    NetError,
    OSError,
    anyio.EndOfStream,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
)
#: Where a server gives its own resolver an address: RFC 1918, 6598, 3927, 4193, 4291.
_SERVERS_OWN: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "169.254.0.0/16",
            "fc00::/7",
            "fe80::/10",
        ),
    )
)
#: Bytes of questions that are padded to be long, for the way up.
LONG_QUESTION: Final = 1100


async def prove_tunnel(tunnel: PacketTunnel, option: Option, context: Context) -> None:
    """Prove what ``tunnel`` carries, up to ``context.goal``. It stays open.

    :raises StepFailed: when a step failed; the proof so far stands.
    """
    proof = _Proof(tunnel, option, context)
    try:
        await proof.carry()
        if context.goal.at_least(Proof.SUSTAINED):
            await proof.mtu()
            await proof.sustain()
        if context.idle is not None:
            await proof.idle(context.idle)
    finally:
        proof.close()


@dataclass(slots=True)
class _Place:
    """A place inside that is sent echo requests.

    ``seconds`` is what a round trip took, once one came back; ``over`` tells that this is known, or given up;
    ``largest`` is the size of the largest packet that came back, in bytes.
    """

    echoes: Echoes
    beyond: bool
    seconds: float | None = None
    largest: int = 0
    over: anyio.Event = field(default_factory=anyio.Event)


@dataclass(slots=True, kw_only=True)
class _Resolver:
    """A resolver inside, and what it was asked over."""

    address: str
    asker: Asker
    datagrams: DatagramStream
    step: OpenStep


class _Proof:
    def __init__(self, tunnel: PacketTunnel, option: Option, context: Context) -> None:
        self._facts = tunnel.facts
        self._inside = Inside(tunnel, context.random)
        self._option = option
        self._context = context
        self._trace = context.trace
        self._public = self._known_resolvers()
        self._resolvers = self._to_ask()
        self._places = self._make_places()
        self._proved: _Resolver | None = None
        self._failed: list[tuple[str, Exception]] = []
        self._changed = anyio.Event()
        self._best: _Place | None = None

    def close(self) -> None:
        """Take in nothing more."""
        for place in self._places:
            place.echoes.close()

    def _known_resolvers(self) -> list[str]:
        """Return an address of each operator of public resolvers, of a family that the tunnel has."""
        given = self._context.names.resolvers
        if given is None:
            given = facts.load().resolvers
        reached = ([address for address in operator if self._inside.reaches(address)] for operator in given)
        return [addresses[0] for addresses in reached if addresses]

    def _to_ask(self) -> list[str]:
        """Return the resolvers to ask, those of the tunnel first."""
        own = [address for address in self._facts.resolvers if self._inside.reaches(address)][:MOST_OWN]
        return own + [address for address in self._public if address not in own][:MOST_PUBLIC]

    def _make_places(self) -> list[_Place]:
        gateways = [address for address in self._facts.gateways if self._inside.reaches(address)][:1]
        # A public one where there is one: what stands right behind the gateway says less.
        beyond = [
            address for address in (*self._public, *self._resolvers) if address not in self._facts.gateways
        ]
        places = [_Place(self._inside.echoes(address), beyond=False) for address in gateways]
        return places + [_Place(self._inside.echoes(address), beyond=True) for address in beyond[:1]]

    # carry

    async def carry(self) -> None:
        """Run the ``carry`` step."""
        trace = self._trace
        limit = trace.timeouts.limit if trace.limit is None else trace.limit
        async with trace.step("carry", limit=limit + STAGGER * max(len(self._resolvers) - 1, 0)) as step:
            try:
                async with anyio.create_task_group() as group:
                    for place in self._places:
                        group.start_soon(self._ping, place)
                    await self._race()
                    if self._proved is not None and self._context.goal.at_least(Proof.SUSTAINED):
                        await self._late_echoes()
                    group.cancel_scope.cancel()
            finally:
                self._note_carry(step)
            if self._proved is None:
                raise _most_telling([failure for _, failure in self._failed])

    async def _race(self) -> None:
        """Ask one resolver after the other, none waiting long for the one before, until one has proved it."""
        async with anyio.create_task_group() as group:
            for address in self._resolvers:
                group.start_soon(self._ask, address, group.cancel_scope)
                with anyio.move_on_after(STAGGER):
                    await self._changed.wait()
                self._changed = anyio.Event()

    async def _ask(self, address: str, scope: anyio.CancelScope) -> None:
        datagrams = self._inside.udp(address, DNS_PORT)
        asker = Asker(DatagramExchange(datagrams, self._trace), self._option, self._context, datagram=True)
        step = OpenStep("carry", self._trace.clock.now())
        try:
            arrived = await carry_in(asker, step)
            if self._may_be_the_server(address):
                self._changed.set()
                await self._beyond()
        except Exception as exc:  # noqa: BLE001 - the step fails with the most telling one when all have failed
            self._failed.append((address, exc))
            self._changed.set()
            await datagrams.aclose()
            return
        prove_carried(asker, arrived)
        self._proved = _Resolver(address=address, asker=asker, datagrams=datagrams, step=step)
        scope.cancel()

    def _may_be_the_server(self, address: str) -> bool:
        """Tell whether a resolver may run on the server itself: then it answers though nothing is passed on."""
        if address in (*self._facts.gateways, self._trace.address):
            return True
        parsed = ipaddress.ip_address(address)
        return any(parsed.version == network.version and parsed in network for network in _SERVERS_OWN)

    async def _beyond(self) -> None:
        """Wait for an echo from beyond the server.

        :raises NetError: when there is none.
        """
        for place in self._places:
            if place.beyond:
                await place.over.wait()
                if place.seconds is not None:
                    return
        raise NetError(failures.GENERIC_TIMEOUT, "only the server itself answered")

    async def _ping(self, place: _Place) -> None:
        """Send echo requests until one is answered."""
        try:
            place.seconds = await self._round_trip(place)
        finally:
            place.over.set()

    async def _round_trip(self, place: _Place) -> float | None:
        left: dict[int, float] = {}
        for pause in PING_AGAIN:
            now = self._trace.clock.now()
            number = await self._send(place.echoes, place.echoes.least)
            if number is None:
                return None
            left[number] = now
            with anyio.move_on_after(pause):
                try:
                    reply = await place.echoes.receive()
                except _GONE:
                    return None  # the question meets the same, and the step fails with it
                return reply.arrived - left[reply.number]
        return None

    async def _send(self, echoes: Echoes, size: int) -> int | None:
        """Send a request; ``None`` when a packet of that size can't leave."""
        try:
            return await echoes.send(size)
        except _GONE:
            return None

    async def _late_echoes(self) -> None:
        with anyio.move_on_after(max(PING_LATE, 2 * (self._trace.timeouts.round_trip or 0.0))):
            for place in self._places:
                await place.over.wait()

    def _note_carry(self, step: OpenStep) -> None:
        if self._proved is not None:
            step.detail.update(self._proved.step.detail)
            step.detail["resolver"] = self._proved.address
        if self._failed:
            step.detail["tries"] = [
                {"resolver": address, "failure": translate(exc, "carry").error}
                for address, exc in self._failed
            ]
        echo: dict[str, Json] = {}
        for place in self._places:
            took = None if place.seconds is None else round(max(place.seconds, 0.0) * 1000, 3)
            echo["beyond" if place.beyond else "gateway"] = {"answered": took is not None, "rtt_ms": took}
        step.detail["echo"] = echo

    # mtu

    async def mtu(self) -> None:
        """Run the ``mtu`` step; that nobody answers echoes is no failure."""
        async with self._trace.step("mtu", limit=math.inf) as step:
            for place in sorted(self._places, key=lambda place: place.beyond):
                if place.seconds is None:
                    continue
                with anyio.move_on_after(max(MTU_SECONDS, MTU_ROUND_TRIPS * place.seconds)):
                    await self._find_largest(place, place.seconds)
                if place.largest >= SMALLEST_MTU:
                    self._best = place
                    step.detail["mtu"] = place.largest
                    step.detail["packets"] = place.echoes.sent
                    if place.echoes.mtu_said is not None:
                        step.detail["said"] = place.echoes.mtu_said
                    return
            step.detail["unavailable"] = "no echo of a large packet came back"

    async def _find_largest(self, place: _Place, round_trip: float) -> None:
        """Find the largest packet that comes back from a place: the whole of what there is, else a dozen sizes at once."""
        await self._try_sizes(place, [self._facts.mtu], round_trip)
        if place.largest < self._facts.mtu:
            said = place.echoes.mtu_said
            sizes = {size for size in SIZES if size < self._facts.mtu} | ({said} if said else set())
            await self._try_sizes(place, sorted(sizes, reverse=True), round_trip)

    async def _try_sizes(self, place: _Place, sizes: list[int], round_trip: float) -> None:
        for _ in range(TRIES):
            for size in sizes:
                if size > place.largest:
                    await self._send(place.echoes, size)
            with anyio.move_on_after(1.5 * round_trip + MTU_WAIT):
                while place.largest < sizes[0]:
                    reply = await place.echoes.receive()
                    place.largest = max(place.largest, reply.size)
            if place.largest >= sizes[0]:
                break

    # sustain

    async def sustain(self) -> None:
        """Run the steps ``sustain_down`` and ``sustain_up``: with echoes where they come back, else with questions."""
        if self._best is not None:
            echoes = self._best.echoes
            await sustain_inside(self._trace, echoes, echoes, self._best.largest, self._best.largest)
            return
        proved = self._must_be_proved()
        size, asked = proved.asker.longest or (LONG_QUESTION, None)
        name, rdtype = (".", "NS") if asked is None else (asked.name, asked.rdtype)
        random = self._context.random
        short = make_query(name, rdtype, random=random).wire
        long = make_query(name, rdtype, random=random, padded=True, block=LONG_QUESTION).wire
        down, up = (Questions(self._inside.udp(proved.address, DNS_PORT), wire) for wire in (short, long))
        await sustain_inside(self._trace, down, up, LONG_QUESTION, size)

    async def idle(self, seconds: float) -> None:
        """Leave the tunnel alone, then ask once more."""
        trace = self._trace
        limit = trace.timeouts.limit if trace.limit is None else trace.limit
        async with trace.step("idle", limit=seconds + limit) as step:
            step.detail["seconds"] = seconds
            await anyio.sleep(seconds)
            await self._must_be_proved().asker.ask(Question(name=".", rdtype="SOA"))

    def _must_be_proved(self) -> _Resolver:
        if self._proved is None:
            raise AssertionError  # pragma: no cover - carry() raised
        return self._proved


def _most_telling(problems: list[Exception]) -> Exception:
    """Return what a resolver said rather than that another was silent."""
    answered = [problem for problem in problems if isinstance(problem, PeerError)]
    return (answered or problems or [TimeoutError()])[0]
