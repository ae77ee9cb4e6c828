"""A check over each link of this device, one after the other; see :mod:`circumvent.check.links`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.check.links import combined, planned_links, with_share
from circumvent.check.public_address import seen_as
from circumvent.cli import terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.check.plan import Plan
    from circumvent.cli.drive import View
    from circumvent.model.report import Report

OVER: Final = "Now the same over {name}, behind which a terminal was found:"
ONE_LINK: Final = (
    "a VPN holds the way to the internet, and nothing is sent beside it; to try the options over the terminal's own "
    "connection, switch it off or give --interface NAME"
)


def run_links(
    plan: Plan, view: Callable[[], View], began: float | None, *, quiet: bool
) -> tuple[Report, bool]:
    """Run ``plan`` over each link, ``view`` making what shows it; return one report, and whether a signal ended it."""
    from circumvent.cli.drive import drive  # noqa: PLC0415 - anyio and the engine; not for --plan or mistakes

    links = planned_links(plan)
    if plan.terminals and plan.line.tunnel is not None and plan.settings.interface is None:
        terminal.tell(ONE_LINK)
    reports: list[Report] = []
    addresses: list[str | None] = []
    interrupted = False
    for number, link in enumerate(links):
        if number and not quiet:
            terminal.tell(OVER.format(name=link.interface))
        share = with_share(link.plan, left=len(links) - number, spent=reports)
        report, interrupted = drive(share, view(), None if number else began)
        reports.append(report)
        if interrupted:
            break
        if plan.settings.ask_public_address:
            addresses.append(seen_as(share.trust_pem, share.settings.interface))
    return combined(links, reports, addresses), interrupted
