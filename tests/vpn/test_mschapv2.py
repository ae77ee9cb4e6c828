"""MS-CHAPv2 against the examples of its RFCs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.secret import Secret
from circumvent.vpn import mschapv2

VECTORS = Path(__file__).parent.parent / "vectors"


def load(name: str) -> dict[str, Any]:
    return dict(json.loads((VECTORS / name).read_text()))


RFC = load("rfc2759-rfc3079.json")
USER, PASSWORD = RFC["user"], Secret(RFC["password"])
AUTHENTICATOR = bytes.fromhex(RFC["authenticator_challenge"])
PEER = bytes.fromhex(RFC["peer_challenge"])
NT_RESPONSE = bytes.fromhex(RFC["nt_response"])


@pytest.mark.parametrize(("message", "digest"), load("rfc1320.json")["vectors"])
def test_md4_is_that_of_rfc_1320(message: str, digest: str) -> None:
    assert mschapv2.md4(message.encode()).hex() == digest


@pytest.mark.parametrize("length", [54, 55, 56, 57, 63, 64, 65, 119, 120, 128])
def test_md4_pads_to_whole_blocks(length: int) -> None:
    assert len(mschapv2.md4(bytes(length))) == 16
    assert mschapv2.md4(bytes(length)) != mschapv2.md4(bytes(length + 1))


def test_the_client_answers_as_in_rfc_2759() -> None:
    assert mschapv2.challenge_hash(PEER, AUTHENTICATOR, USER).hex().upper() == RFC["challenge"]
    password_hash = mschapv2.nt_password_hash(PASSWORD.reveal())
    assert password_hash.hex().upper() == RFC["password_hash"]
    assert mschapv2.md4(password_hash).hex().upper() == RFC["password_hash_hash"]
    assert mschapv2.challenge_response(AUTHENTICATOR, PEER, USER, PASSWORD) == NT_RESPONSE


def test_a_domain_before_the_name_is_left_out() -> None:
    assert mschapv2.challenge_response(AUTHENTICATOR, PEER, "OFFICE\\" + USER, PASSWORD) == NT_RESPONSE


def test_the_server_shows_that_it_knows_the_password() -> None:
    expected = mschapv2.authenticator_response(NT_RESPONSE, AUTHENTICATOR, PEER, USER, PASSWORD)
    said = RFC["authenticator_response"].encode()
    assert mschapv2.is_authentic(said, expected)
    assert mschapv2.is_authentic(said.lower().replace(b"s=", b"S=") + b" M=Welcome", expected)
    assert not mschapv2.is_authentic(said[:-1] + b"7", expected)
    assert not mschapv2.is_authentic(said + b"00", expected)
    assert not mschapv2.is_authentic(b"M=Welcome", expected)


def test_the_keys_are_those_of_rfc_3079() -> None:
    key = mschapv2.master_key(NT_RESPONSE, PASSWORD)
    assert key.hex().upper() == RFC["master_key"]
    server_sends = mschapv2.asymmetric_start_key(key, send=True, server=True)
    assert server_sends.hex().upper() == RFC["server_send_start_key"]


def test_what_one_side_sends_with_the_other_receives_with() -> None:
    key = mschapv2.master_key(NT_RESPONSE, PASSWORD)
    keys = mschapv2.session_keys(NT_RESPONSE, PASSWORD)
    assert keys[:16] == mschapv2.asymmetric_start_key(key, send=False, server=True)
    assert keys[16:] == mschapv2.asymmetric_start_key(key, send=True, server=True)


def test_the_session_keys_are_those_of_another_client() -> None:
    other = load("sstp-client-mppe.json")
    keys = mschapv2.session_keys(bytes.fromhex(other["nt_response"]), Secret(other["password"]))
    assert keys.hex() == other["client_send_key"] + other["client_receive_key"]


def test_the_response_value_has_49_bytes() -> None:
    value = mschapv2.response_value(PEER, NT_RESPONSE)
    assert len(value) == mschapv2.RESPONSE_VALUE_BYTES
    assert value == PEER + bytes(8) + NT_RESPONSE + b"\0"


@pytest.mark.parametrize(
    ("message", "code", "retry"),
    [
        (b"E=691 R=1 C=00112233445566778899AABBCCDDEEFF V=3 M=Bad password", 691, True),
        (b"E=648 R=0 V=3", 648, False),
        (b"E=691 M=R=1 E=646", 691, False),
        (b"", 691, False),
        (b"nonsense", 691, False),
    ],
)
def test_a_failure_is_read(message: bytes, code: int, retry: bool) -> None:
    failure = mschapv2.parse_failure(message)
    assert failure == mschapv2.Failure(code=code, retry_allowed=retry)
    assert failure.meaning


@given(st.binary(max_size=700))
def test_any_message_of_a_server_is_survived(message: bytes) -> None:
    assert mschapv2.parse_failure(message).code >= 0
    assert not mschapv2.is_authentic(message, bytes(20)) or b"S=" in message


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_name_and_password_make_a_response(user: str, password: str) -> None:
    response = mschapv2.challenge_response(AUTHENTICATOR, PEER, user, Secret(password))
    assert len(response) == mschapv2.NT_RESPONSE_BYTES


def test_what_is_too_long_or_too_short_is_told() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        mschapv2.challenge_response(AUTHENTICATOR[:-1], PEER, USER, PASSWORD)
    with pytest.raises(ValueError, match="256 characters"):
        mschapv2.challenge_response(AUTHENTICATOR, PEER, USER, Secret("x" * 257))
