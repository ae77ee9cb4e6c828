"""Wires what the attempts of a check share: clock, limits, names, trust, what is fetched in which try."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from circumvent.check.accounts import Accounts
from circumvent.check.lookups import CheckNames, lookup_context
from circumvent.check.runner import Services
from circumvent.control import ControlPlan, plan_for_try
from circumvent.model.words import Proof
from circumvent.names.chain import RootKeys
from circumvent.names.plan import CLEAR_KINDS, NamesPlan
from circumvent.net.clock import Clock
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.own_use import OwnUse, read_own_use
from circumvent.net.resolve import NamesInOrder
from circumvent.net.slots import IN_ALL, IN_ALL_FAST, Caps, Slots
from circumvent.net.timeouts import Timeouts
from circumvent.net.verify import TrustStore
from circumvent.transport import Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.check.plan import Plan
    from circumvent.model.option import Option
    from circumvent.names.plan import Wanted
    from circumvent.net.trace import Trace

#: Seconds over which a satellite link is watched for loss, where the deadline has three times as many: two handovers, which
#: come every 15 s.
LONGEST_WATCH: Final = 30.0


def _clock(started_monotonic: float | None) -> Clock:
    clock = Clock()
    if started_monotonic is None:
        return clock
    before = clock.started_monotonic - started_monotonic
    return Clock(started_monotonic=started_monotonic, started_wall=clock.started_wall - before)


def _names(plan: Plan) -> Callable[[Option, int, bool], NamesPlan]:
    """Return what resolvers are asked, by option, number of the try, and whether it is a trigger."""
    asked = plan.names
    root_keys = plan.root_keys or RootKeys(asked.anchors)

    def names(option: Option, number: int, trigger: bool) -> NamesPlan:
        first = number == 1 or trigger
        by_hand_clear = asked.by_hand and option.kind in CLEAR_KINDS
        return NamesPlan(
            root_keys=root_keys,
            controls=asked.controls,
            canaries=asked.canaries if first else (),
            identity=asked.identity if first and not trigger else (),
            clear=trigger or by_hand_clear,
            by_hand=asked.by_hand,
        )

    return names


def _accounts(plan: Plan, clock: Clock) -> Accounts:
    """Return what lets profiles begin; what this device is connected to is looked at only where there is a profile."""
    profiles = any(option.traits.account for option in plan.order)
    return Accounts(
        clock,
        own=read_own_use() if profiles else OwnUse(),
        anyway=plan.settings.anyway,
        sources=plan.line.online and any(one.baseline or not one.held_by_user for one in plan.order),
    )


def make_services(plan: Plan, *, started_monotonic: float | None = None) -> Services:
    """Make the services of one check; its time begins now, or at ``started_monotonic``."""
    settings = plan.settings
    clock = _clock(started_monotonic)
    timeouts = Timeouts()
    in_all = IN_ALL_FAST if settings.fast else IN_ALL
    slots = Slots(Caps(in_all=in_all, fast=settings.fast, allow_private=settings.allow_private))
    names = _names(plan)
    inner = NamesInOrder(
        chosen=plan.resolvers if settings.resolver else (),
        source=plan.source,
        share_private=settings.system_dns,
    )
    trust = TrustStore.mozilla(plan.trust_pem, clock.wall)

    shuffled = plan.random.sample(plan.controls, len(plan.controls))

    def controls(number: int) -> ControlPlan:
        return replace(plan_for_try(shuffled, plan.bulks, number, plan.random), resolver=resolver.plain)

    def context(option: Option, trace: Trace, wanted: Wanted) -> Context:
        policy = Policy(allow_private=settings.allow_private, private_names=option.held_by_user)
        base = Context(
            trace=trace,
            dialer=DirectDialer(inner, plan.source, policy),
            goal=Proof.CARRIED,
            controls=controls(1),
            names=names(option, 2, False),
            trust=trust,
            random=plan.random,
        )
        return lookup_context(base, wanted)

    resolver = CheckNames(inner, context, slots, share_private=settings.system_dns)
    return Services(
        clock=clock,
        accounts=_accounts(plan, clock),
        timeouts=timeouts,
        slots=slots,
        resolver=resolver,
        system=NamesInOrder(chosen=plan.resolvers if settings.resolver else (), source=plan.source),
        source=plan.source,
        trust=trust,
        random=plan.random,
        options={option.id: option for option in plan.order},
        controls=controls,
        names=names,
        allow_private=settings.allow_private,
        online=plan.line.online,
        watch=min(LONGEST_WATCH, settings.seconds / 3),
        own=frozenset(
            option_id for option_id, detail in plan.details.items() if detail.get("system_resolver")
        )
        | plan.terminals,
    )
