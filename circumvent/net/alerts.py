"""TLS alerts by number and by OpenSSL's name for them (RFC 8446, section 6)."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from circumvent.model import failure as failures

if TYPE_CHECKING:
    from collections.abc import Mapping

#: AlertDescription of RFC 8446, section 6, with the older ones that servers still send.
ALERTS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0: "close_notify",
        10: "unexpected_message",
        20: "bad_record_mac",
        21: "decryption_failed",
        22: "record_overflow",
        30: "decompression_failure",
        40: "handshake_failure",
        41: "no_certificate",
        42: "bad_certificate",
        43: "unsupported_certificate",
        44: "certificate_revoked",
        45: "certificate_expired",
        46: "certificate_unknown",
        47: "illegal_parameter",
        48: "unknown_ca",
        49: "access_denied",
        50: "decode_error",
        51: "decrypt_error",
        60: "export_restriction",
        70: "protocol_version",
        71: "insufficient_security",
        80: "internal_error",
        86: "inappropriate_fallback",
        90: "user_canceled",
        100: "no_renegotiation",
        109: "missing_extension",
        110: "unsupported_extension",
        111: "certificate_unobtainable",
        112: "unrecognized_name",
        113: "bad_certificate_status_response",
        114: "bad_certificate_hash_value",
        115: "unknown_psk_identity",
        116: "certificate_required",
        120: "no_application_protocol",
        121: "ech_required",
    }
)
_NAMES: Final = frozenset(ALERTS.values())
_OPENSSL: Final = re.compile(r"(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?([A-Z_]+)")


def alert_name(number: int) -> str:
    """Return the name of an alert, or its number as text."""
    return ALERTS.get(number, str(number))


def alert_from_openssl(reason: str) -> str | None:
    """Return the alert that OpenSSL's ``reason`` says was received, ``None`` if it isn't about an alert.

    >>> alert_from_openssl("SSLV3_ALERT_HANDSHAKE_FAILURE"), alert_from_openssl("TLSV1_UNRECOGNIZED_NAME")
    ('handshake_failure', 'unrecognized_name')
    """
    match = _OPENSSL.fullmatch(reason)
    if match is None:
        return None
    name = match[1].lower()
    return name if name in _NAMES else None


def alert_words(name: str) -> tuple[str, str]:
    """Return failure string and detail for a fatal alert from the peer."""
    if name == "certificate_required":
        # TLS 1.3: the server wants a client certificate and says so after a handshake that looked done.
        return failures.AUTH_REJECTED, f"alert {name}"
    if name == "close_notify":
        return failures.EOF, name
    return failures.SSL_FAILED_HANDSHAKE, f"alert {name}"
