"""The links of this device for people: how many options get out over each, and which of them differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.say.blocks import Block, Heading, Point, Points, Sentence, Space
from circumvent.say.language import _
from circumvent.say.names import Names
from circumvent.say.sums import asked_for, carries, tally
from circumvent.say.words import milliseconds, word
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from circumvent.model.report import Link, OptionReport, Report

#: Options whose differences are shown one by one; the rest is counted.
MOST: Final = 12


def link_blocks(report: Report) -> list[Block]:
    """Return what came of the options over each link; nothing where links were not asked for."""
    if not report.links:
        return []
    rows = {at: rows_of(report, link) for at, link in enumerate(report.links)}
    told = [
        Point(sanitise(link.interface or _("default"), 20), _one(link, rows[at]), mark=_mark(rows[at]))
        for at, link in enumerate(report.links)
    ]
    blocks: list[Block] = [Space(), Heading(_("Over each connection of this device")), Points(tuple(told))]
    if len(report.links) > 1:
        blocks += _differences(report.links, rows)
    best = best_link(report)
    if best is not None and best.interface is not None:
        said = _(
            "More gets out over {name} than over the connection that packets take by themselves: use that one, in this "
            "device's network settings, or switch the other off."
        )
        blocks.append(Sentence("  " + said.format(name=sanitise(best.interface, 20))))
    return blocks


def addresses_screen(addresses: Mapping[str, str | None]) -> tuple[Block, ...]:
    """Return under which addresses connections are seen from outside, by interface; nothing where that was not asked."""
    if not addresses:
        return ()
    points = tuple(
        Point(sanitise(name, 20), sanitise(seen, 45) if seen is not None else _("no server said"))
        for name, seen in addresses.items()
    )
    return Space(), Heading(_("Seen from outside as")), Points(points)


def over_best(report: Report) -> str:
    """Say in a few words over which other link more gets out; empty if over none."""
    best = best_link(report)
    if best is None:
        return ""
    rows = rows_of(report, best)
    return _("over {name} {n} of {total} work").format(
        name=sanitise(best.interface or _("default"), 20), n=sum(map(carries, rows)), total=len(rows)
    )


def rows_of(report: Report, link: Link) -> list[OptionReport]:
    """Return the options as they came out over a link; those of the way that packets take are the report's own."""
    return asked_for(report) if link.default else [option for option in link.options if not option.baseline]


def best_link(report: Report) -> Link | None:
    """Return the link over which most options get out, if that is another one than packets take by themselves.

    A terminal itself counts only where nothing else gets out.
    """
    counts = [
        sum(carries(one) for one in rows_of(report, link) if one.id not in link.terminals)
        for link in report.links
    ]
    if counts and not any(counts):
        counts = [sum(map(carries, rows_of(report, link))) for link in report.links]
    if not counts or max(counts) == counts[0]:
        return None
    return report.links[counts.index(max(counts))]


def _one(link: Link, rows: Sequence[OptionReport]) -> str:
    terminals = [option for option in rows if option.id in link.terminals]
    others = [option for option in rows if option.id not in link.terminals]
    told = [_("what packets take by themselves")] if link.default else []
    told += [
        _("a {name} is behind it ({verdict})").format(name=sanitise(one.label, 40), verdict=word(one))
        for one in terminals
    ]
    told.append(tally(others) if others else _("no other option"))
    best = min(
        (one.latency_ms.median for one in rows if carries(one) and one.latency_ms is not None), default=None
    )
    if best is not None:
        told.append(_("first data after {time} at best").format(time=milliseconds(best)))
    if link.public_address is not None:
        told.append(_("seen from outside as {address}").format(address=sanitise(link.public_address, 45)))
    return "; ".join(told)


def _mark(rows: Iterable[OptionReport]) -> str:
    return "+" if any(map(carries, rows)) else "?"


def _differences(links: Sequence[Link], rows: Mapping[int, Sequence[OptionReport]]) -> list[Block]:
    """Return the options that get out over one link and not over another, each with its verdicts."""
    verdicts: dict[str, dict[int, OptionReport]] = {}
    for at, options in rows.items():
        for option in options:
            verdicts.setdefault(option.id, {})[at] = option
    terminals = {name for link in links for name in link.terminals}
    unlike = [
        found
        for name, found in verdicts.items()
        if name not in terminals and len({carries(one) for one in found.values()}) > 1
    ]
    if not unlike:
        return [Sentence("  " + _("No option gets out over one of them and not over another."))]
    names = Names(next(iter(found.values())) for found in unlike)
    points = tuple(
        Point(names.of(next(iter(found.values()))), _said(links, found)) for found in unlike[:MOST]
    )
    blocks: list[Block] = [Space(), Heading(_("What differs")), Points(points)]
    if len(unlike) > MOST:
        blocks.append(Sentence("  " + _("... and {n} more.").format(n=len(unlike) - MOST)))
    return blocks


def _said(links: Sequence[Link], found: Mapping[int, OptionReport]) -> str:
    return "; ".join(
        _("{name}: {verdict}").format(
            name=sanitise(links[at].interface or _("default"), 20), verdict=word(one)
        )
        for at, one in found.items()
    )
