"""Packets in names and in TXT records; the answers of the real server are in ``test_stream.py``."""

from __future__ import annotations

import base64
from random import Random

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.dnstt.questions import (
    A,
    Encoder,
    RcodeError,
    asked,
    asked_type,
    capacity,
    encode_name,
    is_good,
    read_name,
)
from circumvent.tor.errors import TorError

DOMAIN = "t.example.com"


def answer(question: bytes, *strings: bytes, rcode: int = 0) -> bytes:
    """Return an answer with one TXT record, made by dnspython."""
    query = dns.message.from_wire(question)
    made = dns.message.make_response(query)
    made.set_rcode(dns.rcode.Rcode(rcode))
    if strings:
        text = " ".join('"' + "".join(f"\\{byte:03d}" for byte in part) + '"' for part in strings)
        made.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "TXT", text))
    return made.to_wire()


def encoder() -> Encoder:
    return Encoder(DOMAIN, Random(1))


def test_a_question_as_another_implementation_reads_it() -> None:
    message = dns.message.from_wire(encoder().question(b"supercali"))
    (asked,) = message.question
    assert str(asked).endswith(".t.example.com. IN TXT")
    assert (message.flags, message.payload, message.edns) == (0x0100, 4096, 0)


def test_the_longest_packet_fits_and_polls_are_short() -> None:
    made = encoder()
    assert made.packet_bytes == capacity(DOMAIN) - 13
    longest = dns.message.from_wire(made.question(bytes(made.packet_bytes)))
    assert 250 <= len(longest.question[0].name.to_wire() or b"") <= 255
    assert len(made.question()) < 80
    assert asked_type(made.question(rdtype=A)) == A


def test_packets_of_an_answer() -> None:
    made = encoder()
    first, second = bytes(300), b"two"
    said = b"\x01\x2c" + first + b"\0\x03" + second
    assert made.packets(answer(made.question(), said[:255], said[255:])) == [first, second]
    assert made.packets(answer(made.question(), b"")) == []


def test_a_resolver_that_says_no() -> None:
    made = encoder()
    with pytest.raises(RcodeError) as caught:
        made.packets(answer(made.question(), rcode=3))
    assert caught.value.rcode == 3


@pytest.mark.parametrize(
    "message",
    [
        b"",
        Encoder(DOMAIN, Random(2)).question(),
        answer(Encoder("t.example.org", Random(2)).question(), b""),
        answer(Encoder(DOMAIN, Random(2)).question()),
        answer(Encoder(DOMAIN, Random(2)).question(), b"\0\x05four"),
        answer(Encoder(DOMAIN, Random(2)).question(), b"\0"),
        answer(Encoder(DOMAIN, Random(2)).question(), b"\0\x01a")[:-20],
    ],
)
def test_what_is_no_answer(message: bytes) -> None:
    with pytest.raises(TorError):
        encoder().packets(message)


@pytest.mark.parametrize("name", ["", "a..b", "a" * 64, ".".join(["a" * 60] * 5)])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        encode_name(name)


def test_a_domain_that_leaves_no_room() -> None:
    with pytest.raises(ValueError, match="too long"):
        Encoder(".".join(["a" * 50] * 3), Random(1))


def test_pointers_that_lead_in_circles() -> None:
    with pytest.raises(TorError):
        read_name(b"\xc0\x00", 0)


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    asked_type(data)
    try:
        encoder().packets(data)
    except TorError:
        return


@given(st.data())
def test_any_answer_that_was_damaged(data: st.DataObject) -> None:
    made = encoder()
    message = bytearray(answer(made.question(), b"\0\x05hello"))
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    try:
        made.packets(bytes(message))
    except TorError:
        return


@given(st.integers(0, 300), st.sampled_from([DOMAIN, "a.b", f"{'x' * 50}.{'y' * 50}"]))
def test_long_polls_are_as_long_as_they_are_to_be(characters: int, domain: str) -> None:
    """What is in them is what dnstt's server reads: the client, and padding to the end."""
    wire = Encoder(domain, Random(1)).long_poll(characters)
    if wire is None:
        assert characters < len(domain) + 20
        return
    (question,) = dns.message.from_wire(wire).question
    name = question.name.to_text().rstrip(".")
    assert min(characters, 253) - 4 <= len(name) <= min(characters, 253)
    text = name.removesuffix(domain).replace(".", "").upper()
    said = base64.b32decode(text + "=" * (-len(text) % 8))[8:]
    while said:
        assert said[0] >= 224
        assert len(said) > said[0] - 224
        said = said[1 + said[0] - 224 :]


def test_a_stranger_asks_for_no_base32() -> None:
    (question,) = dns.message.from_wire(encoder().stranger()).question
    label = question.name.labels[0]
    assert set(label) <= set(b"0189")
    assert question.name.to_text().endswith(".t.example.com.")


@given(st.binary(max_size=80))
def test_what_garbage_asks_for(message: bytes) -> None:
    assert asked(message) is None or len(asked(message) or b"") >= 5


def test_an_answer_asks_for_what_was_asked() -> None:
    question = encoder().question()
    assert asked(answer(question, b"", rcode=3)) == asked(question)


def test_good_answers_are_whole_and_say_yes() -> None:
    question = encoder().question()
    assert is_good(answer(question, b""))
    assert not is_good(question)
    assert not is_good(answer(question, rcode=3))
    cut = dns.message.from_wire(answer(question, b""))
    cut.flags |= dns.flags.TC
    assert not is_good(cut.to_wire())
    assert not is_good(b"")
