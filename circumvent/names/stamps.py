"""DNS stamps (``sdns://``): everything needed to reach a resolver or relay, in one line of text.

Layout: https://dnscrypt.info/stamps-specifications. ``LP(x)`` is a length byte and x; ``VLP`` a list of them in
which every length byte but the last has its high bit set. A stamp is hostile text: whatever is wrong with it is a
:class:`StampError`, and nothing else is ever raised.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from circumvent.model.option import join_host_port

#: Longest text that is looked at, in characters; real stamps have at most some hundred.
LONGEST_TEXT: Final = 4096
#: SHA-256 of the TBS part of a certificate in the chain.
HASH_BYTES: Final = 32
#: An Ed25519 public key.
PUBLIC_KEY_BYTES: Final = 32
_MORE: Final = 0x80


class StampError(ValueError):
    """The text is no stamp that can be used; the message says why, without quoting it."""


class StampKind(IntEnum):
    """The first byte of a stamp."""

    PLAIN = 0x00
    DNSCRYPT = 0x01
    DOH = 0x02
    DOT = 0x03
    DOQ = 0x04
    ODOH_TARGET = 0x05
    DNSCRYPT_RELAY = 0x81
    ODOH_RELAY = 0x85


_DEFAULT_PORTS: Final = {StampKind.PLAIN: 53, StampKind.DOT: 853, StampKind.DOQ: 853}
#: Relay kinds, and the kind of server that each can stand before.
_RELAYS: Final = {StampKind.DNSCRYPT_RELAY: StampKind.DNSCRYPT, StampKind.ODOH_RELAY: StampKind.ODOH_TARGET}
#: Kinds that are reached by address alone; the others have a host name.
_BY_ADDRESS: Final = frozenset({StampKind.PLAIN, StampKind.DNSCRYPT, StampKind.DNSCRYPT_RELAY})
_WITH_HASHES: Final = frozenset({StampKind.DOH, StampKind.DOT, StampKind.DOQ, StampKind.ODOH_RELAY})
_WITH_PATH: Final = frozenset({StampKind.DOH, StampKind.ODOH_TARGET, StampKind.ODOH_RELAY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """One server or relay.

    ``address`` is a bare IP address or empty; ``host`` a name (or an address) without port, empty for kinds that
    are reached by address alone. ``port`` is always set. ``hashes`` are SHA-256 digests of TBS certificates, one of
    which must be in the chain. ``bootstrap`` are addresses of resolvers for ``host``. ``relay`` stands before.
    """

    kind: StampKind
    port: int
    address: str = ""
    host: str = ""
    path: str = ""
    properties: int = 0
    public_key: bytes = b""
    provider: str = ""
    hashes: tuple[bytes, ...] = ()
    bootstrap: tuple[str, ...] = ()
    relay: Stamp | None = None

    @property
    def dnssec(self) -> bool:
        """Tell whether the operator says that it validates DNSSEC."""
        return bool(self.properties & 1)

    @property
    def no_log(self) -> bool:
        """Tell whether the operator says that it keeps no logs."""
        return bool(self.properties & 2)

    @property
    def no_filter(self) -> bool:
        """Tell whether the operator says that it filters nothing."""
        return bool(self.properties & 4)


def default_port(kind: StampKind) -> int:
    """Return the port of a stamp that names none."""
    return _DEFAULT_PORTS.get(kind, 443)


def parse_stamp(text: str) -> Stamp:
    """Read ``sdns://<stamp>`` or ``sdns://<relay>/<server>``.

    :raises StampError: whatever is wrong with the text.
    """
    text = text.strip()
    if len(text) > LONGEST_TEXT:
        raise StampError(f"a stamp has at most {LONGEST_TEXT} characters")
    if text[:5].lower() != "sdns:":
        raise StampError("a stamp begins with sdns://")
    parts = text[5:].removeprefix("//").split("/")
    if len(parts) == 1:
        return _parse_bytes(_decode(parts[0]))
    if len(parts) != 2:
        raise StampError("a stamp is sdns://<server> or sdns://<relay>/<server>")
    relay, server = (_parse_bytes(_decode(part)) for part in parts)
    if _RELAYS.get(relay.kind) is not server.kind:
        raise StampError(f"a {relay.kind.name} stamp can't stand before a {server.kind.name} stamp")
    return replace(server, relay=relay)


def format_stamp(stamp: Stamp) -> str:
    """Write a stamp as text.

    :raises StampError: when a field does not fit into a stamp.
    """
    text = base64.urlsafe_b64encode(_format_bytes(stamp)).decode().rstrip("=")
    if stamp.relay is None:
        return f"sdns://{text}"
    return f"{format_stamp(stamp.relay)}/{text}"


def _decode(text: str) -> bytes:
    """Decode strict base64url: no padding, no other letters, no bits left over."""
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as exc:
        raise StampError("the stamp is not base64url") from exc
    if base64.urlsafe_b64encode(data).decode().rstrip("=") != text:
        raise StampError("the stamp is not base64url without padding")
    return data


class _Reader:
    """Takes fields from the front of the bytes of a stamp."""

    def __init__(self, data: bytes) -> None:
        self._rest = data

    @property
    def done(self) -> bool:
        return not self._rest

    def take(self, count: int) -> bytes:
        if len(self._rest) < count:
            raise StampError("the stamp ends too early")
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def prefixed(self) -> bytes:
        return self.take(self.take(1)[0])

    def prefixed_text(self) -> str:
        return _checked_text(self.prefixed())

    def prefixed_list(self) -> tuple[bytes, ...]:
        items = []
        while True:
            length = self.take(1)[0]
            items.append(self.take(length & ~_MORE))
            if not length & _MORE:
                return tuple(item for item in items if item)


def _checked_text(data: bytes) -> str:
    text = data.decode("ascii", "replace")
    if not all("!" <= character <= "~" for character in text):
        raise StampError("the stamp holds characters that belong in no name, address or path")
    return text


def _parse_bytes(data: bytes) -> Stamp:
    reader = _Reader(data)
    number = reader.take(1)[0]
    try:
        kind = StampKind(number)
    except ValueError as exc:
        raise StampError(f"no stamp has the protocol number 0x{number:02x}") from exc
    properties = 0 if kind is StampKind.DNSCRYPT_RELAY else int.from_bytes(reader.take(8), "little")
    stamp = Stamp(kind=kind, port=default_port(kind), properties=properties)
    stamp = _parse_by_address(stamp, reader) if kind in _BY_ADDRESS else _parse_by_host(stamp, reader)
    if not reader.done:
        raise StampError("the stamp goes on after its end")
    return stamp


def _parse_by_address(stamp: Stamp, reader: _Reader) -> Stamp:
    address, port = _split_port(reader.prefixed_text())
    if not address:
        raise StampError("the stamp has no address")
    stamp = replace(stamp, address=_checked_address(address), port=port or stamp.port)
    if stamp.kind is not StampKind.DNSCRYPT:
        return stamp
    public_key, provider = reader.prefixed(), reader.prefixed_text()
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise StampError(f"a provider's public key has {PUBLIC_KEY_BYTES} bytes, not {len(public_key)}")
    if not provider:
        raise StampError("the stamp has no provider name")
    return replace(stamp, public_key=public_key, provider=provider)


def _parse_by_host(stamp: Stamp, reader: _Reader) -> Stamp:
    # Today's stamps have the port with the host name; older ones have "ip:port" or ":port" in the address.
    address, old_port = (
        ("", None) if stamp.kind is StampKind.ODOH_TARGET else _split_port(reader.prefixed_text())
    )
    hashes = reader.prefixed_list() if stamp.kind in _WITH_HASHES else ()
    if any(len(digest) != HASH_BYTES for digest in hashes):
        raise StampError(f"a certificate hash has {HASH_BYTES} bytes")
    host, port = _split_port(reader.prefixed_text())
    path = reader.prefixed_text() if stamp.kind in _WITH_PATH else ""
    bootstrap: tuple[str, ...] = ()
    if stamp.kind in _WITH_HASHES and not reader.done:
        bootstrap = tuple(_checked_bootstrap(_checked_text(item)) for item in reader.prefixed_list())
    if address:
        address = _checked_address(address)
    if not host and not address:
        raise StampError("the stamp has neither host name nor address")
    return replace(
        stamp, address=address, host=host, path=path, hashes=hashes, bootstrap=bootstrap,
        port=port or old_port or stamp.port,
    )  # fmt: skip


def _checked_address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as exc:
        raise StampError("the address in the stamp is no IP address") from exc
    if "%" in text:
        raise StampError("the address in the stamp has a zone, which means nothing elsewhere")
    return str(address)


def _checked_bootstrap(text: str) -> str:
    host, port = _split_port(text)
    address = _checked_address(host)
    return address if port is None else join_host_port(address, port)


def _split_port(text: str) -> tuple[str, int | None]:
    """Split ``host``, ``host:port``, ``:port``, ``[v6]`` or ``[v6]:port``; a bare IPv6 address has no port."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or ":" not in host:
            raise StampError("the brackets in the stamp's address are wrong")
        host = _checked_address(host)
    elif text.count(":") > 1:
        return _checked_address(text), None
    else:
        host, colon, port = text.partition(":")
        rest = colon + port
    if not rest:
        return host, None
    digits = rest[1:]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5 and 1 <= int(digits) <= 65535):
        raise StampError("the port in the stamp does not exist")
    return host, int(digits)


def _format_bytes(stamp: Stamp) -> bytes:
    kind = stamp.kind
    data = bytes([kind])
    if kind is not StampKind.DNSCRYPT_RELAY:
        data += stamp.properties.to_bytes(8, "little")
    if kind in _BY_ADDRESS:
        data += _prefixed(_with_port(stamp, stamp.address))
        if kind is StampKind.DNSCRYPT:
            data += _prefixed(stamp.public_key) + _prefixed(stamp.provider.encode())
        return data
    if kind is not StampKind.ODOH_TARGET:
        # Without a host name there is no other place for the port than the address.
        data += _prefixed(stamp.address.encode() if stamp.host else _with_port(stamp, stamp.address))
    if kind in _WITH_HASHES:
        data += _prefixed_list(stamp.hashes)
    data += _prefixed(_with_port(stamp, stamp.host) if stamp.host else b"")
    if kind in _WITH_PATH:
        data += _prefixed(stamp.path.encode())
    if stamp.bootstrap:
        data += _prefixed_list([address.encode() for address in stamp.bootstrap])
    return data


def _with_port(stamp: Stamp, host: str) -> bytes:
    if stamp.port != default_port(stamp.kind):
        return join_host_port(host, stamp.port).encode()
    return (f"[{host}]" if ":" in host else host).encode()


def _prefixed(data: bytes, *, longest: int = 0xFF) -> bytes:
    if len(data) > longest:
        raise StampError("a field is too long for a stamp")
    return bytes([len(data)]) + data


def _prefixed_list(items: tuple[bytes, ...] | list[bytes]) -> bytes:
    if not items:
        return b"\0"
    fields = [_prefixed(item, longest=_MORE - 1) for item in items]
    return b"".join(bytes([field[0] | _MORE]) + field[1:] for field in fields[:-1]) + fields[-1]
