"""Second answers: duplicates are counted, differing ones are told in full."""

from __future__ import annotations

import dns.message
from hypothesis import given
from hypothesis import strategies as st

from circumvent.names.exchange import Second
from circumvent.names.framing import Arrived
from circumvent.names.late import second_answers

QUERY = dns.message.make_query("name.example", "A")


def answer(address: str | None, at: float) -> Arrived:
    response = dns.message.make_response(QUERY)
    if address is not None:
        response.answer.append(dns.rrset.from_text("name.example.", 60, "IN", "A", address))
    return Arrived(response.to_wire(), at)


def second(first: str | None, other: str | None) -> Second:
    return Second(query=QUERY.to_wire(), first=answer(first, 1.0), second=answer(other, 1.25))


def test_the_same_answer_twice_is_a_duplicate() -> None:
    assert second_answers([second("192.0.2.1", "192.0.2.1")]) == {"second_answers": [], "duplicates": 1}


def test_who_answers_differently_is_two() -> None:
    told = second_answers([second("192.0.2.1", "192.0.2.2"), second(None, None)])
    assert told["duplicates"] == 1
    assert told["second_answers"] == [
        {
            "name": "name.example.",
            "type": "A",
            "first": {"rcode": "NOERROR", "addresses": ["192.0.2.1"]},
            "second": {"rcode": "NOERROR", "addresses": ["192.0.2.2"]},
            "after_ms": 250.0,
        }
    ]


@given(st.binary(max_size=80))
def test_garbage_after_an_answer_is_an_answer_without_meaning(data: bytes) -> None:
    pair = Second(query=QUERY.to_wire(), first=answer("192.0.2.1", 1.0), second=Arrived(data, 2.0))
    told = second_answers([pair])["second_answers"]
    assert isinstance(told, list)
    assert [isinstance(one, dict) and one["first"] != one["second"] for one in told] == [True]
