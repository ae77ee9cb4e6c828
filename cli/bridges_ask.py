"""Asks Tor what it recommends: directly, then through fronts; each way leaves a record of how far it came."""

from __future__ import annotations

from random import SystemRandom
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from circumvent.check.baseline_rows import resolvers
from circumvent.check.settings import SettingsError
from circumvent.control import ControlPlan
from circumvent.model.words import Proof
from circumvent.names.chain import RootKeys
from circumvent.names.plan import NamesPlan
from circumvent.net.clock import Clock
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import CannotTry, StepFailed
from circumvent.net.resolve import NamesInOrder
from circumvent.net.sock import Source
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace
from circumvent.net.verify import TrustStore
from circumvent.say.bridges import Advice, Asked
from circumvent.say.words import reason_sentence
from circumvent.transport import Context
from circumvent.transports.settings_api import ask_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.catalog import SettingsApi
    from circumvent.check.settings import CheckSettings

#: Seconds that a step through a front may take: what is asked goes a long way round.
FRONTED_STEP = 10.0


def check_resolver(settings: CheckSettings) -> None:
    """See that the resolver is one that can be asked before anything is proven.

    :raises SettingsError: when it is none.
    """
    if settings.resolver is not None and "://" in settings.resolver:
        raise SettingsError(
            "--resolver: Tor's service is looked up before a resolver is proven; give an IP address. "
            "Example: --resolver 9.9.9.9"
        )
    resolvers(settings)


async def ask(
    settings: CheckSettings,
    apis: Sequence[SettingsApi],
    trust_pem: Sequence[str],
    *,
    transports: Sequence[str] = (),
    fronted: bool = False,
) -> Advice:
    """Ask directly (unless ``fronted``), then through each front, until somebody answers; never raises for the network."""
    ways = [] if fronted else [(apis[0], False)]
    ways += [(api, True) for api in SystemRandom().sample(list(apis), len(apis))]
    asked: list[Asked] = []
    for api, through in ways:
        host = api.front if through else urlsplit(api.url).netloc
        context = _context(settings, trust_pem, limit=FRONTED_STEP if through else None)
        try:
            found = await ask_settings(
                api,
                context,
                country=settings.country,
                transports=transports,
                fronted=through,
                allow_private=settings.allow_private,
            )
        except StepFailed:
            failure, step = context.trace.failure, None
            if failure is not None:
                step = context.trace.attempt().step(failure.step)
            asked.append(Asked(host=host, fronted=through, failure=failure, step=step))
        except CannotTry as exc:
            asked.append(Asked(host=host, fronted=through, cannot=exc.detail or reason_sentence(exc.reason)))
        else:
            asked.append(Asked(host=host, fronted=through))
            return Advice(asked=tuple(asked), country=settings.country, recommendation=found)
    return Advice(asked=tuple(asked), country=settings.country)


def _context(settings: CheckSettings, trust_pem: Sequence[str], *, limit: float | None) -> Context:
    """Return what one way of asking needs: this network's own resolver, or the user's, and no option of theirs."""
    clock = Clock()
    source = Source(interface=settings.interface) if settings.interface else None
    names = NamesInOrder(chosen=resolvers(settings) if settings.resolver else (), source=source)
    policy = Policy(allow_private=settings.allow_private, private_names=False)
    return Context(
        trace=Trace("moat", clock=clock, timeouts=Timeouts(), limit=limit),
        dialer=DirectDialer(names, source, policy),
        goal=Proof.CARRIED,
        controls=ControlPlan(),
        names=NamesPlan(root_keys=RootKeys(None)),
        trust=TrustStore.mozilla(trust_pem, clock.wall),
        random=SystemRandom(),
    )
