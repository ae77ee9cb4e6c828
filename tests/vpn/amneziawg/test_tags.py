"""Signature packets: what tags make, and what is none."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.amneziawg.tags import LARGEST_PACKET, TagError, make_packet, parse_tags

RANDOM = random.Random(1)


def made(text: str, *, counter: int = 1) -> bytes:
    return make_packet(parse_tags(text), wall=1_800_000_000.9, counter=counter, random=RANDOM)


def test_each_tag_makes_its_bytes() -> None:
    packet = made("<b 0xc0FFee><t><r 7><rd 5><rc 9><c>", counter=258)
    assert packet[:3] == b"\xc0\xff\xee"
    assert packet[3:7] == (1_800_000_000).to_bytes(4)
    assert re.fullmatch(rb"[0-9]{5}[A-Za-z]{9}", packet[14:28])
    assert packet[28:] == (258).to_bytes(8)


def test_white_space_between_tags_means_nothing() -> None:
    assert made(" <b 0x01> < b  0x02 >\t<b 03>") == b"\1\2\3"


def test_what_asks_to_wait_is_no_part_of_the_packet() -> None:
    assert made("<b 0x01><wt 100><wr><b 0x02>") == b"\1\2"


def test_an_empty_signature_is_an_empty_packet() -> None:
    assert made("") == b""


@pytest.mark.parametrize(
    "text",
    ["<", "<>", "<x 1>", "<b>", "<b 0x0>", "<b 0xzz>", "<b 0x>", "<r>", "<r x>", "<r -1>", "<t 4>", "<c 8>", "abc",
     "<r 10000000>", f"<r {LARGEST_PACKET}><r 1>", "<b 0x" + "00" * (LARGEST_PACKET + 1) + ">", "<t>" * 300],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(TagError):
        parse_tags(text)


@given(st.text(alphabet="<>brdctwx 0123456789abcdef", max_size=60))
def test_arbitrary_text_is_refused_or_makes_a_packet(text: str) -> None:
    try:
        tags = parse_tags(text)
    except TagError:
        return
    assert len(make_packet(tags, wall=0.0, counter=0, random=RANDOM)) <= LARGEST_PACKET
