"""The fields of VPN kinds in TOML, from their settings."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from circumvent.convert.wireguard import disguise_fields
from circumvent.model.ikev2 import Ikev2Settings
from circumvent.model.l2tp import L2tpSettings
from circumvent.model.openconnect import OpenconnectSettings
from circumvent.model.sstp import SstpSettings
from circumvent.model.wireguard import WireguardSettings

if TYPE_CHECKING:
    from circumvent.model.secret import Secret


def vpn_fields(settings: object) -> dict[str, Any]:
    """Return what the settings of a VPN kind say beyond place, name and password; nothing for other kinds.

    What says no more than its absence would is ``None``.
    """
    match settings:
        case OpenconnectSettings():
            path = settings.path if settings.path != "/" else None
            return {"path": path, "group": settings.group, "pin": _pin(settings.pin)}
        case SstpSettings():
            return {"pap": settings.pap or None, "pin": _pin(settings.pin)}
        case L2tpSettings():
            return {"ipsec": None if settings.ipsec else False}
        case Ikev2Settings():
            return _ikev2(settings)
        case WireguardSettings():
            return _wireguard(settings)
    return {}


def _ikev2(settings: Ikev2Settings) -> dict[str, Any]:
    return {
        "psk": _revealed(settings.psk),
        "remote_id": settings.remote_id,
        "local_id": settings.local_id,
        "certificate": settings.certificate,
        "private_key": _revealed(settings.private_key),
        "proposals": list(settings.proposals) or None,
        "esp_proposals": list(settings.esp_proposals) or None,
        "eap_only": settings.eap_only or None,
        "fragmentation": None if settings.fragmentation else False,
    }


def _wireguard(settings: WireguardSettings) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "private_key": settings.private_key.reveal(),
        "public_key": base64.b64encode(settings.peer_key).decode("ascii"),
        "preshared_key": _revealed(settings.preshared_key),
        "addresses": list(settings.addresses),
        "dns": list(settings.resolvers) or None,
        "mtu": settings.mtu,
        "keepalive": settings.keepalive,
        "reserved": None if settings.reserved is None else list(settings.reserved),
    }
    if settings.disguise is not None:
        fields |= {name.lower(): value for name, value in disguise_fields(settings.disguise)}
    return fields


def _pin(pin: bytes | None) -> str | None:
    return None if pin is None else f"pin-sha256:{base64.b64encode(pin).decode('ascii')}"


def _revealed(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()
