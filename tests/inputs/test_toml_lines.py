"""TOML with bounds, and where things stand in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.inputs.toml_lines import TomlError, load, tables


def test_tables_and_keys_have_lines() -> None:
    (table,) = tables('# x\n[[option]]\na = 1\n"b c" = 2\n', "option")
    assert (table.line, table.keys) == (2, {"a": 3, "b c": 4})


def test_quotes_before_the_end_of_a_long_string() -> None:
    assert [table.line for table in tables('x = """a""""\n[[option]]\n', "option")] == [2]


@pytest.mark.parametrize(
    ("text", "line"), [("a = 1\nb = ", 2), ("a." * 300 + "a = 1", 1), ("a = " + "9" * 5000, None)]
)
def test_faults(text: str, line: int | None) -> None:
    with pytest.raises(TomlError) as raised:
        load(text)
    assert raised.value.line == line


@given(st.text(st.sampled_from("[]ab=.\"'\n#{},1\\ "), max_size=60))
def test_garbage(text: str) -> None:
    tables(text, "a")
    try:
        load(text)
    except TomlError as error:
        place = error.line
        assert place is None or 1 <= place <= text.count("\n") + 1
