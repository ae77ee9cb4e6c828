"""Bridge lines: what is written is read again as the same bridge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from circumvent.convert import write
from circumvent.convert.bridges import bridge_line
from circumvent.ids import IdMaker, canonical
from circumvent.inputs import read_inputs
from circumvent.inputs.snowflake_fields import DEFAULT_BRIDGE
from circumvent.model.bridge import (
    ConjureSettings,
    DnsttSettings,
    MeekSettings,
    Obfs4Settings,
    TorSettings,
    WebtunnelSettings,
)
from circumvent.model.snowflake import SnowflakeSettings
from tests.convert.strategies import IPV4, IPV6, KEYS, NAMES, PATHS, PORTS, made

if TYPE_CHECKING:
    from circumvent.model.option import Option

TWENTY = st.binary(min_size=20, max_size=20)


@st.composite
def dnstt(draw: st.DrawFn, mark: bytes | None) -> Option:
    """A dnstt bridge by one of the ways to a resolver."""
    resolver, host, port = draw(st.sampled_from(["udp", "dot", "doh"])), draw(NAMES), draw(PORTS)
    place = host if port == 443 else f"{host}:{port}"
    domain, key = draw(st.sampled_from([("t.example.com", True), ("a.b.example", False), ("", False)]))
    settings = DnsttSettings(
        domain=domain,
        public_key=draw(KEYS) if key else None,
        resolver=resolver,
        url=f"https://{place}{draw(PATHS)}" if resolver == "doh" else "",
        fingerprint=mark,
    )
    return made("dnstt", host, port, settings=settings)


@st.composite
def conjure(draw: st.DrawFn, mark: bytes | None) -> Option:
    """A conjure bridge that is asked for by one of the three ways."""
    registrar, place = draw(st.sampled_from(["bdapi", "ampcache", "dns"])), draw(IPV4)
    settings = ConjureSettings(
        url=f"https://{draw(NAMES)}{draw(st.sampled_from(['', '/api']))}",
        registrar=registrar,
        phantom=draw(st.sampled_from(["min", "prefix", "dtls"])),
        bridge=f"{place}:80",
        amp_cache="https://cache.example" if registrar == "ampcache" else "",
        fronts=() if registrar == "dns" else draw(st.sampled_from([(), ("b.front.example",)])),
        fingerprint=mark,
    )
    host, port = (place, 80) if registrar == "dns" else ("a.front.example", 443)
    return made("conjure", host, port, settings=settings)


@st.composite
def snowflake(draw: st.DrawFn, mark: bytes | None) -> Option:
    """A snowflake bridge with fronts, without, or through a cache."""
    fronts = draw(st.sampled_from([(), ("a.front.example",), ("a.front.example", "b.front.example")]))
    cached, asked = draw(st.booleans()), draw(st.none() | TWENTY)
    settings = SnowflakeSettings(
        url="https://broker.example/",
        fronts=fronts,
        amp_cache="https://cache.example/" if cached else "",
        stun=draw(st.sampled_from([(), (("stun.example", 3478), ("2001:db8::1", 19302))])),
        bridge=asked or DEFAULT_BRIDGE,
        imitate=draw(st.sampled_from(["", "hellorandomizedalpn"])),
        no_sni=draw(st.booleans()),
        fingerprint=asked and (mark or asked),
    )
    host = "broker-example.cache.example" if cached else "broker.example"
    return made("snowflake", fronts[0] if fronts else host, 443, settings=settings)


@st.composite
def bridges(draw: st.DrawFn) -> Option:
    """A bridge of each sort."""
    kind, mark = (
        draw(st.sampled_from(["tor", "obfs4", "webtunnel", "meek", "dnstt", "conjure", "snowflake"])),
        draw(st.none() | TWENTY),
    )
    if kind == "webtunnel":
        host, port, addresses = draw(NAMES), draw(PORTS), tuple(draw(st.lists(IPV4 | IPV6, max_size=1)))
        tunnel = WebtunnelSettings(
            host=host if port == 443 else f"{host}:{port}",
            path=draw(PATHS),
            chain_hash=draw(st.none() | KEYS),
            fingerprint=mark,
        )
        return made(kind, host, port, addresses=addresses, sni=draw(st.none() | NAMES), settings=tunnel)
    if kind == "meek":
        front, port = draw(NAMES), draw(PORTS)
        place = draw(NAMES) if port == 443 else f"{draw(NAMES)}:{port}"
        return made(
            kind, front, port, settings=MeekSettings(url=f"https://{place}{draw(PATHS)}", fingerprint=mark)
        )
    if kind == "dnstt":
        return draw(dnstt(mark))
    if kind == "conjure":
        return draw(conjure(mark))
    if kind == "snowflake":
        return draw(snowflake(mark))
    held: TorSettings | Obfs4Settings = TorSettings(fingerprint=mark)
    if kind == "obfs4":
        mode = draw(st.integers(0, 2))
        held = Obfs4Settings(node_id=draw(TWENTY), public_key=draw(KEYS), iat_mode=mode, fingerprint=mark)
    return made(kind, draw(IPV4 | IPV6), draw(PORTS), settings=held)


@settings(max_examples=200, deadline=None)
@given(bridges(), st.sampled_from(["link", "toml"]))
def test_a_bridge_is_the_same_after_its_line(option: Option, form: str) -> None:
    text = write([option], form)
    parsed = read_inputs(["-"], ids=IdMaker(bytes(32)), stdin=lambda _: text.encode(), allow_private=True)
    assert [canonical(one) for one in parsed.options] == [canonical(option)]


def test_a_bridge_that_is_asked_for_by_a_queue_has_no_line() -> None:
    """Its credentials are not kept."""
    settings = SnowflakeSettings(sqs=True, bridge=bytes(20))
    assert bridge_line(made("snowflake", "queue.example", 443, settings=settings)) is None


def test_what_is_no_bridge_has_no_line() -> None:
    assert bridge_line(made("dot", "d.example", 853)) is None
