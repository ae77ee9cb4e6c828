"""Apple's configuration profiles (``.mobileconfig``): a property list in XML, with any number of VPN payloads in it.

Keys are those of Apple's "Device Management" documentation (payloads ``com.apple.vpn.managed``, ``com.apple.security.*``).
A profile may be signed; its content is taken out, and the signature is not looked at: the file is the user's. The parser
(:mod:`plistlib` on expat) refuses entity declarations, so that nothing is expanded or fetched.
"""

from __future__ import annotations

import plistlib
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from xml.parsers.expat import ExpatError

from circumvent.inputs.der import DerError, is_signed, signed_content
from circumvent.inputs.draft import clean_label, draft
from circumvent.inputs.hosts import clean_host
from circumvent.inputs.ikev2_fields import certificates, check_settings, key_file, pem
from circumvent.inputs.problem import LineError
from circumvent.model.ikev2 import Ikev2Settings
from circumvent.model.l2tp import L2tpSettings
from circumvent.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.model.option import Option

#: Payloads of a profile that are looked at, and the longest text in one.
_MOST_PAYLOADS: Final = 256
_LONGEST: Final = 4096
_START: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,4000}?-->\s*)*(?:<!DOCTYPE plist|<plist)",
    re.DOTALL,
)
_VPN: Final = "com.apple.vpn.managed"
_VPN_LINE: Final = re.compile(rf"<string>\s*{re.escape(_VPN)}(?:\.applayer)?\s*</string>")
_AUTHORITIES: Final = frozenset(
    {"com.apple.security.root", "com.apple.security.pem", "com.apple.security.pkcs1"}
)

#: Apple's names of algorithms to strongSwan's; what is missing is not spoken here.
_ENCRYPTION: Final = {
    "AES-128": "aes128",
    "AES-256": "aes256",
    "AES-128-GCM": "aes128gcm16",
    "AES-256-GCM": "aes256gcm16",
    "ChaCha20Poly1305": "chacha20poly1305",
}
_INTEGRITY: Final = {
    "SHA1-96": "sha1",
    "SHA1-160": "sha1",
    "SHA2-256": "sha256",
    "SHA2-384": "sha384",
    "SHA2-512": "sha512",
}
_GROUPS: Final = {
    2: "modp1024",
    5: "modp1536",
    14: "modp2048",
    15: "modp3072",
    16: "modp4096",
    19: "ecp256",
    20: "ecp384",
    21: "ecp521",
    31: "curve25519",
}

#: What one VPN payload gave: its line, and the option or what is wrong.
Outcome = tuple[int, "Option | LineError"]


def is_mobileconfig(name: str, data: bytes) -> bool:
    """Tell whether a file is a configuration profile, by its content or its ending."""
    return is_signed(data) or bool(_START.match(data[:8192])) or name.lower().endswith(".mobileconfig")


def read_mobileconfig(data: bytes) -> Iterator[Outcome]:
    """Read each VPN payload of a profile.

    :raises LineError: when the file as a whole can't be used.
    """
    if is_signed(data):
        try:
            data = signed_content(data)
        except DerError as exc:
            raise LineError("this file is signed, and there is no profile in it that can be read.") from exc
    profile = _parse(data)
    payloads = profile.get("PayloadContent")
    if not isinstance(payloads, list):
        raise LineError("this profile has no content. If it is encrypted, ask for one that is not.")
    payloads = [one for one in payloads[:_MOST_PAYLOADS] if isinstance(one, dict)]
    text = data.decode("utf-8", "replace")
    places = islice(_VPN_LINE.finditer(text), _MOST_PAYLOADS)
    lines = [text.count("\n", 0, match.start()) + 1 for match in places]
    found = [one for one in payloads if str(one.get("PayloadType", "")).startswith(_VPN)]
    if not found:
        raise LineError("this profile has no VPN in it.")
    return _outcomes(found, lines, payloads)


def _outcomes(
    found: list[dict[str, Any]], lines: list[int], payloads: list[dict[str, Any]]
) -> Iterator[Outcome]:
    for number, payload in enumerate(found):
        line = lines[number] if number < len(lines) else 1
        reader = _Payload(payload, payloads)
        try:
            yield line, reader.option()
        except LineError as exc:
            yield line, LineError(exc.sentence, label=reader.label or None)


def _parse(data: bytes) -> dict[str, Any]:
    if data.startswith(b"bplist"):
        raise LineError("this profile is a binary property list. Convert it to XML: plutil -convert xml1.")
    try:
        profile = plistlib.loads(data, fmt=plistlib.FMT_XML)
    except ExpatError as exc:
        raise LineError("this profile is no XML from here on. Copy it again.", where=exc.lineno) from exc
    except Exception as exc:  # plistlib lets out whatever a malformed value happens to raise
        raise LineError("this profile can't be read. Copy it again.") from exc
    if not isinstance(profile, dict):
        raise LineError("this is no configuration profile.")
    return profile


class _Payload:
    """One VPN payload, beside the others that it may name."""

    def __init__(self, payload: dict[str, Any], others: list[dict[str, Any]]) -> None:
        self._payload = payload
        self._others = others
        name = payload.get("UserDefinedName") or payload.get("PayloadDisplayName")
        self.label = clean_label(name) if isinstance(name, str) else ""

    def option(self) -> Option:
        kind = self._payload.get("VPNType")
        if kind == "IKEv2":
            return self._ikev2(self._table(self._payload, "IKEv2"))
        if kind == "L2TP":
            host = self._text(self._table(self._payload, "PPP"), "CommRemoteAddress")
            if host is None:
                raise LineError("this VPN has no server in it.")
            return draft("l2tp", host=_host(host), port=500, label=self.label, settings=L2tpSettings())
        raise LineError("VPNs of this type are not supported by this version; IKEv2 and L2TP are.")

    def _ikev2(self, table: dict[str, Any]) -> Option:
        address = self._text(table, "RemoteAddress")
        if address is None:
            raise LineError("this VPN has no server in it.")
        method = self._text(table, "AuthenticationMethod") or "None"
        extended = table.get("ExtendedAuthEnabled") in (1, True)
        psk, user, password, certificate, key = None, None, None, None, None
        if method == "SharedSecret":
            psk = self._secret(table, "SharedSecret")
        elif method == "Certificate" and not extended:
            certificate, key = self._identity(table)
        elif method == "Certificate":
            raise LineError("this VPN logs in by EAP-TLS, which is not supported by this version.")
        elif extended:
            user, password = self._secret(table, "AuthName"), self._secret(table, "AuthPassword")
        settings = Ikev2Settings(
            psk=psk,
            remote_id=self._text(table, "RemoteIdentifier"),
            local_id=self._text(table, "LocalIdentifier"),
            certificate=certificate,
            private_key=key,
            proposals=self._proposal(table, "IKESecurityAssociationParameters", group=True),
            esp_proposals=self._proposal(table, "ChildSecurityAssociationParameters", group=False),
        )
        return draft(
            "ikev2",
            host=_host(address),
            port=500,
            label=self.label,
            settings=check_settings(settings),
            ca=self._authorities(),
            user=user,
            password=password,
        )

    def _identity(self, table: dict[str, Any]) -> tuple[str, Secret]:
        """Return certificate and key of the payload that the VPN names."""
        wanted = self._text(table, "PayloadCertificateUUID")
        for other in self._others:
            if wanted is None or str(other.get("PayloadUUID", "")).lower() != wanted.lower():
                continue
            if other.get("PayloadType") != "com.apple.security.pkcs12":
                raise LineError("the certificate of this VPN comes from elsewhere and is not in the profile.")
            return key_file(_data(other), self._text(other, "Password"))
        raise LineError("the certificate of this VPN is not in the profile.")

    def _authorities(self) -> str | None:
        """Return the authorities that the profile brings."""
        found = []
        for other in self._others:
            if other.get("PayloadType") in _AUTHORITIES:
                found += certificates(_data(other))
        return pem(found[:16]) if found else None

    def _proposal(self, table: dict[str, Any], name: str, *, group: bool) -> tuple[str, ...]:
        """Translate a table of algorithms; Apple has no separate PRF and uses that of the integrity."""
        given = self._table(table, name)
        if not given:
            return ()
        encryption = _ENCRYPTION.get(self._text(given, "EncryptionAlgorithm") or "AES-256")
        integrity = _INTEGRITY.get(self._text(given, "IntegrityAlgorithm") or "SHA2-256")
        number = given.get("DiffieHellmanGroup", 14)
        words = [encryption, _GROUPS.get(number) if isinstance(number, int) else None]
        if integrity is None or encryption is None or (group and words[1] is None):
            raise LineError("this VPN asks for an algorithm that is not spoken here.")
        combined = encryption.endswith(("gcm16", "poly1305"))
        parts = [encryption, *([] if combined else [integrity])]
        parts += [f"prf{integrity}", str(words[1])] if group else []
        return ("-".join(parts),)

    def _secret(self, table: dict[str, Any], name: str) -> Secret | None:
        text = self._text(table, name)
        return None if text is None else Secret(text)

    def _text(self, table: dict[str, Any], name: str) -> str | None:
        value = table.get(name)
        if isinstance(value, bytes):
            value = value[: _LONGEST + 1].decode("utf-8", "replace")
        if value is None or value == "":
            return None
        if not isinstance(value, str) or len(value) > _LONGEST or "\0" in value:
            raise LineError("a value of this VPN is no text, or too long.")
        return value

    def _table(self, table: dict[str, Any], name: str) -> dict[str, Any]:
        value = table.get(name, {})
        if not isinstance(value, dict):
            raise LineError("a part of this VPN has the wrong form.")
        return value


def _host(text: str) -> str:
    return clean_host(f"[{text}]" if ":" in text and text[:1] != "[" else text)


def _data(payload: dict[str, Any]) -> bytes:
    data = payload.get("PayloadContent")
    if not isinstance(data, bytes):
        raise LineError("a certificate of this profile is no data.")
    return data
