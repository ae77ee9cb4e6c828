"""One link to one option."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from circumvent.inputs.bridge_lines import bridges_in, to_option
from circumvent.inputs.dns_links import bare_address, parse_plain, parse_stamp_link, parse_web
from circumvent.inputs.problem import LineError
from circumvent.inputs.proxy_links import parse_http, parse_socks4a, parse_socks5
from circumvent.inputs.unsupported import SCHEMES, web_page_of_app
from circumvent.inputs.uri import Link, scheme_of, split_link
from circumvent.inputs.voice_links import parse_voice
from circumvent.inputs.wireguard import parse_wireguard

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.model.option import Option


def _https(link: Link) -> Option:
    """``https://`` with a path is a resolver (DoH), without one a proxy inside TLS."""
    return parse_web(link) if link.path else parse_http(link)


#: Schemes whose links have no ``//`` after the colon.
_VOICE: Final = frozenset({"stun", "stuns", "turn", "turns"})
_HOST_AND_PORT: Final = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+:\d{1,5}(?::\S*)?")

#: Scheme to the function that reads its links.
PARSERS: Final[dict[str, Callable[[Link], Option]]] = {
    "https": _https,
    "h3": parse_web,
    "tls": parse_plain,
    "quic": parse_plain,
    "doq": parse_plain,
    "udp": parse_plain,
    "tcp": parse_plain,
    "socks": parse_socks5,
    "socks5": parse_socks5,
    "socks5h": parse_socks5,
    "socks4a": parse_socks4a,
    "http": parse_http,
    "stun": parse_voice,
    "stuns": parse_voice,
    "turn": parse_voice,
    "turns": parse_voice,
    "wireguard": parse_wireguard,
    "wg": parse_wireguard,
    "awg": parse_wireguard,
}


def parse_link(text: str) -> Option:
    """Read one link, one Tor bridge line, or a bare address of a resolver, into an option without id.

    :raises LineError: with a sentence that says what is wrong and never repeats the link.
    """
    bridges = bridges_in(text)
    if len(bridges) == 1:
        return to_option(bridges[0])
    scheme = scheme_of(text)
    if scheme == "sdns":
        return parse_stamp_link(text)
    if scheme in PARSERS and (scheme in _VOICE or text.startswith("//", len(scheme) + 1)):
        link = split_link(text)
        sentence = web_page_of_app(link) if scheme in ("http", "https") else None
        if sentence is not None:
            raise LineError(sentence)
        return PARSERS[scheme](link)
    if scheme in SCHEMES:
        raise LineError(SCHEMES[scheme])
    bare = bare_address(text)
    if bare is not None:
        return bare
    raise LineError(_why_not(text, scheme))


def looks_like_link(text: str) -> bool:
    """Tell whether an argument is a link or holds bridge lines (and is not the name of a file)."""
    if bridges_in(text):
        return True
    scheme = scheme_of(text)
    if scheme is None:
        return _is_bare(text)
    if len(scheme) == 1:  # C:\list.txt
        return False
    return "://" in text or scheme in _VOICE or scheme == "sdns" or _is_bare(text)


def _is_bare(text: str) -> bool:
    try:
        return bare_address(text) is not None
    except LineError:
        return True


def _why_not(text: str, scheme: str | None) -> str:
    if _HOST_AND_PORT.fullmatch(text):
        return "a host and a port do not say what listens there. Put socks5:// or http:// before it."
    if scheme is not None and "://" in text:
        return "links of this kind are not known to this version. All kinds: circumvent list --kinds"
    return "there is no link in this line."
