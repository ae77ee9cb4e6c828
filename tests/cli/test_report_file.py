"""Reading a report that a stranger wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circumvent.cli.report_file import read_report
from circumvent.model.report import ReportError
from tests.say.hostile import raw_in
from tests.say.reports import filtered

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(filtered().to_json(), "utf-8")
    assert read_report(str(path)) == filtered() or read_report(str(path)).id == filtered().id


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is not JSON"),
        (b"[1, 2", "it is not JSON"),
        (b"[]", "it names no schema"),
        (b'{"schema": "other/1"}', "its schema is another one"),
        (b'{"schema": "circumvent.report/1"}', "damaged"),
    ],
)
def test_what_is_no_report(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(content)
    with pytest.raises(ReportError, match=said) as caught:
        read_report(str(path))
    assert str(caught.value).startswith(str(path))


def test_names_that_no_file_has(tmp_path: Path) -> None:
    for name in ("\0", "x" * 5000, str(tmp_path / "none.json")):
        with pytest.raises(ReportError) as caught:
            read_report(name)
        assert raw_in(str(caught.value)) == set()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_is_in_the_file_ends_in_a_report_or_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(content)
    with pytest.raises(ReportError):
        read_report(str(path))
