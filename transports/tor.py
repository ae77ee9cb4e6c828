"""Tor bridges and relays without a disguise ("vanilla"): the link protocol on a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.transports.tor_link import prove_tor_link

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.transport import Context


class Tor:
    """Tries options of kind ``tor``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Connect, and prove the relay up to ``context.goal``, all on one connection.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        stream = await context.dialer.stream(option.endpoint, context.trace)
        await prove_tor_link(stream, option, context, direct=True)


TRANSPORT = Tor()
