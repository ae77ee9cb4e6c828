"""The golden screens. ``python -m tests.cli.golden_files`` writes them anew; look at the difference before you commit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from circumvent.catalog import laws, settings_apis
from circumvent.cli.draw import Style, draw
from circumvent.cli.satellite_command import place_of
from circumvent.lab.permission import Permission
from circumvent.lab.world.daemons import Found, Program
from circumvent.model.report import Link
from circumvent.model.words import Status
from circumvent.satellite.facts import sites, systems
from circumvent.satellite.plan import plan_for
from circumvent.say import guide, lab
from circumvent.say.blocks import Space
from circumvent.say.bridges import bridges_screen, plan_blocks
from circumvent.say.end import Ending, end_screen
from circumvent.say.other_terminals import others_screen
from circumvent.say.satellite import plan_screen
from circumvent.say.staff import staff_screen
from circumvent.say.terminals import nothing_screen, terminals_screen
from tests.cli import lab_runs
from tests.say.recommended import ADVICE, NOBODY, bridges_tried
from tests.say.reports import FORMS, filtered, good
from tests.say.satellite_links import NOWHERE, jammed, router, seen

if TYPE_CHECKING:
    from circumvent.model.report import Report
    from circumvent.say.blocks import Block

FOLDER: Final = Path(__file__).parent / "golden"
WIDTHS: Final = (100, 60, 38)


def screens() -> dict[str, str]:
    """Return every golden file: its name and what it must hold."""
    pages = {name: end_screen(make(), ending) for name, (make, ending) in FORMS.items()}
    pages["staff"] = staff_screen(filtered(), "from-user.json")
    pages |= lab_pages()
    pages["bridges"] = bridges_screen(ADVICE, bridges_tried(), Ending(), working=2, shown=True)
    pages["bridges-nobody"] = bridges_screen(NOBODY, None, Ending(), working=0, shown=True)
    pages["bridges-plan"] = plan_blocks(settings_apis(), fronted=False, country="IR")
    pages["satellite-plan"] = plan_page()
    pages["satellite-jammed"] = terminals_screen([jammed()], 1.9)
    pages["satellite-works"] = terminals_screen([seen(internet=good("dish", "starlink", 71.0))], 6.2)
    pages["satellite-router"] = (*others_screen([router()]), *terminals_screen([], 1.9))
    pages["satellite-none"] = nothing_screen(NOWHERE, 1.4)
    pages["links"] = end_screen(two_links())
    pages["guide-route"] = guide.page("satellite-route")
    found = {}
    for name, page in pages.items():
        for colour in (False, True):
            told = []
            for width in WIDTHS:
                lines = draw(page, Style(width=width, colour=colour))
                told += [f"=== {width} columns", *(line.replace("\x1b", "\\e") for line in lines)]
            if not colour:
                told += ["=== plain", *draw(page, Style(width=None, plain=True))]
            found[f"{name}{'-colour' if colour else ''}.txt"] = "\n".join(told) + "\n"
    return found


def two_links() -> Report:
    """Return a report of a filtered network, and of a terminal's over which what was silent works."""
    here = filtered()
    dish = msgspec.structs.replace(good("dish", "starlink", 48.0), label="Starlink terminal")
    over = tuple(
        msgspec.structs.replace(one, status=Status.WORKS, evidence=None, failure=None)
        if one.status in {Status.BLOCKED, Status.UNREACHABLE}
        else one
        for one in here.options
    )
    cable = Link(interface="wlan0", default=True)
    sky = Link(interface="eth0", terminals=(dish.id,), options=(dish, *over), public_address="203.0.113.9")
    return msgspec.structs.replace(here, links=(cable, sky))


def lab_pages() -> dict[str, tuple[Block, ...]]:
    """Return the screens of the laboratory."""
    missing = Program("ocserv", "ocserv", "OpenConnect")
    here = Program("unbound", "unbound", "DNS, DNS over TLS, DNS over HTTPS")
    found = (Found(here, "/usr/sbin/unbound"), Found(missing, None))
    no = Permission(linux=True, allowed=False, reason="unshare: no", remedies=("modprobe tun",))
    lie = {
        "name": "sni-reset",
        "scope": {"protocols": ["tcp"], "ports": [443]},
        "when": {"trigger": "client-hello", "wanted": {"names": {"exact": ["www.delta.example"]}}},
        "then": {"action": "reset", "drop": True},
    }
    shown = lab_runs.scenario(rule=(lie,))
    return {
        "lab-run": (*lab.opening(shown), Space(), *lab.truth_beside_verdict(lab_runs.few(), status=1)),
        "lab-show": lab.in_full(shown),
        "lab-list": lab.scenario_list((shown,), ("russia-tspu-tls",)),
        "lab-doctor": lab.doctor_screen(no, found, "apt-get install --no-install-recommends ocserv"),
    }


def plan_page() -> tuple[Block, ...]:
    """Return what satellites could do near one city, by the lists that ship."""
    _, place, _ = place_of("Tehran")
    plans = [plan_for(place, system, sites(system.slug)) for system in systems()]
    return plan_screen("Tehran", place, plans, laws("IR")[-1:])


def write() -> None:
    """Write the golden files."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.txt"):
        path.unlink()
    for name, content in screens().items():
        (FOLDER / name).write_text(content, "utf-8")


if __name__ == "__main__":
    write()
