"""HTTP CONNECT on the wire (RFC 9110 section 9.3.6, RFC 9112). Bytes in, values out, no sockets.

The answer to CONNECT has no body if it is 2xx: what follows its head belongs to the tunnel, and a Content-Length
in it means nothing. Only few header fields matter here, so only those are kept, and everything is bounded.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from circumvent.model import failure as failures
from circumvent.model.option import join_host_port
from circumvent.net.errors import PeerError

#: Bytes of head, interim answers included, and header lines that are read before we give up.
LONGEST_HEAD: Final = 16 * 1024
MOST_FIELDS: Final = 128
#: Authentication schemes that may be named in a message (IANA HTTP Authentication Scheme Registry).
SCHEMES: Final = ("Basic", "Bearer", "Digest", "Negotiate", "NTLM")

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\x00-\x08\x0a-\x1f\x7f]*)?")
_BEGINNING: Final = b"HTTP/1."


@dataclass(frozen=True, slots=True)
class ConnectReply:
    """The final answer to CONNECT.

    ``schemes`` are the known words of Proxy-Authenticate; ``page`` tells that it announces a body of its own,
    which a tunnel never has; ``rest`` is what came after the head.
    """

    status: int
    schemes: tuple[str, ...]
    page: bool
    rest: bytes

    @property
    def accepted(self) -> bool:
        """Tell whether the tunnel is open, as the proxy has it."""
        return 200 <= self.status <= 299


def encode_connect(host: str, port: int, authorization: str | None = None) -> bytes:
    """Return a CONNECT request. It names no program: no User-Agent.

    :raises ValueError: when the host could not stand in a request line.
    """
    if not re.fullmatch(r"[!-~]+", host) or re.search(r"[/@?#\[\]]", host):
        raise ValueError("this host cannot be written into a CONNECT request")
    target = join_host_port(host, port)
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if authorization is not None:
        lines.append(f"Proxy-Authorization: {authorization}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def basic(user: str, password: str) -> str:
    """Return Basic credentials in UTF-8 (RFC 7617).

    :raises ValueError: when the user name has a colon, which Basic cannot say; it is not repeated.
    """
    if ":" in user:
        raise ValueError("Basic authentication takes no user name with a colon")
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")


class ConnectReader:
    """Reads the answer to CONNECT as it arrives."""

    def __init__(self) -> None:
        """Wait for the first byte."""
        self._data = b""
        self._read = 0

    def feed(self, data: bytes) -> ConnectReply | None:
        """Take in ``data``; return the final answer once it is complete.

        :raises PeerError: when it is no HTTP/1, or longer than :data:`LONGEST_HEAD`.
        """
        self._data += data
        while True:
            beginning = self._data[: len(_BEGINNING)]
            if not _BEGINNING.startswith(beginning):
                raise PeerError(failures.PROXY_PROTOCOL_ERROR, "it does not speak HTTP/1")
            head, end, rest = self._data.partition(b"\r\n\r\n")
            if self._read + len(head) > LONGEST_HEAD:
                raise PeerError(
                    failures.PROXY_PROTOCOL_ERROR, f"the head of its answer is over {LONGEST_HEAD} bytes"
                )
            if not end:
                return None
            reply = _parse_head(head, rest)
            if reply.status >= 200:
                return reply
            self._read += len(head) + len(end)  # an interim answer (RFC 9110 section 15.2)
            self._data = rest


def _parse_head(head: bytes, rest: bytes) -> ConnectReply:
    first, *lines = head.split(b"\r\n")
    matched = _STATUS_LINE.fullmatch(first)
    if matched is None:
        raise PeerError(failures.PROXY_PROTOCOL_ERROR, "its status line is malformed")
    if len(lines) > MOST_FIELDS:
        raise PeerError(failures.PROXY_PROTOCOL_ERROR, f"it sends over {MOST_FIELDS} header fields")
    schemes: list[str] = []
    page = False
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not re.fullmatch(rb"[!-9;-~]+", name):
            raise PeerError(failures.PROXY_PROTOCOL_ERROR, "a header field is malformed")
        value = value.strip(b" \t").lower()
        match name.lower():
            case b"proxy-authenticate":
                schemes += [scheme for scheme in SCHEMES if value.startswith(scheme.lower().encode())]
            case b"content-length":
                page = page or value.strip(b"0") != b""
            case b"transfer-encoding":
                page = True
            case b"content-type":
                page = page or value.startswith((b"text/html", b"application/xhtml"))
            case _:
                pass
    return ConnectReply(int(matched[1]), tuple(dict.fromkeys(schemes)), page, rest)
