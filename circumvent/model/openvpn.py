"""What an OpenVPN profile says, as far as it decides how to connect."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circumvent.model.option import Endpoint
    from circumvent.model.secret import Secret


class Wrapping(StrEnum):
    """How control packets are protected below TLS."""

    PLAIN = "plain"
    TLS_AUTH = "tls-auth"
    TLS_CRYPT = "tls-crypt"
    TLS_CRYPT_V2 = "tls-crypt-v2"


class NameMode(StrEnum):
    """What ``verify-x509-name`` compares."""

    SUBJECT = "subject"
    NAME = "name"
    PREFIX = "name-prefix"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """``http-proxy`` or ``socks-proxy``: the ``kind`` that carries the connection, and its account."""

    kind: str
    endpoint: Endpoint
    user: Secret | None = None
    password: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """One ``remote`` or ``<connection>``: a variant of the same option. ``transport`` is ``udp`` or ``tcp``."""

    endpoint: Endpoint
    transport: str = "udp"
    proxy: Proxy | None = None
    exit_notify: bool = False
    fragment: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRules:
    """What the server's certificate must be, beside issued by ``ca`` (manual, *TLS Mode Options*).

    ``name`` and ``name_mode`` are ``verify-x509-name``; ``server_use`` is ``remote-cert-tls server``;
    ``extended_use`` and ``key_usages`` are ``remote-cert-eku`` and ``remote-cert-ku``; ``fingerprints`` are SHA-256 of
    certificates that are accepted (``peer-fingerprint``); ``issuer_hashes`` are ``verify-hash``: digests of the
    certificate that issued the server's.
    """

    ca: str | None = field(default=None, repr=False)
    name: str | None = None
    name_mode: NameMode = NameMode.SUBJECT
    server_use: bool = False
    extended_use: str | None = None
    key_usages: tuple[int, ...] = ()
    fingerprints: tuple[bytes, ...] = ()
    issuer_hashes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenvpnSettings:
    """Settings of ``openvpn``. ``remotes`` are tried in their order (or shuffled); the option's endpoint is the first.

    ``wrap_key`` is the text of the key that ``wrapping`` needs, ``key_direction`` that of ``tls-auth``;
    ``certificate`` (with intermediate ones in ``extra_certificates``) and ``key`` are who we are. ``ciphers`` are those
    that we offer for the data channel in order, ``fallback`` is used where the server names none, ``digest`` protects
    packets of ``tls-auth`` and of ciphers without authentication of their own. ``compression`` is the framing that the
    profile wants (``comp-lzo``, ``stub``, ``stub-v2``). ``resolvers`` are what the profile says itself.
    ``asks_password`` tells that the profile has ``auth-user-pass``; ``unsupported`` holds the words for what this
    version can't speak.
    """

    remotes: tuple[Remote, ...]
    shuffled: bool = False
    wrapping: Wrapping = Wrapping.PLAIN
    wrap_key: Secret | None = None
    key_direction: int | None = None
    digest: str = "SHA1"
    ciphers: tuple[str, ...] = ()
    fallback: str | None = None
    rules: ServerRules = field(default_factory=ServerRules)
    certificate: str | None = field(default=None, repr=False)
    extra_certificates: str | None = field(default=None, repr=False)
    key: Secret | None = None
    key_password: Secret | None = None
    tls_minimum: str | None = None
    tls_maximum: str | None = None
    tls_ciphers: str | None = None
    tls_ciphersuites: str | None = None
    compression: str | None = None
    mtu: int = 1500
    resolvers: tuple[str, ...] = ()
    asks_password: bool = False
    unsupported: str | None = None
