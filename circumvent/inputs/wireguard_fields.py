"""The fields of a WireGuard or AmneziaWG profile, whatever form it came in: names in small letters to texts.

Facts: ``wg(8)``, ``wg-quick(8)``; README of amnezia-vpn/amneziawg-go. ``Reserved`` is what clients of Cloudflare WARP have
besides. A sentence about a field repeats nothing of it: keys are secrets.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from circumvent.inputs.draft import draft
from circumvent.inputs.hosts import clean_host, parse_port
from circumvent.inputs.problem import LineError
from circumvent.model.option import is_address
from circumvent.model.secret import Secret
from circumvent.model.wireguard import Disguise, WireguardSettings
from circumvent.vpn.amneziawg.tags import TagError, parse_tags

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from circumvent.model.option import Option

#: Bounds of what a profile may ask for.
MOST_ADDRESSES: Final = 16
MOST_JUNK: Final = 128
LARGEST_JUNK: Final = 1500
LARGEST_PADDING: Final = 1400
LEAST_MTU, LARGEST_MTU = 576, 9000
LONGEST_SIGNATURE: Final = 16_384

#: What makes AmneziaWG of WireGuard, in the order of its versions.
_JUNK: Final = ("jc", "jmin", "jmax")
_PADDINGS: Final = ("s1", "s2", "s3", "s4")
_HEADERS: Final = ("h1", "h2", "h3", "h4")
_SIGNATURES: Final = ("i1", "i2", "i3", "i4", "i5")
#: Fields of AmneziaWG 3, and what each is called; where one is off it is as if it were not there.
LATER: Final = frozenset({
    "headerprotectionkey", "contentpaddingaddition", "rekeyaftertime", "rekeytimeout", "rejectaftertime",
    "keepalivetimeout", "maxhandshakeattempts", "randomtrailers", "disablecookies",
})  # fmt: skip
_OFF: Final = frozenset({"", "0", "off", "(off)", "false", "no"})
#: Every field that says something about AmneziaWG 1 and 2; ``J1`` to ``J3`` and ``Itime`` concern later handshakes only.
AMNEZIA: Final = frozenset({*_JUNK, *_PADDINGS, *_HEADERS, *_SIGNATURES})

_KEY: Final = re.compile(r"[A-Za-z0-9+/_-]{42}[AEIMQUYcgkosw048]=?")
_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_RANGE: Final = re.compile(r"([0-9]{1,10})(?:\s*-\s*([0-9]{1,10}))?")
_LAST_HEADER: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Value:
    """A field as written, and the line that it stands in, where there are lines."""

    text: str
    line: int | None = None

    def __repr__(self) -> str:
        return "Value()"

    def error(self, sentence: str) -> LineError:
        """Return an error about this field."""
        return LineError(sentence, where=self.line)


def wireguard_option(values: Mapping[str, Value], *, label: str = "") -> Option:
    """Make an option without id of the fields of one tunnel to one peer.

    :raises LineError: when one is missing or can't be used.
    """
    private = _needed(values, "privatekey", "this profile has no PrivateKey. Ask for the whole file.")
    peer = _needed(values, "publickey", "this peer has no PublicKey. Ask for the whole file.")
    endpoint = _needed(values, "endpoint", "this peer has no Endpoint: it waits to be called, and can't be.")
    host, port = _endpoint(endpoint)
    shared = values.get("presharedkey")
    disguise = _disguise(values)
    settings = WireguardSettings(
        private_key=Secret(_key(private)),
        peer_key=base64.b64decode(_key(peer)),
        preshared_key=None if shared is None or not shared.text else Secret(_key(shared)),
        addresses=tuple(_addresses(values)),
        resolvers=tuple(_resolvers(values)),
        mtu=_mtu(values),
        keepalive=_keepalive(values),
        reserved=_reserved(values),
        disguise=disguise,
    )
    kind = "wireguard" if disguise is None else "amneziawg"
    return draft(kind, host=host, port=port, label=label, settings=settings)


def _needed(values: Mapping[str, Value], name: str, sentence: str) -> Value:
    value = values.get(name)
    if value is None or not value.text:
        raise LineError(sentence, where=None if value is None else value.line)
    return value


def _key(value: Value) -> str:
    """Return a key in the standard alphabet, padded: 32 bytes."""
    if not _KEY.fullmatch(value.text):
        raise value.error("this is no key: 44 characters of base64. It may have been cut when it was copied.")
    return value.text.rstrip("=").translate(str.maketrans("-_", "+/")) + "="


def _endpoint(value: Value) -> tuple[str, int]:
    text = value.text
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not (host.startswith("[") and host.endswith("]"))):
        raise value.error("the Endpoint is no host and port, as in vpn.example:51820 or [2001:db8::1]:51820.")
    try:
        return clean_host(host), parse_port(port)
    except LineError as exc:
        raise value.error(exc.sentence) from exc


def _items(value: Value | None) -> list[str]:
    return [] if value is None else [part.strip() for part in value.text.split(",") if part.strip()]


def _addresses(values: Mapping[str, Value]) -> Iterator[str]:
    value = _needed(values, "address", "this profile has no Address. Without one nothing can go through.")
    items = _items(value)
    if not 1 <= len(items) <= MOST_ADDRESSES:
        raise value.error(f"there are more than {MOST_ADDRESSES} addresses, or none.")
    for item in items:
        try:
            interface = ipaddress.ip_interface(item)
        except ValueError as exc:
            raise value.error("the Address is none, such as 10.0.0.2/32.") from exc
        if "%" in item:
            raise value.error("an address with a zone (after %) only means something on one device.")
        yield interface.with_prefixlen


def _resolvers(values: Mapping[str, Value]) -> Iterator[str]:
    """Return the addresses in ``DNS``; names in it are search domains, and none of ours."""
    return (
        ipaddress.ip_address(item).compressed
        for item in _items(values.get("dns"))[:MOST_ADDRESSES]
        if is_address(item) and "%" not in item
    )


def _mtu(values: Mapping[str, Value]) -> int | None:
    number = _number(values, "mtu", LARGEST_MTU, 0)
    if number and number < LEAST_MTU:
        raise values["mtu"].error(f"the MTU is a number from {LEAST_MTU} to {LARGEST_MTU}.")
    return number or None


def _keepalive(values: Mapping[str, Value]) -> int | None:
    value = values.get("persistentkeepalive")
    return int(value.text) if value is not None and _NUMBER.fullmatch(value.text) else None


def _reserved(values: Mapping[str, Value]) -> bytes | None:
    """Read WARP's three bytes: ``1,2,3``, base64 or hexadecimal."""
    value = values.get("reserved")
    if value is None or not value.text:
        return None
    text = value.text.strip("[] ")
    numbers = [part.strip() for part in text.split(",")]
    if len(numbers) == 3 and all(_NUMBER.fullmatch(part) and int(part) < 256 for part in numbers):
        return bytes(map(int, numbers))
    digits = text[2:] if text[:2] in {"0x", "0X"} else text
    if re.fullmatch(r"[0-9A-Fa-f]{6}", digits):
        return bytes.fromhex(digits)
    try:
        data = base64.b64decode(text, altchars=b"-_" if set(text) & {"-", "_"} else None, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != 3:
        raise value.error("Reserved is three bytes, such as 1,2,3.")
    return data


def _number(values: Mapping[str, Value], name: str, most: int, default: int) -> int:
    value = values.get(name)
    if value is None or not value.text:
        return default
    if not _NUMBER.fullmatch(value.text) or int(value.text) > most:
        raise value.error(f"this must be a whole number up to {most}.")
    return int(value.text)


def _disguise(values: Mapping[str, Value]) -> Disguise | None:
    """Return what AmneziaWG changes; ``None`` if it changes nothing: that is WireGuard."""
    later = tuple(sorted(name for name in LATER & set(values) if values[name].text.lower() not in _OFF))
    junk: dict[str, Any] = dict(
        zip(
            ("junk_count", "junk_least", "junk_most"),
            (_number(values, name, most, 0) for name, most in zip(_JUNK, _MOST_OF_JUNK, strict=True)),
            strict=True,
        )
    )
    if junk["junk_least"] > junk["junk_most"]:
        raise values["jmin"].error("Jmin is greater than Jmax.")
    paddings = [_number(values, name, LARGEST_PADDING, 0) for name in _PADDINGS]
    disguise = Disguise(
        **junk,
        paddings=(paddings[0], paddings[1], paddings[2], paddings[3]),
        headers=_headers(values),
        packets=tuple(_signatures(values)),
        later=later,
    )
    return None if disguise == Disguise() else disguise


_MOST_OF_JUNK: Final = (MOST_JUNK, LARGEST_JUNK, LARGEST_JUNK)


def _headers(values: Mapping[str, Value]) -> tuple[tuple[int, int], ...]:
    headers: list[tuple[int, int]] = []
    for kind, name in enumerate(_HEADERS, start=1):
        value = values.get(name)
        if value is None or value.text in {"", "0"}:
            headers.append((kind, kind))
            continue
        match = _RANGE.fullmatch(value.text)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last <= _LAST_HEADER:
            raise value.error("this must be a whole number, or two of them as in 5-1000.")
        headers.append((first, last))
    ordered = sorted(headers)
    if any(left[1] >= right[0] for left, right in pairwise(ordered)):
        line = next(values[name].line for name in _HEADERS if name in values)
        raise LineError("H1 to H4 must not overlap: packets could not be told apart.", where=line)
    return tuple(headers)


def _signatures(values: Mapping[str, Value]) -> Iterator[str]:
    for name in _SIGNATURES:
        value = values.get(name)
        if value is None or not value.text:
            continue
        if len(value.text) > LONGEST_SIGNATURE:
            raise value.error("this signature packet is too long.")
        try:
            parse_tags(value.text)
        except TagError as exc:
            raise value.error(str(exc)) from exc
        yield value.text
