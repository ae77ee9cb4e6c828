"""QR codes, read by another program's eyes (ZXing)."""

from __future__ import annotations

import re

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from circumvent.convert.problem import CannotWrite
from circumvent.convert.qr import LARGEST, half_blocks, squares, svg

CONF = "[Interface]\nPrivateKey = cGxlYXNlIGRvIG5vdCB1c2UgdGhpcyBrZXkgYXQgYWxsIQ==\nAddress = 10.0.0.2/32\n"
SIZE = 4


def scanned(modules: list[list[bool]]) -> str:
    """What a scanner reads off light (``True``) and dark modules."""
    rows = [[light for light in row for _ in range(SIZE)] for row in modules for _ in range(SIZE)]
    picture = bytes(255 if light else 0 for row in rows for light in row)
    view = memoryview(picture).cast("B", shape=[len(rows), len(rows[0])])
    (found,) = zxingcpp.read_barcodes(view)
    return str(found.text)


def from_half_blocks(text: str) -> list[list[bool]]:
    modules = []
    for line in text.splitlines():
        modules.append([one in "█▀" for one in line])
        modules.append([one in "█▄" for one in line])
    return modules


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=300))
def test_a_scanner_reads_what_was_drawn_in_half_blocks(text: str) -> None:
    assert scanned(from_half_blocks(half_blocks(text))) == text


def test_a_scanner_reads_a_whole_file() -> None:
    assert scanned(from_half_blocks(half_blocks(CONF))) == CONF


def test_a_scanner_reads_squares() -> None:
    rows = [
        [line[place : place + 2] == "##" for place in range(0, len(line), 2)]
        for line in squares(CONF).splitlines()
    ]
    assert scanned(rows) == CONF


def test_other_scripts_come_through() -> None:
    assert scanned(from_half_blocks(half_blocks("tls://d.example:853#خانه"))) == "tls://d.example:853#خانه"


def test_the_picture_is_black_on_white_and_fetches_nothing() -> None:
    picture = svg(CONF)
    assert picture.startswith("<?xml")
    assert set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]+)"', picture)) == {"#000", "#fff"}
    assert set(re.findall(r"https?://[^\"]+", picture)) == {"http://www.w3.org/2000/svg"}


def test_the_quiet_zone_is_there() -> None:
    lines = half_blocks("x").splitlines()
    assert lines[0] == lines[1] == "█" * len(lines[0])
    assert {line[:4] + line[-4:] for line in lines[:-1]} == {"█" * 8}


def test_what_is_too_long_is_refused() -> None:
    half_blocks("x" * LARGEST)
    with pytest.raises(CannotWrite, match="write it to a file"):
        half_blocks("x" * (LARGEST + 1))
