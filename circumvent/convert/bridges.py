"""Tor bridges as the lines that Tor and its browser read."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from circumvent.model.bridge import (
    ConjureSettings,
    DnsttSettings,
    MeekSettings,
    Obfs4Settings,
    TorSettings,
    WebtunnelSettings,
)
from circumvent.model.option import join_host_port
from circumvent.model.snowflake import SnowflakeSettings

if TYPE_CHECKING:
    from circumvent.model.option import Option

#: The address of a WebTunnel line means nothing; such lines have one of the documentation's (RFC 3849).
_NOWHERE: Final = "[2001:db8::1]:443"
_NO_ADDRESS: Final = "192.0.2.3:80"


def bridge_line(option: Option) -> str | None:
    """Return the line of a bridge, ``None`` for an option that is none."""
    settings = option.settings
    match settings:
        case TorSettings():
            words = ["Bridge", str(option.endpoint), _hexadecimal(settings.fingerprint)]
        case Obfs4Settings():
            cert = _unpadded(settings.node_id + settings.public_key)
            mode = f"iat-mode={settings.iat_mode}"
            words = ["obfs4", str(option.endpoint), _hexadecimal(settings.fingerprint), f"cert={cert}", mode]
        case WebtunnelSettings():
            words = _webtunnel(option, settings)
        case MeekSettings():
            words = ["meek_lite", _NOWHERE, _hexadecimal(settings.fingerprint), f"url={settings.url}"]
            words.append(f"front={option.endpoint.host}")
        case DnsttSettings():
            words = ["dnstt", _NO_ADDRESS, _hexadecimal(settings.fingerprint)]
            words.append(f"{settings.resolver}={settings.url or option.endpoint}")
            words.append("" if settings.public_key is None else f"pubkey={settings.public_key.hex()}")
            words.append(settings.domain and f"domain={settings.domain}")
        case ConjureSettings():
            words = _conjure(option, settings)
        case SnowflakeSettings(url=url) if url:
            words = _snowflake(settings)
        case _:
            return None
    return " ".join(filter(None, words))


def _webtunnel(option: Option, settings: WebtunnelSettings) -> list[str]:
    scheme = "https" if settings.tls else "http"
    words = ["webtunnel", _NOWHERE, _hexadecimal(settings.fingerprint)]
    words.append(f"url={scheme}://{settings.host}{settings.path}")
    known = option.endpoint.addresses[:1]
    words += [f"addr={join_host_port(address, option.endpoint.port)}" for address in known]
    if option.sni:
        words.append(f"servername={option.sni}")
    if settings.chain_hash is not None:
        words.append(f"cert={_unpadded(settings.chain_hash)}")
    return words


def _conjure(option: Option, settings: ConjureSettings) -> list[str]:
    words = ["conjure", settings.bridge, _hexadecimal(settings.fingerprint), f"url={settings.url}"]
    words.append(f"registrar={settings.registrar}")
    if settings.amp_cache:
        words.append(f"ampcache={settings.amp_cache}")
    if settings.registrar != "dns":
        words.append(f"fronts={','.join((option.endpoint.host, *settings.fronts))}")
    return [*words, f"transport={settings.phantom}"]


def _snowflake(settings: SnowflakeSettings) -> list[str]:
    words = ["snowflake", _NO_ADDRESS, _hexadecimal(settings.fingerprint)]
    # A line that names nobody asks for the bridge that all clients ask for.
    if settings.fingerprint is not None:
        words.append(f"fingerprint={_hexadecimal(settings.bridge)}")
    words.append(f"url={settings.url}")
    if settings.amp_cache:
        words.append(f"ampcache={settings.amp_cache}")
    if settings.fronts:
        words.append(f"fronts={','.join(settings.fronts)}")
    if settings.stun:
        servers = (f"stun:{join_host_port(host, port)}" for host, port in settings.stun)
        words.append(f"ice={','.join(servers)}")
    if settings.imitate:
        words.append(f"utls-imitate={settings.imitate}")
    return [*words, *(["utls-nosni=true"] if settings.no_sni else [])]


def _hexadecimal(fingerprint: bytes | None) -> str:
    return "" if fingerprint is None else fingerprint.hex().upper()


def _unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii").rstrip("=")
