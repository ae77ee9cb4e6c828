"""``circumvent satellite``: is a terminal here, and which link of the chain to the internet holds?"""

from __future__ import annotations

import json as json_text
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.check.plan import make_plan, read_pem_file
from circumvent.check.public_address import seen_as
from circumvent.check.settings import CheckSettings
from circumvent.cli import terminal as screen
from circumvent.cli.check_command import laws_of
from circumvent.cli.drive import Silent, drive
from circumvent.cli.terminals_in_check import behind
from circumvent.model.kinds import SATELLITE, is_satellite
from circumvent.satellite.document import other_document, terminal_document
from circumvent.satellite.find import read_surroundings
from circumvent.satellite.judge import judge, lost_share
from circumvent.satellite.others import look_around
from circumvent.say.links import addresses_screen
from circumvent.say.other_terminals import SeenOther, others_screen
from circumvent.say.terminals import Seen, nothing_screen, terminals_screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.report import OptionReport
    from circumvent.satellite.find import Surroundings, Terminal
    from circumvent.satellite.others import Other

NOTHING: Final = 1
STOPPED: Final = 3
#: Seconds for fetching something through a terminal that says that it is well.
LONGEST: Final = 20.0


def run_terminals(
    *,
    interface: str | None = None,
    quiet_sky: bool = False,
    ask_public_address: bool = False,
    patient: bool = False,
    json: bool = False,
    plain: bool = False,
    settings: CheckSettings | None = None,
) -> int:
    """Look for terminals, test what is found, print it; 0 if something came back through one.

    Facts of law are said before the first packet. ``settings`` are those of the check through a terminal; ``patient``: a link
    that holds is watched for half a minute, in which satellites hand it on twice.
    """
    began = time.monotonic()
    settings = CheckSettings() if settings is None else settings
    settings = replace(settings, patient=settings.patient or patient)
    for sentence in laws_of({SATELLITE}, settings):
        screen.tell(sentence)
    where = behind(read_surroundings(), interface)
    around = anyio.run(look_around, where)
    found = [_seen(one) for one in around.dishes]
    others = [SeenOther(other=one) for one in around.apart]
    stopped = False
    if not quiet_sky:
        for number, seen in enumerate(found):
            if seen.judgement.broken is None and not stopped:
                internet, stopped = _through("starlink", seen.terminal, settings)
                found[number] = replace(seen, internet=internet)
        for number, other in enumerate(others):
            if other.other.sure and not stopped:
                internet, stopped = _through("satellite-terminal", other.other, settings)
                others[number] = replace(other, internet=internet)
    addresses = (
        _addresses(found, others, settings) if ask_public_address and not (quiet_sky or stopped) else {}
    )
    seconds = time.monotonic() - began
    if json:
        document = _document(found, others, where, seconds) | {"public_addresses": addresses}
        print(json_text.dumps(document, indent=2), flush=True)
    else:
        page = terminals_screen(found, seconds) if found or others else nothing_screen(where, seconds)
        screen.show((*others_screen(others), *page, *addresses_screen(addresses)), sys.stdout, plain=plain)
    if stopped:
        return STOPPED
    carried = any(seen.carries for seen in found) or any(seen.carries for seen in others)
    return 0 if carried else NOTHING


def _addresses(
    found: Sequence[Seen], others: Sequence[SeenOther], settings: CheckSettings
) -> dict[str, str | None]:
    """Ask through each connection behind which a terminal is under which address it is seen."""
    interfaces = {seen.terminal.interface for seen in found} | {one.other.interface for one in others}
    trusted = tuple(read_pem_file(path) for path in settings.ca)
    return {name or "default": seen_as(trusted, name) for name in sorted(interfaces, key=str)}


def _seen(terminal: Terminal) -> Seen:
    return Seen(
        terminal=terminal,
        judgement=judge(terminal.status, terminal.history),
        lost=lost_share(terminal.status, terminal.history),
    )


def _through(
    kind: str, terminal: Terminal | Other, settings: CheckSettings
) -> tuple[OptionReport | None, bool]:
    """Run a check of the terminal alone, by its interface; return what came of it, and whether it was stopped."""
    table = f'[[option]]\nkind = "{kind}"\nhost = "{terminal.address}"\n'
    wanted = replace(
        settings,
        named=("-",),
        builtin=False,
        allow_private=True,
        interface=terminal.interface,
        deadline=settings.deadline or (None if settings.patient else LONGEST),
    )
    report, stopped = drive(make_plan(wanted, stdin=lambda _: table.encode()), Silent())
    tried = (one for one in report.options if is_satellite(one.kind) and not one.baseline)
    return next(tried, None), stopped


def _document(
    found: Sequence[Seen], others: Sequence[SeenOther], where: Surroundings, seconds: float
) -> dict[str, object]:
    return {
        "terminals": [
            {
                **terminal_document(seen.terminal, seen.judgement, seen.lost),
                "internet": _internet(seen.internet),
            }
            for seen in found
        ],
        "others": [{**other_document(seen.other), "internet": _internet(seen.internet)} for seen in others],
        "looked_at": list(where.networks),
        "carrier_address": where.carrier,
        "seconds": round(seconds, 2),
    }


def _internet(tried: OptionReport | None) -> dict[str, str] | None:
    return None if tried is None else {"status": tried.status.value, "proof": tried.proof.value}
