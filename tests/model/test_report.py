"""Reading reports: only one that is one, of a schema that we know, and never another error."""

from __future__ import annotations

import contextlib
import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.report import LARGEST, Report, ReportError, json_schema
from tests.docs.test_example_report import EXAMPLE

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def example() -> str:
    return EXAMPLE.read_text(encoding="utf-8")


def test_a_report_survives_reading_and_writing(example: str) -> None:
    report = Report.from_json(example)
    assert Report.from_dict(report.to_dict()) == report
    first = report.options[0]
    assert report.option(first.id) == first
    assert report.option("nobody") is None


def test_the_schema_describes_what_is_written(example: str) -> None:
    jsonschema.Draft202012Validator(json_schema()).validate(Report.from_json(example).to_dict())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("{}", "names no schema"),
        ('{"schema": "someone.else/1"}', "another one"),
        ('{"schema": "circumvent.report/2"}', "newer version"),
        ('{"schema": "circumvent.report/1"}', "damaged"),
        (" " * (LARGEST + 1), "larger than any report"),
    ],
)
def test_what_is_no_report_is_said(text: str, words: str) -> None:
    with pytest.raises(ReportError, match=words):
        Report.from_json(text)


@given(st.text() | JSON.map(json.dumps))
def test_nothing_but_a_report_error_comes_of_garbage(text: str) -> None:
    with pytest.raises(ReportError):
        Report.from_json(text)


@given(JSON)
def test_a_damaged_field_is_a_report_error_or_read(value: object) -> None:
    document = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    document["options"] = value
    with contextlib.suppress(ReportError):
        Report.from_dict(document)
