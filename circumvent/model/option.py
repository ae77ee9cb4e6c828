"""Options: one circumvention path each, with all that is needed to try it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from circumvent.model.bridge import BridgeSettings
from circumvent.model.ikev2 import Ikev2Settings
from circumvent.model.kinds import KINDS, Kind
from circumvent.model.l2tp import L2tpSettings
from circumvent.model.openconnect import OpenconnectSettings
from circumvent.model.openvpn import OpenvpnSettings
from circumvent.model.sstp import SstpSettings
from circumvent.model.wireguard import WireguardSettings

if TYPE_CHECKING:
    from circumvent.model.secret import Secret
    from circumvent.model.words import Exposure, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to send packets: a host as the user wrote it, a port, and addresses if they are known.

    ``host`` is a DNS name without trailing dot, or an IP address without brackets. ``addresses`` come from
    the catalogue, a link or a resolver and are tried in place of a look-up.
    """

    host: str
    port: int
    addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise ValueError(f"port {self.port} does not exist. Ports go from 1 to 65535.")
        if not self.host:
            raise ValueError("an endpoint needs a host")
        for address in self.addresses:
            ipaddress.ip_address(address)

    @property
    def literal(self) -> bool:
        """Tell whether :attr:`host` is an IP address."""
        return is_address(self.host)

    @property
    def known_addresses(self) -> tuple[str, ...]:
        """Return the addresses that are known without a look-up."""
        return (self.host,) if self.literal else self.addresses

    def __str__(self) -> str:
        return join_host_port(self.host, self.port)


def is_address(host: str) -> bool:
    """Tell whether ``host`` is an IP address literal (no brackets)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def join_host_port(host: str, port: int) -> str:
    """Write ``host:port``, with brackets around IPv6 addresses."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Settings of ``doh``, ``doh3``, ``https`` and ``h3``: the whole URL, whose path may be a secret, and GET or POST for DNS."""

    url: str = field(repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnscryptSettings:
    """Settings of ``dnscrypt``: provider name, its Ed25519 public key (32 bytes), an optional relay."""

    provider: str
    public_key: bytes
    relay: Endpoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OdohSettings:
    """Settings of ``odoh``: the target's URL and, when one is used, the relay's URL (RFC 9230)."""

    url: str = field(repr=False)
    relay: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """Settings of ``http-connect``: whether the proxy itself is spoken to inside TLS."""

    tls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceSettings:
    """Settings of ``stun`` and ``turn``: ``udp``, ``tcp`` or ``tls`` to the server."""

    transport: str = "udp"


Settings = (
    WebSettings
    | DnscryptSettings
    | OdohSettings
    | ProxySettings
    | OpenconnectSettings
    | OpenvpnSettings
    | Ikev2Settings
    | L2tpSettings
    | SstpSettings
    | VoiceSettings
    | WireguardSettings
    | BridgeSettings
    | None
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an option came from, for messages and for the rules on user-held names.

    ``source`` is a file name as given, ``catalogue``, ``argument`` or ``stdin``; ``line`` counts from 1. ``interfaces`` are
    those of this device behind which it was found, where it was found and not named.
    """

    source: str
    line: int | None = None
    interfaces: tuple[str, ...] = ()

    @property
    def held_by_user(self) -> bool:
        """Tell whether the user named it (its name and address are then private)."""
        return self.source != "catalogue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One circumvention path with all that is needed to try it.

    ``sni`` is the name sent in the ClientHello: ``None`` means the host's own, ``""`` means none at all.
    ``verify_name`` is what the certificate must be for when that is not the host. ``certificate_hashes`` are
    SHA-256 digests of a TBS certificate that must be in the chain (DNS stamps). ``ca`` is a PEM text to trust
    for this option only. ``via`` is the id of another option that carries this one. ``operator`` and
    ``cdn`` feed the fate groups.
    """

    id: str
    kind: str
    label: str
    endpoint: Endpoint
    origin: Origin
    settings: Settings = None
    sni: str | None = None
    verify_name: str | None = None
    alpn: tuple[str, ...] = ()
    certificate_hashes: tuple[bytes, ...] = ()
    ca: str | None = field(default=None, repr=False)
    user: Secret | None = None
    password: Secret | None = None
    via: str | None = None
    operator: str | None = None
    cdn: str | None = None
    filtering: bool = False
    baseline: bool = False
    exposure_override: Exposure | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f'there is no kind "{self.kind}"')

    @property
    def traits(self) -> Kind:
        """Return what is true of every option of this kind."""
        return KINDS[self.kind]

    @property
    def scope(self) -> Scope:
        """Return what the option protects."""
        return self.traits.scope

    @property
    def exposure(self) -> Exposure:
        """Return what trying it shows to an observer."""
        return self.exposure_override or self.traits.exposure

    @property
    def held_by_user(self) -> bool:
        """Tell whether the user named it."""
        return self.origin.held_by_user
