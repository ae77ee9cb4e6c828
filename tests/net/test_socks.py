"""SOCKS on the wire: the examples of the RFCs, and any bytes at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model import failure as failures
from circumvent.net import socks
from circumvent.net.errors import PeerError, Refusal
from circumvent.net.socks import Address, Command, Method

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = st.from_regex(r"[a-z0-9.-]{1,255}", fullmatch=True)
HOSTS = NAMES | st.ip_addresses().map(str)
PORTS = st.integers(1, 65535)


def peer_error(decode: Callable[[], object]) -> PeerError | None:
    try:
        decode()
    except PeerError as exc:
        return exc
    return None


class TestMessages:
    """Bytes as RFC 1928 and RFC 1929 draw them."""

    def test_greeting(self) -> None:
        assert socks.encode_greeting(password=False) == bytes.fromhex("05 01 00")
        assert socks.encode_greeting(password=True) == bytes.fromhex("05 02 00 02")

    def test_password(self) -> None:
        assert socks.encode_password("lab", "pw") == bytes.fromhex("01 03 6c6162 02 7077")

    def test_request_by_name(self) -> None:
        expected = bytes.fromhex("05 01 00 03 09") + b"c.example" + bytes.fromhex("01bb")
        assert socks.encode_request(Command.CONNECT, "c.example", 443) == expected

    def test_request_by_address(self) -> None:
        expected = bytes.fromhex("05 03 00 01 c0000201 0035")
        assert socks.encode_request(Command.UDP_ASSOCIATE, "192.0.2.1", 53) == expected
        expected = bytes.fromhex("05 01 00 04 20010db8000000000000000000000001 0050")
        assert socks.encode_request(Command.CONNECT, "2001:db8::1", 80) == expected

    def test_reply(self) -> None:
        reply = bytes.fromhex("05 00 00 01 c0000201 1f90")
        assert socks.decode_reply_head(reply[:5]) == len(reply) - 5
        assert socks.decode_reply(reply) == Address("192.0.2.1", 8080)
        named = bytes.fromhex("05 00 00 03 03") + b"a.b" + bytes.fromhex("0001")
        assert socks.decode_reply(named) == Address("a.b", 1)

    def test_datagram(self) -> None:
        wire = socks.encode_datagram("192.0.2.1", 53, b"question")
        assert wire == bytes.fromhex("0000 00 01 c0000201 0035") + b"question"
        assert socks.decode_datagram(wire) == (Address("192.0.2.1", 53), b"question")

    def test_socks4a(self) -> None:
        expected = bytes.fromhex("04 01 01bb 00000001") + b"me\0c.example\0"
        assert socks.encode_socks4a("c.example", 443, "me") == expected
        assert socks.encode_socks4a("192.0.2.1", 80) == bytes.fromhex("04 01 0050 c0000201 00")

    @pytest.mark.parametrize(("user", "password"), [("Q" * 256, "p"), ("Q", "p" * 256), ("ü" * 128, "p")])
    def test_what_does_not_fit_is_not_repeated(self, user: str, password: str) -> None:
        with pytest.raises(ValueError, match="255") as caught:
            socks.encode_password(user, password)
        assert user not in str(caught.value)

    @pytest.mark.parametrize("host", ["", "a" * 256, "exämple"])
    def test_hosts_that_cannot_be_asked_for(self, host: str) -> None:
        with pytest.raises(ValueError, match=r"1 to 255 bytes|ascii"):
            socks.encode_request(Command.CONNECT, host, 1)
        with pytest.raises(ValueError, match=r"1 to 255 bytes|ascii"):
            socks.encode_socks4a(host, 1)

    def test_socks4a_knows_no_ipv6_and_no_nul(self) -> None:
        with pytest.raises(ValueError, match="IPv6"):
            socks.encode_socks4a("2001:db8::1", 1)
        with pytest.raises(ValueError, match="NUL"):
            socks.encode_socks4a("c.example", 1, "me\0you")


class TestRefusals:
    def test_no_acceptable_method(self) -> None:
        with pytest.raises(Refusal) as caught:
            socks.decode_method(b"\x05\xff", password=False)
        assert caught.value.error == failures.SOCKS_NO_ACCEPTABLE_METHOD
        assert not caught.value.authenticated

    def test_a_method_that_was_not_offered(self) -> None:
        assert socks.decode_method(b"\x05\x02", password=True) is Method.PASSWORD
        with pytest.raises(PeerError, match="not offered"):
            socks.decode_method(b"\x05\x02", password=False)
        with pytest.raises(PeerError, match="not offered"):
            socks.decode_method(b"\x05\x01", password=True)

    def test_password_rejected(self) -> None:
        socks.decode_password_status(b"\x01\x00")
        socks.decode_password_status(b"\x05\x00")
        with pytest.raises(Refusal) as caught:
            socks.decode_password_status(b"\x01\x01")
        assert caught.value.error == failures.AUTH_REJECTED

    @pytest.mark.parametrize(
        ("code", "error"),
        [
            (1, "socks_general_failure"),
            (2, "socks_connection_not_allowed"),
            (3, "socks_network_unreachable"),
            (4, "socks_host_unreachable"),
            (5, "socks_connection_refused"),
            (6, "socks_ttl_expired"),
            (7, "socks_command_not_supported"),
            (8, "socks_address_not_supported"),
            (9, "proxy_protocol_error"),
        ],
    )
    def test_each_reply_code(self, code: int, error: str) -> None:
        with pytest.raises(PeerError) as caught:
            socks.decode_reply_start(bytes([5, code]))
        assert caught.value.error == error
        assert isinstance(caught.value, Refusal) == (code == 2)

    @pytest.mark.parametrize(
        ("code", "error"),
        [
            (91, "socks_general_failure"),
            (92, "auth_rejected"),
            (93, "auth_rejected"),
            (1, "proxy_protocol_error"),
        ],
    )
    def test_each_socks4_reply(self, code: int, error: str) -> None:
        socks.decode_socks4_reply(b"\0\x5a" + bytes(6))
        with pytest.raises(PeerError) as caught:
            socks.decode_socks4_reply(bytes([0, code]) + bytes(6))
        assert caught.value.error == error

    @pytest.mark.parametrize(
        ("start", "words"),
        [(b"HT", "speaks HTTP"), (b"\x15\x03", "speaks TLS"), (b"\0\x5a", "does not speak SOCKS5")],
    )
    def test_what_answers_in_another_protocol_is_named(self, start: bytes, words: str) -> None:
        with pytest.raises(PeerError, match=words):
            socks.decode_method(start, password=False)


class TestAnyBytes:
    @given(HOSTS, PORTS, st.binary(max_size=40))
    def test_addresses_come_back(self, host: str, port: int, rest: bytes) -> None:
        assert socks.decode_address(socks.encode_address(host, port) + rest) == (Address(host, port), rest)
        assert socks.decode_datagram(socks.encode_datagram(host, port, rest)) == (Address(host, port), rest)
        reply = b"\x05\0\0" + socks.encode_address(host, port)
        assert socks.decode_reply(reply) == Address(host, port)
        assert 5 + socks.decode_reply_head(reply[:5]) == len(reply)

    @given(st.binary(max_size=300) | st.binary(max_size=30).map(b"\x05\0\0".__add__), st.booleans())
    def test_decoders_raise_their_error_only(self, data: bytes, password: bool) -> None:
        for decode in (
            lambda: socks.decode_method(data, password=password),
            lambda: socks.decode_password_status(data),
            lambda: socks.decode_reply_start(data),
            lambda: socks.decode_reply_head(data),
            lambda: socks.decode_reply(data),
            lambda: socks.decode_address(data),
            lambda: socks.decode_datagram(data),
            lambda: socks.decode_socks4_reply(data),
        ):
            said = peer_error(decode)
            assert said is None or said.error in vars(failures).values()
            assert said is None or (said.detail or "").isascii()
