"""What may stay of the details of an attempt: a list of keys and words, everything else goes.

Details are written by many hands and hold whatever a protocol had to say, so nothing is kept because it looks
harmless: a key stays if it is written here, a value if it is a number, or a word of a closed vocabulary.
"""

from __future__ import annotations

import re
from typing import Any, Final

from circumvent.model import failure as failures
from circumvent.model.kinds import FAMILIES, KINDS
from circumvent.model.words import Proof, Reason

#: Keys that never hold who or where somebody is: counts, sizes, times, yes or no.
KEYS: Final = frozenset({
    "addresses", "aead", "age_ms", "alert", "alpn", "anchor", "answered", "asked", "authenticated", "bytes", "bytes_acked", "bytes_received",
    "by_hand", "canaries", "cipher", "class", "clear", "clock", "clock_skew_s", "closed_by", "construction", "controls", "cut_bytes", "datagrams_received", "dnssec",
    "domestic", "ended", "ended_after_ms", "error", "error_code", "failure", "first_bytes", "honesty", "hours_ahead", "http", "iat_mode", "identity", "idle", "ignored", "in_use",
    "cookies", "echo", "gateway", "initiations", "beyond", "mtu", "said", "initial_packets", "ipv4", "ipv6", "ja4", "jitter_ms", "kbps", "kernel_rtt_ms", "last_ack_ms", "late", "lies", "limit", "loop_ms", "loss",
    "longest_answer", "lost", "mapped_family", "mapped_is_local", "max_ms", "median_ms", "method", "min_ms", "min_rtt_ms", "nat", "ok",
    "os_trusted", "p95_ms", "packets", "partly", "proof", "proxy", "queries", "rcode", "received", "refusal", "registrar", "servers",
    "relayed_family", "retransmits", "rtt_ms", "seconds", "sent", "state", "status", "strays", "syn_retransmits", "system_resolver",
    "tcp", "tls", "total_retrans", "transport", "type", "types", "udp", "unacked", "version", "via_relay", "voice", "works",
    "wrapping", "wrong_answers",
    "credentials", "encryption", "esp", "fragmentation", "fragments_sent", "group", "ipsec", "server_authenticated", "wanted",
    "data_cipher", "denial", "denied", "names", "sizes", "key_export", "repeated",
})  # fmt: skip

#: Steps that transports and the check have (``docs/transports``).
STEPS: Final = frozenset({
    "allocate", "authenticate", "binding", "bulk_tls", "carry", "circuit", "clock", "configuration", "connect", "control_http", "control_tls", "honesty",
    "broker", "broker_amp", "data_channel", "dtls_handshake", "ice", "nat", "rendezvous", "stun",
    "http_upgrade", "meek_poll", "registrar", "noise_handshake", "questions", "answers", "obfs4_handshake", "pin", "tor_tls",
    "idle", "late_answers", "mtu", "proxy_handshake", "quic_handshake", "recursion", "resolve", "sustain", "sustain_down", "sustain_up",
    "tls_handshake", "tunnel_handshake", "udp_associate", "voice",
})  # fmt: skip

#: Numbers beyond this could be an address or a key written as one.
_LARGEST_NUMBER: Final = 10**12
_DEEPEST: Final = 6
#: No connection of a check is older (milliseconds).
_LONGEST_RUN_MS: Final = 600_000

#: Text values that may stay.
WORDS: Final = frozenset({
    # transports, families, sides, how a stream ended
    "rst", "fin", "error",
    "udp", "tcp", "tls", "ipv4", "ipv6", "peer", "us", "http", "ssh", "alert", "other", "none", "openssl", "aioquic",
    # kernel states
    "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK",
    "LISTEN", "CLOSING", "NEW_SYN_RECV", "UNKNOWN", "unknown",
    # names: DNSSEC, honesty, response codes, types
    "proved", "stripped", "bogus", "expired", "off", "alone", "agreed", "lies", "NOERROR", "NXDOMAIN", "SERVFAIL",
    "REFUSED", "FORMERR", "NOTIMP", "A", "AAAA", "TXT", "CNAME", "MX", "NULL", "SRV", "whole",
    # the clock; what an option travels over
    "right", "wrong", "both",
    # limits, authentication methods, HTTP methods, classes of anchors
    "wrong_answer", "cut", "slow", "partly", "no_authentication", "username_password", "mschapv2", "pap", "GET", "POST", "cdn", "updates",
    "cloud", "academic", "exchange", "resolver", "domestic",
    # OpenVPN: wrappings, ciphers with an HMAC beside them, how a server says no
    "plain", "tls-auth", "tls-crypt", "tls-crypt-v2", "AES-128-CBC", "AES-192-CBC", "AES-256-CBC", "BF-CBC", "AES-128-GCM",
    "AES-192-GCM", "AES-256-GCM", "rejected", "challenge", "temporary", "session", "pending", "halt", "restart",
    # conjure: how its registrar is asked
    "bdapi", "ampcache", "dns",
    # snowflake: what its broker says, what a NAT does, how that was found out
    "answer", "no_proxies", "proxy_silent", "unknown_bridge", "no_offer", "unrestricted", "restricted", "other_address", "two_servers", "no_nat",
    # versions and protocols
    "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "QUICv1", "QUICv2", "h2", "h3", "http/1.0", "http/1.1", "HTTP/1.0",
    "HTTP/1.1", "HTTP/2", "HTTP/3", "dot", "doq",
    # IKEv2: how the server proved itself, what it wanted again, encryption
    "psk", "rsa", "ecdsa", "signature", "eap", "cookie", "group", "aes128", "aes192", "aes256", "aes128gcm16", "aes256gcm16", "chacha20poly1305",
    *(value for name, value in vars(failures).items() if name.isupper() and isinstance(value, str)),
    *KINDS, *FAMILIES, *(str(word) for word in Proof), *(str(word) for word in Reason),
})  # fmt: skip
#: Why attempts do not count (``docs/verdicts``): sentences of our own that name nobody.
WHYS: Final = frozenset({
    "another way", "idle minute", "lost the race between addresses", "other connections to this address were open", "poisoned",
    "second phase", "second vantage", "sentinel", "the check was stopped", "the deadline came", "this device's clock was wrong",
    "this machine was busy",
    *(f"not tried: {reason}" for reason in Reason),
})  # fmt: skip
#: Names of cipher suites (RFC 8446 and OpenSSL), by their parts.
_CIPHER: Final = re.compile(
    r"(?:(?:TLS|ECDHE|DHE|RSA|ECDSA|AES|AES128|AES256|128|256|GCM|CCM|CCM8|8|CBC|CHACHA20|POLY1305|SHA|SHA256|SHA384"
    r"|WITH|ARIA128|ARIA256|CAMELLIA128|CAMELLIA256)(?:[_-]|$)){2,9}"
)
#: JA4 of our own hello: two hashes that depend on nothing but the program.
_JA4: Final = re.compile(r"[tq]\d\d[di]\d{4}[a-z0-9]{2}_[0-9a-f]{12}_[0-9a-f]{12}")


def public_word(value: str) -> bool:
    """Tell whether a text is of the closed vocabulary."""
    return value in WORDS or bool(_CIPHER.fullmatch(value)) or bool(_JA4.fullmatch(value))


def public_part(value: Any, depth: int = 0) -> Any:
    """Return what may stay of a value; ``None`` if nothing may."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if abs(value) < _LARGEST_NUMBER else None
    if isinstance(value, str):
        return value if public_word(value) else None
    if depth >= _DEEPEST:
        return None
    if isinstance(value, list | tuple):
        parts = (public_part(item, depth + 1) for item in value)
        return [part for part in parts if part not in (None, {}, [])]
    return public_detail(value, depth + 1) if isinstance(value, dict) else None


def public_detail(detail: Any, depth: int = 0) -> dict[str, Any]:
    """Return what may stay of a table of details."""
    if not isinstance(detail, dict):
        return {}
    kept = {
        key: public_part(value, depth)
        for key, value in detail.items()
        if key in KEYS and not tells_uptime(key, value)
    }
    return {key: value for key, value in kept.items() if value is not None or detail[key] is None}


def tells_uptime(key: Any, value: Any) -> bool:
    """Tell whether a kernel fact counts from the start of the machine.

    Before the first acknowledgement the kernel counts ``last_ack_ms`` from there, and an uptime ties two dumps of
    one machine together.
    """
    return key == "last_ack_ms" and isinstance(value, int | float) and value > _LONGEST_RUN_MS


def public_numbers(table: Any) -> dict[str, float | None] | None:
    """Return the numbers of a flat table of numbers; ``None`` if there is no table."""
    if not isinstance(table, dict):
        return None
    return {
        key: value
        for key, value in table.items()
        if isinstance(key, str) and re.fullmatch(r"[a-z0-9_]{1,16}", key) and _is_number_or_none(value)
    }


def _is_number_or_none(value: Any) -> bool:
    return value is None or isinstance(value, int | float)
