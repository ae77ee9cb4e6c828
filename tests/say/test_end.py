"""The end screen: every option once, sums that agree, no blame where nothing was learned."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.cli.draw import Style, draw
from circumvent.model.kinds import KINDS
from circumvent.model.report import OptionReport, Success, Target
from circumvent.model.words import Evidence, NetworkState, Proof, Reason, Scope, Status
from circumvent.say.blocks import Groups, Sentence, Table
from circumvent.say.end import Ending, end_screen, first_advice, quiet_line
from circumvent.say.names import Names
from circumvent.say.sums import asked_for, carries
from tests.say.hostile import HOSTILE, raw_in
from tests.say.reports import FORMS, deadline, filtered, nothing_works, offline, open_, option, report

WIDE = Style(width=100)


def text(form: str, style: Style = WIDE) -> str:
    make, ending = FORMS[form]
    return "\n".join(draw(end_screen(make(), ending), style))


@pytest.mark.parametrize("form", ["offline", "local-only", "portal"])
def test_where_nothing_was_learned_nothing_is_called_blocked_or_filtered(form: str) -> None:
    make, ending = FORMS[form]
    for style in (WIDE, Style(width=None, plain=True)):
        said = "\n".join(draw(end_screen(make(), ending), style)).lower()
        assert "block" not in said
        assert "filter" not in said
    assert "filter" not in quiet_line(make())


@pytest.mark.parametrize("form", FORMS)
def test_no_percent(form: str) -> None:
    assert "%" not in text(form)


@pytest.mark.parametrize("form", ["filtered", "open", "nothing-works", "unknown", "deadline", "interrupted"])
def test_every_option_stands_there_once(form: str) -> None:
    found = FORMS[form][0]()
    names = Names(asked_for(found))
    parts = [block for block in end_screen(found, FORMS[form][1]) if isinstance(block, Table | Groups)]
    said = "\n".join(
        [way.name for part in parts if isinstance(part, Table) for one in part.sections for way in one.ways]
        + [one.more for part in parts if isinstance(part, Table) for one in part.sections]
        + [group.text for part in parts if isinstance(part, Groups) for group in part.groups]
    )
    for one in asked_for(found):
        assert len(re.findall(rf"(?<!\w){re.escape(names.of(one))}(?!\w)", said)) == 1, one.label


@pytest.mark.parametrize("form", FORMS)
def test_counts_add_up(form: str) -> None:
    found = FORMS[form][0]()
    shown = 0
    for block in end_screen(found, FORMS[form][1]):
        if isinstance(block, Groups):
            shown += sum(group.count for group in block.groups)
        if isinstance(block, Table):
            shown += sum(len(section.ways) for section in block.sections)
            shown += sum(
                int(found_more[1])
                for section in block.sections
                if (found_more := re.match(r"and (\d+) more", section.more))
            )
    assert shown == len(asked_for(found))


def test_the_first_line_is_the_answer() -> None:
    assert text("filtered").splitlines()[0] == (
        "This network filters some connections. 9 of 23 options work, 3 more work with limits."
    )
    assert text("offline").splitlines()[0] == "This device is offline: no network is connected."


def test_a_liar_counts_under_what_does_not_work() -> None:
    assert re.search(
        r"x  gives false answers  1  Liar \(DNS over UDP\): one address for all names", text("filtered")
    )


def test_baseline_rows_are_not_counted() -> None:
    assert text("open").splitlines()[0].endswith("3 of 4 options work.")


def test_what_was_not_ruled_out_is_named() -> None:
    assert "Not ruled out: a limit of the servers." in text("filtered")


def test_a_vpn_and_a_wrong_clock_are_said_before_the_network() -> None:
    said = text("unknown")
    assert "First of all" in said
    assert said.index("A VPN is on") < said.index("What gets you out")


def test_laws_come_before_everything_but_the_answer() -> None:
    lines = text("filtered-dumped").splitlines()
    assert lines[2] == "What the law says, as far as known"
    assert "not legal advice" in lines[3]


def test_the_time_that_ran_out_is_said_with_the_option_that_gives_more() -> None:
    assert "The time was used up before 3 of them were tried (more: --deadline SECONDS)." in text("deadline")
    late = deadline()
    bytes_ = [
        msgspec.structs.replace(one, reason=Reason.BUDGET) if one.reason else one for one in late.options
    ]
    said = "\n".join(draw(end_screen(msgspec.structs.replace(late, options=tuple(bytes_))), WIDE))
    assert "The data limit was used up before 3 of them were tried (more: --max-bytes SIZE)." in said


def test_nothing_was_saved_unless_it_was() -> None:
    assert "Nothing was saved." in text("filtered")
    dumped = text("filtered-dumped")
    assert "Nothing was saved." not in dumped
    assert "The report is in report.json." in dumped
    plain = "\n".join(draw(end_screen(filtered(), Ending(dumped="r.json", plain_dump=True)), WIDE))
    assert "not redacted" in plain


def test_advice_follows_what_was_needed() -> None:
    found = filtered()
    first, names = first_advice(found, None), first_advice(found, "names")
    assert first is not None
    assert first.scope is Scope.PROXY
    assert names is not None
    assert names.scope is Scope.NAMES
    assert first_advice(found, "system") is None


def test_an_open_network_needs_nothing() -> None:
    assert "Do this first" not in text("open")
    assert "What this does not tell you" in text("open")


def test_advice_when_nothing_works_names_what_was_not_tried() -> None:
    assert "circumvent check --builtin" in text("nothing-works")
    assert "ask whoever runs the server" in text("nothing-works")


def test_targets_alone_are_the_answer() -> None:
    def said(*direct: Status) -> str:
        targets = tuple(Target(name=f"site-{n}.example", direct=one) for n, one in enumerate(direct))
        return "\n".join(draw(end_screen(report(NetworkState.OPEN, (), targets=targets)), WIDE))

    reached = said(Status.WORKS)
    assert reached.startswith(
        "No filtering seen. Nothing is needed to reach what was tested. Reached directly: 1 of 1"
    )
    assert "Do this now" not in reached
    assert "\n6.2 s, 1.1 MB used." in reached
    assert "not reached directly. No way to it was found" in said(Status.WORKS, Status.UNREACHABLE)


def test_quiet_is_one_line_of_state_count_and_advice() -> None:
    assert quiet_line(filtered()) == "filtered; 12 of 23 work; use amsterdam (SOCKS5): 3 of 3, 88 ms"
    assert quiet_line(offline()) == "offline; nothing tried; connect to a network and check again"
    assert quiet_line(nothing_works()) == "filtered; 0 of 2 work; no way out found"
    assert quiet_line(open_(), interrupted=True) == "stopped; 3 of 4 work so far"


def test_a_hostile_report_is_shown_and_shows_nothing_raw() -> None:
    found = filtered()
    options = tuple(
        msgspec.structs.replace(
            one,
            label=HOSTILE,
            reason_detail=HOSTILE,
            endpoint=HOSTILE,
            detail={**one.detail, "honesty": HOSTILE},
        )
        for one in found.options
    )
    advice = tuple(
        msgspec.structs.replace(one, text=HOSTILE, next_step=HOSTILE, visible=HOSTILE)
        for one in found.recommendations
    )
    findings = tuple(
        msgspec.structs.replace(one, summary=HOSTILE, remaining=(HOSTILE,)) for one in found.network.findings
    )
    network = msgspec.structs.replace(found.network, findings=findings, interface=HOSTILE)
    targets = tuple(msgspec.structs.replace(one, name=HOSTILE) for one in found.targets)
    bad = msgspec.structs.replace(
        found, options=options, recommendations=advice, network=network, targets=targets
    )
    for style in (WIDE, Style(width=38), Style(width=None, plain=True)):
        assert raw_in("\n".join(draw(end_screen(bad, Ending(dumped=HOSTILE)), style))) == set()
    assert raw_in(quiet_line(bad)) == set()


@st.composite
def verdicts(draw_: st.DrawFn) -> list[OptionReport]:
    found = []
    for number in range(draw_(st.integers(1, 12))):
        status = draw_(st.sampled_from(Status))
        found.append(
            option(
                f"option number {number} end",
                draw_(st.sampled_from(sorted(KINDS))),
                status,
                id=f"o{number}",
                reason=draw_(st.sampled_from(Reason)) if status is Status.NOT_RUN else None,
                evidence=draw_(st.sampled_from(Evidence)) if status is Status.BLOCKED else None,
                proof=draw_(st.sampled_from(Proof)),
                success=Success(trials=3, ok=draw_(st.integers(0, 3))),
                detail=draw_(
                    st.sampled_from([{}, {"limit": "wrong_answer"}, {"limit": "cut", "cut_bytes": 9}])
                ),
            )
        )
    return found


@given(verdicts(), st.sampled_from(NetworkState), st.booleans())
def test_whatever_the_verdicts_are_all_options_are_accounted_for(
    options: list[OptionReport], state: NetworkState, interrupted: bool
) -> None:
    page = end_screen(report(state, options), Ending(interrupted=interrupted))
    tables = [block for block in page if isinstance(block, Table)]
    groups = [group for block in page if isinstance(block, Groups) for group in block.groups]
    said = "\n".join(draw(page, Style(width=None, plain=True)))
    assert sum(group.count for group in groups) == sum(not carries(one) for one in options)
    assert bool(tables) == any(map(carries, options))
    for one in options:
        if carries(one) or state not in {
            NetworkState.OFFLINE,
            NetworkState.LOCAL_ONLY,
            NetworkState.CAPTIVE_PORTAL,
            NetworkState.NATIONAL_ONLY,
        }:
            assert said.count(one.label) >= 1
    assert isinstance(page[0], Sentence)
