"""A check without a network: scripted transports, and time that passes at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any

import anyio
import trio.testing

from circumvent.check import runner as runner_module
from circumvent.check import second, triggers
from circumvent.check.baseline import Baseline
from circumvent.check.baseline_rows import Names
from circumvent.check.events import Finished
from circumvent.check.fate import places
from circumvent.check.plan import Plan
from circumvent.check.run import CheckRun
from circumvent.check.services import make_services
from circumvent.check.settings import CheckSettings
from circumvent.control import Control
from circumvent.model.option import Endpoint, Option, Origin
from circumvent.model.words import Proof
from circumvent.net.clock import Clock
from circumvent.net.errors import PeerError
from circumvent.net.interfaces import Line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pytest

    from circumvent.check.events import Event
    from circumvent.check.runner import Services
    from circumvent.model.report import Report
    from circumvent.net.stream import Dialer
    from circumvent.transport import Context

    Act = Callable[[Option, Context], Awaitable[None]]

ONLINE = Line(
    interface="lo", addresses=("192.0.2.7",), gateways=(), ipv4=True, ipv6=False, carrier=None, tunnel=None
)


def virtual() -> tuple[str, dict[str, Any]]:
    """The backend of a test in which nobody waits: time jumps to the next thing that is due."""
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


class LoopClock(Clock):
    """The clock of a check on the event loop's own time."""

    def now(self) -> float:
        return anyio.current_time() - self.started_monotonic


def make(
    name: str, kind: str = "dot", *, host: str | None = None, user: bool = True, **fields: Any
) -> Option:
    """An option at an address of its own (or at ``host``)."""
    number = sum(map(ord, name)) % 250 + 1
    port = fields.pop("port", 853)
    address = host or f"127.{number}.{len(name)}.{ord(name[-1])}"
    return Option(
        id=name,
        kind=kind,
        label=name,
        endpoint=Endpoint(host=address, port=port),
        origin=Origin(source="argument" if user else "catalogue"),
        **fields,
    )


async def carries(option: Option, context: Context) -> None:
    """Everything comes back right after 100 ms."""
    trace = context.trace
    trace.address, trace.family = option.endpoint.known_addresses[0], "ipv4"
    trace.first_packet()
    async with trace.step("carry"):
        await anyio.sleep(0.1)
        trace.bytes_sent += 100
        trace.bytes_received += 400
        trace.carry_arrived()
        trace.prove(Proof.CARRIED)


async def lasts(option: Option, context: Context) -> None:
    """Carries, and 64 KiB pass when they are wanted."""
    await carries(option, context)
    if context.goal is Proof.SUSTAINED:
        context.trace.prove(Proof.SUSTAINED)


async def silent(option: Option, context: Context) -> None:
    """Nothing comes back."""
    trace = context.trace
    trace.address, trace.family = option.endpoint.known_addresses[0], "ipv4"
    trace.first_packet()
    trace.bytes_sent += 60
    async with trace.step("connect"):
        await anyio.sleep_forever()


def fails(error: str, *, after: float = 0.05, proof: Proof = Proof.NONE, step: str = "connect") -> Act:
    """Fails with this word after so many seconds, having proved so much."""

    async def act(option: Option, context: Context) -> None:
        trace = context.trace
        trace.address, trace.family = option.endpoint.known_addresses[0], "ipv4"
        trace.first_packet()
        trace.bytes_sent += 60
        trace.prove(proof)
        async with trace.step(step):
            await anyio.sleep(after)
            raise PeerError(error)

    return act


@dataclass
class Script:
    """What each option does, try by try; the last act is repeated. ``seen`` keeps (option, trigger, time)."""

    acts: dict[str, list[Act]] = field(default_factory=dict)
    triggers: dict[str, list[Act]] = field(default_factory=dict)
    seen: list[tuple[str, str, float]] = field(default_factory=list)
    most_at_once: int = 0
    _now: int = 0
    _tries: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def load(self, kind: str) -> ScriptedTransport:
        """Stand in for :func:`circumvent.transport.load`."""
        if kind in {"socks5", "http-connect"}:
            return ScriptedCarrier(self)
        return ScriptedTriggering(self) if kind in {"dns-udp", "dns-tcp"} else ScriptedTransport(self)

    async def play(self, option: Option, context: Context, what: str) -> None:
        """Do what the script says for this try."""
        acts = (self.triggers if what == "trigger" else self.acts).get(option.id, [carries])
        number = self._tries[option.id, what]
        self._tries[option.id, what] += 1
        self.seen.append((option.id, what, context.trace.clock.now()))
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            await acts[min(number, len(acts) - 1)](option, context)
        finally:
            self._now -= 1

    def tries(self, name: str, what: str = "attempt") -> int:
        """How often an option was tried."""
        return sum(1 for option, kind, _ in self.seen if (option, kind) == (name, what))


@dataclass
class ScriptedTransport:
    """A transport that does what the script says."""

    script: Script

    async def attempt(self, option: Option, context: Context) -> None:
        await self.script.play(option, context, "attempt")


class ScriptedTriggering(ScriptedTransport):
    """One with a second-phase probe."""

    async def trigger(self, option: Option, context: Context) -> None:
        await self.script.play(option, context, "trigger")


class ScriptedCarrier(ScriptedTransport):
    """One whose options carry others."""

    def dialer(self, _option: Option, context: Context) -> Dialer:
        return context.dialer


def make_run_plan(*options: Option, line: Line = ONLINE, **settings: Any) -> Plan:
    """A plan of these options alone; nothing else is looked at."""
    given = {"anchors": "none", "builtin": False, "allow_private": True, "fast": True, **settings}
    fields: dict[str, Any] = {
        name: given.pop(name) for name in ("enough", "targets", "details", "held_back") if name in given
    }
    more: dict[str, Any] = {"targets": (), "country": given.get("country")} | fields
    return Plan(
        settings=CheckSettings.from_keywords(given),
        order=options,
        places=places(options),
        controls=(Control.parse("https://control.example/#status=204"),),
        bulks=(),
        portal_checks=(),
        names=Names(controls=(), canaries=(), identity=(), by_hand=False, anchors=None),
        line=line,
        source=None,
        resolvers=(),
        trust_pem=(),
        random=Random(1),
        **more,
    )


def services_for(plan: Plan) -> Services:
    """The services of a plan, on the event loop's time."""
    services, clock = make_services(plan), LoopClock(started_monotonic=anyio.current_time())
    return replace(services, clock=clock, accounts=replace(services.accounts, clock=clock))


def install(monkeypatch: pytest.MonkeyPatch, script: Script) -> None:
    """Let the check find scripted transports, and look for no middlebox."""

    async def nobody(_self: Baseline) -> None:
        await anyio.lowlevel.checkpoint()

    monkeypatch.setattr(Baseline, "_proxied", nobody)
    for module in (runner_module, second, triggers):
        monkeypatch.setattr(module, "load", script.load)


async def play(
    monkeypatch: pytest.MonkeyPatch, script: Script, plan: Plan, *, events: list[Event] | None = None
) -> Report:
    """Run a check of ``plan`` and return its report."""
    install(monkeypatch, script)
    told: list[Event] = [] if events is None else events
    await CheckRun(plan, services_for(plan), told.append).run()
    last = told[-1]
    assert isinstance(last, Finished)
    return last.report
