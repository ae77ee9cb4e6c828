"""A transport, whole: the echo protocol over TCP (RFC 862). The server sends back what it receives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.net.errors import PeerError, StepFailed

if TYPE_CHECKING:
    from anyio.abc import ByteStream

    from circumvent.model.option import Option
    from circumvent.net.trace import Trace
    from circumvent.transport import Context

#: Bytes that nobody could have known before: 128 bits can't be guessed or replayed.
FRESH: Final = 16
#: ``sustained`` needs so many bytes (docs/verdicts).
ENOUGH: Final = 64 * 1024
PIECE: Final = 1024


class Echo:
    """Steps: those of the dialer (``resolve``, ``connect``), ``carry``, ``sustain_down``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Send fresh bytes and want them back; then 64 KiB of them.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        trace = context.trace
        stream = await context.dialer.stream(option.endpoint, trace)
        try:
            async with trace.step("carry"):
                await _there_and_back(stream, context.random.randbytes(FRESH), trace)
                trace.prove(Proof.CARRIED)
            if context.goal is Proof.SUSTAINED:
                await _sustain(stream, context)
        finally:
            await stream.aclose()


async def _sustain(stream: ByteStream, context: Context) -> None:
    """Move 64 KiB there and back on the same connection; note the rate, or where the flow was cut."""
    trace, moved = context.trace, 0
    try:
        async with trace.step("sustain_down") as step:
            begun = trace.clock.now()
            while moved < ENOUGH:
                await _there_and_back(stream, context.random.randbytes(PIECE), trace)
                moved += PIECE
            step.detail["bytes"] = moved
            trace.down_kbps = moved * 8 / 1000 / max(trace.clock.now() - begun, 0.005)
            trace.prove(Proof.SUSTAINED)
    except StepFailed:
        trace.cut_bytes = moved
        raise


async def _there_and_back(stream: ByteStream, sent: bytes, trace: Trace) -> None:
    """Send ``sent`` and receive exactly that.

    :raises PeerError: ``wrong_answer`` when something else came back.
    """
    await stream.send(sent)
    received = b""
    while len(received) < len(sent):
        received += await stream.receive(len(sent) - len(received))
        trace.prove(Proof.REACHED)
        trace.carry_arrived()  # the first time counts
        if not sent.startswith(received):
            raise PeerError(failures.WRONG_ANSWER, "these are not the bytes that were sent")


TRANSPORT = Echo()
