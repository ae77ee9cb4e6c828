"""Lines and blocks of a profile."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.inputs.ovpn_lines import LONGEST_BLOCK, LONGEST_LINE, directives, split_words
from circumvent.inputs.problem import LineError


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("remote a.example 1194", ["remote", "a.example", "1194"]),
        ("  remote\ta.example # here", ["remote", "a.example"]),
        ("; all of it", []),
        ("a;b c#d", ["a;b", "c#d"]),
        ('verify-x509-name "C=KG, CN=a b"', ["verify-x509-name", "C=KG, CN=a b"]),
        ("ca 'my file'", ["ca", "my file"]),
        (r'ca "a\"b\\c"', ["ca", 'a"b\\c']),
        (r"ca my\ file", ["ca", "my file"]),
        (r"ca C:\keys\x.crt", ["ca", r"C:\keys\x.crt"]),
        (r"ca 'a\b'", ["ca", r"a\b"]),
        ('a "" b', ["a", "", "b"]),
        ('a"b c"d', ["ab cd"]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert split_words(line, 1) == words


def test_blocks_and_numbers() -> None:
    found = list(directives("client\n\n<ca>\nfirst\n  second\n</ca>\n--dev tun\n"))
    assert [(one.line, one.name, one.words) for one in found] == [
        (1, "client", ()),
        (3, "ca", ()),
        (7, "dev", ("tun",)),
    ]
    assert found[1].block == "first\n  second"
    assert found[2].word(1) is None
    assert "tun" not in repr(found[2])


@pytest.mark.parametrize(
    "text",
    [
        "a" * (LONGEST_LINE + 1),
        "<ca>\n" + "a" * LONGEST_BLOCK + "\n</ca>",
        "<ca>\n",
        'a "b',
        "a " * 100,
        "a\n" * 100_002,
    ],
)
def test_limits(text: str) -> None:
    with pytest.raises(LineError):
        list(directives(text))


@given(st.text(max_size=200))
def test_any_text_is_lines_or_an_error(text: str) -> None:
    with suppress(LineError):
        list(directives(text))


@given(st.lists(st.text("ab \"\\'#;", min_size=1, max_size=6), min_size=1, max_size=5))
def test_words_in_quotes_are_read_back(words: list[str]) -> None:
    line = " ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
    assert split_words(line, 1) == words
