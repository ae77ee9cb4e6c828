"""What a resolver lets pass, as people read it."""

from __future__ import annotations

from typing import Any

import msgspec

from circumvent.model.record import Attempt, Failure, Step
from circumvent.model.words import Proof, Reason, Status
from circumvent.say.questions import passes
from circumvent.say.reasons import reason
from tests.say.reports import failed, waiting

ALL = ["TXT", "A", "AAAA", "CNAME", "MX", "NULL", "SRV"]


def attempt(questions: dict[str, Any], answers: dict[str, Any]) -> Attempt:
    steps = [("connect", {}), ("questions", questions), ("answers", answers)]
    return Attempt(
        id="a1",
        t0=0.0,
        t=1.0,
        counted=False,
        why="not tried: unsupported",
        proof=Proof.REACHED,
        steps=tuple(Step(name=name, t0=0.0, t=1.0, detail=detail) for name, detail in steps),
    )


def told(questions: dict[str, Any], answers: dict[str, Any]) -> str:
    tried = (attempt(questions, answers),)
    return reason(
        waiting(
            "home", "dnstt", Reason.UNSUPPORTED, reason_detail="no tunnel without its key", attempts=tried
        )
    )


def test_everything_passes() -> None:
    sizes = [{"limit": 512, "state": "cut", "bytes": 28}, {"limit": 1232, "state": "whole", "bytes": 1139}]
    assert told({"types": ALL, "names": [100, 250]}, {"sizes": sizes, "kbps": 831.5}) == (
        "no tunnel without its key; what passes: "
        "all types of records, names of 250 characters, answers of 1139 bytes, 0.8 Mbit/s"
    )


def test_little_passes() -> None:
    sizes = [{"limit": 512, "state": "none", "bytes": 0}]
    assert told({"types": ["TXT", "A"], "names": []}, {"sizes": sizes}).endswith("TXT A, no long names")
    assert told({"types": [], "names": []}, {}).endswith("no type of record, no long names")


def test_records_of_another_hand() -> None:
    assert told({"types": "TXT", "names": [None]}, {"sizes": [1], "kbps": "fast"}).endswith("no long names")


def test_where_nothing_was_asked() -> None:
    assert passes(waiting("home", "dnstt", Reason.UNSUPPORTED)) == ""
    assert reason(waiting("home", "dnstt", Reason.UNSUPPORTED)) == "this version does not speak it"


def test_where_nobody_shook_hands() -> None:
    """The questions pass: it is the key, or the server's own bridge."""
    passed: dict[str, Any] = {"types": ALL, "names": [100, 250]}
    silent = Failure(step="noise_handshake", error="generic_timeout_error")
    tried = Attempt(
        id="a1",
        t0=0.0,
        t=1.0,
        proof=Proof.REACHED,
        failure=silent,
        steps=(
            Step(name="noise_handshake", t0=0.0, t=1.0, failure=silent),
            Step(name="questions", t0=1.0, t=2.0, detail=passed),
        ),
    )
    option = failed("home", "dnstt", Status.UNREACHABLE, "noise_handshake", "generic_timeout_error")
    said = reason(msgspec.structs.replace(option, attempts=(tried,)))
    assert said.endswith("; what passes: all types of records, names of 250 characters")
