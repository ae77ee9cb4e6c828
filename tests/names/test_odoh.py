"""Oblivious DoH messages, against the published vectors, in the role of client and of target."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.names import odoh
from circumvent.names.odoh import Exchange, OdohError, parse_configurations
from circumvent.net import hpke
from circumvent.net.hpke import Aead

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent.parent / "vectors/odoh.json").read_text())
CONFIGURATIONS = bytes.fromhex(VECTORS["odohconfigs"])
KEY = hpke.derive_private_key(bytes.fromhex(VECTORS["public_key_seed"]))


def opened(query: bytes) -> tuple[bytes, Exchange]:
    """Open a query as the target does; return its plaintext and what seals the response."""
    configuration = parse_configurations(CONFIGURATIONS)
    header, box = query[:35], query[37:]
    assert header == b"\1\0\x20" + configuration.key_id
    assert int.from_bytes(query[35:37], "big") == len(box)
    context = hpke.setup_recipient(KEY, box[:32], b"odoh query", configuration.aead)
    plaintext = context.open(box[32:], header)
    return plaintext, Exchange(configuration.aead, context.export(b"odoh response", 16), plaintext)


def test_the_configuration_and_its_key_id() -> None:
    configuration = parse_configurations(CONFIGURATIONS)
    assert configuration.aead is Aead.AES_128_GCM
    assert configuration.public_key == KEY.public_key().public_bytes_raw()
    assert configuration.key_id.hex() == VECTORS["key_id"]


@pytest.mark.parametrize("transaction", VECTORS["transactions"])
def test_the_vectors(transaction: dict[str, Any]) -> None:
    plaintext, exchange = opened(bytes.fromhex(transaction["obliviousQuery"]))
    length = int.from_bytes(plaintext[:2], "big")
    assert plaintext[2 : 2 + length].hex() == transaction["query"]
    response = bytes.fromhex(transaction["obliviousResponse"])
    assert odoh.open_response(exchange, response).hex() == transaction["response"]


@given(message=st.binary(min_size=1, max_size=600))
def test_the_target_reads_what_we_seal(message: bytes) -> None:
    query, exchange = odoh.seal_query(parse_configurations(CONFIGURATIONS), message)
    plaintext, theirs = opened(query)
    assert plaintext[2 : 2 + len(message)] == message
    assert (len(plaintext)) % odoh.PADDING_BLOCK == 0
    assert theirs == exchange


def test_the_response_to_another_query_does_not_open() -> None:
    first, second = VECTORS["transactions"][:2]
    _, exchange = opened(bytes.fromhex(first["obliviousQuery"]))
    with pytest.raises(OdohError, match="not made for our query"):
        odoh.open_response(exchange, bytes.fromhex(second["obliviousResponse"]))


@given(data=st.binary(max_size=120))
def test_garbage_raises_only_odoh_error(data: bytes) -> None:
    _, exchange = odoh.seal_query(parse_configurations(CONFIGURATIONS), b"question")
    for response in (data, b"\2\0\x10" + bytes(16) + len(data).to_bytes(2, "big") + data):
        with pytest.raises(OdohError):
            odoh.open_response(exchange, response)
    for configurations in (data, len(data).to_bytes(2, "big") + data):
        try:
            parse_configurations(configurations)
        except OdohError:
            continue


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0",
        b"\0\x05abcde",
        CONFIGURATIONS + b"x",
        CONFIGURATIONS.replace(b"\0\x01\0\x28", b"\0\x09\0\x28"),  # another version
        CONFIGURATIONS.replace(b"\0\x20\0\x01\0\x01", b"\0\x10\0\x01\0\x01"),  # another KEM
    ],
)
def test_lists_without_a_usable_configuration(data: bytes) -> None:
    with pytest.raises(OdohError):
        parse_configurations(data)


def test_an_unknown_configuration_is_passed_over() -> None:
    unknown = b"\xff\x00\0\x03abc"
    body = unknown + CONFIGURATIONS[2:]
    assert parse_configurations(len(body).to_bytes(2, "big") + body) == parse_configurations(CONFIGURATIONS)
