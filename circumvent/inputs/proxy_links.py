"""Proxies: ``socks5://`` (``socks5h://``, ``socks://``), ``socks4a://``, ``http://`` and ``https://`` without a path."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from circumvent.inputs.draft import draft, only_host_and_port
from circumvent.inputs.problem import LineError
from circumvent.model.option import Option, ProxySettings
from circumvent.model.secret import Secret

if TYPE_CHECKING:
    from circumvent.inputs.uri import Link

#: RFC 1929, section 2: user name and password have a length byte each.
_LONGEST_SOCKS_FIELD: Final = 255
_SOCKS_PORT: Final = 1080


def parse_socks5(link: Link) -> Option:
    """Read ``socks5://[user:password@]host[:port]``. Names are always resolved by the proxy (``socks5h``).

    :raises LineError: when a part does not fit.
    """
    only_host_and_port(link)
    user, password = _credentials(link)
    for value in (user, password):
        if value is not None and not 1 <= len(value.encode()) <= _LONGEST_SOCKS_FIELD:
            raise LineError("user name and password of a SOCKS5 proxy have 1 to 255 bytes each.")
    return draft(
        "socks5",
        host=link.host,
        port=link.port(_SOCKS_PORT),
        label=link.label,
        user=Secret(user) if user is not None else None,
        password=Secret(password) if password is not None else None,
    )


def parse_socks4a(link: Link) -> Option:
    """Read ``socks4a://[user@]host[:port]``.

    :raises LineError: when a part does not fit, or there is a password, which SOCKS4a does not have.
    """
    only_host_and_port(link)
    parts = link.user_and_password
    if parts is not None and parts[1] is not None:
        raise LineError("SOCKS4a has no password. Leave it out, or write socks5:// if the proxy speaks that.")
    return draft(
        "socks4a",
        host=link.host,
        port=link.port(_SOCKS_PORT),
        label=link.label,
        user=Secret(parts[0]) if parts is not None and parts[0] else None,
    )


def parse_http(link: Link) -> Option:
    """Read ``http://`` or ``https://`` with ``[user:password@]host[:port]`` and no path: an HTTP proxy.

    Without a port it is that of the scheme, 80 or 443 (RFC 9110, section 4.2).

    :raises LineError: when it is a web address, or a part does not fit.
    """
    secure = link.scheme == "https"
    if link.path not in ("", "/") or link.query:
        raise LineError("this is the address of a web page. That of a proxy ends after the port.")
    user, password = _credentials(link)
    if user is not None and ":" in user:  # RFC 7617, section 2
        raise LineError("the user name of an HTTP proxy has no colon in it.")
    return draft(
        "http-connect",
        host=link.host,
        port=link.port(443 if secure else 80),
        label=link.label,
        settings=ProxySettings(tls=secure),
        user=Secret(user) if user is not None else None,
        password=Secret(password) if password is not None else None,
    )


def _credentials(link: Link) -> tuple[str | None, str | None]:
    """Return user name and password; both or neither is ``None``."""
    parts = link.user_and_password
    if parts is None or parts == ("", None):
        return None, None
    user, password = parts
    if password is None and link.scheme == "socks":
        user, password = _from_base64(user)
    if password is None:
        raise LineError("this link has a user name and no password. Write both: user:password@host.")
    return user, password


def _from_base64(text: str) -> tuple[str, str | None]:
    """Read ``socks://`` as V2Ray clients write it: base64 of ``user:password``."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return text, None
    user, colon, password = decoded.partition(":")
    return (user, password) if colon and decoded.isprintable() else (text, None)
