"""The little ASN.1 that files need: signed messages, and how dear a key file is."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.inputs.der import DerError, is_signed, rounds, signed_content, values
from tests.inputs.ikev2_profiles import credentials, p12, signed

if TYPE_CHECKING:
    from pathlib import Path

TEXT = b"<plist>something</plist>\n" * 50


def test_a_signed_message_gives_its_content(tmp_path: Path) -> None:
    message = signed(TEXT, credentials(tmp_path)[1])
    assert is_signed(message)
    assert signed_content(message) == TEXT


@pytest.mark.requires("openssl")
@pytest.mark.parametrize("how", [["smime"], ["cms"], ["cms", "-stream"]])
def test_what_openssl_signs_is_read_in_der_and_in_ber(tmp_path: Path, how: list[str]) -> None:
    _, client = credentials(tmp_path)
    (tmp_path / "text").write_bytes(TEXT)
    command = ["openssl", how[0], "-sign", "-nodetach", "-binary", "-outform", "DER", *how[1:]]
    files = ["-in", str(tmp_path / "text"), "-signer", str(client.certificate), "-inkey", str(client.key)]
    done = subprocess.run([*command, *files], capture_output=True, check=True)
    assert is_signed(done.stdout)
    assert signed_content(done.stdout) == TEXT


def test_a_signature_that_stands_alone_has_no_content(tmp_path: Path) -> None:
    message = signed(TEXT, credentials(tmp_path)[1])
    for cut in (1, 5, 40, 60, 200):
        with pytest.raises(DerError):
            signed_content(message[:cut])


def test_a_key_file_says_how_many_rounds_it_takes(tmp_path: Path) -> None:
    assert 1000 <= rounds(p12(credentials(tmp_path)[1])) <= 2_000_000
    dear = b"\x30\x0a\x04\x02ab\x02\x04\x7f\xff\xff\xff"
    assert rounds(b"\x30\x0e\x04\x0c" + dear) == 0x7FFFFFFF
    assert rounds(b"not ASN.1 at all") == 0


@given(st.binary(max_size=300))
def test_any_bytes_give_an_answer_or_the_one_error(data: bytes) -> None:
    for read in (signed_content, lambda data: list(values(data)), rounds):
        try:
            read(data)
        except DerError:
            continue


@given(st.binary(max_size=200))
def test_any_bytes_behind_the_beginning_of_a_signed_message(data: bytes) -> None:
    head = bytes.fromhex("06092a864886f70d010702a0")
    for size in (b"\x80", bytes([len(data) & 0x7F])):
        message = b"\x30\x80" + head + size + data
        try:
            signed_content(message)
        except DerError:
            continue


def test_deep_and_wide_files_end() -> None:
    for data in (b"\x30\x80" * 5000, b"\x05\x00" * 100_000, b"\x04\x80" * 1000):
        with pytest.raises(DerError):
            list(values(data))
    with pytest.raises(DerError):
        rounds(b"\x05\x00" * 100_000)
