"""Progress as lines: one an event, the second in front, nothing that steers a terminal."""

from __future__ import annotations

import io
from typing import Any

import msgspec

from circumvent.check.events import (
    AttemptFinished,
    FindingSeen,
    Finished,
    OptionDecided,
    Started,
    StateDecided,
    TorSeen,
)
from circumvent.cli.lines import MOST, Lines
from circumvent.model.record import Attempt
from circumvent.model.words import NetworkState, Proof, Reason, Status
from tests.say.hostile import HOSTILE, raw_in
from tests.say.reports import failed, filtered, good, waiting


def lines_of(*events: object) -> list[str]:
    out = io.StringIO()
    view = Lines(out)
    for event in events:
        view.take(event)  # type: ignore[arg-type]  # the stories are made of events
    view.close()
    return out.getvalue().splitlines()


def begun(*labels: str) -> Started:
    options = tuple(waiting(label, "doh", Reason.DEADLINE) for label in labels)
    return Started(options=options, deadline_s=30.0, max_bytes=20_000_000, interface=None)


def test_a_story() -> None:
    told = lines_of(
        begun("Quad9", "Google"),
        StateDecided(network=filtered().network, at=0.2),
        OptionDecided(option=good("Quad9", "doh", 64.0), at=0.4),
        FindingSeen(finding=filtered().network.findings[0], at=0.9),
        OptionDecided(
            option=failed("tokyo", "socks5", Status.REFUSED, "proxy_handshake", "auth_rejected"), at=1.2
        ),
        AttemptFinished(option="x", attempt=Attempt(id="a1", t0=0, t=1), at=5.0, bytes_used=900_000),
        Finished(report=filtered()),
    )
    assert told == [
        "   0.0 s  checking 2 options, at most 30 s and 20.0 MB",
        "   0.2 s  network: IPv4 yes, IPv6 no, UDP yes, clock right",
        "   0.4 s  works: Quad9 (DoH), first data after 64 ms",
        "   0.9 s  seen: drops QUIC",
        "   1.2 s  refused: tokyo (SOCKS5): the server did not accept the key or password",
        "   5.0 s  2 of 2 decided, 900 kB used",
        "   6.2 s  done: 9 work, 3 with limits, 1 give false answers, 3 blocked, 4 no answer, 1 refused, 2 not tried",
    ]


def test_tor_itself_is_followed() -> None:
    started = begun("home")
    about: Any = {"option": started.options[0].id, "bytes_used": 1000}
    told = lines_of(
        started,
        TorSeen(percent=0, tag=None, at=3.0, **about),
        TorSeen(percent=10, tag="conn_done", at=3.2, **about),
        TorSeen(percent=14, tag="handshake", at=3.3, **about),
    )
    assert told[1:] == ["   3.0 s  tor itself begins, with home", "   3.2 s  tor itself: 10 %, with home"]


def test_what_gave_no_answer_has_no_line_of_its_own() -> None:
    silent = failed("far", "doh", Status.UNREACHABLE, "connect", "generic_timeout_error")
    assert lines_of(OptionDecided(option=silent, at=1.0)) == []


def test_while_64_kilobytes_are_under_way_nothing_is_called_short() -> None:
    (line,) = lines_of(OptionDecided(option=good("a", "doh", 9.0, proof=Proof.CARRIED), at=1.0))
    assert "works: a (DoH)" in line


def test_a_state_that_was_taken_back_is_said() -> None:
    network = filtered().network
    told = lines_of(
        StateDecided(network=msgspec.structs.replace(network, state=NetworkState.OFFLINE), at=0.1),
        StateDecided(network=msgspec.structs.replace(network, state=NetworkState.OPEN), at=2.0),
    )
    assert told[1:] == ["   0.1 s  This device is offline.", "   2.0 s  No filtering seen."]


def test_a_long_list_is_counted_and_not_told() -> None:
    told = lines_of(*(OptionDecided(option=good(f"o{n}", "doh", 9.0), at=1.0) for n in range(500)))
    assert len(told) == MOST + 1
    assert told[-1].endswith("further options are counted only")


def test_hostile_text_stays_text() -> None:
    finding = msgspec.structs.replace(filtered().network.findings[0], summary=HOSTILE)
    told = lines_of(
        begun(HOSTILE),
        OptionDecided(option=good(HOSTILE, "doh", 9.0), at=0.1),
        FindingSeen(finding=finding, at=0.2),
    )
    assert len(told) == 3
    assert raw_in("\n".join(told)) == set()
