"""The same options over each link of this device: which links there are, what is tried over which, one report of all.

With a satellite terminal present and asked for, a check is made over the way that packets take by themselves, and then over
every other interface behind which a terminal was found:

* One plan is divided, so that options, ids, controls and every choice by chance are the same on each link and can be compared.
* A terminal is tried over its own link only: what leaves by another proves nothing of it.
* Links are tried one after the other. At once they would share caps and servers, and disturb each other.
* Deadline and bytes that the user gave are those of the whole, in equal shares of what is left. A deadline of our own is each
  link's.
* Where a VPN holds the route, nothing is sent beside it: there is one link then.
* The report is that of the first link, as if there were no other, and has the rest under ``links``: keys are only added.
  A network's state and findings are never drawn from what came over another link.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from circumvent.model.report import Bytes, Link
from circumvent.net.interfaces import Line, read_line
from circumvent.net.sock import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from circumvent.check.plan import Plan
    from circumvent.model.option import Option
    from circumvent.model.report import Report

#: More links than these are not tried.
MOST_LINKS: Final = 3
#: The least that is left for a link (seconds, bytes): a check can't be asked for less.
LEAST_SECONDS: Final = 0.1
LEAST_BYTES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLink:
    """A link, and the check that is made over it. ``terminals`` are ids of options: terminals behind it."""

    interface: str | None
    default: bool
    terminals: tuple[str, ...]
    plan: Plan


def planned_links(plan: Plan, read: Callable[[Source], Line] = read_line) -> tuple[PlannedLink, ...]:
    """Divide ``plan`` into the links of this device, the way of its packets first.

    A terminal is behind the interfaces where it was found; behind that of the packets if that is not known.
    """
    own = plan.interface
    alone = plan.settings.interface is not None or plan.line.tunnel is not None
    where: dict[str, Collection[str | None]] = {
        option.id: (own,) if alone or not option.origin.interfaces else option.origin.interfaces
        for option in plan.options
        if option.id in plan.terminals
    }
    others = sorted({name for names in where.values() for name in names if name is not None and name != own})
    first = _over(plan, own, where, default=True)
    rest = [_over(_by(plan, name, read), name, where, default=False) for name in others[: MOST_LINKS - 1]]
    return (first, *rest)


def _by(plan: Plan, interface: str, read: Callable[[Source], Line]) -> Plan:
    """Return the plan with all packets leaving by one interface."""
    source = Source(interface=interface)
    return replace(
        plan,
        settings=replace(plan.settings, interface=interface),
        source=source,
        line=read(source),
    )


def _over(
    plan: Plan, interface: str | None, where: Mapping[str, Collection[str | None]], *, default: bool
) -> PlannedLink:
    """Return a link with the terminals behind it, and without those behind others."""
    terminals = tuple(name for name, names in where.items() if interface in names)
    return PlannedLink(
        interface=interface,
        default=default,
        terminals=terminals,
        plan=replace(plan, order=tuple(one for one in plan.order if _belongs(one, where, terminals))),
    )


def _belongs(option: Option, where: Mapping[str, Collection[str | None]], terminals: Sequence[str]) -> bool:
    return option.id not in where or option.id in terminals


def with_share(plan: Plan, *, left: int, spent: Sequence[Report]) -> Plan:
    """Return the plan of a link with its share of time and bytes, if ``left`` links, this one included, are still to come.

    A deadline of ours is each link's own; bytes are always those of the whole.
    """
    if left == 1 and not spent:
        return plan
    settings = plan.settings
    used = sum(one.bytes.sent + one.bytes.received for one in spent)
    settings = replace(settings, max_bytes=max((settings.max_bytes - used) // left, LEAST_BYTES))
    if settings.deadline is not None:
        seconds = settings.deadline - sum(one.duration_s for one in spent)
        settings = replace(settings, deadline=max(seconds / left, LEAST_SECONDS))
    return replace(plan, settings=settings)


def combined(
    links: Sequence[PlannedLink], reports: Sequence[Report], addresses: Sequence[str | None] = ()
) -> Report:
    """Return one report of the links that were tried, in their order, with the ``addresses`` that a server saw.

    A single link, without a terminal and of which nothing was asked, changes nothing. Seconds and bytes are those of the whole.
    """
    first = reports[0]
    if len(links) == 1 and not links[0].terminals and not addresses:
        return first
    seen = (*addresses, *(None for _ in links[len(addresses) :]))
    return msgspec.structs.replace(
        first,
        links=tuple(
            _told(link, report, address) for link, report, address in zip(links, reports, seen, strict=False)
        ),
        complete=len(reports) == len(links) and all(one.complete for one in reports),
        duration_s=round(sum(one.duration_s for one in reports), 3),
        bytes=Bytes(
            sent=sum(one.bytes.sent for one in reports), received=sum(one.bytes.received for one in reports)
        ),
        settings=msgspec.structs.replace(first.settings, deadline_s=_deadline(links)),
    )


def _deadline(links: Sequence[PlannedLink]) -> float:
    """Return the seconds that were given to all links together."""
    settings = links[0].plan.settings
    return settings.deadline if settings.deadline is not None else settings.seconds * len(links)


def _told(link: PlannedLink, report: Report, address: str | None) -> Link:
    told = Link(
        interface=link.interface,
        default=link.default,
        terminals=link.terminals,
        public_address=address,
        complete=report.complete,
        duration_s=report.duration_s,
        bytes=report.bytes,
    )
    if link.default:
        return told
    return msgspec.structs.replace(
        told,
        network=report.network,
        options=report.options,
        ranking=report.ranking,
        recommendations=report.recommendations,
    )
