"""Satellite terminals that are no Starlink dish: what answers there is looked at, and controls are fetched by the link behind it.

Starlink's router (also the Mini's) is asked for its status, by gRPC on 9000; of everybody else there is one GET of the first page,
and the certificate. A page proves no protocol: whoever names itself a terminal is ``reached`` and no more, until something came
back from the internet through it. Nothing asked changes anything, and there are no credentials.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from circumvent.model.option import Endpoint
from circumvent.net.errors import StepFailed
from circumvent.satellite.ask import ask_router
from circumvent.satellite.others import observed
from circumvent.satellite.page import ask_page
from circumvent.satellite.recognise import recognise
from circumvent.satellite.router import ROUTER_PORT
from circumvent.satellite.signs import causes, detail_of
from circumvent.transports.starlink import no_sky, prove_link, round_trips

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.net.trace import Trace
    from circumvent.satellite.page import Page
    from circumvent.satellite.recognise import Observed
    from circumvent.satellite.router import RouterStatus
    from circumvent.transport import Context


class SatelliteTerminalTransport:
    """Steps: ``connect``, ``terminal`` or ``page``, ``recognise``, ``sky`` (a router's word), ``link``, those of the controls."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Look who is there, and fetch something through the link behind it."""
        router, page, local = await _who(option, context)
        trace = context.trace
        seen = observed(option.endpoint.host, page, router=router is not None)
        await _recognise(seen, trace)
        if router is not None:
            await _sky(router, context)
        try:
            await prove_link(local, option, context)
        finally:
            trips = round_trips(trace)
            if trips:
                await _recognise(replace(seen, round_trips=trips), trace)


async def _recognise(seen: Observed, trace: Trace) -> None:
    """Write down which models fit: by what answers, and once more when round trips through it are known."""
    async with trace.step("recognise") as step:
        step.detail["systems"] = [
            {"model": fit.terminal.slug, "system": fit.terminal.system, "certainty": fit.certainty.value}
            for fit in recognise(seen)
        ]


async def _who(option: Option, context: Context) -> tuple[RouterStatus | None, Page | None, str | None]:
    """Ask whether it is a router of Starlink's, else for its page; return that, and our own address on the way.

    :raises StepFailed: when neither answers.
    """
    trace, ours = context.trace, option.endpoint
    router = Endpoint(host=ours.host, port=ROUTER_PORT, addresses=ours.addresses)
    try:
        status, local = await ask_router(router, context.dialer, trace)
    except StepFailed as first:
        trace.another_way()
        try:
            page = await ask_page(ours.host, context.dialer, trace, ours.port)
        except StepFailed as second:
            told = second if first.failure.step == "connect" else first  # who answered tells more
            trace.failure = told.failure
            raise told from second
        trace.failure = None
        return None, page, page.local
    return status, None, local


async def _sky(router: RouterStatus, context: Context) -> None:
    """Tell what the router says of the dish behind it: whether it is served, and how much it loses."""
    async with context.trace.step("sky") as step:
        step.detail.update(detail_of(router.signs))
        step.detail["behind"] = router.has_dish
        if router.disabled is not None:
            raise no_sky(router.disabled.value, causes(router.signs))


TRANSPORT: Final = SatelliteTerminalTransport()
