"""Profiles written back are read as the same option, and OpenVPN itself takes them."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from circumvent.convert.ovpn import write_ovpn
from circumvent.convert.problem import CannotWrite
from circumvent.ids import canonical
from circumvent.inputs.ovpn import read_ovpn
from circumvent.model.openvpn import OpenvpnSettings
from circumvent.model.secret import Secret
from tests.inputs.profiles import CLIENT_KEY_V2, STATIC_KEY, block, certificate, profile
from tests.lab.daemon import find_program
from tests.lab.left_out import requires

if TYPE_CHECKING:
    from pathlib import Path

PROFILES = {
    "plain": profile(),
    "everything": profile(
        "remote 2001:db8::1 443 tcp",
        "remote-random",
        "http-proxy proxy.example 3128",
        block("http-proxy-user-pass", "paul\nproxy word"),
        "explicit-exit-notify",
        'setenv FRIENDLY_NAME "The \\"office\\""',
        "data-ciphers AES-256-GCM:AES-256-CBC",
        "data-ciphers-fallback AES-256-CBC",
        "auth SHA512",
        "tls-version-min 1.2",
        "tls-cipher TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384",
        "tls-ciphersuites TLS_AES_256_GCM_SHA384",
        "compress stub-v2",
        "tun-mtu 1400",
        "dhcp-option DNS 10.8.0.1",
        'verify-x509-name "C=KG, CN=a b"',
        "remote-cert-tls server",
        "remote-cert-ku a0",
        f"verify-hash {':'.join(['AB'] * 32)}",
        block("extra-certs", certificate()),
        block("auth-user-pass", "anna\nsecret \\ word"),
        "key-direction 1",
        block("tls-auth", STATIC_KEY),
    ),
    "fingerprint": profile(block("peer-fingerprint", ":".join(["CD"] * 32)), "verify-x509-name server name"),
    "tls-crypt": profile("auth-user-pass", "comp-lzo", "fragment 1400", block("tls-crypt", STATIC_KEY)),
    "tls-crypt-v2": profile("compress", "cipher AES-128-CBC", block("tls-crypt-v2", CLIENT_KEY_V2)),
}


@pytest.mark.parametrize("name", PROFILES)
def test_what_is_written_is_read_as_the_same(name: str) -> None:
    option = read_ovpn(PROFILES[name], folder=None)
    again = read_ovpn(write_ovpn(option), folder=None)
    assert canonical(again) == canonical(option)
    assert again.label == option.label


@pytest.mark.parametrize("name", PROFILES)
def test_openvpn_takes_what_is_written(name: str, tmp_path: Path) -> None:
    """``--show-digests`` makes it end once it has read the profile."""
    requires("openvpn")
    program = find_program("openvpn")
    assert program is not None
    path = tmp_path / "written.ovpn"
    path.write_text(write_ovpn(read_ovpn(PROFILES[name], folder=None)))
    said = subprocess.run(
        [program, "--config", str(path), "--show-digests"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert "Options error" not in said.stdout + said.stderr


def test_what_a_profile_cannot_say() -> None:
    option = read_ovpn(PROFILES["plain"], folder=None)
    assert isinstance(option.settings, OpenvpnSettings)
    for settings in (
        replace(option.settings, unsupported="it has a static key"),
        replace(option.settings, key_password=Secret("word")),
    ):
        with pytest.raises(CannotWrite):
            write_ovpn(replace(option, settings=settings))
    with pytest.raises(CannotWrite):
        write_ovpn(replace(option, settings=None))
    with pytest.raises(CannotWrite):
        write_ovpn(replace(option, user=Secret("a\nb"), password=Secret("c")))
