"""HTTP CONNECT on the wire: what is sent, what is read, and any bytes at all."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model import failure as failures
from circumvent.net.connect import LONGEST_HEAD, ConnectReader, ConnectReply, basic, encode_connect
from circumvent.net.errors import PeerError


def read(data: bytes) -> ConnectReply | None:
    return ConnectReader().feed(data)


class TestRequest:
    def test_by_name(self) -> None:
        expected = b"CONNECT c.example:443 HTTP/1.1\r\nHost: c.example:443\r\n\r\n"
        assert encode_connect("c.example", 443) == expected

    def test_by_ipv6_address_with_credentials(self) -> None:
        # RFC 7617 section 2: user-id "Aladdin", password "open sesame".
        authorization = basic("Aladdin", "open sesame")
        assert authorization == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        request = encode_connect("2001:db8::1", 80, authorization)
        assert request.startswith(b"CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n")
        assert request.endswith(b"\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n")

    def test_utf_8(self) -> None:
        assert basic("test", "123£") == "Basic dGVzdDoxMjPCow=="  # RFC 7617 section 2.1

    def test_basic_cannot_say_a_colon(self) -> None:
        with pytest.raises(ValueError, match="colon") as caught:
            basic("hunter:2", "secret")
        assert "hunter" not in str(caught.value)

    @given(st.text(max_size=40))
    def test_no_host_writes_a_line_of_its_own(self, host: str) -> None:
        try:
            request = encode_connect(host, 443)
        except ValueError:
            return
        assert request.count(b"\r\n") == 3
        assert request.split(b"\r\n")[0].count(b" ") == 2


class TestReply:
    def test_accepted(self) -> None:
        assert read(b"HTTP/1.1 200 Connection established\r\n\r\n") == ConnectReply(200, (), False, b"")
        assert read(b"HTTP/1.0 200\r\nServer: x\r\n\r\n") == ConnectReply(200, (), False, b"")

    def test_what_follows_belongs_to_the_tunnel(self) -> None:
        reply = read(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nSSH-2.0-x\r\n")
        assert reply == ConnectReply(200, (), False, b"SSH-2.0-x\r\n")

    @pytest.mark.parametrize(
        "field", ["Content-Length: 10", "Transfer-Encoding: chunked", "Content-Type: text/html; charset=x"]
    )
    def test_a_page_of_its_own_is_noticed(self, field: str) -> None:
        reply = read(f"HTTP/1.1 200 OK\r\n{field}\r\n\r\n".encode())
        assert reply is not None
        assert reply.page

    def test_interim_answers_are_passed_over(self) -> None:
        reply = read(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
        )
        assert reply == ConnectReply(200, (), False, b"")

    def test_known_schemes_are_kept_and_nothing_else(self) -> None:
        reply = read(
            b"HTTP/1.1 407 Nope\r\nProxy-Authenticate: Digest realm=x\r\nproxy-authenticate: BASIC realm=y\r\n"
            b"Proxy-Authenticate: Evil \x1b[31m\r\n\r\n"
        )
        assert reply is not None
        assert reply.schemes == ("Digest", "Basic")
        assert not reply.accepted

    @pytest.mark.parametrize(
        "data",
        [
            b"SSH-2.0-OpenSSH\r\n",
            b"\x05\x00",
            b"HTTP/2 200\r\n\r\n",
            b"HTTP/1.1 20 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
            b"HTTP/1.1 200 OK\r\nA: " + b"b" * LONGEST_HEAD,
            b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
        ],
    )
    def test_what_is_no_answer(self, data: bytes) -> None:
        with pytest.raises(PeerError) as caught:
            read(data)
        assert caught.value.error == failures.PROXY_PROTOCOL_ERROR

    @given(st.binary(max_size=200) | st.binary(max_size=200).map(b"HTTP/1.1 200 ".__add__))
    def test_any_bytes(self, data: bytes) -> None:
        reply: ConnectReply | PeerError | None
        try:
            reply = read(data)
        except PeerError as exc:
            reply = exc
        if isinstance(reply, PeerError):
            assert reply.error == failures.PROXY_PROTOCOL_ERROR
            assert (reply.detail or "").isascii()
        else:
            assert reply is None or 200 <= reply.status <= 599

    @given(st.lists(st.integers(0, 80), max_size=8))
    def test_however_it_is_cut(self, cuts: list[int]) -> None:
        whole = b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nVia: x\r\n\r\nrest"
        end = len(whole) - len(b"rest")  # the tunnel's bytes come after the answer was read
        edges = sorted({0, end, *(cut for cut in cuts if cut < end)})
        reader = ConnectReader()
        replies = [reader.feed(whole[a:b]) for a, b in pairwise(edges)]
        assert replies[-1] == ConnectReply(200, (), False, b"")
        assert not any(replies[:-1])
