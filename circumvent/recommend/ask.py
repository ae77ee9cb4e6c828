"""Asks Tor what it recommends: directly, then through fronts; each way leaves a record of how far it came."""

from __future__ import annotations

from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from circumvent.check.baseline_rows import resolvers
from circumvent.check.settings import SettingsError
from circumvent.net.clock import Clock
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import CannotTry, StepFailed
from circumvent.net.interfaces import read_line
from circumvent.net.resolve import NamesInOrder
from circumvent.net.sock import Source
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace
from circumvent.net.verify import TrustStore
from circumvent.recommend.settings_api import Means, ask_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.catalog import SettingsApi
    from circumvent.check.settings import CheckSettings
    from circumvent.model.record import Failure, Step
    from circumvent.recommend.answer import Recommendation

#: Seconds that a step through a front may take: what is asked goes a long way round.
FRONTED_STEP: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One way by which Tor was asked: whose name the line shows, and what went wrong, if anything did."""

    host: str
    fronted: bool
    failure: Failure | None = None
    step: Step | None = None
    cannot: CannotTry | None = None

    @property
    def answered(self) -> bool:
        """Tell whether an answer came back this way."""
        return self.failure is None and self.cannot is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What came of asking.

    ``country`` is what the user said; ``recommendation`` is ``None`` where nobody answered; ``online`` tells whether this
    device has a route to the internet at all.
    """

    asked: tuple[Asked, ...]
    country: str | None = None
    recommendation: Recommendation | None = None
    online: bool = True


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
        means = _means(settings, trust_pem, limit=FRONTED_STEP if through else None)
        try:
            found = await ask_settings(
                api,
                means,
                country=settings.country,
                transports=transports,
                fronted=through,
                allow_private=settings.allow_private,
            )
        except StepFailed:
            failure, step = means.trace.failure, None
            if failure is not None:
                step = means.trace.attempt().step(failure.step)
            asked.append(Asked(host=host, fronted=through, failure=failure, step=step))
        except CannotTry as exc:
            asked.append(Asked(host=host, fronted=through, cannot=exc))
        else:
            asked.append(Asked(host=host, fronted=through))
            return Advice(asked=tuple(asked), country=settings.country, recommendation=found)
    online = read_line(_source(settings)).online
    return Advice(asked=tuple(asked), country=settings.country, online=online)


def _means(settings: CheckSettings, trust_pem: Sequence[str], *, limit: float | None) -> Means:
    """Return what one way of asking needs: this network's own resolver, or the user's."""
    clock = Clock()
    source = _source(settings)
    names = NamesInOrder(chosen=resolvers(settings) if settings.resolver else (), source=source)
    policy = Policy(allow_private=settings.allow_private, private_names=False)
    return Means(
        trace=Trace("ask", clock=clock, timeouts=Timeouts(), limit=limit),
        dialer=DirectDialer(names, source, policy),
        trust=TrustStore.mozilla(trust_pem, clock.wall),
        random=SystemRandom(),
    )


def _source(settings: CheckSettings) -> Source | None:
    return Source(interface=settings.interface) if settings.interface else None
