"""The rules on profiles and accounts, before and after a login (``docs/safety.rst``).

A *profile* is an option of a kind with an account. Before its first packet it waits for the time of day, three seconds
at most, because a handshake from the wrong time can lock a key out at its server; and it is left alone where this device
uses it already, because a second login may end the first. Afterwards it is not logged in to again.
"""

from __future__ import annotations

import hashlib
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.record import Step
from circumvent.model.secret import Secret
from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from circumvent.model.option import Option
    from circumvent.model.record import Attempt, Json
    from circumvent.net.clock import Clock
    from circumvent.net.own_use import OwnUse
    from circumvent.net.trace import Trace

#: Accounts at servers: who logs in, and where.
Held = frozenset[tuple[bytes, str]]
#: Seconds from the start of a check that profiles wait for somebody to tell the time.
WAIT: Final = 3.0
#: No clock that is right shows an earlier day: what this package ships was written then.
BUILT: Final = datetime(2026, 11, 22, tzinfo=UTC)
#: Fields of settings that tell who logs in.
_IDENTITIES: Final = ("private_key", "key", "psk")
#: Steps whose first packet holds credentials.
LOGIN: Final = "authenticate"


def logged_in(attempt: Attempt) -> bool:
    """Tell whether an attempt may have shown credentials to a server.

    It did not if it ended before the step that signs in, and nobody had proved to speak the protocol. (WireGuard has no
    such step: its first packet is its login, which counts as one when it is answered.)
    """
    return attempt.proof.at_least(Proof.HANDSHAKEN) or attempt.step(LOGIN) is not None


def admission(attempt: Attempt) -> dict[str, Json]:
    """Return what was known when a profile began: ``clock`` (``right``, ``wrong``, ``unknown``), and ``in_use``."""
    step = attempt.step("clock")
    return {} if step is None else step.detail


def identity(option: Option) -> bytes:
    """Return a digest of who logs in: user name and keys, but nothing of the way to the server."""
    held = [option.user, *(getattr(option.settings, name, None) for name in _IDENTITIES)]
    texts = [one.reveal() if isinstance(one, Secret) else "" for one in held]
    return hashlib.sha256("\0".join(texts).encode()).digest()


@dataclass(slots=True)
class Accounts:
    """Lets profiles begin, or says why not.

    ``anyway`` lifts both rules; ``sources`` tells whether anything in this check could tell the time; ``own`` is what
    this device was connected to before.
    """

    clock: Clock
    own: OwnUse | None = None
    anyway: bool = False
    sources: bool = True
    _right: bool | None = None
    _known: anyio.Event = field(default_factory=anyio.Event)
    _turns: dict[tuple[bytes, str], anyio.Lock] = field(default_factory=dict)
    _refused: Held = frozenset()

    def learn(self, right: bool | None) -> None:
        """Take note that this device's clock is right, or wrong; ``None`` changes nothing."""
        if right is not None:
            self._right = right
            self._known.set()

    async def admit(self, option: Option, servers: Iterable[str], trace: Trace) -> None:
        """Return when ``option`` may begin. ``servers`` are the addresses that it will connect to.

        :raises CannotTry: where it is in use on this device, or the clock is wrong.
        """
        if not option.traits.account:
            return
        used = self._in_use(option, servers)
        if used is not None and not self.anyway:
            raise CannotTry(Reason.IN_USE, used)
        before = self.clock.now()
        right = await self._time_of_day()
        detail: dict[str, Json] = {"clock": {True: "right", False: "wrong", None: "unknown"}[right]}
        if used is not None:
            detail["in_use"] = True
        trace.add_step(Step(name="clock", t0=before, t=self.clock.now(), detail=detail))
        if self.anyway:
            return
        if right is False:
            raise CannotTry(Reason.CLOCK)
        if right is None and self.clock.local(self.clock.now()) < BUILT.timestamp():
            raise CannotTry(Reason.CLOCK, f"it shows a day before {BUILT:%Y-%m-%d}")

    @asynccontextmanager
    async def turn(self, option: Option, servers: Iterable[str]) -> AsyncIterator[Held]:
        """Hold an account at its servers while it is tried; another profile of the same one waits.

        A provider's file for UDP and that for TCP are one account at one server, and most servers end the first session
        when the second begins: what was cut then would be of our own making. What was refused to one is not asked for
        by the other.

        :raises CannotTry: where this account was refused at one of these servers just now.
        """
        who = identity(option)
        places = sorted(set(servers) or {option.endpoint.host})
        held = frozenset((who, place) for place in places) if option.traits.account else frozenset()
        async with AsyncExitStack() as stack:
            for one in sorted(held):
                await stack.enter_async_context(self._turns.setdefault(one, anyio.Lock()))
            if held & self._refused and not self.anyway:
                raise CannotTry(Reason.NEEDS_CONSENT, "its account was refused at this server just now")
            yield held

    def take(self, held: Held, attempt: Attempt) -> None:
        """Take note of what became of a login."""
        if attempt.failure is not None and attempt.failure.error == failures.AUTH_REJECTED:
            self._refused |= held

    async def _time_of_day(self) -> bool | None:
        if self.sources:
            with anyio.move_on_after(max(WAIT - self.clock.now(), 0.0)):
                await self._known.wait()
        return self._right

    def _in_use(self, option: Option, servers: Iterable[str]) -> str | None:
        if self.own is None:
            return None
        inside = getattr(option.settings, "addresses", ())
        places = [option.endpoint, *(one.endpoint for one in getattr(option.settings, "remotes", ()))]
        known = {address for place in places for address in place.known_addresses}
        return self.own.of(map(str, inside), known.union(servers), {place.port for place in places})
