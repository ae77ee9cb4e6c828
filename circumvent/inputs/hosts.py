"""Host names, addresses and ports as people write them."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from circumvent.inputs.problem import LineError
from circumvent.model.option import is_address

#: RFC 1035, section 2.3.4: octets of a name as text, and of one label.
_LONGEST_NAME: Final = 253
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def clean_host(text: str) -> str:
    """Return an address without brackets, or a name in ASCII, small letters, without a trailing dot.

    Names in other scripts become A-labels (IDNA 2008 with the mapping of UTS 46).

    :raises LineError: when it is neither.
    """
    if text.startswith("["):
        return _bracketed(text)
    if is_address(text):
        return _compressed(text)
    name = _to_ascii(text).removesuffix(".")
    labels = name.split(".")
    if not name or len(name) > _LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise LineError("the server in this link is neither a host name nor an address.")
    if labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        # inet_aton would read 127.1 or 0x7f000001 as an address, and a look-up would send it to a resolver.
        raise LineError("the server in this link is not a whole IP address. Write all four numbers.")
    return name


def _bracketed(text: str) -> str:
    inner = text[1:-1]
    if not text.endswith("]") or ":" not in inner or not is_address(inner.partition("%")[0]):
        raise LineError("what stands in brackets in this link is not an IPv6 address.")
    return _compressed(inner)


def _compressed(address: str) -> str:
    if "%" in address:
        raise LineError("an address with a zone (after %) only means something on one device. Leave it out.")
    return ipaddress.ip_address(address).compressed


def _to_ascii(name: str) -> str:
    if name.isascii():
        return name.lower()
    if len(name) > _LONGEST_NAME:
        raise LineError("the host name in this link is too long.")
    import idna  # noqa: PLC0415 - its tables cost 10 ms and few lists need them

    try:
        return idna.encode(name, uts46=True).decode("ascii").lower()
    except UnicodeError as exc:
        raise LineError("the host name in this link is not one that can be registered.") from exc


def parse_port(text: str) -> int:
    """Read a port.

    :raises LineError: when it is not a number from 1 to 65535.
    """
    if not (text.isascii() and text.isdigit()):
        raise LineError("the port in this link is not a number. Ports go from 1 to 65535.")
    if len(text.lstrip("0")) > 6 or not 1 <= int(text) <= 65535:
        number = f" {int(text)}" if len(text) <= 6 else ""
        raise LineError(f"port{number} does not exist. Ports go from 1 to 65535.")
    return int(text)
