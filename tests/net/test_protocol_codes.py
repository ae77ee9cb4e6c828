"""Codes of QUIC, DNS, HTTP and SOCKS, as failure strings."""

from __future__ import annotations

import dns.rcode
import pytest

from circumvent.model import failure as failures
from circumvent.net.protocol_codes import (
    http_status_failure,
    quic_failure,
    rcode_failure,
    socks4_reply_failure,
    socks5_reply_failure,
)


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (0x128, "", (failures.SSL_FAILED_HANDSHAKE, "alert handshake_failure")),
        (0x150, "", (failures.SSL_FAILED_HANDSHAKE, "alert internal_error")),
        (0x178, "", (failures.SSL_FAILED_HANDSHAKE, "alert no_application_protocol")),
        (0x174, "", (failures.AUTH_REJECTED, "alert certificate_required")),
        (0x1FF, "", (failures.SSL_FAILED_HANDSHAKE, "alert 255")),
        (0x1, "Idle timeout", (failures.GENERIC_TIMEOUT, "idle")),
        (0x1, "Could not find a common protocol version", (failures.QUIC_INCOMPATIBLE_VERSION, None)),
        (0x11, "", (failures.QUIC_INCOMPATIBLE_VERSION, None)),
        (0x2, "", (failures.CONNECTION_REFUSED, "quic")),
        (0x0, "", (failures.EOF, "closed by the peer")),
        (0xA, "\x1b[2J", (failures.CONNECTION_ABORTED, "quic protocol_violation")),
        (0x3FFF, "", (failures.CONNECTION_ABORTED, "quic 0x3fff")),
    ],
)
def test_quic_codes(code: int, reason: str, words: tuple[str, str | None]) -> None:
    assert quic_failure(code, reason) == words


def test_quic_codes_of_the_application() -> None:
    assert quic_failure(0x100, application=True)[0] == failures.EOF
    assert quic_failure(0x102, application=True) == (failures.CONNECTION_ABORTED, "application error 0x102")


def test_dns_response_codes() -> None:
    assert rcode_failure(dns.rcode.NXDOMAIN)[0] == failures.DNS_NXDOMAIN
    assert rcode_failure(dns.rcode.SERVFAIL)[0] == failures.DNS_SERVFAIL
    assert rcode_failure(dns.rcode.REFUSED)[0] == failures.DNS_REFUSED
    assert rcode_failure(dns.rcode.NOERROR)[0] == failures.DNS_NO_ANSWER
    assert rcode_failure(dns.rcode.FORMERR) == (failures.DNS_MISBEHAVING, "formerr")
    assert rcode_failure(4000) == (failures.DNS_MISBEHAVING, "rcode 4000")


def test_http_statuses_say_nothing_about_blocking() -> None:
    assert http_status_failure(407)[0] == failures.AUTH_REJECTED
    assert http_status_failure(403) == (failures.HTTP_UNEXPECTED_STATUS, "status 403")
    assert http_status_failure(451)[0] == failures.HTTP_UNEXPECTED_STATUS
    assert {http_status_failure(status)[0] for status in (502, 504, 521, 530)} == {failures.ORIGIN_DOWN}


def test_socks_replies() -> None:
    assert [socks5_reply_failure(reply)[0] for reply in range(1, 9)] == [
        failures.SOCKS_GENERAL_FAILURE,
        failures.SOCKS_NOT_ALLOWED,
        failures.SOCKS_NETWORK_UNREACHABLE,
        failures.SOCKS_HOST_UNREACHABLE,
        failures.SOCKS_CONNECTION_REFUSED,
        failures.SOCKS_TTL_EXPIRED,
        failures.SOCKS_COMMAND_NOT_SUPPORTED,
        failures.SOCKS_ADDRESS_NOT_SUPPORTED,
    ]
    assert socks5_reply_failure(77) == (failures.PROXY_PROTOCOL_ERROR, "unassigned reply 77")
    assert socks4_reply_failure(91)[0] == failures.SOCKS_GENERAL_FAILURE
    assert socks4_reply_failure(93) == (failures.AUTH_REJECTED, "identd")
