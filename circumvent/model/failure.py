"""Failure strings: why a step failed, in one word that programs can rely on.

The words are those of the OONI specification (ooni/spec ``data-formats/df-007-errors.md`` and the names that
its engine has beyond it); the second block holds what OONI has no word for. Words are only ever added.
"""

from __future__ import annotations

from typing import Final

# From OONI.
CONNECTION_RESET: Final = "connection_reset"
CONNECTION_REFUSED: Final = "connection_refused"
CONNECTION_ABORTED: Final = "connection_aborted"
GENERIC_TIMEOUT: Final = "generic_timeout_error"  #: our own time limit for the step
TIMED_OUT: Final = "timed_out"  #: the kernel's ETIMEDOUT
EOF: Final = "eof_error"
HOST_UNREACHABLE: Final = "host_unreachable"
NETWORK_UNREACHABLE: Final = "network_unreachable"
NETWORK_DOWN: Final = "network_down"
ADDRESS_NOT_AVAILABLE: Final = "address_not_available"
PERMISSION_DENIED: Final = "permission_denied"  #: by this machine, before a packet left
MESSAGE_SIZE: Final = "message_size"
DNS_NXDOMAIN: Final = "dns_nxdomain_error"
DNS_SERVFAIL: Final = "dns_servfail_error"
DNS_REFUSED: Final = "dns_refused_error"
DNS_NO_ANSWER: Final = "dns_no_answer"
DNS_BOGON: Final = "dns_bogon_error"
DNS_WRONG_QUERY_ID: Final = "dns_reply_with_wrong_query_id"
DNS_MISBEHAVING: Final = "dns_server_misbehaving"
SSL_INVALID_HOSTNAME: Final = "ssl_invalid_hostname"
SSL_UNKNOWN_AUTHORITY: Final = "ssl_unknown_authority"
SSL_INVALID_CERTIFICATE: Final = "ssl_invalid_certificate"
SSL_FAILED_HANDSHAKE: Final = "ssl_failed_handshake"
QUIC_INCOMPATIBLE_VERSION: Final = "quic_incompatible_version"
HTTP_REQUEST_FAILED: Final = "http_request_failed"
HTTP_UNEXPECTED_STATUS: Final = "http_unexpected_status_code"

# Our own.
SSL_EXPIRED: Final = "ssl_expired"
SSL_NOT_YET_VALID: Final = "ssl_not_yet_valid"
AUTH_REJECTED: Final = "auth_rejected"
WRONG_KEY: Final = "wrong_key"
WRONG_ANSWER: Final = "wrong_answer"
TRUNCATED: Final = "truncated_after_n_bytes"
BOOTSTRAP_STALLED: Final = "bootstrap_stalled"
GEO_REFUSED: Final = "geo_refused"
ORIGIN_DOWN: Final = "origin_down"
CLOCK_SKEW: Final = "clock_skew"
PROXY_PROTOCOL_ERROR: Final = "proxy_protocol_error"
PACKET_LOSS: Final = "packet_loss"
NO_PROXY: Final = "no_proxy_available"  #: a broker had nobody who would pass our data on
SOCKS_GENERAL_FAILURE: Final = "socks_general_failure"
SOCKS_NOT_ALLOWED: Final = "socks_connection_not_allowed"
SOCKS_NETWORK_UNREACHABLE: Final = "socks_network_unreachable"
SOCKS_HOST_UNREACHABLE: Final = "socks_host_unreachable"
SOCKS_CONNECTION_REFUSED: Final = "socks_connection_refused"
SOCKS_TTL_EXPIRED: Final = "socks_ttl_expired"
SOCKS_COMMAND_NOT_SUPPORTED: Final = "socks_command_not_supported"
SOCKS_ADDRESS_NOT_SUPPORTED: Final = "socks_address_not_supported"
SOCKS_NO_ACCEPTABLE_METHOD: Final = "socks_no_acceptable_method"
THROTTLED: Final = "throttled"  #: said by the verdict, from rates: no step fails for it
UNKNOWN: Final = "unknown_failure"

#: Failures of the peer's certificate: the same at every try, so never repeated.
CERTIFICATE_FAILURES: Final = frozenset(
    {
        SSL_INVALID_HOSTNAME,
        SSL_UNKNOWN_AUTHORITY,
        SSL_INVALID_CERTIFICATE,
        SSL_EXPIRED,
        SSL_NOT_YET_VALID,
    }
)
#: Failures after which another try of the same option can't tell anything new.
PERMANENT_FAILURES: Final = CERTIFICATE_FAILURES | {
    AUTH_REJECTED,
    WRONG_KEY,
    GEO_REFUSED,
    SOCKS_NO_ACCEPTABLE_METHOD,
}
#: Failures that mean that a time limit ran out, ours or the kernel's.
TIMEOUT_FAILURES: Final = frozenset({GENERIC_TIMEOUT, TIMED_OUT})
#: Made on this machine, before a packet left: they tell nothing of the network, and trying again is noise.
LOCAL_FAILURES: Final = frozenset({PERMISSION_DENIED, ADDRESS_NOT_AVAILABLE, NETWORK_DOWN})
