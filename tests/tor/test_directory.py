"""Directory answers and descriptors: that of a real tor, and all that must not pass for one."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor import directory
from circumvent.tor.certs import Identity
from circumvent.tor.circuit import Relay, open_fast
from circumvent.tor.errors import NotValidNowError, TorError, WrongIdentityError
from tests.faults.tor import DAY, FakeRelay, raw
from tests.tor.recorded import ANSWER, IDENTITY, NOW, RECORDED, SENT

RELAY = FakeRelay(now=NOW)
OURS = Identity(RELAY.fingerprint, raw(RELAY.identity))


def recorded_answer() -> bytes:
    """Return what tor answered to the request for its descriptor."""
    circuit = open_fast(SENT, ANSWER)
    opened = [circuit.open(bytes.fromhex(cell["payload"])) for cell in RECORDED["opened"]]
    return b"".join(cell.data for cell in opened if cell.command == Relay.DATA)


def test_the_descriptor_of_tor() -> None:
    answer = directory.read_answer(recorded_answer())
    assert answer.status == 200
    found = directory.verify_descriptor(answer.body, IDENTITY, NOW)
    assert found.identity == IDENTITY
    assert abs(found.published - NOW) < 60


@given(st.data())
def test_a_changed_byte_of_it_is_noticed(data: st.DataObject) -> None:
    body = bytearray(directory.read_answer(recorded_answer()).body.rstrip(b"\n"))
    end = body.index(b"-----END SIGNATURE")
    place = data.draw(st.integers(0, end - 1))
    body[place] ^= 1 << data.draw(st.integers(0, 6))
    if bytes(body[place : place + 1]).isspace() or body[place : place + 1] == b"=":
        return  # base64 may be broken into lines anywhere
    try:
        found = directory.verify_descriptor(bytes(body) + b"\n", IDENTITY, NOW)
    except TorError:
        return
    assert found.identity == IDENTITY  # the last letters of base64 have bits of no use
    assert body[place - 2 : place + 3].count(b"=") or place > end - 4


def test_one_made_from_the_specification() -> None:
    assert directory.verify_descriptor(RELAY.descriptor(), OURS, NOW).published == int(NOW)
    with_annotation = b"@downloaded-at 2026-11-22\n" + RELAY.descriptor()
    assert directory.verify_descriptor(with_annotation, OURS, NOW).identity == OURS


def test_that_of_another_relay() -> None:
    other = FakeRelay(now=NOW)
    with pytest.raises(WrongIdentityError):
        directory.verify_descriptor(RELAY.descriptor(), Identity(other.fingerprint, OURS.ed25519), NOW)
    with pytest.raises(WrongIdentityError):
        directory.verify_descriptor(RELAY.descriptor(), Identity(OURS.fingerprint, raw(other.identity)), NOW)


def test_a_signing_key_that_has_expired() -> None:
    with pytest.raises(NotValidNowError):
        directory.verify_descriptor(RELAY.descriptor(), OURS, NOW + 31 * DAY)


@pytest.mark.parametrize(
    "lost",
    [b"router ", b"\nidentity-ed25519", b"\nsigning-key", b"\nrouter-sig-ed25519 ", b"\nrouter-signature", b"\npublished "],
)  # fmt: skip
def test_nothing_may_be_missing(lost: bytes) -> None:
    with pytest.raises(TorError):
        directory.verify_descriptor(RELAY.descriptor().replace(lost, b"\nlost", 1), OURS, NOW)


@given(st.binary(max_size=500))
def test_anything_else_is_refused(data: bytes) -> None:
    for text in (data, b"router " + data, b"HTTP/1.0 200 OK\r\n\r\n" + data):
        with pytest.raises(TorError):
            directory.verify_descriptor(text, OURS, NOW)


class TestAnswers:
    """HTTP/1.0, to the end of the stream."""

    def test_a_plain_one(self) -> None:
        assert directory.read_answer(b"HTTP/1.0 404 Not found\r\n\r\n") == directory.Answer(404, b"")

    def test_with_a_length(self) -> None:
        head = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"
        assert directory.read_answer(head + b"hello").body == b"hello"
        for body in (b"hell", b"hello!"):
            with pytest.raises(TorError, match="cut short"):
                directory.read_answer(head + body)

    def test_packed(self) -> None:
        head = b"HTTP/1.0 200 OK\r\nContent-Encoding: deflate\r\n\r\n"
        assert directory.read_answer(head + zlib.compress(b"hello")).body == b"hello"
        with pytest.raises(TorError, match="unpacked"):
            directory.read_answer(head + b"hello")
        with pytest.raises(TorError, match="too long"):
            directory.read_answer(head + zlib.compress(bytes(1 << 24)))
        with pytest.raises(TorError, match="not asked for"):
            directory.read_answer(b"HTTP/1.0 200 OK\r\nContent-Encoding: x-tor-lzma\r\n\r\nhello")

    @pytest.mark.parametrize(
        "data", [b"", b"hello", b"HTTP/1.0 200 OK\r\n", b"HTTP/2 200\r\n\r\n", b"SSH-2.0\r\n\r\n"]
    )
    def test_no_http(self, data: bytes) -> None:
        with pytest.raises(TorError, match="no HTTP"):
            directory.read_answer(data)

    @given(st.binary(max_size=300))
    def test_any_bytes_are_read_or_refused(self, data: bytes) -> None:
        for text in (data, b"HTTP/1.0 200 OK\r\n" + data):
            try:
                directory.read_answer(text)
            except TorError:
                continue


def test_the_request_is_that_of_tor() -> None:
    assert directory.request(directory.OWN_DESCRIPTOR, "198.51.100.34") == (
        b"GET /tor/server/authority HTTP/1.0\r\nHost: 198.51.100.34\r\n\r\n"
    )
