"""Ids of options that the user holds: the same for the same option and key, and nothing else can be read from them.

``KIND-`` and 8 letters of base32 (40 bits) of HMAC-SHA256(key, canonical form). The key is 32 random bytes that live
as long as the process, unless the user keeps one: only then do the ids of two reports agree.

The canonical form is JSON in ASCII, with sorted keys and without white space, of everything that decides where
packets go and what they say; label, origin and what the catalogue knows about operators are left out. Absent values
are left out too, so that a later version with more fields gives old options their old ids.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from circumvent.model.secret import Secret

if TYPE_CHECKING:
    from os import PathLike

    from circumvent.model.option import Option

#: Bytes of a key.
KEY_BYTES: Final = 32
#: Letters of an id after ``KIND-``: 40 bits, so 10,000 options share one with probability 0.00005.
LETTERS: Final = 8
#: Longest key file that is read, in bytes.
_LONGEST_FILE: Final = 1024
_FORM: Final = b"circumvent.option/1\n"
#: Fields of an option that decide nothing on the wire.
_LEFT_OUT: Final = frozenset({
    "id", "label", "origin", "operator", "cdn", "filtering", "baseline", "exposure_override",
})  # fmt: skip


class IdKeyError(ValueError):
    """A key file can't be used. The message is a sentence for people and holds nothing of the key."""


class IdMaker:
    """Makes ids under one key, each unique among those that it made or was told of."""

    def __init__(self, key: bytes | None = None) -> None:
        if key is not None and len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self._key = secrets.token_bytes(KEY_BYTES) if key is None else key
        self._given: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return "IdMaker()"

    def make(self, option: Option) -> str:
        """Return the id of ``option``: the same for one that differs in its label only."""
        form = canonical(option)
        for number in range(1000):
            counter = b"" if number == 0 else b"\n%d" % number
            digest = hmac.new(self._key, _FORM + form + counter, hashlib.sha256).digest()
            letters = base64.b32encode(digest[:5]).decode("ascii").lower()
            name = f"{option.kind}-{letters[:LETTERS]}"
            if self._given.setdefault(name, form) == form:
                return name
        raise AssertionError("a thousand collisions of 40 bits")  # pragma: no cover - cannot happen

    def named(self, option: Option) -> Option:
        """Return ``option`` with its id."""
        return replace(option, id=self.make(option))

    def reserve(self, *names: str) -> None:
        """Keep ``names`` (the catalogue's slugs) from being given to others."""
        for name in names:
            self._given.setdefault(name, b"\0")


def canonical(option: Option) -> bytes:
    """Return the canonical form of ``option``. It holds its secrets: it is hashed and never kept."""
    values = {
        field.name: _plain(getattr(option, field.name))
        for field in fields(option)
        if field.name not in _LEFT_OUT
    }
    values["endpoint"]["addresses"] = sorted(option.endpoint.addresses)
    return json.dumps(_without_absent(values), sort_keys=True, separators=(",", ":")).encode("ascii")


def read_key(path: str | PathLike[str]) -> bytes:
    """Read a key file: 32 bytes as they are, or as hexadecimal or base64 text.

    :raises IdKeyError: when it can't be read or holds no key.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - any path-like
            data = file.read(_LONGEST_FILE + 1)
    except OSError as exc:
        raise IdKeyError(f"the key file can't be read: {exc.strerror or 'unknown error'}.") from exc
    if len(data) == KEY_BYTES:
        return data
    text = data.strip()
    for decoder in (binascii.unhexlify, _from_base64):
        try:
            key = decoder(text)
        except (binascii.Error, ValueError):
            continue
        if len(key) == KEY_BYTES:
            return key
    raise IdKeyError("the key file holds no key: 32 bytes, or 64 hexadecimal digits, or base64 of 32 bytes.")


def _from_base64(text: bytes) -> bytes:
    text = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it: bytes in hexadecimal, secrets revealed, records with their class."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value


def _without_absent(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _without_absent(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item not in (None, [], {})}
    if isinstance(value, list):
        return [_without_absent(item) for item in value]
    return value
