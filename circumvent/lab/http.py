"""What a censor reads in a plain HTTP request: its target and its Host (RFC 9112). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from circumvent.lab.names import canonical

METHODS: Final = (
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"CONNECT ",
    b"OPTIONS ",
    b"DELETE ",
    b"PATCH ",
    b"TRACE ",
)
_LONGEST_METHOD: Final = max(len(method) for method in METHODS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The head of a request as far as it was seen. ``host`` is in lower case and without a port."""

    method: str
    target: str
    host: str | None
    head: bytes
    complete: bool


def could_be_request(data: bytes) -> bool:
    """Tell whether ``data`` begins like a request, as far as it goes; methods are written in any case."""
    start = data[:_LONGEST_METHOD].upper()
    return any(method.startswith(start) or start.startswith(method) for method in METHODS)


def read_request(data: bytes) -> Request | None:
    """Read the head of a request, ``None`` until its first line is whole."""
    head, end, _ = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    if len(lines) < 2 and not end:
        return None
    words = lines[0].split(b" ")
    if len(words) < 2 or not could_be_request(data):
        return None
    target = words[1].decode("latin-1")
    # The last line may still be on its way, unless the head has ended.
    host = _host_header(lines[1:] if end else lines[1:-1]) or _host_of_target(words[0], target)
    return Request(
        method=words[0].decode("latin-1").upper(), target=target, host=host, head=head, complete=bool(end)
    )


def _host_header(lines: list[bytes]) -> str | None:
    for line in lines:
        name, colon, value = line.partition(b":")
        if colon and name.strip().lower() == b"host":
            return _without_port(value.strip().decode("latin-1"))
    return None


def _host_of_target(method: bytes, target: str) -> str | None:
    if method.upper() == b"CONNECT":
        return _without_port(target)
    if "://" in target:
        return _without_port(target.partition("://")[2].partition("/")[0])
    return None


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0].lower()
    return canonical(text.partition(":")[0])
