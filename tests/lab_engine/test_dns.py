"""Questions are read as dnspython writes them, and forged answers are such as it reads."""

from __future__ import annotations

import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.lab.dns import ResponseCode, forge_answer, read_question


def test_a_question() -> None:
    query = dns.message.make_query("Blocked.EXAMPLE.", "AAAA", use_edns=0, payload=1232)
    question = read_question(query.to_wire())
    assert question is not None
    assert (question.name, question.kind, question.identifier) == ("blocked.example", 28, query.id)


@pytest.mark.parametrize(
    ("kind", "addresses", "wanted"),
    [
        ("A", ("10.10.34.35", "d0::11"), ["10.10.34.35"]),
        ("AAAA", ("10.10.34.35", "d0::11"), ["d0::11"]),
        ("AAAA", ("10.10.34.35",), []),
        ("HTTPS", ("10.10.34.35",), []),
    ],
)
def test_an_answer_is_one(kind: str, addresses: tuple[str, ...], wanted: list[str]) -> None:
    query = dns.message.make_query("Blocked.example.", kind)
    question = read_question(query.to_wire())
    assert question is not None
    answer = dns.message.from_wire(forge_answer(question, addresses=addresses, lifetime=77))
    assert query.is_response(answer)
    assert [str(record) for each in answer.answer for record in each] == wanted
    assert all(each.ttl == 77 for each in answer.answer)


@pytest.mark.parametrize("code", ResponseCode)
def test_codes(code: ResponseCode) -> None:
    question = read_question(dns.message.make_query("a.example.", "A").to_wire())
    assert question is not None
    answer = dns.message.from_wire(forge_answer(question, code=code))
    assert dns.rcode.to_text(answer.rcode()).lower() == code.value


def test_responses_and_damage_are_no_questions() -> None:
    query = dns.message.make_query("blocked.example.", "A")
    assert read_question(dns.message.make_response(query).to_wire()) is None
    wire = query.to_wire()
    assert all(read_question(wire[:length]) is None for length in range(len(wire)))
    assert read_question(wire[:12] + b"\xc0\x0c\0\x01\0\x01") is None


@given(st.binary(max_size=300))
def test_hostile_bytes_raise_nothing(data: bytes) -> None:
    question = read_question(data)
    if question is not None:
        assert forge_answer(question, addresses=("1.2.3.4",))
