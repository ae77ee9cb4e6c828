"""What is said of tor's runs: one sentence each, and where it differs from the verdict."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from circumvent.model.tor_run import TorOutcome, TorRun
from circumvent.model.words import Reason, Status
from circumvent.redaction.tor_run import OBSTACLES, TAGS
from circumvent.say.with_tor import difference, progress, sentence
from tests.say.reports import option

NAME = "bridge (obfs4)"


def run(outcome: TorOutcome, **more: Any) -> TorRun:
    return TorRun(outcome=outcome, t0=4.0, t=10.2, **more)


def test_it_is_told_while_it_runs() -> None:
    assert progress(0, None, NAME) == "tor itself begins, with bridge (obfs4)"
    assert progress(30, "loading_status", NAME) == "tor itself: 30 %, with bridge (obfs4)"
    assert progress(14, "handshake", NAME) == ""


def said(status: Status, about: TorRun) -> str:
    return sentence(option("bridge", "obfs4", status), about, NAME)


def test_it_got_through() -> None:
    about = run(TorOutcome.DONE, percent=100, tag="done")
    assert said(Status.WORKS, about) == "tor itself reached 100 % through bridge (obfs4) in 6.2 s."
    differs = said(Status.UNREACHABLE, about)
    assert differs.endswith(
        "This check got nothing through it: the two differ. Trust neither alone, and check again."
    )


def test_it_stopped_where_the_check_did() -> None:
    about = run(TorOutcome.STALLED, percent=14, tag="handshake", reason="IDENTITY")
    assert said(Status.UNREACHABLE, about) == (
        "tor itself stopped at 14 % with bridge (obfs4) after 6.2 s: another relay answered, not this bridge."
    )


@pytest.mark.parametrize(
    ("percent", "tag", "more"),
    [
        (10, "conn_done", "the two differ"),
        (30, "loading_status", "The bridge itself works, as this check found; what fails lies beyond it."),
    ],
)
def test_it_stopped_where_the_check_did_not(percent: int, tag: str, more: str) -> None:
    assert more in said(Status.WORKS, run(TorOutcome.STALLED, percent=percent, tag=tag))


@pytest.mark.parametrize("outcome", [TorOutcome.CUT_OFF, TorOutcome.BROKEN, TorOutcome.NOT_RUN])
@pytest.mark.parametrize("status", list(Status))
def test_who_knows_nothing_differs_from_nobody(outcome: TorOutcome, status: Status) -> None:
    assert difference(option("bridge", "obfs4", status), run(outcome)) == ""


@pytest.mark.parametrize("reason", [Reason.DEADLINE, Reason.INTERRUPTED, Reason.BUDGET])
def test_what_cut_it_off(reason: Reason) -> None:
    told = said(Status.WORKS, run(TorOutcome.CUT_OFF, percent=30, reason=reason.value))
    assert told.startswith("tor itself had reached 30 % with bridge (obfs4) when ")


def test_a_program_that_is_missing_is_named() -> None:
    about = run(TorOutcome.NOT_RUN, reason="missing_extra", detail="lyrebird or obfs4proxy")
    assert said(Status.WORKS, about) == (
        "tor was not started with bridge (obfs4): a program for this sort of bridge is missing (lyrebird or obfs4proxy)."
    )


@pytest.mark.parametrize("outcome", list(TorOutcome))
def test_every_phase_and_word_of_tor_has_a_sentence(outcome: TorOutcome) -> None:
    for tag in (*TAGS, None):
        for reason in (*OBSTACLES, *(one.value for one in Reason), None, "NEW_WORD"):
            told = said(Status.WORKS, run(outcome, percent=20, tag=tag, reason=reason))
            assert told.endswith(".")
            assert "None" not in told


def test_what_a_program_says_is_cleaned() -> None:
    about = msgspec.structs.replace(run(TorOutcome.BROKEN), detail="no\x1b[31m way")
    assert "\x1b" not in said(Status.WORKS, about)
