"""The document: the table stands between its marks, with what it was made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab_scenarios.document import BEGIN, END, write

ROOT = Path(__file__).parent.parent.parent


def test_only_what_is_between_the_marks_is_written(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", "utf-8")
    write(path, ["new"], seeds=3, complete=True)
    text = path.read_text("utf-8")
    assert text.startswith(f"before\n{BEGIN}\n\nAll scenarios, 3 seeds each, ")
    assert "at commit `" in text
    assert text.endswith(f"new\n\n{END}\nafter\n")
    assert "old" not in text


def test_a_part_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.md"
    path.write_text(f"{BEGIN}{END}", "utf-8")
    write(path, [], seeds=1, complete=False)
    assert "Some of the scenarios, 1 seed each" in path.read_text("utf-8")


def test_a_document_without_marks_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.md"
    path.write_text("text", "utf-8")
    with pytest.raises(ValueError, match="marks"):
        write(path, [], seeds=1, complete=True)
    assert path.read_text("utf-8") == "text"


def test_the_page_has_the_marks() -> None:
    text = (ROOT / "docs" / "accuracy.md").read_text("utf-8")
    assert 0 < text.index(BEGIN) < text.index(END)
