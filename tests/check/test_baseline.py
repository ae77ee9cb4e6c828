"""The network itself: given what stands in the way, expect these facts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.check import baseline
from circumvent.check.baseline import Baseline
from circumvent.check.runner import Runner
from circumvent.check.services import make_services
from circumvent.control import Control
from circumvent.model.option import Endpoint
from tests.check.fakes import make_run_plan
from tests.faults import proxy, tcp

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.check.plan import Plan

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def facts(plan: Plan) -> dict[str, Any]:
    made = Baseline(plan, make_services(plan))
    told: list[bool] = []
    made.last_call()
    await made.run(lambda: told.append(True))
    assert told
    return made.facts


def with_pages(*ports: int) -> Plan:
    pages = tuple(Control.parse(f"http://127.0.0.1:{port}/#body=fine") for port in ports)
    return replace(make_run_plan(), portal_checks=pages)


async def test_what_the_machine_itself_tells() -> None:
    found = await facts(make_run_plan(anchors="none"))
    assert found["routes"] == {"ipv4": True, "ipv6": False, "online": True, "carrier": None}
    assert found["vpn"]["on"] is False
    assert found["anchors"] == {"off": True, "by_hand": False}
    assert "tcp_proxied" not in found, "without anchors nobody is asked"


async def test_a_sign_in_page_in_the_place_of_every_page_is_a_portal() -> None:
    async with proxy.control_web(None, portal=True) as port:
        found = await facts(with_pages(port, port))
    assert found["portal"]["caught"] is True
    assert found["portal"]["pages"] == 2


async def test_one_wrong_page_beside_a_right_one_is_none() -> None:
    right = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
    with tcp.serve(tcp.answer_then(right, tcp.Connection.finish)) as good:
        async with proxy.control_web(None, portal=True) as wrong:
            found = await facts(with_pages(good.port, wrong))
    assert (found["portal"]["caught"], found["portal"]["answered"], found["portal"]["pages"]) == (False, 2, 1)


async def test_no_page_at_all_is_none_either() -> None:
    with tcp.refuse() as nobody:
        found = await facts(with_pages(nobody.port))
    assert (found["portal"]["caught"], found["portal"]["answered"]) == (False, 0)


async def test_who_answers_for_nobody_answers_every_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    for behaviour, proxied in ((tcp.stall, True), (None, False)):
        context = tcp.refuse() if behaviour is None else tcp.serve(behaviour)
        with context as server:
            monkeypatch.setattr(baseline, "NOBODY", Endpoint(host="127.0.0.1", port=server.port))
            found = await facts(make_run_plan(anchors="given"))
            assert found["tcp_proxied"] is proxied


async def test_where_nothing_is_in_doubt_nobody_is_asked_the_time() -> None:
    plan = make_run_plan()
    services = make_services(plan)
    assert not await Baseline(plan, services).ask_the_time(Runner(services))


def test_the_router_answers_if_the_neighbour_table_has_it_complete(tmp_path: Path) -> None:
    table = tmp_path / "arp"
    head = "IP address       HW type     Flags       HW address            Mask     Device\n"
    row = "192.168.1.1      0x1         {}         02:00:00:00:00:01     *        wlan0\n"
    for flags, answers in (("0x2", True), ("0x0", False)):
        table.write_text(head + row.format(flags), "ascii")
        assert baseline._in_neighbour_table(("192.168.1.1",), str(table)) is answers
        assert not baseline._in_neighbour_table(("192.168.1.2",), str(table))
    assert not baseline._in_neighbour_table(("192.168.1.1",), str(tmp_path / "none"))


async def test_what_is_sent_for_no_option_counts_like_all_else() -> None:
    async with proxy.control_web(None) as port:
        plan = with_pages(port)
        services = make_services(plan)
        runner = Runner(services)
        made = Baseline(plan, services, runner.watch)
        made.last_call()
        await made.run(lambda: None)
    assert runner.used.sent > 0
    assert runner.used.received > 0
