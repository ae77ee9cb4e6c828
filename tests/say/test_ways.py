"""The table and the groups: best first, few rows, the rest by name, reasons together."""

from __future__ import annotations

from circumvent.model.words import NetworkState, Scope, Status
from circumvent.say.names import Names
from circumvent.say.sums import asked_for
from circumvent.say.ways import ROWS, ROWS_HELD, counts_only, groups, sections
from tests.say.reports import failed, filtered, good, national_only, report


def test_scopes_in_their_order_and_the_best_first() -> None:
    found = filtered()
    told = sections(found, Names(found.options))
    assert [one.heading.split(":")[0] for one in told] == [
        "For apps with a proxy setting",
        "Without a tunnel",
        "For names only",
        "For calls",
    ]
    assert next(way.name for way in told[0].ways) == "amsterdam"
    assert [way.rank for way in told[2].ways] == [1, 2, 3]


def test_what_the_user_brought_gets_more_rows_than_the_catalogue() -> None:
    for origin, rows in (("catalogue", ROWS), ("user", ROWS_HELD)):
        found = report(
            NetworkState.OPEN, [good(f"p{n:02}", "socks5", 10.0 + n, origin=origin) for n in range(20)]
        )
        (told,) = sections(found, Names(found.options))
        assert len(told.ways) == rows
        assert told.more.startswith(f"and {20 - rows} more that work: ")


def test_reasons_stand_together_and_open_questions_last() -> None:
    found = report(
        NetworkState.OPEN,
        [
            failed("a", "doh", Status.UNREACHABLE, "connect", "generic_timeout_error"),
            failed("b", "doh", Status.UNREACHABLE, "connect", "connection_refused"),
            failed("c", "doh", Status.UNREACHABLE, "connect", "generic_timeout_error"),
        ],
    )
    (group,) = groups(found, Names(found.options))
    assert group.text == (
        "b (DoH): the server is there and this port is closed. a (DoH), c (DoH): no answer for 4 s."
        " Down or blocked: this check cannot tell which"
    )


def test_where_nothing_is_in_question_no_question_is_raised() -> None:
    found = report(
        NetworkState.OPEN, [failed("b", "doh", Status.UNREACHABLE, "connect", "connection_refused")]
    )
    (group,) = groups(found, Names(found.options))
    assert "Down or blocked" not in group.text


def test_four_kinds_of_no_stay_apart() -> None:
    found = filtered()
    assert [group.word for group in groups(found, Names(found.options))] == [
        "blocked",
        "likely blocked",
        "gives false answers",
        "no answer",
        "refused",
        "not tried",
    ]


def test_with_no_way_out_options_are_counted_alone() -> None:
    found = national_only()
    told = counts_only(found, nothing_learned="nothing")
    assert sum(group.count for group in told) == len(asked_for(found))
    assert Scope.NAMES.value not in told[0].text
