"""Makes one attempt: resolves, waits for its turn, hands the option to its transport, keeps the record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import anyio
import msgspec

from circumvent.check.budget import ByteBudget, cost
from circumvent.check.pace import MarkingPace
from circumvent.check.settings import MAX_BYTES
from circumvent.model import failure as failures
from circumvent.model.record import Attempt, Fidelity
from circumvent.model.report import Bytes
from circumvent.model.words import Proof, Reason, Scope
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import CannotTry, StepFailed
from circumvent.net.failure import translate
from circumvent.net.trace import Trace
from circumvent.transport import Carrier, Context, Triggering, load

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from circumvent.check.accounts import Accounts
    from circumvent.check.lookups import CheckNames
    from circumvent.control import ControlPlan
    from circumvent.model.option import Endpoint, Option
    from circumvent.names.plan import NamesPlan
    from circumvent.net.clock import Clock
    from circumvent.net.dial import NameService
    from circumvent.net.slots import Slots
    from circumvent.net.sock import Source
    from circumvent.net.stream import Dialer
    from circumvent.net.timeouts import Timeouts
    from circumvent.net.verify import TrustStore


#: What only a resolver that was reached says.
ANSWERS: Final = frozenset({failures.DNS_NXDOMAIN, failures.DNS_REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What every attempt of a check shares.

    ``options`` finds the carriers that ``via`` names; ``own`` are ids of this network's own resolvers, which may
    have private addresses; ``online`` whether this machine has any route to the internet; ``accounts`` lets profiles begin;
    ``watch`` are the seconds over which a satellite link is watched for loss.
    """

    clock: Clock
    timeouts: Timeouts
    slots: Slots
    resolver: CheckNames
    system: NameService
    source: Source | None
    trust: TrustStore
    random: random.Random
    options: Mapping[str, Option]
    controls: Callable[[int], ControlPlan]
    names: Callable[[Option, int, bool], NamesPlan]
    accounts: Accounts
    allow_private: bool = False
    own: frozenset[str] = frozenset()
    online: bool = True
    watch: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One attempt to make.

    ``number`` counts the option's tries from 1; ``limit`` (seconds) replaces the adaptive step limit; ``alone``
    waits until no other connection to the address is open; ``trigger`` runs the second-phase probe; ``via`` is
    a working option through which to look a second time; ``as_an_app`` asks this network's own resolver, as any
    app would; ``judged_at`` (seconds since 1970) replaces the time at which certificates are judged; ``idle``
    (seconds) leaves the connection alone for so long and asks once more.
    """

    option: Option
    number: int
    goal: Proof
    limit: float | None = None
    alone: bool = False
    trigger: bool = False
    via: Option | None = None
    as_an_app: bool = False
    judged_at: float | None = None
    idle: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a task: the attempt, the connections that lost a race, why nothing was sent.

    ``shared``: other connections to the same address were open meanwhile, and somebody was served there.
    """

    attempt: Attempt
    losers: tuple[Attempt, ...] = ()
    shared: bool = False
    cannot: CannotTry | None = None


@dataclass(slots=True)
class Runner:
    """Makes attempts and knows those that are under way.

    ``max_bytes`` bounds what all attempts together send and receive; ``fast`` lifts the pace of what marks the user.
    """

    services: Services
    on_carried: Callable[[Option, Attempt], None] | None = None
    max_bytes: int = MAX_BYTES
    fast: bool = False
    _budget: ByteBudget = field(init=False)
    _pace: MarkingPace = field(init=False)
    _served: set[str] = field(default_factory=set)
    _attempts: int = 0
    _under_way: set[Trace] = field(default_factory=set)
    _stopped: list[tuple[Option, Attempt]] = field(default_factory=list)
    _sent: int = 0
    _received: int = 0

    def __post_init__(self) -> None:
        self._budget = ByteBudget(self.max_bytes, lambda: self.used.sent + self.used.received)
        self._pace = MarkingPace(fast=self.fast)

    @property
    def used(self) -> Bytes:
        """Return the bytes sent and received so far, in all attempts."""
        return Bytes(
            sent=self._sent + sum(trace.bytes_sent for trace in self._under_way),
            received=self._received + sum(trace.bytes_received for trace in self._under_way),
        )

    def stopped(self, why: str) -> list[tuple[Option, Attempt]]:
        """Return the attempts that were cut off by us, as they stood, with ``why``.

        What already carried counts: that data came back right is not undone by our stopping.
        """
        marked = []
        for option, attempt in self._stopped:
            counted = attempt.counted and attempt.carried and attempt.failure is None
            marked.append(
                (option, attempt if counted else msgspec.structs.replace(attempt, counted=False, why=why))
            )
        return marked

    async def run(self, task: Task) -> Outcome:
        """Make one attempt. Never raises for what the network did."""
        option = task.option
        carrier = self._carrier(option, task)
        trace = self._trace(task)
        self._under_way.add(trace)
        try:
            endpoint, addresses = await self._locate(task, carrier, trace)
            accounts, servers = self.services.accounts, () if carrier is not None else addresses
            await accounts.admit(option, servers, trace)
            located = replace(task, option=replace(option, endpoint=endpoint))
            async with (
                accounts.turn(option, servers) as held,
                self._pace.turn(option),
                self._budget.promise(cost(option, task.goal)) as granted,
            ):
                if not granted:
                    raise CannotTry(Reason.BUDGET)
                outcome = await self._lease(located, addresses, trace, carrier)
                accounts.take(held, outcome.attempt)
                return outcome
        except CannotTry as exc:
            return self._could_not(trace, option, exc)
        except StepFailed:
            return self._close(trace, option, shared=False)
        finally:
            self._under_way.discard(trace)
            self._sent += trace.bytes_sent
            self._received += trace.bytes_received

    def watch(self, trace: Trace) -> None:
        """Count the bytes of a trace that belongs to no attempt."""
        self._under_way.add(trace)

    async def _lease(
        self, task: Task, addresses: tuple[str, ...], trace: Trace, carrier: Option | None
    ) -> Outcome:
        option = task.option
        async with self.services.slots.lease(
            addresses, connections=option.traits.connections, group=option.cdn, exclusive=task.alone
        ) as lease:
            trace.restart()
            try:
                await self._try(option, task, trace, carrier)
            except StepFailed:
                pass
            except anyio.get_cancelled_exc_class():
                cut_off = self._record(trace, option)
                extra = task.idle is not None
                self._stopped.append(
                    (option, msgspec.structs.replace(cut_off, counted=False) if extra else cut_off)
                )
                raise
            except CannotTry:
                raise
            except Exception as exc:  # noqa: BLE001 - a mistake of ours that one server brings out must not end the check
                trace.failure = translate(exc, trace.steps[-1].name if trace.steps else "connect")
            if trace.proof is not Proof.NONE and not _never_connected(trace):
                self._served.update(addresses)
            crowded = lease.shared and not self._served.isdisjoint(addresses)
            return self._close(trace, option, shared=crowded)

    def _could_not(self, trace: Trace, option: Option, exc: CannotTry) -> Outcome:
        """Return what is known where a transport gave up; packets that were sent by then stay on record."""
        closed = self._close(trace, option, shared=False)
        attempt = msgspec.structs.replace(closed.attempt, counted=False, why=f"not tried: {exc.reason.value}")
        return replace(closed, attempt=attempt, cannot=exc)

    async def _try(self, option: Option, task: Task, trace: Trace, carrier: Option | None) -> None:
        transport = load(option.kind)
        context = self._context(option, task, trace, self._dialer(option, carrier, task, trace))
        if not task.trigger:
            await transport.attempt(option, context)
        elif isinstance(transport, Triggering):
            await transport.trigger(option, context)

    def _context(self, option: Option, task: Task, trace: Trace, dialer: Dialer) -> Context:
        return Context(
            trace=trace,
            dialer=dialer,
            goal=task.goal,
            controls=self.services.controls(task.number),
            names=self.services.names(option, task.number, task.trigger),
            trust=self._trust(task),
            random=self.services.random,
            idle=task.idle,
            watch=self.services.watch,
        )

    def _trust(self, task: Task) -> TrustStore:
        return self.services.trust if task.judged_at is None else self.services.trust.at(task.judged_at)

    def _carrier(self, option: Option, task: Task) -> Option | None:
        if task.via is not None:
            return task.via
        return self.services.options[option.via] if option.via is not None else None

    def _dialer(self, option: Option, carrier: Option | None, task: Task, trace: Trace) -> Dialer:
        if carrier is None:
            return self._direct(option, task)
        transport = load(carrier.kind)
        if not isinstance(transport, Carrier):
            raise CannotTry(Reason.UNSUPPORTED, f"a {carrier.traits.title} option can't carry another")
        inner = replace(task, option=carrier, via=None, idle=None)
        under = self._dialer(carrier, self._carrier(carrier, inner), inner, trace)
        return transport.dialer(carrier, self._context(carrier, inner, trace, under))

    def _direct(self, option: Option, task: Task) -> DirectDialer:
        private = self.services.allow_private or option.id in self.services.own
        policy = Policy(allow_private=private, private_names=option.held_by_user)
        return DirectDialer(self._resolver(task), self.services.source, policy)

    def _resolver(self, task: Task) -> NameService:
        return self.services.system if task.as_an_app else self.services.resolver

    async def _locate(
        self, task: Task, carrier: Option | None, trace: Trace
    ) -> tuple[Endpoint, tuple[str, ...]]:
        """Return the endpoint with addresses, and those that we connect to ourselves.

        Through a carrier the far end resolves, and what we connect to is the outermost carrier.
        """
        option = outermost = task.option
        while (under := self._carrier_of(outermost, carrier if outermost is option else None)) is not None:
            outermost = under
        endpoint = outermost.endpoint
        if not endpoint.known_addresses and not task.as_an_app:
            await self.services.resolver.ready(endpoint.host, private=outermost.held_by_user)
        try:
            addresses = tuple(await self._direct(outermost, task).locate(endpoint, trace))
        except StepFailed as exc:
            if self.services.online or exc.error in ANSWERS:
                raise
            raise CannotTry(Reason.OFFLINE, "without a network no name can be looked up") from exc
        if not endpoint.literal:
            endpoint = replace(endpoint, addresses=addresses)
        return (endpoint if outermost is option else option.endpoint), addresses

    def _carrier_of(self, option: Option, given: Option | None) -> Option | None:
        if given is not None:
            return given
        return self.services.options[option.via] if option.via is not None else None

    def _trace(self, task: Task) -> Trace:
        self._attempts += 1
        trace = Trace(
            f"a{self._attempts}",
            clock=self.services.clock,
            timeouts=self.services.timeouts,
            phase=2 if task.trigger else 1,
            limit=task.limit,
        )
        if self.on_carried is not None:
            told = self.on_carried

            def carried(proof: Proof) -> None:
                if proof is Proof.CARRIED and task.number == 1 and task.option.scope is not Scope.NAMES:
                    told(task.option, self._record(trace, task.option))

            def ended(step: str) -> None:
                if step == "honesty" and trace.proof is Proof.CARRIED and task.number == 1:
                    told(task.option, self._record(trace, task.option))

            trace.on_proof, trace.on_step = carried, ended
        return trace

    def _close(self, trace: Trace, option: Option, *, shared: bool) -> Outcome:
        losers = []
        for loser in trace.losers:
            self._attempts += 1
            losers.append(
                Attempt(
                    id=f"a{self._attempts}",
                    t0=loser.t0,
                    t=loser.t,
                    counted=False,
                    why="lost the race between addresses",
                    family=loser.family,
                    address=loser.address,
                    failure=loser.failure,
                    fidelity=Fidelity(),
                )
            )
        return Outcome(attempt=self._record(trace, option), losers=tuple(losers), shared=shared)

    @staticmethod
    def _record(trace: Trace, option: Option) -> Attempt:
        return msgspec.structs.replace(trace.attempt(), via=option.via)


def _never_connected(trace: Trace) -> bool:
    """Tell whether the last connection failed to open: what answered before was somebody else (an ODoH relay's target)."""
    return trace.failure is not None and trace.failure.step == "connect"
