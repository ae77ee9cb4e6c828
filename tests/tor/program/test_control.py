"""tor's control protocol: what it says is read, and whatever else comes is an error that names nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.program.control import (
    LONGEST_LINE,
    MOST_BYTES,
    Bootstrap,
    ControlError,
    Conversation,
    Said,
    Traffic,
    Version,
    begin,
    read_port,
)

#: What tor 0.4.9.11 said when its bridge was another relay.
RECORDED = (
    b"250 OK\r\n250 OK\r\n250 OK\r\n250-version=0.4.9.11\r\n250 OK\r\n250 OK\r\n"
    b'650 STATUS_CLIENT NOTICE BOOTSTRAP PROGRESS=14 TAG=handshake SUMMARY="Handshaking with a relay"\r\n'
    b'650 STATUS_CLIENT WARN BOOTSTRAP PROGRESS=14 TAG=handshake SUMMARY="Handshaking with a relay" '
    b'WARNING="Unexpected identity in router certificate" REASON=IDENTITY COUNT=2 RECOMMENDATION=warn '
    b'HOSTID="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" HOSTADDR="10.9.0.7:9001"\r\n'
    b"650 STATUS_CLIENT NOTICE CONSENSUS_ARRIVED\r\n"
    b'250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=100 TAG=done SUMMARY="Done"\r\n'
    b"250-traffic/read=10468\r\n250-traffic/written=3028\r\n250 OK\r\n"
)
SAID = [
    Version("0.4.9.11"),
    Bootstrap(14, "handshake"),
    Bootstrap(14, "handshake", "IDENTITY", 2),
    Bootstrap(100, "done"),
    Traffic("read", 10468),
    Traffic("written", 3028),
]


def test_what_tor_said() -> None:
    assert list(Conversation().take(RECORDED)) == SAID


@given(st.lists(st.integers(1, 60), max_size=40))
def test_however_it_is_cut(lengths: list[int]) -> None:
    conversation, left = Conversation(), RECORDED
    said: list[Said] = []
    for length in lengths:
        said += conversation.take(left[:length])
        left = left[length:]
    assert [*said, *conversation.take(left)] == SAID


@given(st.binary(max_size=400))
def test_bytes_of_any_sort(data: bytes) -> None:
    try:
        said = list(Conversation().take(data))
    except ControlError:
        return
    assert all(isinstance(one, Bootstrap | Traffic | Version) for one in said)


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters="\r\n"), max_size=200))
def test_whatever_stands_in_a_phase(text: str) -> None:
    line = f"650 STATUS_CLIENT NOTICE BOOTSTRAP PROGRESS=5 TAG=conn {text}\r\n".encode()
    for said in Conversation().take(line):
        assert isinstance(said, Bootstrap)
        assert said.percent <= 100
        assert said.reason is None or said.reason.replace("_", "").isalpha()


def test_a_reason_inside_a_sentence_is_none() -> None:
    line = b'650 STATUS_CLIENT WARN BOOTSTRAP PROGRESS=5 TAG=conn WARNING="a REASON=FAKE COUNT=9 b"\r\n'
    assert list(Conversation().take(line)) == [Bootstrap(5, "conn")]


@pytest.mark.parametrize(
    "said", [b"515 Authentication failed\r\n", b"HTTP/1.1 200 OK\r\n", b"x" * (LONGEST_LINE + 1), b"\0\r\n"]
)
def test_no_control_protocol_or_a_refusal(said: bytes) -> None:
    with pytest.raises(ControlError):
        list(Conversation().take(said))


def test_there_is_an_end_to_it() -> None:
    conversation, line = Conversation(), b"250 OK\r\n"
    assert list(conversation.take(line * (MOST_BYTES // len(line)))) == []
    with pytest.raises(ControlError, match="more than anybody asked for"):
        list(conversation.take(line))


def test_lines_of_a_long_value_are_passed_over() -> None:
    assert list(Conversation().take(b"250+info=\r\nPROGRESS=100\r\n.\r\n250 OK\r\n")) == []


def test_the_cookie_has_its_length() -> None:
    assert begin(bytes(32)).startswith(b"AUTHENTICATE " + b"00" * 32 + b"\r\nTAKEOWNERSHIP\r\n")
    with pytest.raises(ControlError):
        begin(b"short")


@pytest.mark.parametrize(
    "text", ["", "PORT=0.0.0.0:9051", "PORT=127.0.0.1:0", "PORT=127.0.0.1:70000", "UNIX_PORT=/x"]
)
def test_a_port_that_is_none_of_loopback(text: str) -> None:
    with pytest.raises(ControlError):
        read_port(text)
