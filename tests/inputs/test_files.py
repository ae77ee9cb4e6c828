"""Regular files only, and never more than the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from circumvent.inputs.files import Unreadable, read_file

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(bytes(10))
    assert read_file(str(path), 10) == bytes(10)
    with pytest.raises(Unreadable, match="larger than"):
        read_file(str(path), 9)


@pytest.mark.parametrize("name", ["\0", "x" * 5000, "/dev/null"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(Unreadable):
        read_file(name, 10)
