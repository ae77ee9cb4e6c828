"""``wipe`` deletes what is ours, nothing else, and says what is out of its reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from circumvent.state import State, wipe
from circumvent.state import folder as folders

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


def fill(state: State) -> None:
    state.keep_careful(True)
    state.keep_dnssec_chain(b"chain")
    state.keep_verdicts("home", {"quad9-doh": "works"})


def test_wipe_deletes_all_and_says_what_it_cannot(state: State) -> None:
    fill(state)
    wiped = wipe(state.folder)
    assert not state.folder.exists()
    assert len(wiped.deleted) == 5
    assert wiped.failed == ()
    assert any("history" in sentence for sentence in wiped.out_of_reach)
    assert any("swap" in sentence for sentence in wiped.out_of_reach)


def test_wiping_nothing_is_fine(tmp_path: Path) -> None:
    assert wipe(tmp_path / "none").deleted == ()


def test_wipe_touches_only_what_is_ours(state: State, tmp_path: Path) -> None:
    fill(state)
    diary = state.folder / "diary.txt"
    diary.write_text("mine")
    outside = tmp_path / "outside"
    outside.write_text("keep")
    (state.folder / folders.ANSWER).unlink()
    (state.folder / folders.ANSWER).symlink_to(outside)
    wiped = wipe(state.folder)
    assert outside.read_text() == "keep"
    assert diary.read_text() == "mine"
    assert [path for path, _ in wiped.failed] == [str(state.folder)]
