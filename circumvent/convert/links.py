"""Options as links: the schemes that ``circumvent.inputs`` reads, and DNS stamps where a plain link says too little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from circumvent.convert.bridges import bridge_line
from circumvent.convert.problem import CannotWrite
from circumvent.convert.wireguard import link_of
from circumvent.model.option import (
    DnscryptSettings,
    OdohSettings,
    Option,
    ProxySettings,
    VoiceSettings,
    WebSettings,
)
from circumvent.model.wireguard import WireguardSettings
from circumvent.names.stamps import Stamp, StampError, StampKind, default_port, format_stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.model.option import Endpoint

#: Schemes of resolvers that are a host and a port.
_PLAIN: Final = {"dot": "tls", "doq": "quic", "dns-udp": "udp", "dns-tcp": "tcp"}
_STAMPS: Final = {
    "doh": StampKind.DOH,
    "dot": StampKind.DOT,
    "doq": StampKind.DOQ,
    "dns-udp": StampKind.PLAIN,
    "dnscrypt": StampKind.DNSCRYPT,
    "odoh": StampKind.ODOH_TARGET,
}
#: What a fragment may hold as it is (RFC 3986, section 3.5), without what links in a text end at.
_IN_FRAGMENT: Final = "-._~!$&*+=:@/?"


def links_of(option: Option) -> Iterator[str]:
    """Yield the links that may stand for ``option``, the plainest first; of a bridge its line."""
    line = bridge_line(option)
    if line is not None:
        yield line
        return
    plain = _plain(option)
    label = "" if option.label == option.endpoint.host else f"#{quote(option.label, safe=_IN_FRAGMENT)}"
    if plain is not None:
        yield plain + label
    if option.kind in _STAMPS and option.user is None:
        try:
            yield stamp_of(option) + label
        except CannotWrite:
            return


def stamp_of(option: Option) -> str:
    """Return the DNS stamp of a resolver, with the first of its addresses.

    :raises CannotWrite: where there is no stamp for it.
    """
    if option.kind not in _STAMPS:
        raise CannotWrite("there are no stamps for options of its kind")
    try:
        return format_stamp(_stamp(option))
    except (StampError, ValueError) as exc:
        raise CannotWrite("a stamp has no room for what it holds") from exc


def _stamp(option: Option) -> Stamp:
    kind, endpoint, settings = _STAMPS[option.kind], option.endpoint, option.settings
    match settings:
        case DnscryptSettings():
            relay = None if settings.relay is None else _by_address(StampKind.DNSCRYPT_RELAY, settings.relay)
            return Stamp(
                kind=kind,
                port=endpoint.port,
                address=_address(endpoint),
                public_key=settings.public_key,
                provider=settings.provider,
                relay=relay,
            )
        case OdohSettings():
            return _odoh(option, settings)
        case WebSettings():
            return _by_url(kind, settings.url, option)
        case _ if kind is StampKind.PLAIN:
            return _by_address(kind, endpoint)
        case _:
            return Stamp(
                kind=kind,
                port=endpoint.port,
                address=_address(endpoint) if not endpoint.literal else "",
                host=endpoint.host,
                hashes=option.certificate_hashes,
            )


def _odoh(option: Option, settings: OdohSettings) -> Stamp:
    """Return the stamp of an oblivious target; addresses and hashes are those of whom we connect to."""
    if settings.relay is None:
        return _by_url(StampKind.ODOH_TARGET, settings.url, option)
    relay = _by_url(StampKind.ODOH_RELAY, settings.relay, option)
    parts = urlsplit(settings.url)
    return Stamp(
        kind=StampKind.ODOH_TARGET,
        port=parts.port or default_port(StampKind.ODOH_TARGET),
        host=parts.hostname or "",
        path=parts.path,
        relay=relay,
    )


def _by_url(kind: StampKind, url: str, option: Option) -> Stamp:
    parts = urlsplit(url)
    return Stamp(
        kind=kind,
        port=parts.port or default_port(kind),
        address="" if option.endpoint.literal else _address(option.endpoint),
        host=parts.hostname or "",
        path=parts.path + (f"?{parts.query}" if parts.query else ""),
        hashes=option.certificate_hashes,
    )


def _by_address(kind: StampKind, endpoint: Endpoint) -> Stamp:
    if not endpoint.literal:
        raise CannotWrite("a stamp of its kind has no room for a name")
    return Stamp(kind=kind, port=endpoint.port, address=endpoint.host)


def _address(endpoint: Endpoint) -> str:
    return next(iter(endpoint.known_addresses), "")


def _plain(option: Option) -> str | None:
    place, settings = str(option.endpoint), option.settings
    if option.kind in _PLAIN:
        return f"{_PLAIN[option.kind]}://{place}"
    match settings:
        case WebSettings() if option.kind in ("doh", "doh3"):
            scheme = "https" if option.kind == "doh" else "h3"
            return f"{scheme}://{_userinfo(option)}{settings.url.partition('://')[2]}"
        case ProxySettings():
            return f"{'https' if settings.tls else 'http'}://{_userinfo(option)}{place}"
        case VoiceSettings():
            return _voice(option, settings)
        case WireguardSettings():
            return link_of(option)
    return f"{option.kind}://{_userinfo(option)}{place}" if option.kind in ("socks5", "socks4a") else None


def _voice(option: Option, settings: VoiceSettings) -> str:
    """Return ``stun:``, ``turn:`` and their secure forms (RFC 7064, RFC 7065)."""
    scheme = option.kind + ("s" if settings.transport == "tls" else "")
    query = "?transport=tcp" if settings.transport == "tcp" else ""
    return f"{scheme}:{_userinfo(option)}{option.endpoint}{query}"


def _userinfo(option: Option) -> str:
    if option.user is None:
        return ""
    user = quote(option.user.reveal(), safe="")
    password = f":{quote(option.password.reveal(), safe='')}" if option.password is not None else ""
    return f"{user}{password}@"
