"""Options of every kind that can be written and read again, as hypothesis makes them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from circumvent.inputs.dns_links import web_url
from circumvent.inputs.draft import clean_label
from circumvent.model.kinds import KINDS
from circumvent.model.openconnect import OpenconnectSettings
from circumvent.model.option import (
    DnscryptSettings,
    Endpoint,
    OdohSettings,
    Option,
    Origin,
    ProxySettings,
    VoiceSettings,
    WebSettings,
    is_address,
)
from circumvent.model.secret import Secret

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
IPV4 = st.ip_addresses(v=4, network="203.0.113.0/24").map(str)
IPV6 = st.ip_addresses(v=6, network="2001:db8::/32").map(lambda one: one.compressed)
LABEL = st.from_regex(r"[a-z](?:[a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABEL, min_size=1, max_size=3).map(lambda parts: ".".join([*parts, "example"]))
HOSTS = NAMES | IPV4 | IPV6
PORTS = st.integers(1, 65535)
#: What people have for passwords, line feeds and the like left out.
TEXTS = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), min_size=1, max_size=24)
SECRETS = TEXTS.map(Secret)
LABELS = (TEXTS | st.text(max_size=70)).map(clean_label)
PATHS = st.from_regex(r"/[A-Za-z0-9._~/-]{1,20}(?:\?[a-z]{1,5}=[A-Za-z0-9]{1,5})?", fullmatch=True)
HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=3, unique=True).map(tuple)
KEYS = st.binary(min_size=32, max_size=32)


def made(kind: str, host: str, port: int, label: str = "", **fields: object) -> Option:
    """Return an option as an input makes it."""
    addresses = fields.pop("addresses", ())
    assert isinstance(addresses, tuple)
    endpoint = Endpoint(host=host, port=port, addresses=() if is_address(host) else addresses)
    base = Option(id="", kind=kind, label=label or host, endpoint=endpoint, origin=Origin(source="argument"))
    return replace(base, **fields)  # type: ignore[arg-type]  # each test names fields that an option has


@st.composite
def accounts(draw: st.DrawFn) -> dict[str, Secret]:
    """Neither user name nor password, or both."""
    return {"user": draw(SECRETS), "password": draw(SECRETS)} if draw(st.booleans()) else {}


@st.composite
def resolvers(draw: st.DrawFn) -> Option:
    """A resolver of a kind that is a host and a port, or a URL."""
    kind = draw(st.sampled_from(["doh", "doh3", "dot", "doq", "dns-udp", "dns-tcp"]))
    host, port, label = draw(HOSTS), draw(PORTS), draw(LABELS)
    addresses = tuple(draw(st.lists(IPV4 | IPV6, max_size=2, unique=True)))
    if not kind.startswith("doh"):
        hashes = draw(HASHES) if kind in ("dot", "doq") else ()
        return made(kind, host, port, label, addresses=addresses, certificate_hashes=hashes)
    settings = WebSettings(
        url=web_url(host, port, draw(PATHS)), method=draw(st.sampled_from(["POST", "GET"]))
    )
    return made(kind, host, port, label, settings=settings, addresses=addresses, **draw(accounts()))


@st.composite
def odd_resolvers(draw: st.DrawFn) -> Option:
    """DNSCrypt with a relay or without, oblivious DoH likewise."""
    label = draw(LABELS)
    if draw(st.booleans()):
        relay = Endpoint(host=draw(IPV4 | IPV6), port=draw(PORTS)) if draw(st.booleans()) else None
        settings = DnscryptSettings(
            provider="2.dnscrypt-cert." + draw(NAMES), public_key=draw(KEYS), relay=relay
        )
        return made("dnscrypt", draw(IPV4 | IPV6), draw(PORTS), label, settings=settings)
    host, port = draw(NAMES), draw(PORTS)
    target = web_url(host, port, draw(PATHS))
    if draw(st.booleans()):
        return made("odoh", host, port, label, settings=OdohSettings(url=target))
    first, its_port = draw(NAMES), draw(PORTS)
    relay_url = web_url(first, its_port, draw(PATHS))
    return made("odoh", first, its_port, label, settings=OdohSettings(url=target, relay=relay_url))


@st.composite
def proxies(draw: st.DrawFn) -> Option:
    """A proxy, with an account or without."""
    kind = draw(st.sampled_from(["socks5", "socks4a", "http-connect"]))
    account = draw(accounts())
    if kind == "socks4a":
        account.pop("password", None)
    if kind == "http-connect" and account:  # RFC 7617 has no colon in a user name
        account["user"] = Secret(account["user"].reveal().replace(":", "."))
    settings = ProxySettings(tls=draw(st.booleans())) if kind == "http-connect" else None
    return made(kind, draw(HOSTS), draw(PORTS), draw(LABELS), settings=settings, **account)


@st.composite
def voices(draw: st.DrawFn) -> Option:
    """A STUN or TURN server."""
    kind = draw(st.sampled_from(["stun", "turn"]))
    settings = VoiceSettings(transport=draw(st.sampled_from(["udp", "tcp", "tls"])))
    account = draw(accounts()) if kind == "turn" else {}
    return made(kind, draw(HOSTS), draw(PORTS), draw(LABELS), settings=settings, **account)


@st.composite
def pages(draw: st.DrawFn) -> Option:
    """A page without a tunnel."""
    kind, host, port = draw(st.sampled_from(["https", "h3"])), draw(HOSTS), draw(PORTS)
    settings = WebSettings(url=web_url(host, port, draw(PATHS)), method="GET")
    return made(kind, host, port, draw(LABELS), settings=settings)


@st.composite
def gateways(draw: st.DrawFn) -> Option:
    """An AnyConnect gateway."""
    settings = OpenconnectSettings(
        path=draw(PATHS | st.just("/")), group=draw(st.none() | NAMES), pin=draw(st.none() | KEYS)
    )
    return made("openconnect", draw(HOSTS), draw(PORTS), draw(LABELS), settings=settings, **draw(accounts()))


#: Options that links may say.
LINKED = resolvers() | odd_resolvers() | proxies() | voices()


@st.composite
def tabled(draw: st.DrawFn) -> Option:
    """Any option, with fields of TLS that TOML alone can say."""
    option = draw(LINKED | pages() | gateways())
    if option.kind in ("dot", "doq", "doh", "doh3", "https", "h3", "http-connect", "stun", "turn"):
        return replace(
            option,
            sni=draw(st.none() | st.just("") | NAMES),
            ca=draw(st.none() | st.just(PEM)),
            alpn=tuple(draw(st.lists(st.sampled_from(["h2", "dot", "doq"]), max_size=2, unique=True))),
        )
    return option


#: Kinds that these strategies make.
MADE = frozenset(KINDS) & {
    "doh", "doh3", "dot", "doq", "dns-udp", "dns-tcp", "dnscrypt", "odoh", "socks5", "socks4a", "http-connect", "stun",
    "turn", "https", "h3", "openconnect",
}  # fmt: skip
