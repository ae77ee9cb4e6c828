"""Words of OpenVPN profiles: numbers, directions, names of ciphers."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from circumvent.inputs.problem import LineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from circumvent.inputs.ovpn_lines import Directive

_WORD: Final = re.compile(r"[A-Za-z0-9:_+!@.?=,/-]{1,2000}")
_MOST_CIPHERS: Final = 32


def word(directive: Directive) -> str:
    """Return the first word, which must be plain.

    :raises LineError: when it is not.
    """
    text = directive.word() or ""
    if not _WORD.fullmatch(text):
        raise LineError("a value in this line can't be used.", where=directive.line)
    return text


def number(directive: Directive, low: int, high: int, *, place: int = 0) -> int:
    """Return a word as a number within bounds.

    :raises LineError: when it is none.
    """
    text = directive.word(place) or ""
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or not low <= int(text) <= high:
        raise LineError(f"a number from {low} to {high} is wanted in this line.", where=directive.line)
    return int(text)


def direction(directive: Directive, text: str | None) -> int:
    """Return a key direction.

    :raises LineError: when it is neither 0 nor 1.
    """
    if text not in ("0", "1"):
        raise LineError("a key direction is 0 or 1.", where=directive.line)
    return int(text)


def address(text: str) -> str | None:
    """Return an IP address in its usual form; ``None`` if it is none."""
    try:
        return ipaddress.ip_address(text).compressed
    except ValueError:
        return None


def compression(directive: Directive) -> str:
    """Return the framing that ``compress`` or ``comp-lzo`` asks for; nothing is ever compressed by us."""
    if directive.name == "comp-lzo":
        return "comp-lzo"
    return {"stub-v2": "stub-v2", "lz4-v2": "stub-v2", "lzo": "comp-lzo", "migrate": "none"}.get(
        (directive.word() or "").lower(), "stub"
    )


def data_ciphers(values: Mapping[str, str]) -> tuple[tuple[str, ...], str | None]:
    """Return the ciphers that a profile offers for the data channel, and the one for servers that name none.

    ``cipher`` of older profiles is both: versions up to 2.5 offered it too.
    """
    own = values.get("cipher")
    listed = values.get("data-ciphers") or values.get("ncp-ciphers") or ""
    names = [name.lstrip("?").upper() for name in listed.split(":")[:_MOST_CIPHERS] if name.lstrip("?")]
    if "DEFAULT" in names:
        place = names.index("DEFAULT")
        names[place : place + 1] = ["AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305"]
    if own is not None and own.upper() != "NONE":
        names = names or ["AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305"]
        names.append(own.upper())
    fallback = values.get("data-ciphers-fallback") or own
    return tuple(dict.fromkeys(names)), fallback.upper() if fallback is not None else None


def openssl_ciphers(text: str | None) -> str | None:
    """Return a list of ciphers of TLS up to 1.2 in OpenSSL's names; profiles also write those of IANA with dashes."""
    if text is None:
        return None
    names = [_openssl_cipher(name) for name in text.split(":")[:_MOST_CIPHERS]]
    return ":".join(name for name in names if name) or None


def _openssl_cipher(name: str) -> str:
    if not name.startswith("TLS-") or "-WITH-" not in name:
        return name
    exchange, _, rest = name.removeprefix("TLS-").partition("-WITH-")
    rest = re.sub(r"AES-(128|256)-", r"AES\1-", rest).replace("-CBC-", "-")
    if rest.startswith("CHACHA20-POLY1305"):
        rest = "CHACHA20-POLY1305"
    return rest if exchange == "RSA" else f"{exchange}-{rest}"
