"""Links on a screen: how many options get out over each, which differ; nothing where links were not asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from circumvent.model.report import Latency, Link
from circumvent.model.words import Status
from circumvent.say.blocks import Heading, Points, Sentence
from circumvent.say.end import quiet_line
from circumvent.say.links import MOST, addresses_screen, best_link, link_blocks, over_best
from tests.check.test_assemble import report
from tests.diagnose.build import option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.report import OptionReport, Report
    from circumvent.say.blocks import Block


def row(name: str, status: Status, kind: str = "dot", median: float | None = None) -> OptionReport:
    latency = None if median is None else Latency(median=median, min=median, max=median)
    return msgspec.structs.replace(option(name, kind), status=status, latency_ms=latency)


def over(first: Sequence[OptionReport], second: Sequence[OptionReport] | None = None) -> Report:
    """A report of two links, the second behind a terminal; or of one, behind which it is."""
    links = [Link(interface="wlan0", default=True, terminals=() if second is not None else ("dish",))]
    if second is not None:
        links.append(Link(interface="eth0", terminals=("dish",), options=tuple(second)))
    return msgspec.structs.replace(report(*first), links=tuple(links))


def points(blocks: Sequence[Block]) -> list[str]:
    found = [block for block in blocks if isinstance(block, Points)]
    return [f"{point.lead}: {point.text}" for block in found for point in block.points]


def headings(blocks: Sequence[Block]) -> list[str]:
    return [block.text for block in blocks if isinstance(block, Heading)]


DISH = row("dish", Status.WORKS, "starlink", 48.0)


def test_no_links_no_words() -> None:
    assert link_blocks(report(row("a", Status.WORKS))) == []


def test_each_link_with_its_counts_and_its_terminal() -> None:
    seen = over(
        [row("a", Status.UNREACHABLE), row("b", Status.WORKS, median=71.0)],
        [row("a", Status.WORKS, median=55.0), row("b", Status.WORKS, median=60.0), DISH],
    )
    blocks = link_blocks(seen)
    assert headings(blocks) == ["Over each connection of this device", "What differs"]
    assert points(blocks) == [
        "wlan0: what packets take by themselves; 1 work, 1 no answer; first data after 71 ms at best",
        "eth0: a dish is behind it (works); 2 work; first data after 48 ms at best",
        "a: wlan0: no answer; eth0: works",
    ]
    best = best_link(seen)
    assert best is not None
    assert best.interface == "eth0"
    assert isinstance(blocks[-1], Sentence)
    assert "use that one" in blocks[-1].text
    assert quiet_line(seen).endswith("; over eth0 3 of 3 work")


def test_where_all_is_alike_that_is_said() -> None:
    seen = over([row("a", Status.WORKS)], [row("a", Status.WORKS), DISH])
    blocks = link_blocks(seen)
    assert blocks[-1] == Sentence("  No option gets out over one of them and not over another.")


def test_one_link_behind_a_terminal_differs_from_nothing() -> None:
    seen = over([row("a", Status.WORKS), DISH])
    assert points(link_blocks(seen)) == [
        "wlan0: what packets take by themselves; a dish is behind it (works); 1 work; first data after 48 ms at best"
    ]
    assert best_link(seen) is None
    assert over_best(seen) == ""


def test_many_differences_are_counted() -> None:
    names = [f"option-{n}" for n in range(MOST + 3)]
    seen = over(
        [row(name, Status.UNREACHABLE) for name in names], [row(name, Status.WORKS) for name in names]
    )
    blocks = link_blocks(seen)
    assert len(points(blocks)) == 2 + MOST
    assert blocks[-2] == Sentence("  ... and 3 more.")


def test_what_a_server_saw_and_hostile_names() -> None:
    links = (Link(interface="eth0\x1b[31m", default=True, public_address="203.0.113.9\n<b>"),)
    said = points(link_blocks(msgspec.structs.replace(report(), links=links)))
    assert "seen from outside as 203.0.113.9" in said[0]
    assert "\x1b" not in said[0]
    assert "\n" not in said[0]


def test_addresses_alone() -> None:
    assert addresses_screen({}) == ()
    assert points(addresses_screen({"eth0": "203.0.113.9", "wlan0": None})) == [
        "eth0: 203.0.113.9",
        "wlan0: no server said",
    ]
