"""Terminals other than dishes that answer: Starlink's router, and whoever's page or certificate names a satellite terminal.

Asked are default gateways with a private address, and addresses where a terminal's page is documented, if they are on an
interface's own link: one question to port 9000, one GET of the first page. No other address, nothing that changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from circumvent.model.option import Endpoint
from circumvent.net.errors import NetError
from circumvent.satellite.ask import ask_router
from circumvent.satellite.find import LONGEST, MOST, find_terminals, local_dialer, local_trace
from circumvent.satellite.page import ask_page
from circumvent.satellite.recognise import ROUTER, Certainty, Observed, recognise
from circumvent.satellite.router import ROUTER_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from circumvent.satellite.find import Candidate, Surroundings, Terminal
    from circumvent.satellite.page import Page
    from circumvent.satellite.recognise import Fit
    from circumvent.satellite.router import RouterStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A terminal that is no dish: what fits it, and what a Starlink router says."""

    address: str
    interface: str | None
    fits: tuple[Fit, ...]
    router: RouterStatus | None = None

    @property
    def sure(self) -> bool:
        """Tell whether it is more than an address that may be one."""
        return self.fits[0].certainty is not Certainty.POSSIBLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What was found on this network: dishes, and other terminals."""

    dishes: tuple[Terminal, ...] = ()
    others: tuple[Other, ...] = ()

    @property
    def apart(self) -> tuple[Other, ...]:
        """Return the others that are links of their own: a router is none beside the dish behind it, on the same interface."""
        taken = {one.interface for one in self.dishes}
        return tuple(one for one in self.others if one.router is None or one.interface not in taken)


async def look_around(where: Surroundings) -> Around:
    """Ask everybody at once; it takes at most as long as asking for dishes does."""
    dishes: tuple[Terminal, ...] = ()
    others: tuple[Other, ...] = ()

    async def look_for_dishes() -> None:
        nonlocal dishes
        dishes = await find_terminals(where.candidates)

    async def look_for_others() -> None:
        nonlocal others
        others = await find_others(where.others)

    async with anyio.create_task_group() as group:
        group.start_soon(look_for_dishes)
        group.start_soon(look_for_others)
    taken = {one.address for one in dishes}
    return Around(dishes=dishes, others=tuple(one for one in others if one.address not in taken))


async def find_others(candidates: Sequence[Candidate]) -> tuple[Other, ...]:
    """Ask all candidates at once who they are; return those that are terminals or may be, in the order given."""
    routers: dict[Candidate, RouterStatus] = {}
    pages: dict[Candidate, Page] = {}

    async def router(candidate: Candidate) -> None:
        trace = local_trace()
        endpoint = Endpoint(host=candidate.address, port=ROUTER_PORT)
        try:
            routers[candidate], _ = await ask_router(endpoint, local_dialer(candidate), trace)
        except NetError:
            return

    async def page(candidate: Candidate) -> None:
        try:
            pages[candidate] = await ask_page(candidate.address, local_dialer(candidate), local_trace())
        except NetError:
            return

    with anyio.move_on_after(LONGEST):
        async with anyio.create_task_group() as group:
            for candidate in candidates[:MOST]:
                group.start_soon(router, candidate)
                group.start_soon(page, candidate)
    return tuple(
        found for candidate in candidates[:MOST] if (found := _found(candidate, routers, pages)) is not None
    )


def _found(
    candidate: Candidate, routers: Mapping[Candidate, RouterStatus], pages: Mapping[Candidate, Page]
) -> Other | None:
    router, page = routers.get(candidate), pages.get(candidate)
    fits = recognise(observed(candidate.address, page, router=router is not None))
    if not fits:
        return None
    return Other(address=candidate.address, interface=candidate.interface, fits=fits, router=router)


def observed(
    address: str, page: Page | None, *, router: bool = False, round_trips: Sequence[float] = ()
) -> Observed:
    """Return what was seen of a place, for :func:`recognise`; ``round_trips`` in milliseconds."""
    return Observed(
        address=address,
        page=page is not None,
        title="" if page is None else page.title,
        headers=() if page is None else page.headers,
        subject="" if page is None else page.subject,
        protocol=ROUTER if router else None,
        round_trips=tuple(round_trips),
    )
