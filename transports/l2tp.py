"""L2TP: whether the server's IPsec answers (IKEv1 Main Mode), or its L2TP where there is no IPsec (RFC 2661, RFC 3193).

This kind never carries. With IPsec it ends at ``reached``: Main Mode proves nobody before its end. A bare SCCRQ that gets no answer says nothing: servers behind IPsec throw it away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import anyio

from circumvent.model import failure as failures
from circumvent.model.l2tp import L2tpSettings
from circumvent.model.words import Proof
from circumvent.net.errors import PeerError, Refusal
from circumvent.transports.ikev2_link import Repeater
from circumvent.vpn.l2tp import control, ikev1

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.model.option import Option
    from circumvent.net.stream import DatagramStream
    from circumvent.net.trace import OpenStep
    from circumvent.transport import Context

T = TypeVar("T")


class L2tpTransport:
    """Steps: ``connect``, ``tunnel_handshake``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Send the first message and wait for its answer."""
        settings = option.settings if isinstance(option.settings, L2tpSettings) else L2tpSettings()
        datagrams = await context.dialer.datagram(option.endpoint, context.trace)
        try:
            async with context.trace.step("tunnel_handshake") as step:
                step.detail["ipsec"] = settings.ipsec
                await (_ask_ipsec if settings.ipsec else _ask_l2tp)(datagrams, context, step)
        finally:
            await datagrams.aclose()


async def _ask_ipsec(datagrams: DatagramStream, context: Context, step: OpenStep) -> None:
    cookie = context.random.randbytes(8)

    def read(data: bytes) -> ikev1.Answer | None:
        try:
            return ikev1.parse_answer(data, cookie)
        except ikev1.Ikev1Error:
            return None

    answer = await _answer(datagrams, ikev1.first_message(cookie), read, context, step)
    if answer.error is not None:
        step.detail["error_code"] = answer.error
        if answer.error == ikev1.NO_PROPOSAL_CHOSEN:
            step.detail["authenticated"] = False
            words = "a mismatch of configurations: NO_PROPOSAL_CHOSEN, none of the algorithms offered will do"
            raise Refusal(failures.PROXY_PROTOCOL_ERROR, words, authenticated=False)
        raise PeerError(failures.PROXY_PROTOCOL_ERROR, f"error notification {answer.error}")


async def _ask_l2tp(datagrams: DatagramStream, context: Context, step: OpenStep) -> None:
    tunnel = context.random.randrange(1, 1 << 16)
    request = control.start_request(tunnel, b"localhost")
    message = await _answer(datagrams, request, lambda data: control.answers(data, tunnel), context, step)
    if message.kind == control.Kind.STOP_CCN:
        code = control.result_code(message)
        step.detail["error_code"] = code
        step.detail["authenticated"] = False
        raise Refusal(failures.PROXY_PROTOCOL_ERROR, f"StopCCN, result code {code}", authenticated=False)
    context.trace.prove(Proof.HANDSHAKEN)
    # Nothing is asked of the tunnel: it ends as the protocol wants it, with one packet.
    with anyio.CancelScope(shield=True), anyio.move_on_after(0.1):
        await datagrams.send(control.stop(message, tunnel))


async def _answer(
    datagrams: DatagramStream,
    request: bytes,
    read: Callable[[bytes], T | None],
    context: Context,
    step: OpenStep,
) -> T:
    """Send ``request``, again as often as datagrams need, until ``read`` takes a datagram for its answer."""
    repeater = Repeater(context.trace, step)
    while True:
        wait = repeater.next_wait()
        await datagrams.send(request)
        with anyio.move_on_after(wait):
            while True:
                datagram = await datagrams.receive()
                answer = read(datagram.data)
                if answer is not None:
                    repeater.answered(datagram.arrived)
                    context.trace.prove(Proof.REACHED)
                    return answer
                repeater.ignored()


TRANSPORT = L2tpTransport()
