"""Settings of Tor bridges and relays: who must answer, and how the link to them is dressed."""

from __future__ import annotations

from dataclasses import dataclass, field

from circumvent.model.snowflake import SnowflakeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class TorSettings:
    """Settings of ``tor``. ``fingerprint``: SHA-1 of the RSA identity key (20 bytes), ``None`` if the line has none."""

    fingerprint: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Obfs4Settings:
    """Settings of ``obfs4``: node id (20 bytes) and public key (32 bytes) of the line's ``cert``, and ``iat-mode``.

    The node id need not be the fingerprint of the bridge.
    """

    node_id: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    iat_mode: int = 0
    fingerprint: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebtunnelSettings:
    """Settings of ``webtunnel``: the secret URL in parts, and where given the hash of the whole chain (32 bytes).

    ``host`` is what the request names (with a port that is not the usual one); without ``tls`` it is plain HTTP.
    """

    host: str = field(repr=False)
    path: str = field(repr=False)
    tls: bool = True
    chain_hash: bytes | None = field(default=None, repr=False)
    fingerprint: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeekSettings:
    """Settings of ``meek``: the URL that requests are for. The option's endpoint is the front, or its host without one."""

    url: str = field(repr=False)
    fingerprint: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsttSettings:
    """Settings of ``dnstt``: the domain of the server, its public key (32 bytes), and how to ask the resolver.

    Without a key the bridge itself can't be tried; without a domain (``""``) there is no bridge, and only the resolver is.
    ``resolver`` is ``udp``, ``dot`` or ``doh`` (then ``url`` is its URL); the option's endpoint is the resolver.
    """

    domain: str = field(default="", repr=False)
    public_key: bytes | None = field(default=None, repr=False)
    resolver: str
    url: str = field(default="", repr=False)
    fingerprint: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConjureSettings:
    """Settings of ``conjure``: the registrar's URL, how it is asked, and what would be spoken to the phantom.

    ``registrar`` is ``bdapi``, ``ampcache`` (then ``amp_cache`` is the cache's URL) or ``dns``; ``phantom`` is ``min``,
    ``prefix`` or ``dtls``. The option's endpoint is the first of the line's fronts, or what the request is for; ``fronts``
    are the others. ``bridge`` is the Tor bridge behind the stations, to which nobody connects directly.
    """

    url: str = field(repr=False)
    registrar: str
    phantom: str
    bridge: str = field(repr=False)
    amp_cache: str = field(default="", repr=False)
    fronts: tuple[str, ...] = field(default=(), repr=False)
    fingerprint: bytes | None = field(default=None, repr=False)


BridgeSettings = (
    TorSettings
    | Obfs4Settings
    | WebtunnelSettings
    | MeekSettings
    | DnsttSettings
    | ConjureSettings
    | SnowflakeSettings
)
