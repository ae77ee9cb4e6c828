"""Foreign text is harmless once it is sanitised."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.text import sanitise


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("plain words", "plain words"),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("two\nlines\r", "two\\x0alines\\x0d"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
        ("\u2066isolate\u2069", "\\u2066isolate\\u2069"),
        ("\U000e0041tag", "\\U000e0041tag"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        (b"HTTP/1.1 302\r\n", "HTTP/1.1 302\\x0d\\x0a"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("", ""),
    ],
)
def test_what_steers_a_terminal_or_a_reader_is_shown_as_an_escape(foreign: str | bytes, shown: str) -> None:
    assert sanitise(foreign) == shown


def test_a_long_text_ends_in_an_ellipsis_and_never_in_half_an_escape() -> None:
    assert sanitise("a" * 100) == "a" * 59 + "…"
    assert sanitise("\x00" * 100, 10) == "\\x00\\x00…"


@given(st.one_of(st.text(), st.binary()), st.integers(min_value=0, max_value=80))
def test_any_text_comes_out_short_printable_and_stable(foreign: str | bytes, limit: int) -> None:
    shown = sanitise(foreign, limit)
    assert len(shown) <= limit
    assert not any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in shown)
    assert sanitise(shown, limit) == shown
