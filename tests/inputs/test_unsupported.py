"""What is recognised and left for later versions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.inputs.unsupported import KINDS_TO_COME, SCHEMES, bridge_line, web_page, whole_file
from circumvent.model.kinds import KINDS


def test_nothing_is_both_built_and_to_come() -> None:
    assert not KINDS_TO_COME & set(KINDS)


def test_every_sentence_ends() -> None:
    assert all(sentence.endswith(".") for sentence in SCHEMES.values())


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("obfs4 192.0.2.3:443 0123456789ABCDEF0123456789ABCDEF01234567 cert=a+b/c iat-mode=0", True),
        ("Bridge webtunnel [2001:db8::1]:443 url=https://h.example/x", True),
        ("192.0.2.3:443 $0123456789abcdef0123456789abcdef01234567", True),
        ("192.0.2.3:443", False),
        ("hello 192.0.2.3:443", False),
    ],
)
def test_bridge_lines(line: str, found: bool) -> None:
    assert (bridge_line(line) is not None) == found


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    for look in (bridge_line, web_page, whole_file):
        look(text)
