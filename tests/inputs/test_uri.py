"""Links taken apart: nothing is guessed, nothing is printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.inputs.problem import LineError
from circumvent.inputs.uri import percent_decode, split_link


def test_the_parts() -> None:
    link = split_link("HTTP://u%40:p:q@h.example:81/a/b?x=1&X=2&y=%2B+#a%20b")
    assert (link.scheme, link.host, link.port(80), link.path) == ("http", "h.example", 81, "/a/b")
    assert link.user_and_password == ("u@", "p:q")
    assert link.parameters() == {"x": "1", "y": "++"}
    assert link.label == "a b"
    assert repr(link) == "Link(scheme='http')"


def test_a_port_may_be_required() -> None:
    with pytest.raises(LineError, match="no port"):
        split_link("x://h.example").port(None)


@given(st.text(max_size=30))
def test_percent_decoding_is_the_inverse_of_encoding(text: str) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "replace"))
    try:
        assert percent_decode(encoded) == text.encode("utf-8", "replace").decode()
    except LineError:
        assert any(ord(character) < 32 or ord(character) == 127 for character in text)
