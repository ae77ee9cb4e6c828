"""Polls and what brokers answer."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.errors import TorError
from circumvent.tor.snowflake.broker import LONGEST, Nat, Refused, Reply, poll, read_reply

BRIDGE = bytes(range(20))


def test_a_poll_is_what_the_client_sends() -> None:
    """The form of messages that snowflake's own tests decode (common/messages)."""
    asked = poll("v=0\r\n", nat=Nat.UNKNOWN, bridge=BRIDGE)
    assert asked == (
        b'1.0\n{"offer":"{\\"type\\":\\"offer\\",\\"sdp\\":\\"v=0\\\\r\\\\n\\"}","nat":"unknown",'
        b'"fingerprint":"000102030405060708090A0B0C0D0E0F10111213"}'
    )


def test_a_poll_without_an_offer() -> None:
    version, _, body = poll(None, nat=Nat.RESTRICTED, bridge=BRIDGE).partition(b"\n")
    assert version == b"1.0"
    assert json.loads(body) == {"offer": "", "nat": "restricted", "fingerprint": BRIDGE.hex().upper()}


@pytest.mark.parametrize(
    ("sentence", "refused"),
    [
        ("no snowflake proxies currently available", Refused.NO_PROXIES),
        ("timed out waiting for answer!", Refused.PROXY_SILENT),
        ("bridge with requested fingerprint is unknown to the broker", Refused.UNKNOWN_BRIDGE),
        ("no supplied offer", Refused.NO_OFFER),
        ("something new", Refused.OTHER),
    ],
)
def test_errors_have_words_of_ours(sentence: str, refused: Refused) -> None:
    assert read_reply(json.dumps({"error": sentence}).encode()) == Reply(None, refused)


def test_an_answer() -> None:
    described = json.dumps({"type": "answer", "sdp": "v=0\r\n"})
    assert read_reply(json.dumps({"answer": described}).encode()) == Reply("v=0\r\n")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"answer":""}',
        b'{"answer":7}',
        b'{"error":7}',
        b'{"answer":"{}"}',
        b'{"answer":"nothing"}',
        b'{"answer":"{\\"type\\":\\"offer\\",\\"sdp\\":\\"\\"}"}',
        b'{"answer":"{\\"type\\":\\"answer\\",\\"sdp\\":7}"}',
        b"[" * 90_000,
        b'{"error":"' + b"x" * LONGEST + b'"}',
        b"\xff",
    ],
)
def test_what_no_broker_says(data: bytes) -> None:
    with pytest.raises(TorError):
        read_reply(data)


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    with suppress(TorError):
        read_reply(data)


@given(st.text())
def test_any_offer_comes_through(sdp: str) -> None:
    offer = json.loads(poll(sdp, nat=Nat.UNRESTRICTED, bridge=BRIDGE).partition(b"\n")[2])["offer"]
    assert json.loads(offer) == {"type": "offer", "sdp": sdp}
