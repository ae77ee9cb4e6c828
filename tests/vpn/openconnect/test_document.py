"""Documents of a gateway: read, and given no power."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.openconnect import document
from circumvent.vpn.openconnect.document import DocumentError, Element, parse, write


def test_elements_attributes_and_text() -> None:
    root = parse(b'<?xml version="1.0"?><a k="&lt;v&gt;">x<b/>y<b>&#65;&amp;</b></a>')
    assert (root.name, root.attributes, root.text) == ("a", {"k": "<v>"}, "xy")
    assert [child.text for child in root.children] == ["", "A&"]
    assert [element.name for element in root.walk()] == ["a", "b", "b"]
    assert root.find("b") is root.children[0]
    assert root.find("c") is None
    assert "A&" not in repr(root)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a>&unknown;</a>",
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
        b"<a>\xff</a>",
        b"<a>\x00</a>",
        b"<a>" * (document.DEEPEST + 1) + b"</a>" * (document.DEEPEST + 1),
        b"<a>" + b"<b/>" * document.MOST_ELEMENTS + b"</a>",
        b"<a " + b" ".join(b'k%d=""' % number for number in range(document.MOST_ATTRIBUTES + 1)) + b"/>",
        b"<a>" + b"x" * document.LARGEST + b"</a>",
    ],
)
def test_what_is_not_read(data: bytes) -> None:
    with pytest.raises(DocumentError):
        parse(data)


def test_the_document_does_not_choose_the_decoder() -> None:
    """Bytes that are letters in the encoding that it names are none in UTF-8."""
    with pytest.raises(DocumentError):
        parse(b'<?xml version="1.0" encoding="latin-1"?><a>\xe9</a>')


ELEMENTS = st.recursive(
    st.builds(Element, st.just("leaf"), text=st.text("ab<>&\"' ", max_size=5)),
    lambda inner: st.builds(
        Element,
        st.sampled_from(["a", "b-c"]),
        st.dictionaries(st.sampled_from(["k", "l"]), st.text("xy<>&\"' ", max_size=5), max_size=2),
        st.lists(inner, max_size=3),
    ),
    max_leaves=8,
)


@given(ELEMENTS)
def test_what_is_written_is_read_again(element: Element) -> None:
    assert parse(write(element).encode()) == element


@given(st.binary(max_size=300))
def test_any_bytes_are_a_document_or_an_error(data: bytes) -> None:
    with suppress(DocumentError):
        assert parse(data).name


@given(st.lists(st.sampled_from([b"<a>", b"</a>", b"<b k='v'/>", b"&lt;", b"&x;", b"<!", b"DOCTYPE", b"[", b"]>", b"<?p?>", b"<![CDATA[", b"x"]), max_size=30))  # fmt: skip
def test_pieces_of_documents_are_one_or_an_error(pieces: list[bytes]) -> None:
    with suppress(DocumentError):
        assert parse(b"".join(pieces)).name
