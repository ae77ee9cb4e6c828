"""Options from profiles, for tries of OpenVPN."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from circumvent.inputs.ovpn import read_ovpn
from circumvent.model.openvpn import OpenvpnSettings
from circumvent.model.option import Origin
from circumvent.model.secret import Secret

if TYPE_CHECKING:
    from circumvent.model.option import Option


def profile_option(text: str, **settings: Any) -> Option:
    """Return the option of a profile, with some of its settings changed."""
    option = read_ovpn(text, folder=None)
    assert isinstance(option.settings, OpenvpnSettings)
    return replace(
        option,
        id="openvpn-test",
        origin=Origin(source="argument"),
        settings=replace(option.settings, **settings),
    )


def locked_key(profile: str, passphrase: str) -> Secret:
    """Return the key of a profile, locked."""
    settings = profile_option(f"remote a.example\n{profile}").settings
    assert isinstance(settings, OpenvpnSettings)
    assert settings.key is not None
    key = load_pem_private_key(settings.key.reveal().encode(), None)
    lock = BestAvailableEncryption(passphrase.encode())
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock).decode())
