"""WebTunnel's HTTP upgrade, and the hash of a chain."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.errors import TorError
from circumvent.tor.webtunnel import LONGEST_HEAD, Upgrade, UpgradeReader, chain_hash, request

ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


def read(data: bytes, size: int = 1 << 20) -> Upgrade | None:
    reader = UpgradeReader()
    for begin in range(0, len(data), size):
        answer = reader.feed(data[begin : begin + size])
        if answer is not None:
            return answer
    return None


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_the_answer_in_pieces(size: int) -> None:
    answer = read(ANSWER, size)
    assert answer is not None
    assert (answer.status, answer.accepted) == (101, True)


def test_what_follows_belongs_to_the_stream() -> None:
    assert read(ANSWER + b"\x16\x03") == Upgrade(101, True, b"\x16\x03")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", 404),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", 101),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101),
        (b"HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", 200),
    ],
)
def test_no_upgrade(answer: bytes, status: int) -> None:
    found = read(answer)
    assert found is not None
    assert (found.status, found.accepted) == (status, False)


@pytest.mark.parametrize(
    "data", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x15\x03\x03", b"HTTP/1." + b"x" * 20_000]
)
def test_no_http(data: bytes) -> None:
    with pytest.raises(TorError):
        read(data)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for text in (data, b"HTTP/1.1 101 " + data, ANSWER[:-2] + data):
        try:
            read(text)
        except TorError:
            continue


def test_a_head_has_an_end() -> None:
    with pytest.raises(TorError):
        read(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * LONGEST_HEAD)


def test_the_request() -> None:
    assert request("host.example", "/secret") == (
        b"GET /secret HTTP/1.1\r\nHost: host.example\r\nUser-Agent: Go-http-client/1.1\r\n"
        b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    )


def test_the_hash_of_a_chain() -> None:
    first, second = hashlib.sha256(b"a").digest(), hashlib.sha256(b"b").digest()
    assert chain_hash([b"a"]) == first
    assert chain_hash([b"a", b"b"]) == hashlib.sha256(first + second).digest()
    assert chain_hash([]) == b""
