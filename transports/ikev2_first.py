"""Where the server answers: UDP port 500, or 4500 beside it, and what IKE_SA_INIT agrees on there.

Networks that let only one of the two ports through are common, and servers listen on both (RFC 7296, section 2.23), so a
silent port 500 is given a head start and no more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model.option import Endpoint
from circumvent.model.words import Proof
from circumvent.net.errors import CannotTry, NetError, StepFailed
from circumvent.net.gate import begin_crypto, crypto
from circumvent.transports.ikev2_link import IkeLink, Repeater
from circumvent.transports.ikev2_words import explain, suite_word
from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.numbers import NATT_PORT, PORT
from circumvent.vpn.ikev2.sa_init import SaInit

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.net.trace import OpenStep
    from circumvent.transport import Context
    from circumvent.vpn.ikev2.sa import Secured
    from circumvent.vpn.ikev2.suites import Offer

#: Seconds that port 500 has before 4500 is asked too.
HEAD_START: Final = 1.2


@dataclass(frozen=True, slots=True)
class First:
    """The link on which the server answered, and what was agreed on."""

    link: IkeLink
    secured: Secured

    async def after(self, option: Option, context: Context) -> IkeLink:
        """Return the link for everything after the first exchange: from port 500 one moves to 4500 (section 2.23).

        :raises StepFailed: when that port can't be opened.
        """
        if self.link.port != PORT:
            return self.link
        link = await open_link(option, context, NATT_PORT)
        await self.link.aclose()
        return link


async def open_link(option: Option, context: Context, port: int) -> IkeLink:
    """Open a socket to a port of the server: to the same address as before, once there is one."""
    endpoint = replace(option.endpoint, port=port)
    address = context.trace.address
    if option.via is None and address is not None and not endpoint.literal:
        endpoint = Endpoint(host=endpoint.host, port=port, addresses=(address,))
    return IkeLink(await context.dialer.datagram(endpoint, context.trace), port)


async def agree(option: Option, context: Context, offer: Offer, *, fragments: bool) -> First:
    """Run ``connect`` and ``tunnel_handshake``: IKE_SA_INIT on the port that answers.

    :raises StepFailed: when a step failed.
    :raises CannotTry: when nothing was sent.
    """
    link = await open_link(option, context, option.endpoint.port)
    race = _Race(option, context, offer, fragments=fragments)
    try:
        async with context.trace.step("tunnel_handshake") as step:
            return await race.run(link, step)
    finally:
        await race.close_losers()


class _Race:
    """The first exchange, on one port or on two."""

    def __init__(self, option: Option, context: Context, offer: Offer, *, fragments: bool) -> None:
        self._option = option
        self._context = context
        self._trace = context.trace
        self._offer = offer
        self._fragments = fragments
        self._links: list[IkeLink] = []
        self._won: First | None = None
        self._failed: list[Exception] = []
        self._changed = anyio.Event()

    async def run(self, link: IkeLink, step: OpenStep) -> First:
        """Return the first that answers; ``link`` is closed by :meth:`close_losers` unless it won."""
        self._links.append(link)
        async with anyio.create_task_group() as group:
            group.start_soon(self._one, link, step, group.cancel_scope)
            if link.port == PORT:
                with anyio.move_on_after(self._head_start()):
                    await self._changed.wait()
                await self._second(step, group.cancel_scope)
        if self._won is None:
            exc = self._failed[0]
            raise explain(exc, authenticated=False, step=step) if isinstance(exc, IkeError) else exc
        step.detail["port"] = self._won.link.port
        suite = self._won.secured.suite
        step.detail["encryption"] = suite_word(suite.encr, suite.key_length)
        step.detail["group"] = int(suite.group)
        step.detail["fragmentation"] = self._won.secured.fragments
        return self._won

    def _head_start(self) -> float:
        return max(HEAD_START, 2 * (self._trace.timeouts.round_trip or 0.0))

    async def _second(self, step: OpenStep, scope: anyio.CancelScope) -> None:
        """Try port 4500 too, unless the server has spoken by now."""
        if self._won is not None or any(isinstance(exc, IkeError) for exc in self._failed):
            return
        try:
            link = await open_link(self._option, self._context, NATT_PORT)
        except (StepFailed, CannotTry) as exc:
            self._failed.append(exc)
            return
        self._links.append(link)
        await self._one(link, step, scope)

    async def _one(self, link: IkeLink, step: OpenStep, scope: anyio.CancelScope) -> None:
        try:
            secured = await self._exchange(link, step)
        except IkeError as exc:  # the server's word counts, whatever the other port would say
            self._failed.insert(0, exc)
            scope.cancel()
        except (OSError, NetError) as exc:
            self._failed.append(exc)
            self._changed.set()
        else:
            self._won = First(link, secured)
            scope.cancel()

    async def _exchange(self, link: IkeLink, step: OpenStep) -> Secured:
        """Send the request, again where the server wants another one, until there are keys."""
        destination = self._trace.address or "0.0.0.0"
        init = await begin_crypto(
            self._trace, SaInit, self._offer, (destination, link.port), fragments=self._fragments
        )
        while True:
            data = await self._answer(link, init, step)
            message = init.answers(data)
            if message is None:
                raise AssertionError  # pragma: no cover - looked at before
            self._trace.prove(Proof.REACHED)
            secured = await crypto(self._trace, init.take, message, data)
            if init.wanted:
                step.detail["wanted"] = list(init.wanted)
            if secured is not None:
                return secured

    async def _answer(self, link: IkeLink, init: SaInit, step: OpenStep) -> bytes:
        repeater = Repeater(self._trace, step)
        while True:
            wait = repeater.next_wait()
            await link.send(init.request)
            with anyio.move_on_after(wait):
                while True:
                    frame = await link.receive()
                    if frame.ike and init.answers(frame.data) is not None:
                        repeater.answered(frame.arrived)
                        return frame.data
                    repeater.ignored()

    async def close_losers(self) -> None:
        """Close every link but the winner's."""
        for link in self._links:
            if self._won is None or link is not self._won.link:
                await link.aclose()
