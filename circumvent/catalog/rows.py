"""The rows of the catalogue's files, and what is made of them. Every row says where its facts come from, and when.

``verified`` is false for what was written from general knowledge: such a row is used only where a wrong one does no
harm, because others are asked beside it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every row has: its source, the day on which that was seen, whether it was seen at all."""

    source: str
    date: dt.date
    verified: bool = True


class ResolverRow(Row, frozen=True, kw_only=True):
    """A resolver; each protocol that it names becomes an option.

    ``doh`` is a URL, ``dot`` and ``doq`` names of certificates, ``plain`` an address; ``doh3``: the URL also
    answers over HTTP/3. ``large``: so many devices use it unasked that asking it is ordinary.
    """

    slug: str
    label: str
    operator: str
    large: bool = False
    filtering: bool = False
    addresses: tuple[str, ...] = ()
    doh: str | None = None
    doh3: bool = False
    dot: str | None = None
    doq: str | None = None
    plain: str | None = None
    note: str | None = None


class DnscryptRow(Row, frozen=True, kw_only=True):
    """A DNSCrypt server; ``public_key`` is 32 bytes in hexadecimal."""

    slug: str
    label: str
    operator: str
    filtering: bool = False
    address: str
    port: int
    provider: str
    public_key: str


class OdohRow(Row, frozen=True, kw_only=True):
    """An Oblivious DoH target, with or without a relay before it."""

    slug: str
    label: str
    operator: str
    cdn: str | None = None
    url: str
    relay: str | None = None


class StunRow(Row, frozen=True, kw_only=True):
    """A STUN server; each of its transports becomes an option."""

    slug: str
    label: str
    operator: str
    host: str
    port: int
    transports: tuple[Literal["udp", "tcp", "tls"], ...]


class BridgeRow(Row, frozen=True, kw_only=True):
    """A public Tor bridge or relay, as its bridge line."""

    slug: str
    label: str
    operator: str
    line: str


class SettingsApiRow(Row, frozen=True, kw_only=True):
    """Tor's circumvention-settings API: its own URL, the URL that meek requests name, and the front that passes them on."""

    url: str
    reflector: str
    front: str


class PageRow(Row, frozen=True, kw_only=True):
    """A page for the baseline, over TCP and, where it can, over QUIC."""

    slug: str
    label: str
    operator: str
    cdn: str | None = None
    url: str
    kinds: tuple[Literal["https", "h3"], ...]


class ControlRow(Row, frozen=True, kw_only=True):
    """A control: what is fetched, and what must come back."""

    url: str
    operator: str
    status: int | None = None
    body: str | None = None
    contains: str | None = None
    exposure: Literal["ordinary", "marking"] = "ordinary"
    never_alone: bool = False


class BulkRow(Row, frozen=True, kw_only=True):
    """A bulk resource for ``sustained``."""

    down: str
    up: str | None = None
    by_range: bool = False
    operator: str


class AnchorRow(Row, frozen=True, kw_only=True, rename={"cls": "class"}):
    """A host outside any one country."""

    host: str
    cls: str
    network: str
    port: int = 443
    addresses: tuple[str, ...] = ()


class DomesticRow(Row, frozen=True, kw_only=True):
    """A host that people of one country use."""

    country: str
    host: str
    port: int = 443
    hosted_there: bool = False


class CheckRow(Row, frozen=True, kw_only=True):
    """A connectivity check of an operating system (plain HTTP)."""

    url: str
    operator: str
    status: int
    body: str | None = None


class CanaryRow(Row, frozen=True, kw_only=True):
    """Names that a country's resolvers are known to lie about."""

    country: str
    names: tuple[str, ...]


class LawRow(Row, frozen=True, kw_only=True):
    """A fact of law; ``applies_to`` holds scopes, ``satellite`` or ``handing_on``."""

    country: str
    text: str
    applies_to: tuple[str, ...]


class ResidualRow(Row, frozen=True, kw_only=True):
    """The longest time (s) for which a country's filters are documented to punish what set them off."""

    country: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsApi:
    """Where Tor says which bridges it recommends: ``url`` directly, ``reflector`` by meek through ``front``."""

    url: str
    reflector: str
    front: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A host that tells what kind of network this is.

    ``cls`` is the class of its operator (``cdn``, ``updates``, ``cloud``, ``academic``, ``exchange``,
    ``resolver``, ``domestic``); ``network`` is counted. It answers TLS on ``port`` with a certificate for ``host``.
    """

    host: str
    cls: str
    network: str
    port: int = 443
    addresses: tuple[str, ...] = ()
    domestic: bool = False
    country: str | None = None
    verified: bool = True

    @property
    def address(self) -> str | None:
        """Return the first known address."""
        return self.addresses[0] if self.addresses else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectivityCheck:
    """A URL over plain HTTP and its answer; another answer means that somebody stands in between."""

    url: str
    operator: str
    status: int
    body: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """A fact of law, with its source and date. Never legal advice."""

    country: str
    text: str
    applies_to: tuple[str, ...]
    source: str
    date: dt.date


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Where the facts of a catalogue option come from."""

    source: str
    date: dt.date
    verified: bool
    note: str | None = None
