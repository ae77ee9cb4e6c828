"""Profiles of the strongSwan app (``.sswan``): JSON, one gateway each.

Fields are those of its documentation ("Android VPN client profiles"). User name and password are not in such a file;
without them an option is tried as far as its first answer.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any, Final

from circumvent.inputs.draft import draft
from circumvent.inputs.hosts import clean_host, parse_port
from circumvent.inputs.ikev2_fields import certificates, check_settings, key_file, pem
from circumvent.inputs.problem import LineError
from circumvent.model.ikev2 import Ikev2Settings
from circumvent.model.secret import Secret

if TYPE_CHECKING:
    from circumvent.model.option import Option

#: Longest text in a profile, in characters (certificates and key files are longer, and bounded by themselves).
_LONGEST: Final = 1024
_LONGEST_BASE64: Final = 512 * 1024
#: Zero bytes, and halves of characters, which JSON can say and nobody can mean.
_NO_TEXT: Final = re.compile("[\\x00\\ud800-\\udfff]")
_SSWAN: Final = re.compile(r'"type"\s*:\s*"ikev2-')
_BASE64: Final = re.compile(r"-----[A-Z ]+-----|\s")
#: Sorts of login that are spoken; the others need EAP-TLS, or two logins in a row.
_TYPES: Final = frozenset({"ikev2-eap", "ikev2-cert"})


def is_sswan(name: str, text: str) -> bool:
    """Tell whether a file is such a profile, by its ending or its content."""
    start = text.lstrip()[:1]
    return start == "{" and (name.lower().endswith(".sswan") or bool(_SSWAN.search(text)))


def read_sswan(text: str) -> Option:
    """Read a profile.

    :raises LineError: when it can't be used.
    """
    try:
        profile = json.loads(text)
    except (ValueError, RecursionError) as exc:
        line = exc.lineno if isinstance(exc, json.JSONDecodeError) else None
        raise LineError("this profile is no JSON from here on. Export it again.", where=line) from exc
    if not isinstance(profile, dict):
        raise LineError("this is no profile of the strongSwan app.")
    reader = _Reader(profile, text)
    return reader.option()


class _Reader:
    """One profile. Every error has the line of its field."""

    def __init__(self, profile: dict[str, Any], text: str) -> None:
        self._profile = profile
        self._text = text
        name = profile.get("name")
        self._label = _NO_TEXT.sub("", name[:_LONGEST]) if isinstance(name, str) else ""

    def option(self) -> Option:
        kind = self._string(self._profile, "type") or "ikev2-eap"
        if kind not in _TYPES:
            raise self._error("type", "profiles with this sort of login are not supported by this version.")
        remote, local = self._table("remote"), self._table("local")
        address = self._string(remote, "addr")
        if address is None:
            raise self._error("remote", "this profile has no server. Its field addr is missing.")
        host = self._host(address)
        user = self._string(local, "eap_id")
        settings = self._settings(kind, remote, local)
        ca = self._authority(remote)
        return draft(
            "ikev2",
            host=host,
            port=self._port(remote),
            label=self._label,
            settings=settings,
            ca=ca,
            user=None if user is None else Secret(user),
        )

    def _settings(self, kind: str, remote: dict[str, Any], local: dict[str, Any]) -> Ikev2Settings:
        certificate, key = None, None
        if kind == "ikev2-cert":
            data = self._bytes(local, "p12")
            if data is None:
                raise self._error("local", "this profile needs a certificate that is not in it.")
            try:
                certificate, key = key_file(data, self._string(local, "p12_password"))
            except LineError as exc:
                raise self._error("p12", exc.sentence) from exc
        settings = Ikev2Settings(
            remote_id=self._string(remote, "id"),
            local_id=self._string(local, "id"),
            certificate=certificate,
            private_key=key,
            proposals=self._proposals("ike-proposal"),
            esp_proposals=self._proposals("esp-proposal"),
        )
        try:
            return check_settings(settings)
        except LineError as exc:
            raise self._error("ike-proposal" if "algorithm" in exc.sentence else "id", exc.sentence) from exc

    def _proposals(self, name: str) -> tuple[str, ...]:
        text = self._string(self._profile, name)
        return () if text is None else tuple(part.strip() for part in text.split(",") if part.strip())[:32]

    def _authority(self, remote: dict[str, Any]) -> str | None:
        data = self._bytes(remote, "cert")
        if data is None:
            return None
        try:
            return pem(certificates(data))
        except LineError as exc:
            raise self._error("cert", exc.sentence) from exc

    def _host(self, text: str) -> str:
        try:
            return clean_host(f"[{text}]" if ":" in text and text[:1] != "[" else text)
        except LineError as exc:
            raise self._error("addr", exc.sentence) from exc

    def _port(self, remote: dict[str, Any]) -> int:
        number = remote.get("port")
        if number is None:
            return 500
        if not isinstance(number, int) or isinstance(number, bool):
            raise self._error("port", "the port in this profile is no number.")
        try:
            return parse_port(str(number)[:12])
        except LineError as exc:
            raise self._error("port", exc.sentence) from exc

    def _table(self, name: str) -> dict[str, Any]:
        table = self._profile.get(name, {})
        if not isinstance(table, dict):
            raise self._error(name, "a part of this profile has the wrong form.")
        return table

    def _string(self, table: dict[str, Any], name: str) -> str | None:
        value = table.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or len(value) > _LONGEST or _NO_TEXT.search(value):
            raise self._error(name, "a field of this profile is no text, or too long.")
        return value

    def _bytes(self, table: dict[str, Any], name: str) -> bytes | None:
        """Return a field in base64, which may stand between the lines of PEM."""
        value = table.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or len(value) > _LONGEST_BASE64:
            raise self._error(name, "a field of this profile is no text, or too long.")
        try:
            return base64.b64decode(_BASE64.sub("", value), validate=True)
        except (binascii.Error, ValueError) as exc:
            raise self._error(name, "a certificate or key in this profile is damaged.") from exc

    def _error(self, name: str, sentence: str) -> LineError:
        place = self._text.find(f'"{name}"')
        line = None if place < 0 else self._text.count("\n", 0, place) + 1
        return LineError(sentence, label=self._label or None, where=line)
