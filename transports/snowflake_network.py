"""What snowflake needs of a network besides a broker: STUN servers that answer, and a NAT that lets a proxy in.

Steps: ``stun`` (every server of the line at once: which ones answer) and ``nat`` (RFC 5780, section 4.3: what one port of ours looks
like to two servers). A NAT that shows another port to each is restricted: of the proxies only some can get through it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model.option import Endpoint
from circumvent.net.address import is_public
from circumvent.net.errors import NetError
from circumvent.net.failure import words
from circumvent.net.stun import Attribute, Class, Message, Method, StunError, encode
from circumvent.net.stun_link import transact
from circumvent.net.trace import OpenStep, Trace
from circumvent.net.udp_port import UdpPort
from circumvent.tor.snowflake.broker import Nat

if TYPE_CHECKING:
    from circumvent.model.record import Json
    from circumvent.net.dial import DirectDialer
    from circumvent.net.stun import Address
    from circumvent.transport import Context

#: Once one server has answered, the others have so many round trips of it, and at least so many seconds.
PATIENCE: Final = 4.0
SHORTEST: Final = 0.75


@dataclass(slots=True, kw_only=True)
class Seen:
    """A STUN server that answered: where it is, and our address as it sees it. ``other`` is a second address of its own."""

    place: tuple[str, int]
    port: UdpPort
    mapped: Address
    other: Address | None


@dataclass(slots=True)
class Network:
    """What came of asking."""

    seen: list[Seen] = field(default_factory=list)
    nat: Nat = Nat.UNKNOWN

    @property
    def servers(self) -> list[tuple[str, int]]:
        """Return the addresses of the servers that answered, the first one first."""
        return [one.place for one in self.seen]


async def look(servers: tuple[tuple[str, int], ...], dialer: DirectDialer, context: Context) -> Network:
    """Ask the STUN servers, and compare what they see (steps ``stun`` and ``nat``).

    :raises StepFailed: when none answers, and this device has no address in the internet by which a proxy could find it.
    """
    found = Network()
    # Steps and addresses of look-ups here are none of the attempt's; its bytes are.
    own = Trace(context.trace.id, clock=context.trace.clock, timeouts=context.trace.timeouts)
    ports: list[UdpPort] = []
    try:
        await _ask_all(servers, dialer, context, own, found, ports)
        async with context.trace.step("nat", limit=math.inf) as step:
            with anyio.move_on_after(context.trace.limit or context.trace.timeouts.limit):
                found.nat, method = await _compare(found.seen, dialer, context)
                step.detail["method"] = method
            step.detail["nat"] = str(found.nat)
    finally:
        for port in ports:
            port.close()
        context.trace.bytes_sent += own.bytes_sent
        context.trace.bytes_received += own.bytes_received
    return found


async def _ask_all(
    servers: tuple[tuple[str, int], ...],
    dialer: DirectDialer,
    context: Context,
    own: Trace,
    found: Network,
    ports: list[UdpPort],
) -> None:
    results: list[dict[str, Json]] = [
        {"server": Endpoint(host=host, port=port).__str__()} for host, port in servers
    ]
    async with context.trace.step("stun", limit=math.inf) as step:
        step.detail["servers"] = list(results)
        limit = context.trace.limit or context.trace.timeouts.limit
        with anyio.move_on_after(limit) as window:
            async with anyio.create_task_group() as group:
                for (host, port), result in zip(servers, results, strict=True):
                    group.start_soon(
                        _ask,
                        Endpoint(host=host, port=port),
                        dialer,
                        context,
                        own,
                        found,
                        ports,
                        result,
                        window,
                    )
        for result in results:
            result.setdefault("ok", False)
        step.detail["asked"], step.detail["answered"] = len(servers), len(found.seen)
        if servers and not found.seen and not _in_the_internet(dialer):
            raise TimeoutError


async def _ask(
    place: Endpoint,
    dialer: DirectDialer,
    context: Context,
    own: Trace,
    found: Network,
    ports: list[UdpPort],
    result: dict[str, Json],
    window: anyio.CancelScope,
) -> None:
    """Ask one server where we are; what goes wrong is its result."""
    try:
        address = (await dialer.locate(place, own))[0]
        port = UdpPort(address, trace=own, source=dialer.source)
        ports.append(port)
        began = own.clock.now()
        message, arrived = await _bind(port, (address, place.port), context)
        mapped = message.address(Attribute.XOR_MAPPED_ADDRESS)
        if message.kind is not Class.SUCCESS or mapped is None:
            raise StunError("no address of ours")
        other = message.plain_address(Attribute.OTHER_ADDRESS)
    except (NetError, OSError) as exc:
        result["failure"] = words(exc)[0]
        return
    except StunError:
        result["failure"] = "wrong_answer"
        return
    took = arrived - began
    result |= {"ok": True, "rtt_ms": round(took * 1000, 1), "mapped_is_local": str(mapped.ip) == port.address}
    if not found.seen:
        context.trace.round_trip(took)
        window.deadline = min(window.deadline, anyio.current_time() + max(PATIENCE * took, SHORTEST))
    found.seen.append(Seen(place=(address, place.port), port=port, mapped=mapped, other=other))


async def _bind(port: UdpPort, place: tuple[str, int], context: Context) -> tuple[Message, float]:
    request = Message(method=Method.BINDING, kind=Class.REQUEST, transaction_id=context.random.randbytes(12))
    unused = OpenStep("binding", 0.0)
    answer = await transact(port.towards(*place), encode(request), context.trace, unused)
    return answer.message, answer.arrived


async def _compare(seen: list[Seen], dialer: DirectDialer, context: Context) -> tuple[Nat, str | None]:
    """Return what the NAT does, and how that was found out.

    A server with two addresses can tell (RFC 5780); so can two servers, asked from one port.
    """
    for one in seen:
        if (
            one.other is not None
            and dialer.permits(str(one.other.ip))
            and one.other.ip.version == one.mapped.ip.version
        ):
            again = await _mapped(one.port, (str(one.other.ip), one.other.port), context)
            if again is not None:
                return _judge(one.mapped, again), "other_address"
    if any(str(one.mapped.ip) == one.port.address for one in seen):
        return Nat.UNRESTRICTED, "no_nat"
    for one, another in pairwise(seen):
        same_kind = one.mapped.ip.version == another.mapped.ip.version
        if same_kind and one.place[0] != another.place[0]:
            again = await _mapped(one.port, another.place, context)
            if again is not None:
                return _judge(one.mapped, again), "two_servers"
    return Nat.UNKNOWN, None


def _judge(first: Address, second: Address) -> Nat:
    return Nat.UNRESTRICTED if first == second else Nat.RESTRICTED


async def _mapped(port: UdpPort, place: tuple[str, int], context: Context) -> Address | None:
    """Return our address as another server sees the same port; ``None`` when it does not say."""
    timeouts = context.trace.timeouts
    try:
        with anyio.fail_after(max(PATIENCE * (timeouts.round_trip or 0.0), SHORTEST)):
            message, _ = await _bind(port, place, context)
        return message.address(Attribute.XOR_MAPPED_ADDRESS)
    except (OSError, StunError):
        return None


def _in_the_internet(dialer: DirectDialer) -> bool:
    from circumvent.net.sock import ROUTE_PROBES, source_address  # noqa: PLC0415 - asked where nobody answers

    own = [source_address(probe, dialer.source) for probe in ROUTE_PROBES.values()]
    return any(address is not None and is_public(address) for address in own)
