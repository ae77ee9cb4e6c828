"""Questions as they leave, and answers as anybody may write them."""

from __future__ import annotations

import random

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.names.message import LONGEST_TEXT, make_query, read_answer
from circumvent.net.errors import PeerError

QUERY = make_query("control.example", "A", random=random.Random(7), nsid=True)


def response(**changes: str) -> dns.message.Message:
    message = dns.message.make_response(dns.message.from_wire(QUERY.wire))
    for text in changes.values():
        owner, ttl, rdclass, rdtype, rdata = text.split(" ", 4)
        message.answer.append(dns.rrset.from_text(owner, int(ttl), rdclass, rdtype, rdata))
    return message


class TestQuery:
    def test_it_asks_for_signatures_and_small_packets(self) -> None:
        message = dns.message.from_wire(QUERY.wire)
        assert message.ednsflags & dns.flags.DO
        assert message.payload == 1232
        assert message.flags & dns.flags.RD
        assert not message.flags & dns.flags.CD
        assert [option.otype for option in message.options] == [dns.edns.NSID]

    def test_checking_may_be_left_to_us(self) -> None:
        wire = make_query("example", "A", random=random.Random(7), checking=False).wire
        assert dns.message.from_wire(wire).flags & dns.flags.CD

    @given(st.text("abc", min_size=1, max_size=60))
    def test_padding_hides_the_length_of_the_name(self, name: str) -> None:
        assert len(make_query(name, "A", random=random.Random(7), padded=True).wire) == 128

    def test_ids_differ(self) -> None:
        source = random.Random(7)
        assert len({make_query("example", "A", random=source).id for _ in range(20)}) > 15


class TestAnswer:
    def test_addresses_behind_an_alias(self) -> None:
        message = response(
            alias="control.example. 60 IN CNAME www.example.",
            a="www.example. 60 IN A 192.0.2.7",
        )
        answer = read_answer(QUERY, message.to_wire())
        assert (answer.rcode, answer.addresses) == ("NOERROR", ("192.0.2.7",))
        assert answer.failure() is None

    def test_foreign_text_is_printable_and_bounded(self) -> None:
        message = response(txt='control.example. 60 IN TXT "\\027[31mred" "' + "x" * 200 + '"')
        (text,) = read_answer(QUERY, message.to_wire()).texts
        assert text.startswith("?[31mred")
        assert len(text) == LONGEST_TEXT

    def test_the_servers_name_is_printable(self) -> None:
        message = response()
        message.use_edns(0, options=[dns.edns.GenericOption(dns.edns.NSID, b"lab\x1b7")])
        assert read_answer(QUERY, message.to_wire()).nsid == "lab?7"

    @pytest.mark.parametrize(
        ("rcode", "error"),
        [
            ("SERVFAIL", "dns_servfail_error"),
            ("REFUSED", "dns_refused_error"),
            ("NXDOMAIN", "dns_nxdomain_error"),
            ("NOTIMP", "dns_server_misbehaving"),
        ],
    )
    def test_response_codes_in_words(self, rcode: str, error: str) -> None:
        message = response()
        message.set_rcode(dns.rcode.from_text(rcode))
        failure = read_answer(QUERY, message.to_wire()).failure()
        assert failure is not None
        assert failure.error == error

    def test_a_cut_answer_says_so(self) -> None:
        message = response()
        message.flags |= dns.flags.TC
        assert read_answer(QUERY, message.to_wire()).truncated

    def test_an_answer_to_another_question_is_wrong(self) -> None:
        other = make_query("other.example", "A", random=random.Random(7))
        wire = dns.message.make_response(dns.message.from_wire(other.wire)).to_wire()
        with pytest.raises(PeerError) as told:
            read_answer(QUERY, wire)
        assert told.value.error == "wrong_answer"

    def test_another_id_is_named(self) -> None:
        with pytest.raises(PeerError) as told:
            read_answer(QUERY, b"\xff\xfe" + response().to_wire()[2:])
        assert told.value.error == "dns_reply_with_wrong_query_id"

    @given(st.binary(max_size=600))
    def test_garbage_raises_peer_error_only(self, data: bytes) -> None:
        with pytest.raises(PeerError):
            read_answer(QUERY, data)

    @given(st.data())
    def test_a_damaged_answer_raises_peer_error_only(self, data: st.DataObject) -> None:
        message = response(
            alias="control.example. 60 IN CNAME www.example.",
            a="www.example. 60 IN A 192.0.2.7",
            txt='www.example. 60 IN TXT "text"',
        )
        wire = bytearray(message.to_wire())
        for _ in range(data.draw(st.integers(1, 8))):
            wire[data.draw(st.integers(2, len(wire) - 1))] = data.draw(st.integers(0, 255))
        try:
            answer = read_answer(QUERY, bytes(wire[: data.draw(st.integers(0, len(wire)))]))
        except PeerError:
            return
        assert isinstance(answer.addresses, tuple)
        assert all(text.isprintable() for text in answer.texts)
        assert answer.nsid is None or answer.nsid.isprintable()
        assert answer.rcode
