"""STUN: can packets of a call get out and back (RFC 8489)?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.net.errors import PeerError
from circumvent.net.sock import source_address
from circumvent.net.stun import Attribute, Class, Message, Method, StunError, decode, encode
from circumvent.net.stun_link import Link, transact
from circumvent.transports.voice import PACKETS, is_authenticated, open_link, paced_call, refusal

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.net.stun import Address
    from circumvent.net.trace import OpenStep
    from circumvent.transport import Context


class StunTransport:
    """Steps: ``connect``, (``tls_handshake``,) ``binding``, ``carry``, ``voice``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Ask for our own address twice, then fifty times at the pace of a call."""
        link = await open_link(option, context)
        try:
            mapped = await self._binding(link, option, context)
            await self._carry(link, mapped, option, context)
            if context.goal.at_least(Proof.SUSTAINED):
                await self._voice(link, mapped, context)
        finally:
            await link.aclose()

    async def _binding(self, link: Link, option: Option, context: Context) -> Address:
        trace = context.trace
        async with trace.step("binding") as step:
            mapped, _ = await _bind(link, option, context, step)
            trace.prove(Proof.HANDSHAKEN)
            step.detail["mapped_family"] = mapped.family
            if trace.address is not None:
                step.detail["mapped_is_local"] = str(mapped.ip) == source_address(trace.address)
            return mapped
        raise AssertionError  # pragma: no cover - a step that fails raises

    async def _carry(self, link: Link, mapped: Address, option: Option, context: Context) -> None:
        async with context.trace.step("carry") as step:
            again, arrived = await _bind(link, option, context, step)
            if again != mapped:
                raise PeerError(
                    failures.WRONG_ANSWER, "our address as the server sees it changed within one flow"
                )
            context.trace.carry_arrived(arrived)
            context.trace.prove(Proof.CARRIED)

    async def _voice(self, link: Link, mapped: Address, context: Context) -> None:
        requests = [_request(context) for _ in range(PACKETS)]
        numbers = {request.transaction_id: number for number, request in enumerate(requests)}

        def number_of(frame: bytes) -> int | None:
            try:
                message = decode(frame)
                right = message.address(Attribute.XOR_MAPPED_ADDRESS) == mapped
            except StunError:
                return None
            return numbers.get(message.transaction_id) if right and message.kind is Class.SUCCESS else None

        async with context.trace.step("voice") as step:
            packets = [encode(request) for request in requests]
            call = await paced_call(link, context.trace, packets, number_of, step)
            call.require_few_lost()
            context.trace.prove(Proof.SUSTAINED)


def _request(context: Context) -> Message:
    """Return a Binding request that nobody could have known before."""
    return Message(method=Method.BINDING, kind=Class.REQUEST, transaction_id=context.random.randbytes(12))


async def _bind(link: Link, option: Option, context: Context, step: OpenStep) -> tuple[Address, float]:
    """Return our address as the server sees it, and when that arrived (clock seconds)."""
    answer = await transact(link, encode(_request(context)), context.trace, step)
    context.trace.prove(Proof.REACHED)
    if answer.round_trip is not None:
        context.trace.round_trip(answer.round_trip)
    if answer.message.kind is Class.ERROR:
        raise refusal(answer.message, step, authenticated=is_authenticated(option))
    try:
        mapped = answer.message.address(Attribute.XOR_MAPPED_ADDRESS)
    except StunError as exc:
        raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
    if mapped is None:
        raise PeerError(failures.WRONG_ANSWER, "a Binding response without XOR-MAPPED-ADDRESS")
    return mapped, answer.arrived


TRANSPORT = StunTransport()
