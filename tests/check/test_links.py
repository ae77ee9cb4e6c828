"""The same options over each link: given where terminals were found, expect these checks; given their reports, this one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from circumvent.check.again import judge_again
from circumvent.check.assemble import exit_code
from circumvent.check.links import LEAST_BYTES, LEAST_SECONDS, combined, planned_links, with_share
from circumvent.check.settings import CheckSettings
from circumvent.model.option import Endpoint, Option, Origin
from circumvent.model.report import Bytes
from circumvent.model.words import Status
from circumvent.net.interfaces import Line
from tests.check.fakes import make, make_run_plan
from tests.check.test_assemble import one, report

if TYPE_CHECKING:
    from circumvent.check.links import PlannedLink
    from circumvent.check.plan import Plan
    from circumvent.net.sock import Source


def line(interface: str | None, **fields: Any) -> Line:
    values: dict[str, Any] = {
        "interface": interface,
        "addresses": ("192.0.2.2",),
        "gateways": (),
        "ipv4": True,
        "ipv6": False,
        "carrier": True,
        "tunnel": None,
    }
    return Line(**(values | fields))


def dish(name: str, *interfaces: str) -> Option:
    return Option(
        id=name,
        kind="starlink",
        label="Starlink terminal",
        endpoint=Endpoint(host="192.168.100.1", port=9200),
        origin=Origin(source="this network", interfaces=interfaces),
    )


def plan_with(*dishes: Option, default: Line | None = None, **settings: Any) -> Plan:
    plan = make_run_plan(make("a"), make("b"), *dishes)
    return replace(
        plan,
        settings=CheckSettings(**settings),
        line=default or line("wlan0"),
        terminals=frozenset(one.id for one in dishes),
    )


def links(plan: Plan) -> tuple[PlannedLink, ...]:
    def read(source: Source) -> Line:
        return line(source.interface)

    return planned_links(plan, read)


def ids(link: PlannedLink) -> list[str]:
    return [option.id for option in link.plan.order]


class TestWhichLinks:
    def test_without_a_terminal_the_plan_stays_as_it_is(self) -> None:
        plan = plan_with()
        (link,) = links(plan)
        assert (link.interface, link.default, link.terminals) == ("wlan0", True, ())
        assert link.plan == plan

    def test_a_terminal_behind_the_way_of_all_packets_is_one_link(self) -> None:
        (link,) = links(plan_with(dish("d", "wlan0")))
        assert link.terminals == ("d",)
        assert ids(link) == ["a", "b", "d"]
        assert link.plan.source is None

    def test_a_terminal_behind_another_interface_is_a_second_link(self) -> None:
        first, second = links(plan_with(dish("d", "eth0")))
        assert (first.interface, ids(first), first.terminals) == ("wlan0", ["a", "b"], ())
        assert (second.interface, ids(second), second.terminals) == ("eth0", ["a", "b", "d"], ("d",))
        assert second.plan.source is not None
        assert second.plan.source.interface == "eth0"
        assert second.plan.interface == second.plan.settings.interface == "eth0"
        # The same choices by chance, the same keys: both can be compared.
        assert second.plan.random is first.plan.random
        assert second.plan.root_keys is first.plan.root_keys

    def test_one_terminal_behind_two_interfaces_is_tried_over_both(self) -> None:
        first, second = links(plan_with(dish("d", "wlan0", "eth0")))
        assert first.terminals == second.terminals == ("d",)

    def test_a_terminal_of_which_no_interface_is_known_belongs_to_the_way_of_all_packets(self) -> None:
        (link,) = links(plan_with(dish("d")))
        assert link.terminals == ("d",)

    def test_who_names_an_interface_gets_that_one(self) -> None:
        (link,) = links(plan_with(dish("d", "wlan0"), interface="wlan0"))
        assert link.terminals == ("d",)

    def test_nothing_is_sent_beside_a_vpn(self) -> None:
        (link,) = links(plan_with(dish("d", "eth0"), default=line("tun0", tunnel="tun")))
        assert (link.interface, link.terminals) == ("tun0", ("d",))

    def test_many_links_are_not_all_tried(self) -> None:
        found = links(plan_with(*(dish(f"d{n}", f"eth{n}") for n in range(9))))
        assert [link.interface for link in found] == ["wlan0", "eth0", "eth1"]

    def test_offline_here_and_a_terminal_beside_it(self) -> None:
        first, second = links(plan_with(dish("d", "eth0"), default=line(None, ipv4=False)))
        assert (first.interface, second.interface) == (None, "eth0")


class TestShares:
    def test_one_link_has_everything(self) -> None:
        plan = plan_with(deadline=20.0)
        assert with_share(plan, left=1, spent=()) is plan

    def test_a_deadline_that_was_given_is_shared(self) -> None:
        plan = plan_with(deadline=20.0, max_bytes=10_000)
        first = with_share(plan, left=2, spent=()).settings
        assert (first.seconds, first.max_bytes) == (10.0, 5_000)
        spent = msgspec.structs.replace(report(), duration_s=4.0, bytes=Bytes(sent=1_000, received=2_000))
        second = with_share(plan, left=1, spent=[spent]).settings
        assert (second.seconds, second.max_bytes) == (16.0, 7_000)

    def test_a_deadline_of_ours_is_each_links(self) -> None:
        plan = plan_with()
        assert with_share(plan, left=2, spent=()).settings.seconds == plan.settings.seconds

    def test_there_is_always_something_left_to_say_so_with(self) -> None:
        spent = msgspec.structs.replace(report(), duration_s=90.0, bytes=Bytes(received=1 << 30))
        settings = with_share(plan_with(deadline=20.0), left=1, spent=[spent]).settings
        assert (settings.seconds, settings.max_bytes) == (LEAST_SECONDS, LEAST_BYTES)


class TestOneReport:
    def test_a_link_without_a_terminal_changes_nothing(self) -> None:
        only = report(one(Status.WORKS))
        assert combined(links(plan_with()), [only]) is only

    def test_the_first_is_the_report_and_the_others_have_rows_of_their_own(self) -> None:
        first = msgspec.structs.replace(report(one(Status.UNREACHABLE)), bytes=Bytes(sent=1, received=2))
        second = msgspec.structs.replace(
            report(one(Status.WORKS)), duration_s=2.0, bytes=Bytes(sent=10, received=20)
        )
        whole = combined(links(plan_with(dish("d", "eth0"), deadline=9.0)), [first, second])
        assert (whole.options, whole.network, whole.ranking) == (first.options, first.network, first.ranking)
        default, sky = whole.links
        assert (default.default, default.interface, default.network, default.options) == (
            True,
            "wlan0",
            None,
            (),
        )
        assert (sky.default, sky.interface, sky.terminals) == (False, "eth0", ("d",))
        assert sky.options == second.options
        assert (whole.duration_s, whole.bytes) == (3.0, Bytes(sent=11, received=22))
        assert whole.settings.deadline_s == 9.0
        assert exit_code(first, need=None, interrupted=False) == 1
        assert exit_code(whole, need=None, interrupted=False) == 0

    def test_a_link_that_was_not_reached_leaves_the_report_incomplete(self) -> None:
        whole = combined(links(plan_with(dish("d", "eth0"))), [report()])
        assert [link.interface for link in whole.links] == ["wlan0"]
        assert not whole.complete

    def test_a_terminal_that_all_packets_take_is_named(self) -> None:
        whole = combined(links(plan_with(dish("d", "wlan0"))), [report()])
        assert [link.terminals for link in whole.links] == [("d",)]

    @pytest.mark.parametrize("status", [Status.UNREACHABLE, Status.WORKS])
    def test_judged_again_every_link_is(self, status: Status) -> None:
        second = report(msgspec.structs.replace(one(status), text="old words"))
        whole = combined(links(plan_with(dish("d", "eth0"))), [report(), second])
        again = judge_again(whole)
        assert [option.text for option in again.links[1].options] != ["old words"]
        assert judge_again(again) == again
