"""Fields of VPN gateways that are given in TOML: a pinned key, a path, a group."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Final

from circumvent.inputs.problem import LineError
from circumvent.model.openconnect import OpenconnectSettings
from circumvent.model.sstp import SstpSettings

if TYPE_CHECKING:
    from circumvent.inputs.toml_fields import Fields

_PATH: Final = re.compile(r"[!-~]{0,1024}")
_HEX: Final = re.compile(r"(?:sha256:)?((?:[0-9A-Fa-f]{2}:?){32})")
_PIN: Final = re.compile(r"pin-sha256:([A-Za-z0-9+/]{43}=)")
_LONGEST_GROUP: Final = 256


def openconnect_settings(fields: Fields) -> OpenconnectSettings:
    """Read the fields that ``openconnect`` has of its own.

    :raises LineError: when one can't be used.
    """
    path = fields.text("path") or "/"
    path = path if path.startswith("/") else f"/{path}"
    if not _PATH.fullmatch(path) or path.startswith("//") or "#" in path:
        raise fields.error("path", "this is no path of a web address.")
    group = fields.text("group")
    if group is not None and (len(group) > _LONGEST_GROUP or not group.isprintable()):
        raise fields.error("group", "this is too long for the name of a group, or no text.")
    return OpenconnectSettings(path=path, group=group, pin=_pin(fields))


def sstp_settings(fields: Fields) -> SstpSettings:
    """Read the fields that ``sstp`` has of its own.

    :raises LineError: when one can't be used.
    """
    return SstpSettings(pap=bool(fields.flag("pap")), pin=_pin(fields))


def _pin(fields: Fields) -> bytes | None:
    return fields.checked("pin", parse_pin, LineError) if fields.has("pin") else None


def parse_pin(text: str) -> bytes:
    """Read SHA-256 of a public key as ``openconnect --servercert`` writes it: ``pin-sha256:`` or ``sha256:``.

    :raises LineError: when it is none.
    """
    if match := _PIN.fullmatch(text):
        return b64decode(match[1])
    if match := _HEX.fullmatch(text):
        return bytes.fromhex(match[1].replace(":", ""))
    raise LineError("a pin is pin-sha256: and 44 characters, or sha256: and 64 hexadecimal digits.")
