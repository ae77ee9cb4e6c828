"""Resolvers: ``https://…/path``, ``h3://``, ``tls://``, ``quic://``, ``udp://``, ``tcp://``, ``sdns://``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from circumvent.inputs.draft import draft, no_userinfo, only_host_and_port
from circumvent.inputs.hosts import clean_host
from circumvent.inputs.problem import LineError
from circumvent.inputs.uri import fragment_label
from circumvent.model.kinds import KINDS
from circumvent.model.option import (
    DnscryptSettings,
    Endpoint,
    OdohSettings,
    Option,
    WebSettings,
    is_address,
    join_host_port,
)
from circumvent.model.secret import Secret
from circumvent.names.stamps import Stamp, StampError, StampKind, parse_stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.inputs.uri import Link

#: Where resolvers that name no path listen (RFC 8484 leaves it open; its examples and nearly all servers use this).
USUAL_PATH: Final = "/dns-query"
#: RFC 6570 variables as in ``{?dns}`` of RFC 8484, section 4.1: GET is built by the transport.
_TEMPLATE: Final = re.compile(r"\{[?&]dns\}", re.IGNORECASE)
_URL_SAFE: Final = re.compile(r"[!-~]*")

_PLAIN_SCHEMES: Final = {"tls": "dot", "quic": "doq", "doq": "doq", "udp": "dns-udp", "tcp": "dns-tcp"}


def parse_plain(link: Link) -> Option:
    """Read ``tls://``, ``quic://``, ``udp://`` or ``tcp://``: a host and a port.

    :raises LineError: when it holds anything else.
    """
    no_userinfo(link)
    only_host_and_port(link)
    kind = _PLAIN_SCHEMES[link.scheme]
    return draft(kind, host=link.host, port=link.port(KINDS[kind].port), label=link.label)


def parse_web(link: Link) -> Option:
    """Read ``https://host/path`` (DoH) or ``h3://host/path`` (DoH over HTTP/3).

    :raises LineError: when it can't be a resolver's URL.
    """
    kind = "doh3" if link.scheme == "h3" else "doh"
    host, port = link.host, link.port(443)
    query = "" if link.query is None else f"?{link.query}"
    path = _TEMPLATE.sub("", (link.path or USUAL_PATH) + query)
    user = link.user_and_password
    return draft(
        kind,
        host=host,
        port=port,
        label=link.label,
        settings=WebSettings(url=web_url(host, port, path)),
        user=Secret(user[0]) if user else None,
        password=Secret(user[1] or "") if user else None,
    )


def web_url(host: str, port: int, path: str) -> str:
    """Return an ``https`` URL.

    :raises LineError: when the path is not written in ASCII.
    """
    if not _URL_SAFE.fullmatch(path):
        raise LineError("the address of this resolver holds letters that a URL cannot have.")
    place = join_host_port(host, port)
    return f"https://{place.removesuffix(':443') if port == 443 else place}{path or '/'}"


def bare_address(text: str) -> Option | None:
    """Read an IP address alone (or with port 53) as a plain resolver; ``None`` if it is something else.

    :raises LineError: for an address with another port: what listens there can't be told from it.
    """
    if is_address(text):
        return draft("dns-udp", host=clean_host(text), port=53)
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[0-9.]+):([0-9]{1,6})", text)
    if match is None or not is_address(match[1].strip("[]")):
        return None
    if int(match[2]) == 53:
        return draft("dns-udp", host=clean_host(match[1]), port=53)
    raise LineError(
        "an address and a port do not say what listens there. Put socks5:// or http:// before it."
    )


def parse_stamp_link(text: str) -> Option:
    """Read a DNS stamp; the fragment, if it has one, is the label.

    :raises LineError: when it is damaged, or is a relay alone.
    """
    body, _, fragment = text.partition("#")
    try:
        stamp = parse_stamp(body)
    except StampError as exc:
        raise LineError(f"{exc}. Copy the whole sdns:// link again.") from exc
    return from_stamp(stamp, label=fragment_label(fragment))


def from_stamp(stamp: Stamp, *, label: str = "") -> Option:
    """Turn a stamp into an option.

    :raises LineError: for a relay alone, and for names that are none.
    """
    make = _BY_STAMP.get(stamp.kind)
    if make is None:
        raise LineError("this sdns:// link is a relay alone. Put it before a server: sdns://relay/server.")
    return make(stamp, label)


def _stamp_host(stamp: Stamp) -> str:
    host = stamp.host or stamp.address
    return clean_host(f"[{host}]" if ":" in host else host)


def _stamp_addresses(stamp: Stamp) -> tuple[str, ...]:
    host = stamp.host or stamp.address
    return () if is_address(host) or not stamp.address else (stamp.address,)


def _from_plain(stamp: Stamp, label: str) -> Option:
    return draft("dns-udp", host=_stamp_host(stamp), port=stamp.port, label=label)


def _from_dnscrypt(stamp: Stamp, label: str) -> Option:
    relay = stamp.relay
    settings = DnscryptSettings(
        provider=stamp.provider,
        public_key=stamp.public_key,
        relay=None if relay is None else Endpoint(host=_stamp_host(relay), port=relay.port),
    )
    return draft("dnscrypt", host=_stamp_host(stamp), port=stamp.port, label=label, settings=settings)


def _from_doh(stamp: Stamp, label: str) -> Option:
    return draft(
        "doh",
        host=_stamp_host(stamp),
        port=stamp.port,
        label=label,
        addresses=_stamp_addresses(stamp),
        settings=WebSettings(url=_stamp_url(stamp)),
        certificate_hashes=stamp.hashes,
    )


def _from_tls(kind: str) -> Callable[[Stamp, str], Option]:
    def make(stamp: Stamp, label: str) -> Option:
        return draft(
            kind,
            host=_stamp_host(stamp),
            port=stamp.port,
            label=label,
            addresses=_stamp_addresses(stamp),
            certificate_hashes=stamp.hashes,
        )

    return make


def _from_odoh(stamp: Stamp, label: str) -> Option:
    """Return an ODoH option; its endpoint is where packets go, the relay if there is one."""
    first = stamp.relay or stamp
    return draft(
        "odoh",
        host=_stamp_host(first),
        port=first.port,
        label=label,
        addresses=_stamp_addresses(first),
        settings=OdohSettings(url=_stamp_url(stamp), relay=_stamp_url(stamp.relay) if stamp.relay else None),
        certificate_hashes=first.hashes,
    )


def _stamp_url(stamp: Stamp) -> str:
    path = stamp.path if stamp.path.startswith("/") or not stamp.path else f"/{stamp.path}"
    return web_url(_stamp_host(stamp), stamp.port, path or USUAL_PATH)


_BY_STAMP: Final[dict[StampKind, Callable[[Stamp, str], Option]]] = {
    StampKind.PLAIN: _from_plain,
    StampKind.DNSCRYPT: _from_dnscrypt,
    StampKind.DOH: _from_doh,
    StampKind.DOT: _from_tls("dot"),
    StampKind.DOQ: _from_tls("doq"),
    StampKind.ODOH_TARGET: _from_odoh,
}
