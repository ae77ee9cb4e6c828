"""Files beside a profile are read, and no others, whatever the profile says."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from circumvent.inputs.ovpn import read_ovpn
from circumvent.inputs.ovpn_files import Beside, account
from circumvent.inputs.ovpn_lines import Directive
from circumvent.inputs.problem import LineError
from circumvent.model.openvpn import OpenvpnSettings
from tests.inputs.profiles import PASSPHRASE, STATIC_KEY, certificate, identity, private_key

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.model.option import Option

LINES = "client\nremote a.example\nca ca.crt\ncert me.crt\nkey me.key\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ca.crt").write_text("Certificate:\n  Data\n" + certificate())
    (tmp_path / "me.crt").write_text(certificate())
    (tmp_path / "me.key").write_text(
        "-----BEGIN EC PARAMETERS-----\nx\n-----END EC PARAMETERS-----\n" + private_key()
    )
    (tmp_path / "login.txt").write_bytes(b"anna\r\nword\r\n")
    (tmp_path / "ta.key").write_text(STATIC_KEY)
    return tmp_path


def settings_of(option: Option) -> OpenvpnSettings:
    assert isinstance(option.settings, OpenvpnSettings)
    return option.settings


def test_files_beside_the_profile(folder: Path) -> None:
    option = read_ovpn(LINES + "auth-user-pass login.txt\ntls-auth ta.key 1\n", folder=folder)
    found = settings_of(option)
    assert found.rules.ca == certificate().strip()
    assert found.key is not None
    assert found.key.reveal() == private_key().strip()
    assert found.key_direction == 1
    assert option.user is not None
    assert option.password is not None
    assert (option.user.reveal(), option.password.reveal()) == ("anna", "word")


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../secret", "sub/file", "C:\\secret", ".hidden", "~/x", "missing.crt", "a\0b"]
)
def test_files_elsewhere_are_never_read(folder: Path, name: str) -> None:
    (folder.parent / "secret").write_text(certificate())
    with pytest.raises(LineError) as raised:
        Beside(folder).text(Directive(3, "ca", (name,)))
    assert raised.value.where == 3
    assert name not in raised.value.sentence


def test_a_folder_or_what_is_no_certificate(folder: Path) -> None:
    (folder / "sub").mkdir()
    for name in ("sub", "login.txt"):
        with pytest.raises(LineError):
            read_ovpn(LINES.replace("ca.crt", name), folder=folder)


def test_a_locked_key_and_its_passphrase(folder: Path) -> None:
    (folder / "me.key").write_text(private_key(PASSPHRASE))
    assert settings_of(read_ovpn(LINES, folder=folder)).key_password is None
    (folder / "pass").write_text(PASSPHRASE + "\n")
    found = settings_of(read_ovpn(LINES + "askpass pass\n", folder=folder))
    assert found.key_password is not None
    assert found.key_password.reveal() == PASSPHRASE


def test_a_bundle(folder: Path) -> None:
    key, own = identity()
    data = serialize_key_and_certificates(b"x", key, own, [own], NoEncryption())
    (folder / "me.p12").write_bytes(data)
    lines = "client\nremote a.example\nca ca.crt\npkcs12 me.p12\n"
    inline = "client\nremote a.example\n<pkcs12>\n" + base64.encodebytes(data).decode() + "</pkcs12>\n"
    for text in (lines, inline):
        found = settings_of(read_ovpn(text, folder=folder))
        assert found.key is not None
        assert found.certificate == certificate().strip()
        assert found.rules.ca is not None
    locked = serialize_key_and_certificates(
        b"x", key, own, None, BestAvailableEncryption(PASSPHRASE.encode())
    )
    (folder / "me.p12").write_bytes(locked)
    assert "locked" in (settings_of(read_ovpn(lines, folder=folder)).unsupported or "")
    for broken in ("<pkcs12>\n!\n</pkcs12>", "pkcs12 ca.crt"):
        text = f"client\nremote a.example\nca ca.crt\n{broken}\n"
        if broken.startswith("<"):
            with pytest.raises(LineError, match="base64"):
                read_ovpn(text, folder=folder)
        else:
            assert settings_of(read_ovpn(text, folder=folder)).unsupported is not None


def test_accounts() -> None:
    assert account("") == (None, None)
    user, password = account("anna\n")
    assert user is not None
    assert password is None
    assert account("a\x00b\nword")[0] is None
