"""Links taken apart by hand (RFC 3986, section 3).

``urllib.parse`` guesses where links in the wild leave the standard: it raises at odd ports, lower-cases user names
and decodes ``+`` in queries only. Here every part stays as written until it is asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from circumvent.inputs.hosts import clean_host, parse_port
from circumvent.inputs.problem import LineError

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The parts of ``scheme://userinfo@host:port/path?query#fragment``, still percent-encoded, never printed.

    ``scheme`` is in small letters; ``userinfo`` and ``query`` are ``None`` when absent; ``path`` begins with
    ``/`` or is empty; ``label`` is the decoded fragment.
    """

    scheme: str
    userinfo: str | None
    authority: str
    path: str
    query: str | None
    label: str

    def __repr__(self) -> str:
        return f"Link(scheme={self.scheme!r})"

    @property
    def host(self) -> str:
        """Return the host: an address without brackets, or a name in ASCII (A-labels), small letters.

        :raises LineError: when it is neither.
        """
        return clean_host(_split_port(self.authority)[0])

    def port(self, default: int | None) -> int:
        """Return the port, or ``default`` when the link names none.

        :raises LineError: when it is no port, or missing without a default.
        """
        text = _split_port(self.authority)[1]
        if text:
            return parse_port(text)
        if default is None:
            raise LineError("this link has no port. Add it after the host, as in host:1080.")
        return default

    @property
    def user_and_password(self) -> tuple[str, str | None] | None:
        """Return the decoded user name and password; ``None`` without userinfo.

        The split is at the first colon; ``+`` stays ``+``.

        :raises LineError: when the decoded text is not UTF-8 or holds control characters.
        """
        if self.userinfo is None:
            return None
        user, colon, password = self.userinfo.partition(":")
        return percent_decode(user), percent_decode(password) if colon else None

    def parameters(self) -> dict[str, str]:
        """Return the query as names (small letters) and decoded values; the first of equal names counts."""
        found: dict[str, str] = {}
        for part in (self.query or "").split("&")[:64]:
            name, _, value = part.partition("=")
            if name:
                found.setdefault(percent_decode(name).lower(), percent_decode(value))
        return found


def scheme_of(text: str) -> str | None:
    """Return the scheme that ``text`` begins with, in small letters."""
    match = _SCHEME.match(text)
    return match[1].lower() if match else None


def split_link(text: str) -> Link:
    """Take a link apart. ``//`` after the colon may be missing (``stun:``, ``turn:``).

    :raises LineError: when it has no scheme or no host.
    """
    scheme = scheme_of(text)
    if scheme is None:
        raise LineError("this is not a link: it begins with no scheme, such as socks5:// or https://.")
    rest = text[len(scheme) + 1 :].removeprefix("//")
    rest, _, fragment = rest.partition("#")
    rest, question, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    userinfo, at, host = authority.rpartition("@")
    if not at and "@" in path.partition("?")[0]:
        # An unencoded slash in a password; guessing where it ends could show a piece of it as the host.
        raise LineError("there is a / in the user name or password of this link. Write it as %2F.")
    if not host:
        raise LineError("this link names no server. It may have been cut when it was copied.")
    return Link(
        scheme=scheme,
        userinfo=userinfo if at else None,
        authority=host,
        path=slash + path,
        query=query if question else None,
        label=fragment_label(fragment),
    )


def percent_decode(text: str) -> str:
    """Decode ``%XX`` and nothing else: ``+`` is a plus sign.

    :raises LineError: when the result is not UTF-8 or holds control characters.
    """
    if _BAD_PERCENT.search(text):
        raise LineError("a % in this link is not followed by two digits of a code. Write a % itself as %25.")
    try:
        decoded = unquote_to_bytes(text.encode()).decode()
    except UnicodeError as exc:
        raise LineError("the user name or password of this link is not text (UTF-8).") from exc
    if _CONTROL.search(decoded):
        raise LineError("the user name or password of this link holds control characters.")
    return decoded


def fragment_label(fragment: str) -> str:
    """Decode a display name; whatever is wrong with it is no reason to refuse the link."""
    return unquote_to_bytes(fragment.encode("utf-8", "replace")).decode("utf-8", "replace")


def _split_port(authority: str) -> tuple[str, str]:
    if authority.startswith("["):
        host, bracket, port = authority[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise LineError("the brackets around the IPv6 address of this link are not right.")
        return f"[{host}]", port[1:]
    host, _, port = authority.partition(":")
    if ":" in port:
        raise LineError("an IPv6 address in a link stands in brackets, as in [2001:db8::1]:443.")
    return host, port
