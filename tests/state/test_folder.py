"""State: nothing unless asked, private, bounded, forgiving of damage, and gone after a wipe."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circumvent.state import State, state_folder
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


def test_reading_creates_nothing(state: State) -> None:
    assert state.careful() is None
    assert state.id_key(create=False) is None
    assert state.dnssec_chain() is None
    assert state.verdicts("home") == {}
    assert not state.folder.exists()
    assert state.notes == []


def test_what_was_kept_comes_back(state: State) -> None:
    fill(state)
    again = State(state.folder)
    assert again.careful() is True
    assert again.dnssec_chain() == b"chain"
    assert again.verdicts("home") == {"quad9-doh": "works"}
    assert again.verdicts("office") == {}
    assert again.id_key(create=True) == state.id_key(create=False)
    assert len(again.id_key(create=True) or b"") == 32
    again.keep_careful(False)
    assert state.careful() is False


def test_files_are_the_owners_only_and_nothing_else_lies_there(state: State) -> None:
    os.umask(0)
    try:
        fill(state)
    finally:
        os.umask(0o022)
    assert stat.S_IMODE(state.folder.stat().st_mode) == 0o700
    for path in state.folder.iterdir():
        assert path.name in folders.FILES
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_older_file_with_other_rights_is_closed_before_it_is_filled(state: State) -> None:
    fill(state)
    (state.folder / folders.ANSWER).chmod(0o666)
    state.keep_careful(False)
    assert stat.S_IMODE((state.folder / folders.ANSWER).stat().st_mode) == 0o600


def test_a_shorter_value_leaves_nothing_of_the_longer_one(state: State) -> None:
    state.keep_dnssec_chain(b"x" * 1000)
    state.keep_dnssec_chain(b"y")
    assert state.dnssec_chain() == b"y"


def test_networks_are_not_named_and_old_ones_go(state: State) -> None:
    for number in range(folders.MOST_NETWORKS + 5):
        state.keep_verdicts(f"Wi-Fi of {number}", {"quad9-doh": "works"})
    text = (state.folder / folders.VERDICTS).read_text()
    assert "Wi-Fi" not in text
    assert state.verdicts("Wi-Fi of 0") == {}
    assert state.verdicts(f"Wi-Fi of {folders.MOST_NETWORKS + 4}") == {"quad9-doh": "works"}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"careful": 3}', b"\xff\xfe", b"[" * 1000, b"x" * 5000]
)
def test_damage_is_ignored_with_a_note(state: State, content: bytes) -> None:
    fill(state)
    (state.folder / folders.ANSWER).write_bytes(content)
    assert state.careful() is None
    assert len(state.notes) == 1
    assert "damaged" in state.notes[0]
    assert state.dnssec_chain() == b"chain"


def test_a_damaged_key_is_replaced_only_when_asked(state: State) -> None:
    fill(state)
    (state.folder / folders.ID_KEY).write_bytes(b"short")
    assert state.id_key(create=False) is None
    fresh = state.id_key(create=True)
    assert fresh is not None
    assert state.id_key(create=False) == fresh


def test_links_and_pipes_are_not_followed(state: State, tmp_path: Path) -> None:
    fill(state)
    outside = tmp_path / "outside"
    outside.write_bytes(b'{"careful": false}')
    path = state.folder / folders.ANSWER
    path.unlink()
    path.symlink_to(outside)
    assert state.careful() is None
    with pytest.raises(OSError, match="symbolic links"):
        state.keep_careful(True)
    path.unlink()
    os.mkfifo(path)
    assert state.careful() is None


def test_a_chain_that_is_none_is_refused(state: State) -> None:
    with pytest.raises(ValueError, match="larger"):
        state.keep_dnssec_chain(bytes(folders.FILES[folders.CHAIN] + 1))


def test_the_folder_is_the_platforms() -> None:
    assert state_folder().name == "circumvent"


@given(name=st.sampled_from(sorted(folders.FILES)), content=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_content_breaks_it(state: State, name: str, content: bytes) -> None:
    state.folder.mkdir(exist_ok=True)
    (state.folder / name).write_bytes(content)
    state.careful()
    state.verdicts("home")
    state.dnssec_chain()
    state.id_key(create=False)
