"""Names during a check: who may be asked for which, and when.

A name that the user brought may be seen only by a resolver that was proven in this run over an encrypted channel. So
options with such names wait until one is proven, or until none is left that could be.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model.option import is_address
from circumvent.model.words import Proof
from circumvent.names.plan import CLEAR_KINDS, Wanted
from circumvent.net.errors import CannotTry, NetError, PeerError, StepFailed
from circumvent.transport import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from circumvent.check.schedule import Entry
    from circumvent.model.option import Endpoint, Option
    from circumvent.model.record import Attempt
    from circumvent.net.resolve import NamesInOrder
    from circumvent.net.slots import Slots
    from circumvent.net.trace import Trace
    from circumvent.transport import Context

#: Proven resolvers that are kept; the next is asked when one fails.
KEPT: Final = 3
#: What a resolver must have shown: a signed denial, or the control name where the user switched DNSSEC off.
PROVEN: Final = frozenset({"proved", "off"})
#: Seconds after which the next resolver is asked beside one that has not answered.
SLOW: Final = 1.0
#: The attempt for which a name is looked up: its step stands still while the look-up waits for a socket.
_ASKING: Final[ContextVar[Trace | None]] = ContextVar("asking", default=None)


@dataclass(slots=True)
class _Asked:
    """What came of asking for one name."""

    addresses: tuple[str, ...] = ()
    problem: NetError = field(default_factory=lambda: PeerError("dns_no_answer"))


def encrypted(option: Option) -> bool:
    """Tell whether an option is a resolver over an encrypted channel."""
    return option.traits.family == "names" and option.kind not in CLEAR_KINDS


class CheckNames:
    """The name service of a check: :class:`NamesInOrder`, with private names waiting for a proven resolver."""

    def __init__(
        self,
        inner: NamesInOrder,
        context: Callable[[Option, Trace, Wanted], Context],
        slots: Slots,
        *,
        share_private: bool,
    ) -> None:
        """Wrap ``inner``; ``context`` makes what a look-up through a names option needs."""
        self._inner = inner
        self._context = context
        self._slots = slots
        self._share_private = share_private
        self._proven: list[Option] = []
        self._liars: frozenset[str] = frozenset()
        self._plain: Endpoint | None = None
        self._hopeless = False
        self._waiting: dict[str, int] = {}
        self._changed = anyio.Event()

    async def resolve(self, host: str, trace: Trace, *, private: bool) -> Sequence[str]:
        """Return at least one address of ``host``; see :class:`~circumvent.net.dial.NameService`."""
        with trace.waiting():
            await self.ready(host, private=private)
        token = _ASKING.set(trace)
        try:
            return await self._inner.resolve(host, trace, private=private)
        finally:
            _ASKING.reset(token)

    async def ready(self, host: str, *, private: bool) -> None:
        """Wait until ``host`` may be asked for, or until it is clear that it may not."""
        if private and not self._share_private and not is_address(host):
            self._waiting[host] = self._waiting.get(host, 0) + 1
            try:
                while not self._proven and not self._hopeless:
                    await self._changed.wait()
            finally:
                self._waiting[host] -= 1

    def take(self, option: Option, attempt: Attempt) -> None:
        """Keep a resolver that was just proven over an encrypted channel."""
        if not attempt.carried or option.traits.family != "names":
            return
        carry = attempt.step("carry")
        word = carry.detail.get("dnssec") if carry is not None else None
        if option.kind == "dns-udp" and not option.baseline and self._plain is None:
            self._plain = option.endpoint
        known = option.id in {one.id for one in self._proven} or option.id in self._liars
        if encrypted(option) and word in PROVEN and not known and len(self._proven) < KEPT:
            self._proven.append(option)
            self._inner.encrypted = self._look_up
            self._wake()

    def distrust(self, liars: frozenset[str]) -> None:
        """Ask those no more that were shown to lie, signed root or not."""
        if not liars <= self._liars:
            self._liars |= liars
            self._proven = [one for one in self._proven if one.id not in liars]
            self._inner.encrypted = self._look_up if self._proven else None

    @property
    def plain(self) -> Endpoint | None:
        """Return a plain resolver that carried, for questions through a proxy's UDP relay."""
        return self._plain

    def look_at(self, entries: Iterable[Entry]) -> None:
        """See whether any resolver that could still be proven is left."""
        if self._proven or self._hopeless:
            return
        for entry in entries:
            stuck = bool(self._waiting.get(entry.option.endpoint.host))
            settled = entry.settled or (entry.started and not entry.busy)
            if encrypted(entry.option) and not settled and not stuck:
                return
        self._hopeless = True
        self._wake()

    async def _look_up(self, host: str, trace: Trace) -> Sequence[str]:
        """Ask the proven resolvers in turn: the next when one fails, or beside one that is slow.

        :raises PeerError: when none of them knows the name.
        """
        asked = _Asked()
        async with anyio.create_task_group() as group:
            for option in list(self._proven):
                failed = anyio.Event()
                group.start_soon(self._ask, option, host, trace, asked, failed, group.cancel_scope)
                with anyio.move_on_after(SLOW):
                    await failed.wait()
        if asked.addresses:
            return asked.addresses
        raise asked.problem

    async def _ask(
        self,
        option: Option,
        host: str,
        trace: Trace,
        asked: _Asked,
        failed: anyio.Event,
        everybody: anyio.CancelScope,
    ) -> None:
        wanted = Wanted(name=host)
        try:
            async with AsyncExitStack() as stack:
                with (_ASKING.get() or trace).waiting():
                    lease = self._slots.lease(option.endpoint.known_addresses, group=option.cdn)
                    await stack.enter_async_context(lease)
                await load(option.kind).attempt(option, self._context(option, trace, wanted))
        except (StepFailed, CannotTry) as exc:
            asked.problem = PeerError(exc.error)
        else:
            if wanted.addresses:
                asked.addresses = tuple(wanted.addresses)
                everybody.cancel()
            elif wanted.failure is not None:
                asked.problem = PeerError(wanted.failure)
        failed.set()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def lookup_context(base: Context, wanted: Wanted) -> Context:
    """Return ``base`` for a look-up in place of a probe."""
    return replace(base, goal=Proof.CARRIED, names=replace(base.names, wanted=wanted))
