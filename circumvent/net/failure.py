"""The one translation from exceptions and protocol codes to failure strings.

What a socket, ``ssl``, QUIC, DNS, HTTP or SOCKS says becomes one of the words of
:mod:`circumvent.model.failure`; everybody else raises :class:`~circumvent.net.errors.PeerError` with such a word
or lets the original exception pass. Exceptions of other libraries are matched by the names of their classes, so
that nothing is imported for it.

Wrappers are opened by ``__cause__`` and by the members of exception groups, never by ``__context__``: whatever
happened to be handled at that moment (``SSLWantReadError`` in every TLS pump) is no reason.

Details are short and sanitised, and name neither hosts nor addresses nor anything the user keeps secret.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.record import Failure
from circumvent.net.alerts import alert_from_openssl, alert_words
from circumvent.net.errors import NetError
from circumvent.net.protocol_codes import (
    http_status_failure,
    quic_failure,
    rcode_failure,
    socks4_reply_failure,
    socks5_reply_failure,
)
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from circumvent.net.protocol_codes import Words

__all__ = [
    "http_status_failure",
    "quic_failure",
    "rcode_failure",
    "socks4_reply_failure",
    "socks5_reply_failure",
    "translate",
    "words",
]

#: The longest detail, in characters. Details are ours, so a whole sentence has room.
DETAIL_LIMIT: Final = 200
_DEEPEST: Final = 16


def translate(exc: BaseException, step: str) -> Failure:
    """Put an exception into words: a failure string, the step and, where it helps, a detail."""
    error, detail = words(exc)
    return Failure(step=step, error=error, detail=None if detail is None else sanitise(detail, DETAIL_LIMIT))


def words(exc: BaseException, depth: int = 0) -> Words:
    """Return the failure string and the detail for ``exc``, looking into what it wraps."""
    if isinstance(exc, NetError):
        return exc.error, exc.detail
    inner = _inside(exc)
    if inner and depth < _DEEPEST:
        told = [words(member, depth + 1) for member in inner]
        known = next((pair for pair in told if pair[0] != failures.UNKNOWN), None)
        if known is not None:
            return known
    return _own_words(exc)


def _inside(exc: BaseException) -> tuple[BaseException, ...]:
    """Return what a wrapper wraps; errors that speak for themselves wrap nothing."""
    if isinstance(exc, BaseExceptionGroup):
        return tuple(exc.exceptions)
    if isinstance(exc, OSError) or exc.__cause__ is None:
        return ()
    return (exc.__cause__,)


def _own_words(exc: BaseException) -> Words:
    if isinstance(exc, ssl.SSLError):
        return _ssl_words(exc)
    if isinstance(exc, OSError):
        return _os_words(exc)
    for kind, said in _ANYIO.items():
        if isinstance(exc, kind):
            return said
    for cls in type(exc).__mro__:
        place = (cls.__module__.partition(".")[0], cls.__name__)
        if place in _FOREIGN:
            return _FOREIGN[place], None
        if place in _SPOKEN:
            return _SPOKEN[place](exc)
    return failures.UNKNOWN, type(exc).__name__


# The operating system.

_ERRNO_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ECONNREFUSED": failures.CONNECTION_REFUSED,
        "ECONNRESET": failures.CONNECTION_RESET,
        "EPIPE": failures.CONNECTION_RESET,
        "ESHUTDOWN": failures.CONNECTION_RESET,
        "ENETRESET": failures.CONNECTION_RESET,
        "ECONNABORTED": failures.CONNECTION_ABORTED,
        "ETIMEDOUT": failures.TIMED_OUT,
        "EHOSTUNREACH": failures.HOST_UNREACHABLE,
        "EHOSTDOWN": failures.HOST_UNREACHABLE,
        "ENETUNREACH": failures.NETWORK_UNREACHABLE,
        "EINVAL": failures.NETWORK_UNREACHABLE,  # Linux: a "blackhole" route
        "ENETDOWN": failures.NETWORK_DOWN,
        "ENODEV": failures.NETWORK_DOWN,  # the interface asked for is gone
        "EADDRNOTAVAIL": failures.ADDRESS_NOT_AVAILABLE,
        "EAFNOSUPPORT": failures.ADDRESS_NOT_AVAILABLE,  # IPv6 is switched off
        "EACCES": failures.PERMISSION_DENIED,
        "EPERM": failures.PERMISSION_DENIED,
        "EMSGSIZE": failures.MESSAGE_SIZE,
    }
)
#: Names that the failure string already tells; the others are added as detail.
_TOLD: Final = frozenset(
    {
        "ECONNREFUSED",
        "ECONNRESET",
        "ECONNABORTED",
        "ETIMEDOUT",
        "EHOSTUNREACH",
        "ENETUNREACH",
        "ENETDOWN",
        "EADDRNOTAVAIL",
        "EACCES",
        "EMSGSIZE",
    }
)


def _numbered(names: Mapping[str, str]) -> Mapping[int, tuple[str, str]]:
    """Number the table for this platform; Windows has its own numbers (WSA...) beside the usual ones."""
    numbered = {}
    for name, error in names.items():
        for symbol in (name, "WSA" + name):
            number = getattr(errno, symbol, None)
            if number is not None:
                numbered[number] = (name, error)
    return MappingProxyType(numbered)


_ERRNO: Final = _numbered(_ERRNO_NAMES)


#: What ``getaddrinfo`` says (RFC 3493, section 6.1).
_EAI_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "EAI_NONAME": failures.DNS_NXDOMAIN,
        "EAI_NODATA": failures.DNS_NO_ANSWER,
        "EAI_ADDRFAMILY": failures.DNS_NO_ANSWER,
        "EAI_AGAIN": failures.DNS_SERVFAIL,
    }
)
_EAI: Final = MappingProxyType(
    {
        getattr(socket, name): (error, "system resolver")
        for name, error in _EAI_NAMES.items()
        if hasattr(socket, name)
    }
)


def _os_words(exc: OSError) -> Words:
    if isinstance(exc, socket.gaierror):
        return _EAI.get(exc.errno or 0, (failures.DNS_MISBEHAVING, "system resolver"))
    if exc.errno is not None and exc.errno in _ERRNO:
        name, error = _ERRNO[exc.errno]
        return error, None if name in _TOLD else name.lower()
    if isinstance(exc, TimeoutError):
        return failures.GENERIC_TIMEOUT, None  # anyio.fail_after and the like: our own limit has no errno
    if isinstance(exc, ConnectionError):
        return failures.CONNECTION_RESET, None
    if exc.errno is None:
        return failures.UNKNOWN, type(exc).__name__
    return failures.UNKNOWN, errno.errorcode.get(exc.errno, f"errno {exc.errno}").lower()


# TLS.

#: OpenSSL's verification results (``X509_V_ERR_*`` of x509_vfy.h) with a word of their own.
_VERIFY: Final[Mapping[int, Words]] = MappingProxyType(
    {
        2: (failures.SSL_UNKNOWN_AUTHORITY, "issuer unknown"),
        9: (failures.SSL_NOT_YET_VALID, None),
        10: (failures.SSL_EXPIRED, None),
        18: (failures.SSL_UNKNOWN_AUTHORITY, "self-signed"),
        19: (failures.SSL_UNKNOWN_AUTHORITY, "root unknown"),
        20: (failures.SSL_UNKNOWN_AUTHORITY, "issuer unknown"),
        21: (failures.SSL_UNKNOWN_AUTHORITY, "chain incomplete"),
        62: (failures.SSL_INVALID_HOSTNAME, None),
        64: (failures.SSL_INVALID_HOSTNAME, None),
    }
)
#: OpenSSL's reasons for bytes that are no TLS record at all.
_NOT_TLS: Final = frozenset(
    {
        "BAD_RECORD_TYPE",
        "HTTP_REQUEST",
        "HTTPS_PROXY_REQUEST",
        "INVALID_MESSAGE_TYPE",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
        "RECORD_TOO_SMALL",
        "UNEXPECTED_MESSAGE",
        "UNEXPECTED_RECORD",
        "UNKNOWN_PROTOCOL",
        "WRONG_VERSION_NUMBER",
    }
)


def _ssl_words(exc: ssl.SSLError) -> Words:
    if isinstance(exc, ssl.SSLCertVerificationError):
        code: int = getattr(exc, "verify_code", 0)
        return _VERIFY.get(code, (failures.SSL_INVALID_CERTIFICATE, f"verification result {code}"))
    if isinstance(exc, ssl.SSLEOFError):
        return failures.EOF, "without close_notify"
    if isinstance(exc, ssl.SSLZeroReturnError):
        return failures.EOF, "close_notify"
    if isinstance(exc, ssl.SSLSyscallError) and exc.errno in _ERRNO:
        return _os_words(exc)
    reason: str = getattr(exc, "reason", None) or ""  # errors made outside of OpenSSL have none
    alert = alert_from_openssl(reason)
    if alert is not None:
        return alert_words(alert)
    if reason == "UNEXPECTED_EOF_WHILE_READING":
        return failures.EOF, "without close_notify"
    if reason in _NOT_TLS:
        return failures.SSL_FAILED_HANDSHAKE, f"not TLS ({reason.lower()})"
    return failures.SSL_FAILED_HANDSHAKE, reason.lower() or None


# Streams and other libraries.

_ANYIO: Final[Mapping[type[BaseException], Words]] = MappingProxyType(
    {
        anyio.EndOfStream: (failures.EOF, None),
        anyio.IncompleteRead: (failures.EOF, None),
        anyio.DelimiterNotFound: (failures.WRONG_ANSWER, "an endless line"),
        anyio.BrokenResourceError: (failures.CONNECTION_RESET, "broken stream"),
        anyio.ClosedResourceError: (failures.CONNECTION_ABORTED, "closed here"),
    }
)

_CUT_BODY: Final = re.compile(r"received (\d{1,18}) bytes, expected")


def _http_words(exc: BaseException) -> Words:
    """Put a protocol error of httpx or httpcore into words; its message is the only thing that tells them apart."""
    said = str(exc)[:400]
    if "Server disconnected" in said:
        return failures.EOF, "no response"
    if "without sending complete message body" in said:
        cut = _CUT_BODY.search(said)
        return failures.TRUNCATED, f"{cut[1]} bytes of the body" if cut else None
    if "StreamReset" in said:
        return failures.HTTP_REQUEST_FAILED, "stream reset"
    if "ConnectionTerminated" in said:
        return failures.EOF, "goaway"
    return failures.WRONG_ANSWER, "not HTTP" if "illegal status line" in said else "broken HTTP"


def _quic_words(exc: BaseException) -> Words:
    code = getattr(exc, "error_code", None)
    reason = getattr(exc, "reason_phrase", "")
    return (
        quic_failure(code, str(reason)) if isinstance(code, int) else (failures.UNKNOWN, type(exc).__name__)
    )


#: Class names of other libraries, by top-level package; base classes serve for what is derived from them.
_FOREIGN: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("httpx", "TimeoutException"): failures.GENERIC_TIMEOUT,
        ("httpcore", "TimeoutException"): failures.GENERIC_TIMEOUT,
        ("httpx", "DecodingError"): failures.WRONG_ANSWER,
        ("httpx", "NetworkError"): failures.CONNECTION_RESET,
        ("httpcore", "NetworkError"): failures.CONNECTION_RESET,
        ("httpx", "ProxyError"): failures.PROXY_PROTOCOL_ERROR,
        ("httpcore", "ProxyError"): failures.PROXY_PROTOCOL_ERROR,
        ("h11", "RemoteProtocolError"): failures.WRONG_ANSWER,
        ("h2", "ProtocolError"): failures.WRONG_ANSWER,
        ("hpack", "HPACKError"): failures.WRONG_ANSWER,
        ("hyperframe", "HyperframeError"): failures.WRONG_ANSWER,
        ("dns", "Timeout"): failures.GENERIC_TIMEOUT,
        ("dns", "DNSException"): failures.DNS_MISBEHAVING,
    }
)
_SPOKEN: Final = MappingProxyType(
    {
        ("httpx", "RemoteProtocolError"): _http_words,
        ("httpcore", "RemoteProtocolError"): _http_words,
        ("aioquic", "QuicConnectionError"): _quic_words,
    }
)
