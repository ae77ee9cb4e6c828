"""Codes by which QUIC, DNS, HTTP and SOCKS say no, as failure strings. Plain numbers in, words out."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from circumvent.model import failure as failures
from circumvent.net.alerts import alert_name, alert_words

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A failure string and, where it helps, a detail: the arguments of ``PeerError``.
Words = tuple[str, str | None]

#: Transport error codes of RFC 9000, section 20.1, and RFC 9368.
QUIC_ERRORS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0x00: "no_error",
        0x01: "internal_error",
        0x02: "connection_refused",
        0x03: "flow_control_error",
        0x04: "stream_limit_error",
        0x05: "stream_state_error",
        0x06: "final_size_error",
        0x07: "frame_encoding_error",
        0x08: "transport_parameter_error",
        0x09: "connection_id_limit_error",
        0x0A: "protocol_violation",
        0x0B: "invalid_token",
        0x0C: "application_error",
        0x0D: "crypto_buffer_exceeded",
        0x0E: "key_update_error",
        0x0F: "aead_limit_reached",
        0x10: "no_viable_path",
        0x11: "version_negotiation_error",
    }
)
#: CRYPTO_ERROR carries a TLS alert in its low byte (RFC 9001, section 4.8).
_CRYPTO_ERRORS: Final = range(0x100, 0x200)
#: H3_NO_ERROR (RFC 9114, section 8.1) and DOQ_NO_ERROR (RFC 9250, section 4.3).
_ORDERLY_APPLICATION_CLOSES: Final = frozenset({0x100, 0x00})


def quic_failure(code: int, reason: str = "", *, application: bool = False) -> Words:
    """Put a CONNECTION_CLOSE into words. ``application`` tells that the code is HTTP/3's or DoQ's.

    ``reason`` decides only where the stack gives two events one code (aioquic: 0x1 for an idle timeout and for
    a version negotiation that found nothing); it is never shown.
    """
    if application:
        if code in _ORDERLY_APPLICATION_CLOSES:
            return failures.EOF, "closed by the application"
        return failures.CONNECTION_ABORTED, f"application error {code:#x}"
    if code in _CRYPTO_ERRORS:
        return alert_words(alert_name(code - _CRYPTO_ERRORS.start))
    said = reason.lower()
    if code == 0x11 or (code == 0x01 and "version" in said):
        return failures.QUIC_INCOMPATIBLE_VERSION, None
    if code == 0x01 and "idle timeout" in said:
        return failures.GENERIC_TIMEOUT, "idle"
    if code == 0x02:
        return failures.CONNECTION_REFUSED, "quic"
    if code == 0x00:
        return failures.EOF, "closed by the peer"
    return failures.CONNECTION_ABORTED, f"quic {QUIC_ERRORS.get(code, format(code, '#x'))}"


#: Response codes with a word of their own (RFC 1035, section 4.1.1; RFC 6895, section 2.3).
_RCODES: Final[Mapping[int, Words]] = MappingProxyType(
    {
        0: (failures.DNS_NO_ANSWER, None),
        1: (failures.DNS_MISBEHAVING, "formerr"),
        2: (failures.DNS_SERVFAIL, None),
        3: (failures.DNS_NXDOMAIN, None),
        4: (failures.DNS_MISBEHAVING, "notimp"),
        5: (failures.DNS_REFUSED, None),
        9: (failures.DNS_REFUSED, "notauth"),
        16: (failures.DNS_MISBEHAVING, "badvers"),
    }
)


def rcode_failure(rcode: int) -> Words:
    """Put a DNS response code into words; 0 means that the answer section held nothing that was asked for."""
    return _RCODES.get(rcode, (failures.DNS_MISBEHAVING, f"rcode {rcode}"))


#: Statuses by which a gateway says that the server behind it did not answer (RFC 9110, sections 15.6.3 and
#: 15.6.5; 521-527 and 530 are Cloudflare's).
_ORIGIN_DOWN: Final = frozenset({502, 504, *range(521, 528), 530})


def http_status_failure(status: int) -> Words:
    """Put an HTTP status that should not be into words. Says nothing about who sent it."""
    if status == 407:
        return failures.AUTH_REJECTED, "status 407"
    if status in _ORIGIN_DOWN:
        return failures.ORIGIN_DOWN, f"status {status}"
    return failures.HTTP_UNEXPECTED_STATUS, f"status {status}"


#: REP of RFC 1928, section 6.
_SOCKS5_REPLIES: Final[Mapping[int, str]] = MappingProxyType(
    {
        1: failures.SOCKS_GENERAL_FAILURE,
        2: failures.SOCKS_NOT_ALLOWED,
        3: failures.SOCKS_NETWORK_UNREACHABLE,
        4: failures.SOCKS_HOST_UNREACHABLE,
        5: failures.SOCKS_CONNECTION_REFUSED,
        6: failures.SOCKS_TTL_EXPIRED,
        7: failures.SOCKS_COMMAND_NOT_SUPPORTED,
        8: failures.SOCKS_ADDRESS_NOT_SUPPORTED,
    }
)


def socks5_reply_failure(reply: int) -> Words:
    """Put the reply of a SOCKS5 server to a request into words; 0 is no failure and isn't known here."""
    if reply in _SOCKS5_REPLIES:
        return _SOCKS5_REPLIES[reply], None
    return failures.PROXY_PROTOCOL_ERROR, f"unassigned reply {reply}"


def socks4_reply_failure(reply: int) -> Words:
    """Put the reply of a SOCKS4 server into words: 91 no, 92 and 93 no for want of an identd."""
    if reply == 91:
        return failures.SOCKS_GENERAL_FAILURE, None
    if reply in {92, 93}:
        return failures.AUTH_REJECTED, "identd"
    return failures.PROXY_PROTOCOL_ERROR, f"unassigned reply {reply}"
