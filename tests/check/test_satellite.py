"""A whole check of a dish: what it concludes, and that nothing of it is in what leaves this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from circumvent.check import baseline
from circumvent.diagnose.rules_satellite import RULES
from circumvent.model.words import Proof, Status
from circumvent.say.end import Ending, end_screen
from tests.check.in_lab import Lab, only
from tests.faults.dish import STATES, Dish, serving
from tests.faults.terminals import Front, serving_page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.names import Resolver
    from tests.lab.web import Web

pytestmark = [pytest.mark.daemons, pytest.mark.anyio]
TABLE = '[[option]]\nkind = "starlink"\nlabel = "chimney"\nhost = "127.0.0.1"\n'
#: What would show in a dump that somebody has a terminal.
TRACES = (
    "starlink",
    "satellite",
    "dish",
    "9200",
    "9201",
    "handover",
    "gps",
    "obstruct",
    "chimney",
    "no_sats",
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def nobody_answers_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The laboratory is near: whoever answers for nobody does so at once."""
    monkeypatch.setattr(baseline, "NOBODY_SECONDS", 0.1)


@pytest.fixture
def lab(unbound: Resolver, control_web: Web, tmp_path: Path) -> Lab:
    return Lab(unbound, control_web, tmp_path)


async def test_a_link_that_carries_works_and_no_dump_tells_of_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The laboratory's servers have addresses of their own on this machine; what leaves where is tried elsewhere.
    monkeypatch.setattr("circumvent.transports.starlink.owner_of", lambda *_: "eth0")
    async with serving(Dish()):
        report = await lab.check(lab.table(TABLE))
    option = only(report)
    assert option.proof is Proof.SUSTAINED
    assert option.status is Status.WORKS
    assert report.recommendations
    assert end_screen(report, Ending())
    for level in ("default", "strict"):
        dumped = report.to_json(level).lower()
        assert [trace for trace in TRACES if trace in dumped] == []


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("no sky", Status.UNREACHABLE),
        ("account inactive", Status.REFUSED),
        ("blocked country", Status.REFUSED),
        ("jamming", Status.UNREACHABLE),
    ],
)
async def test_a_broken_chain_is_never_called_blocked_or_working(
    lab: Lab, state: str, status: Status
) -> None:
    async with serving(Dish(STATES[state], past=None)):
        report = await lab.check(lab.table(TABLE), trials=1)
    option = only(report)
    assert option.proof is Proof.HANDSHAKEN
    assert option.status is status
    assert report.recommendations == ()
    assert end_screen(report, Ending())
    dumped = report.to_json("default").lower()
    assert [trace for trace in TRACES if trace in dumped] == []
    assert not any(kind.value in dumped for kind in RULES)


async def test_findings_of_a_jammed_dish_stand_in_the_report(lab: Lab) -> None:
    async with serving(Dish(STATES["jamming"], past=None)):
        report = await lab.check(lab.table(TABLE), trials=1)
    found = {one.kind.value: one for one in report.network.findings}
    assert {"gps_denied", "jamming_suspected"} <= set(found)
    tries = {attempt.id for attempt in only(report).attempts}
    assert set(found["jamming_suspected"].evidence) <= tries
    assert not {"obstructed", "no_service_here", "account_inactive"} & set(found)
    assert {"obstructed", "no_service_here", "account_inactive"} <= {
        kind.value for kind in report.network.not_seen
    }


async def test_a_terminal_with_a_page_carries_and_no_dump_tells_of_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("circumvent.transports.starlink.owner_of", lambda *_: "eth0")
    table = '[[option]]\nkind = "satellite-terminal"\nlabel = "chimney"\nhost = "127.91.5.1"\n'
    async with serving_page(Front(title="Thuraya IP"), "127.91.5.1"):
        report = await lab.check(lab.table(table), trials=1)
    option = only(report)
    assert (option.proof, option.status) == (Proof.SUSTAINED, Status.WORKS)
    assert end_screen(report, Ending())
    for level in ("default", "strict"):
        dumped = report.to_json(level).lower()
        traces = (*TRACES, "thuraya", "127.91.5.1", "physics", "recognise", "geostationary")
        assert [trace for trace in traces if trace in dumped] == []
