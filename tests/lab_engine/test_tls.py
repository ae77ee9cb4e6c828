"""What is read in TLS: a ClientHello whole, cut short, cut into records, and its fingerprints."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.lab.tls import handshake_bytes, is_server_hello, ja3, read_dtls_hello, read_hello
from circumvent.net.hello import split_record
from tests.lab_engine.talk import client_hello, with_name


def message(record: bytes) -> bytes:
    return record[5:]


def test_a_whole_hello() -> None:
    hello = read_hello(message(client_hello("Example.NET")))
    assert hello is not None
    assert (hello.name, hello.complete) == ("example.net", True)
    assert 0 in hello.extensions
    fingerprint = hello.ja4()
    assert fingerprint is not None
    assert fingerprint.startswith("t13d")


def test_without_a_name() -> None:
    hello = read_hello(message(client_hello(None)))
    assert hello is not None
    assert (hello.name, hello.complete) == (None, True)


def test_a_hello_cut_short_says_what_it_can() -> None:
    whole = message(client_hello("blocked.example"))
    end_of_name = whole.index(b"blocked.example") + len(b"blocked.example")
    before, after = read_hello(whole[: end_of_name - 1]), read_hello(whole[:end_of_name])
    assert before is not None
    assert after is not None
    assert (before.name, before.complete) == (None, False)
    assert (after.name, after.complete) == ("blocked.example", False)
    assert after.ja3() is None
    assert after.ja4() is None


@given(st.integers(1, 700))
def test_records_are_joined_or_not(size: int) -> None:
    record = client_hello("blocked.example")
    cut = split_record(record, (size,))
    assert handshake_bytes(cut, join_records=True) == message(record)
    assert handshake_bytes(cut, join_records=False) == message(record)[:size]


def test_ja3_example() -> None:
    # github.com/salesforce/ja3, README: 769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0
    ciphers = (47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4)
    extensions = b"".join(
        number.to_bytes(2) + len(data).to_bytes(2) + data
        for number, data in (
            (0, b"\0\x06\0\0\x03a.b"),
            (10, b"\0\x06\0\x17\0\x18\0\x19"),
            (11, b"\x01\0"),
        )
    )
    suites = b"".join(number.to_bytes(2) for number in ciphers)
    body = b"\x03\x01" + bytes(32) + b"\0" + len(suites).to_bytes(2) + suites + b"\x01\0"
    body += len(extensions).to_bytes(2) + extensions
    assert ja3(b"\x01" + len(body).to_bytes(3) + body) == "ada70206e40642a3e4461f35503241d5"


def test_the_case_of_a_name_does_not_change_the_fingerprint() -> None:
    plain = client_hello("blocked.example")
    upper = with_name(plain, "blocked.example", "BLOCKED.Example")
    assert ja3(message(plain)) == ja3(message(upper))


def test_server_hello() -> None:
    assert is_server_hello(bytes.fromhex("160303004a02"))
    assert not is_server_hello(client_hello())
    assert not is_server_hello(b"\x16\x03")


@pytest.mark.requires("openssl")
def test_dtls_of_openssl() -> None:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        port = server.getsockname()[1]
        with subprocess.Popen(
            [
                "openssl",
                "s_client",
                "-dtls1_2",
                "-servername",
                "dtls.example",
                "-connect",
                f"127.0.0.1:{port}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as client:
            datagram = server.recv(65536)
            client.kill()
    hello = read_dtls_hello(datagram)
    assert hello is not None
    assert (hello.name, hello.complete) == ("dtls.example", True)
    assert (hello.ja4() or "").startswith("dd2d")


@given(st.binary(max_size=200))
def test_hostile_bytes_are_no_reason_to_fail(data: bytes) -> None:
    for prefix in (b"", b"\x01", b"\x16\x03\x01", b"\x16\xfe\xfd"):
        read_hello(prefix + data)
        read_dtls_hello(prefix + data)
        joined = handshake_bytes(prefix + data, join_records=True)
        assert joined is None or len(joined) <= len(data)
