"""Files for their owner alone."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from circumvent.cli.private_file import write_private
from circumvent.cli.values import ValueProblem

if TYPE_CHECKING:
    from pathlib import Path


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    write_private("words", str(file), option="--html")
    assert file.read_text("utf-8") == "words"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(("force", "said"), [(None, "Give a new name."), (False, "--force replaces it.")])
def test_what_is_there_is_left_alone(tmp_path: Path, force: bool | None, said: str) -> None:
    file = tmp_path / "page.html"
    file.write_text("mine", "utf-8")
    with pytest.raises(ValueProblem, match="is there already") as caught:
        write_private("words", str(file), option="--html", force=force)
    assert str(caught.value).startswith("--html: ")
    assert str(caught.value).endswith(said)
    assert file.read_text("utf-8") == "mine"


def test_with_force_it_is_replaced_and_private(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("something longer", "utf-8")
    file.chmod(0o644)
    write_private("words", str(file), option="--output", force=True)
    assert file.read_text("utf-8") == "words"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["no/such/folder/page.html", ".", "nul\0byte"])
def test_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueProblem, match="--html: "):
        write_private("words", name, option="--html")
