"""dnstt bridge lines, as Orbot has them and as people cut them."""

from __future__ import annotations

from random import Random

import pytest

from circumvent.inputs.bridge_lines import parse_bridge
from circumvent.inputs.dnstt_fields import LONGEST_DOMAIN
from circumvent.inputs.problem import LineError
from circumvent.model.bridge import DnsttSettings
from circumvent.model.words import Exposure
from circumvent.tor.dnstt.questions import Encoder

KEY = "0123456789abcdef" * 4
MARK = "A" * 40


def line(*arguments: str, key: str = KEY, domain: str = "t.example.com") -> str:
    return f"dnstt 192.0.2.3:80 {MARK} {' '.join(arguments)} pubkey={key} domain={domain}"


@pytest.mark.parametrize(
    ("argument", "resolver", "place", "url"),
    [
        ("doh=https://dns.example/dns-query", "doh", "dns.example:443", "https://dns.example/dns-query"),
        ("doh=https://dns.example:8443/", "doh", "dns.example:8443", "https://dns.example:8443/"),
        ("dot=dns.example:853", "dot", "dns.example:853", ""),
        ("dot=dns.example", "dot", "dns.example:853", ""),
        ("udp=192.0.2.53:53", "udp", "192.0.2.53:53", ""),
        ("udp=[2001:db8::53]:5353", "udp", "[2001:db8::53]:5353", ""),
        ("udp=192.0.2.53 dot=dns.example", "dot", "dns.example:853", ""),
    ],
)
def test_ways_to_a_resolver(argument: str, resolver: str, place: str, url: str) -> None:
    option = parse_bridge(line(argument))
    assert option.kind == "dnstt"
    assert str(option.endpoint) == place
    assert option.exposure_override is Exposure.NOTABLE
    assert option.settings == DnsttSettings(
        domain="t.example.com",
        public_key=bytes.fromhex(KEY),
        resolver=resolver,
        url=url,
        fingerprint=bytes.fromhex(MARK),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (line(), "names no resolver"),
        (line("udp=192.0.2.53:53", key=KEY[:-1]), "pubkey"),
        (line("udp=192.0.2.53:53", domain=""), "no domain"),
        (line("udp=192.0.2.53:53").partition(" domain=")[0], "no domain"),
        (line("udp=192.0.2.53:53", domain="a..b"), "no domain"),
        (line("udp=192.0.2.53:53", domain=".".join(["a" * 60] * 3)), "too long"),
        (line("udp=192.0.2.53:53", domain=".".join(["a" * 60] * 5)), "too long"),
        (line("udp=1:2:3"), "not an address"),
        (line("udp=192.0.2.53:0"), "port"),
        (line("doh=http://dns.example/"), "https://"),
        (line("doh=https://user@dns.example/"), "https://"),
    ],
)
def test_what_is_missing_or_damaged(text: str, said: str) -> None:
    with pytest.raises(LineError, match=said) as caught:
        parse_bridge(text)
    assert KEY[:20] not in str(caught.value)


def test_the_longest_domain_is_the_longest_that_leaves_room() -> None:
    longest = f"{'a' * 50}.{'b' * 50}"
    assert len(longest) == LONGEST_DOMAIN
    Encoder(longest, Random(1))
    parse_bridge(line("udp=192.0.2.53:53", domain=longest))
    with pytest.raises(ValueError, match="too long"):
        Encoder(longest + "b", Random(1))
    with pytest.raises(LineError, match="too long"):
        parse_bridge(line("udp=192.0.2.53:53", domain=longest + "b"))


@pytest.mark.parametrize(
    ("more", "domain"), [(" domain=t.example.com.", "t.example.com"), ("", "")], ids=["no key", "nothing"]
)
def test_without_its_key_a_line_is_for_the_resolver(more: str, domain: str) -> None:
    option = parse_bridge(f"dnstt 192.0.2.3:80 udp=192.0.2.53:53{more}")
    assert option.settings == DnsttSettings(domain=domain, resolver="udp")
