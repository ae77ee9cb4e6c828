"""What profiles of IKEv2 share, and the fields of its TOML tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from circumvent.convert.write import write
from circumvent.ids import IdMaker
from circumvent.inputs import ikev2_fields
from circumvent.inputs.ikev2_fields import certificates, check_settings, key_file, pem, private_key
from circumvent.inputs.problem import LineError, Parsed
from circumvent.inputs.read import read_inputs
from circumvent.model.ikev2 import Ikev2Settings
from circumvent.model.l2tp import L2tpSettings
from circumvent.model.secret import Secret
from tests.inputs.ikev2_profiles import PASSWORD, PSK, credentials, p12, profile, vpn

if TYPE_CHECKING:
    from pathlib import Path


KEY = bytes(32)


def read(tmp_path: Path, text: str, ids: IdMaker | None = None) -> Parsed:
    (tmp_path / "list.toml").write_text(text)
    return read_inputs([str(tmp_path / "list.toml")], ids=ids or IdMaker())


def test_a_table_with_a_shared_key(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        f"""
[[option]]
kind = "ikev2"
host = "vpn.example.com"
psk = "{PSK}"
remote_id = "vpn.example.com"
local_id = "anna@example.com"
proposals = "aes256-sha256-modp2048"
esp_proposals = ["aes256gcm16", "aes256-sha256"]
fragmentation = false
""",
    )
    (option,) = parsed.options
    settings = option.settings
    assert isinstance(settings, Ikev2Settings)
    assert settings.psk is not None
    assert (settings.psk.reveal(), settings.remote_id, settings.fragmentation) == (
        PSK,
        "vpn.example.com",
        False,
    )
    assert settings.proposals == ("aes256-sha256-modp2048",)
    assert (option.endpoint.port, parsed.problems) == (500, ())
    assert PSK not in repr(option)


def test_certificate_and_key_stand_in_files_beside_the_list(tmp_path: Path) -> None:
    authority, client = credentials(tmp_path)
    parsed = read(
        tmp_path,
        f"""
[[option]]
kind = "ikev2"
host = "93.184.216.34"
port = 4500
certificate = "{client.certificate.name}"
private_key = "{client.key.name}"
ca = "{authority.pem_file.name}"
""",
    )
    (option,) = parsed.options
    assert isinstance(option.settings, Ikev2Settings)
    assert option.settings.certificate == client.certificate.read_text()
    assert (option.ca, option.endpoint.port) == (authority.pem, 4500)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('proposals = "3des-sha1-modp1024"', "algorithm"),
        ('esp_proposals = "blowfish"', "algorithm"),
        ('remote_id = "XY=nobody"', "identity"),
        ('certificate = "missing.pem"', "can't be read"),
        ('private_key = "missing.pem"', "can't be read"),
        ('certificate = "-----BEGIN CERTIFICATE-----"', "can't be read"),
        ('private_key = "-----BEGIN PRIVATE KEY-----"', "can't be read"),
        ("eap_only = 1", "this field can't be used"),
        ('sni = "x.example"', "no such field"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(tmp_path: Path, line: str, sentence: str) -> None:
    parsed = read(tmp_path, f'[[option]]\nkind = "ikev2"\nhost = "vpn.example.com"\n{line}\n')
    (problem,) = parsed.problems
    assert (problem.line, parsed.options) == (4, ())
    assert sentence in problem.sentence


@pytest.mark.parametrize(("line", "port", "ipsec"), [("", 500, True), ("ipsec = false", 1701, False)])
def test_l2tp_without_ipsec_has_another_port(tmp_path: Path, line: str, port: int, ipsec: bool) -> None:
    (option,) = read(tmp_path, f'[[option]]\nkind = "l2tp"\nhost = "vpn.example.com"\n{line}\n').options
    assert option.endpoint.port == port
    assert option.settings == L2tpSettings(ipsec=ipsec)


def test_what_another_file_said_can_be_written_in_toml(tmp_path: Path) -> None:
    authority, client = credentials(tmp_path)
    key = {
        "PayloadType": "com.apple.security.pkcs12",
        "PayloadUUID": "A",
        "PayloadContent": p12(client),
        "Password": PASSWORD,
    }
    root = {"PayloadType": "com.apple.security.root", "PayloadContent": authority.pem.encode()}
    suite = {"EncryptionAlgorithm": "AES-256-GCM", "DiffieHellmanGroup": 19}
    more: dict[str, Any] = {"IKESecurityAssociationParameters": suite, "AuthenticationMethod": "Certificate"}
    (tmp_path / "a.mobileconfig").write_bytes(profile(vpn(PayloadCertificateUUID="a", **more), key, root))
    (option,) = read_inputs([str(tmp_path / "a.mobileconfig")], ids=IdMaker(KEY)).options
    (again,) = read(tmp_path, write((option,), "toml"), IdMaker(KEY)).options
    assert (again.id, again.settings, again.ca) == (option.id, option.settings, option.ca)


def test_a_key_file_gives_certificate_and_key(tmp_path: Path) -> None:
    _, client = credentials(tmp_path)
    chain, key = key_file(p12(client), PASSWORD)
    assert chain == client.certificate.read_text()
    assert private_key(key.reveal()).reveal() == key.reveal()
    for wrong in ("other", None):
        with pytest.raises(LineError, match="password"):
            key_file(p12(client), wrong)


def test_a_key_file_that_would_take_for_ever_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ikev2_fields, "MOST_ROUNDS", 100)
    with pytest.raises(LineError, match="slow"):
        key_file(p12(credentials(tmp_path)[1]), PASSWORD)


def test_keys_that_are_of_no_use_are_refused(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(LineError, match="neither"):
        private_key(text.decode())
    own = serialization.load_pem_private_key(credentials(tmp_path)[1].key.read_bytes(), None)
    locked = own.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"x"),
    )
    with pytest.raises(LineError, match="encrypted"):
        private_key(locked.decode())


def test_logins_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(LineError, match="two sorts"):
        check_settings(Ikev2Settings(psk=Secret("x"), certificate="c", private_key=Secret("k")))
    with pytest.raises(LineError, match="needs its private key"):
        check_settings(Ikev2Settings(certificate="c"))


def test_certificates_come_in_pem_and_der(tmp_path: Path) -> None:
    _, client = credentials(tmp_path)
    assert pem(certificates(client.der)) == client.certificate.read_text()
    assert pem(certificates(client.certificate.read_bytes())) == client.certificate.read_text()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read_it in (
        certificates,
        lambda data: key_file(data, None),
        lambda data: private_key(data.decode("latin-1")),
    ):
        with pytest.raises(LineError):
            read_it(data)
