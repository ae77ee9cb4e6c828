"""obfs4 bridges: Tor's link protocol inside a stream that looks like nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from circumvent.model.bridge import Obfs4Settings
from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry
from circumvent.transports.tor_link import prove_tor_link

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.net.stream import ByteStream
    from circumvent.transport import Context


class Obfs4:
    """Tries options of kind ``obfs4``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Connect, shake hands (step ``obfs4_handshake``), and prove the relay inside up to ``context.goal``.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        if not isinstance(option.settings, Obfs4Settings):
            raise CannotTry(Reason.UNSUPPORTED, "an obfs4 bridge without its certificate")
        stream = await context.dialer.stream(option.endpoint, context.trace)
        try:
            inner = await _handshake(stream, option.settings, context)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)
            raise
        await prove_tor_link(inner, option, context, step="tor_tls", direct=True)


async def _handshake(stream: ByteStream, settings: Obfs4Settings, context: Context) -> ByteStream:
    """Open the obfs4 layer; only the holder of the bridge's key can answer."""
    from circumvent.tor.obfs4.stream import open_obfs4  # noqa: PLC0415 - the crypto library is loaded while SYNs fly

    trace = context.trace
    async with trace.step("obfs4_handshake") as step:
        step.detail["iat_mode"] = settings.iat_mode
        inner, keys = await open_obfs4(
            stream,
            node_id=settings.node_id,
            identity=settings.public_key,
            iat_mode=settings.iat_mode,
            now=trace.clock.wall,
            chance=context.random,
            account=trace,
        )
        step.detail["hours_ahead"] = keys.hours_ahead
        trace.prove(Proof.REACHED)
    return inner


TRANSPORT = Obfs4()
