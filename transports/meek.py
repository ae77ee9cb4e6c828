"""meek bridges: Tor's link protocol in HTTP requests that a front passes on to another host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from circumvent.model.bridge import MeekSettings
from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry
from circumvent.transports.tor_link import prove_tor_link

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.transport import Context


class Meek:
    """Tries options of kind ``meek``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Connect to the front, poll the host behind it, and prove the relay inside up to ``context.goal``.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        settings = option.settings
        if not isinstance(settings, MeekSettings):
            raise CannotTry(Reason.UNSUPPORTED, "a meek bridge without its URL")
        stream = await context.dialer.stream(option.endpoint, context.trace)
        from circumvent.tor.meek import MeekStream, open_front  # noqa: PLC0415 - loaded while packets fly

        try:
            trust = context.trust if option.ca is None else context.trust.with_extra(option.ca)
            session = await open_front(
                stream, front=option.endpoint.host, url=settings.url, trust=trust, trace=context.trace
            )
        except BaseException:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)
            raise
        inner = MeekStream(session, settings.url, context.random)
        try:
            async with context.trace.step("meek_poll"):
                await inner.poll()
                context.trace.prove(Proof.REACHED)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await inner.aclose()
            raise
        await prove_tor_link(inner, option, context, step="tor_tls")


TRANSPORT = Meek()
