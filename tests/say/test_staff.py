"""The screens for who helps; most of it is tried through the command line in tests/cli/test_report_command.py."""

from __future__ import annotations

import msgspec

from circumvent.cli.draw import Style, draw
from circumvent.model.words import NetworkState, Status
from circumvent.say.staff import MOST, one_option, staff_screen, with_status
from tests.say.reports import FORMS, filtered, good, report


def said(page: object) -> str:
    return "\n".join(draw(page, Style(width=None, plain=True)))  # type: ignore[arg-type]  # pages


def test_every_form_of_report_has_its_screen() -> None:
    for make, _ in FORMS.values():
        text = said(staff_screen(make(), "r.json"))
        assert text.startswith("Report of 22 Nov 2026, 10:00 UTC.")
        assert "Ask them" in text


def test_refused_servers_are_told_to_be_no_fault_of_the_network() -> None:
    assert "1 of your servers said no to the key or password: that is not the network." in said(
        staff_screen(filtered(), "r.json")
    )


def test_many_ways_of_a_scope_are_cut_and_counted() -> None:
    found = report(NetworkState.OPEN, [good(f"p{n}", "socks5", 10.0 + n) for n in range(MOST + 3)])
    assert "and 3 more" in said(staff_screen(found, "r.json"))


def test_a_time_that_is_none_is_said_to_be_unknown() -> None:
    assert "Report of unknown time." in said(
        staff_screen(msgspec.structs.replace(filtered(), started="yesterday"), "r.json")
    )


def test_a_status_that_nothing_has() -> None:
    assert said(with_status(report(NetworkState.OPEN, ()), Status.BLOCKED)) == "0 of 0 options: blocked"


def test_an_option_shows_how_far_each_try_got() -> None:
    text = said(one_option(filtered().options[0]))
    assert "got to: 64 kB each way passed" in text
    assert text.count("sustained, 0.100 to 0.500 s") == 3
