"""Links that people hold: what each becomes, and what is said of one that can't be used."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from circumvent.inputs.links import PARSERS, looks_like_link, parse_link
from circumvent.inputs.problem import LineError, repeats
from circumvent.inputs.unsupported import SCHEMES
from circumvent.model.option import (
    DnscryptSettings,
    Endpoint,
    OdohSettings,
    ProxySettings,
    VoiceSettings,
    WebSettings,
)

AA = "sdns://AgcAAAAAAAAADTIxNy4xNjkuMjAuMjIADWRucy5hYS5uZXQudWsKL2Rucy1xdWVyeQ"
ADGUARD = (
    "sdns://AQIAAAAAAAAAFDE3Ni4xMDMuMTMwLjEzMDo1NDQzINErR_JS3PLCu_iZEIbq95zkSV2LFsigxDIuUso_OQhz"
    "IjIuZG5zY3J5cHQuZGVmYXVsdC5uczEuYWRndWFyZC5jb20"
)
ODOH = "sdns://BQcAAAAAAAAAF29kb2guY2xvdWRmbGFyZS1kbnMuY29tCi9kbnMtcXVlcnk"
RELAY = "sdns://hQcAAAAAAAAAAAAab2RvaC1yZWxheS5lZGdlY29tcHV0ZS5hcHABLw"


@pytest.mark.parametrize(
    ("link", "kind", "endpoint", "settings"),
    [
        (
            "https://dns.example/dns-query",
            "doh",
            "dns.example:443",
            WebSettings(url="https://dns.example/dns-query"),
        ),
        (
            "https://dns.example:8443/x?y=1",
            "doh",
            "dns.example:8443",
            WebSettings(url="https://dns.example:8443/x?y=1"),
        ),
        ("https://dns.example/q{?dns}", "doh", "dns.example:443", WebSettings(url="https://dns.example/q")),
        ("https://[2001:DB8::1]/q", "doh", "[2001:db8::1]:443", WebSettings(url="https://[2001:db8::1]/q")),
        ("https://dns.example/", "doh", "dns.example:443", WebSettings(url="https://dns.example/")),
        ("h3://dns.example/q", "doh3", "dns.example:443", WebSettings(url="https://dns.example/q")),
        ("h3://dns.example", "doh3", "dns.example:443", WebSettings(url="https://dns.example/dns-query")),
        ("tls://dns.example", "dot", "dns.example:853", None),
        ("TLS://DNS.Example.:8853", "dot", "dns.example:8853", None),
        ("quic://dns.example", "doq", "dns.example:853", None),
        ("udp://192.0.2.1", "dns-udp", "192.0.2.1:53", None),
        ("tcp://[2001:db8::1]:5353", "dns-tcp", "[2001:db8::1]:5353", None),
        ("192.0.2.1", "dns-udp", "192.0.2.1:53", None),
        ("2001:db8::1", "dns-udp", "[2001:db8::1]:53", None),
        ("192.0.2.1:53", "dns-udp", "192.0.2.1:53", None),
        ("socks5://h.example", "socks5", "h.example:1080", None),
        ("socks5h://h.example:99/", "socks5", "h.example:99", None),
        ("socks4a://h.example", "socks4a", "h.example:1080", None),
        ("http://h.example", "http-connect", "h.example:80", ProxySettings(tls=False)),
        ("http://h.example:3128/", "http-connect", "h.example:3128", ProxySettings(tls=False)),
        ("https://h.example", "http-connect", "h.example:443", ProxySettings(tls=True)),
        ("stun:h.example", "stun", "h.example:3478", VoiceSettings(transport="udp")),
        ("stun://h.example:19302", "stun", "h.example:19302", VoiceSettings(transport="udp")),
        ("stuns:h.example", "stun", "h.example:5349", VoiceSettings(transport="tls")),
        ("turn:h.example?transport=tcp", "turn", "h.example:3478", VoiceSettings(transport="tcp")),
        ("turns:h.example:443?transport=tcp", "turn", "h.example:443", VoiceSettings(transport="tls")),
        (
            "http://müller.example:3128",
            "http-connect",
            "xn--mller-kva.example:3128",
            ProxySettings(tls=False),
        ),
        ("socks5://سرور.example:1080", "socks5", "xn--wgbae9f.example:1080", None),
    ],
)
def test_a_link_becomes_an_option(link: str, kind: str, endpoint: str, settings: Any) -> None:
    option = parse_link(link)
    assert (option.kind, str(option.endpoint), option.settings) == (kind, endpoint, settings)


@pytest.mark.parametrize(
    ("link", "user", "password"),
    [
        ("socks5://anna:pa%3Ass+w@h.example", "anna", "pa:ss+w"),
        ("socks5://anna:a:b@h.example", "anna", "a:b"),
        ("socks5://a%40b:p%2Fq@h.example", "a@b", "p/q"),
        ("socks://YW5uYTpzM2NyZXQ@h.example", "anna", "s3cret"),
        ("http://anna:s3cret@h.example:8080", "anna", "s3cret"),
        ("https://anna:@h.example:8443", "anna", ""),
        ("https://anna:s3cret@dns.example/dns-query", "anna", "s3cret"),
        ("turn:anna:s3cret@h.example:3478", "anna", "s3cret"),
        ("turn:h.example?username=anna&credential=a%2Bb", "anna", "a+b"),
    ],
)
def test_user_and_password_are_decoded_and_nothing_else_is(link: str, user: str, password: str) -> None:
    option = parse_link(link)
    assert option.user is not None
    assert option.password is not None
    assert (option.user.reveal(), option.password.reveal()) == (user, password)
    assert "s3cret" not in repr(option)


def test_credentials_never_stay_in_a_url() -> None:
    option = parse_link("https://anna:s3cret@dns.example/dns-query")
    assert option.settings == WebSettings(url="https://dns.example/dns-query")


def test_the_fragment_is_the_label_and_is_made_harmless() -> None:
    assert parse_link("tls://dns.example#My%20resolver").label == "My resolver"
    assert parse_link("tls://dns.example#100%").label == "100%"
    assert "\x1b" not in parse_link("tls://dns.example#%1B%5B31mred").label
    assert len(parse_link(f"tls://dns.example#{'x' * 500}").label) <= 60
    assert parse_link("tls://dns.example").label == "dns.example"


def test_stamps() -> None:
    doh = parse_link(AA)
    assert doh.endpoint == Endpoint(host="dns.aa.net.uk", port=443, addresses=("217.169.20.22",))
    assert doh.settings == WebSettings(url="https://dns.aa.net.uk/dns-query")
    crypt = parse_link(f"{ADGUARD}#AdGuard")
    assert (crypt.kind, str(crypt.endpoint), crypt.label) == ("dnscrypt", "176.103.130.130:5443", "AdGuard")
    assert isinstance(crypt.settings, DnscryptSettings)
    assert crypt.settings.provider == "2.dnscrypt.default.ns1.adguard.com"
    target = parse_link(ODOH)
    assert target.settings == OdohSettings(url="https://odoh.cloudflare-dns.com/dns-query")
    through = parse_link(f"{RELAY}/{ODOH.removeprefix('sdns://')}")
    assert str(through.endpoint) == "odoh-relay.edgecompute.app:443"
    assert through.settings == OdohSettings(
        url="https://odoh.cloudflare-dns.com/dns-query", relay="https://odoh-relay.edgecompute.app/"
    )


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ("socks5://h.example:70000", "port 70000 does not exist. Ports go from 1 to 65535."),
        ("socks5://h.example:0", "port 0 does not exist"),
        ("socks5://h.example:99999999999999999999", "port does not exist"),
        ("socks5://h.example:١٢", "not a number"),
        ("socks5://anna@h.example", "a user name and no password"),
        ("socks5://anna:@h.example", "1 to 255 bytes"),
        (f"socks5://{'u' * 256}:p@h.example", "1 to 255 bytes"),
        ("socks5://h.example/path", "end after the port"),
        ("socks5://u:p%2@h.example", "Write a % itself as %25"),
        ("socks5://u:p%FF@h.example", "not text (UTF-8)"),
        ("socks5://u:p%0A@h.example", "control characters"),
        ("socks5://u:pa/ss@h.example", "Write it as %2F"),
        ("socks5://", "names no server"),
        ("socks5://::1:1080", "stands in brackets"),
        ("socks5://[::1:1080", "brackets around the IPv6 address"),
        ("socks5://[nonsense]:1080", "not an IPv6 address"),
        ("socks5://[fe80::1%25eth0]:1080", "with a zone"),
        ("socks5://127.1:1080", "not a whole IP address"),
        ("socks5://0x7f000001:1080", "not a whole IP address"),
        ("socks5://2130706433:1080", "not a whole IP address"),
        ("socks5://under..dots:1080", "neither a host name nor an address"),
        (f"socks5://{'a' * 64}.example", "neither a host name nor an address"),
        (f"socks5://{'ä' * 300}.example", "too long"),
        ("socks4a://u:p@h.example", "SOCKS4a has no password"),
        ("socks4://h.example", "SOCKS4 cannot resolve names"),
        ("http://h.example/page", "the address of a web page"),
        ("http://a%3Ab:p@h.example", "no colon"),
        ("tls://u:p@dns.example", "have no user name"),
        ("stun:u:p@h.example", "a STUN server has no user name"),
        ("turn:u@h.example", "both user name and password"),
        ("turns:h.example?transport=udp", "DTLS is not supported"),
        ("turn:h.example?transport=sctp", "neither UDP nor TCP"),
        ("sdns://AgcAAAAAAAAADTIxNy4xNjk", "Copy the whole sdns:// link again"),
        (RELAY, "a relay alone"),
        ("ssr://abcdefgh", "ssr:// links are not supported. Ask for an ss:// link."),
        ("https://t.me/proxy?server=h&port=1&secret=00", "Telegram proxies are not supported"),
        ("tg://proxy?server=h&port=1&secret=00", "Telegram proxies are not supported"),
        ("https://signal.tube/#h.example", "Signal proxies are not supported"),
        ("obfs4 192.0.2.3:443 0123456789ABCDEF0123456789ABCDEF01234567 cert=x iat-mode=0", "has 70 letters"),
        ("webtunnel 192.0.2.3:443 0123456789ABCDEF0123456789ABCDEF01234567", "has no url"),
        ("192.0.2.1:1080", "do not say what listens there"),
        ("h.example:1080", "do not say what listens there"),
        ("gopher://h.example", "links of this kind are not known"),
        ("hello there", "there is no link in this line"),
    ],
)
def test_what_is_wrong_is_said_without_repeating_it(link: str, sentence: str) -> None:
    with pytest.raises(LineError) as raised:
        parse_link(link)
    assert sentence in raised.value.sentence
    assert not repeats(raised.value.sentence, link)


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_kinds_to_come_get_a_sentence_and_never_a_crash(scheme: str) -> None:
    link = f"{scheme}://bWV0aG9kOnBhc3N3b3Jk@h.example:8388/?plugin=x#name"
    with pytest.raises(LineError) as raised:
        parse_link(link)
    assert not repeats(raised.value.sentence, link)


def test_no_scheme_is_both_known_and_unsupported() -> None:
    assert not set(PARSERS) & set(SCHEMES)


@pytest.mark.parametrize("text", ["list.txt", "./list", "C:\\list.txt", "wg-home.conf", "a:b", "bridges"])
def test_names_of_files_are_no_links(text: str) -> None:
    assert not looks_like_link(text)


@pytest.mark.parametrize("text", ["192.0.2.1", "::1", "stun:h", "sdns:AAA", "xx://y", "1.2.3.4:1080"])
def test_links_are(text: str) -> None:
    assert looks_like_link(text)


LINKLIKE = st.builds(
    lambda scheme, rest: f"{scheme}://{rest}",
    st.sampled_from(sorted([*PARSERS, *SCHEMES, "sdns"])),
    st.text(st.sampled_from("ab1.:@/?#[]%25&=-_~ é\u200b\ud800"), max_size=60) | st.text(max_size=40),
)


@given(st.one_of(st.text(max_size=80), LINKLIKE))
@example("socks5://[")
@example("turn:?")
@example("https://@:0/#")
def test_garbage_raises_only_the_documented_error(text: str) -> None:
    try:
        option = parse_link(text)
    except LineError:
        return
    assert option.id == ""
    assert option.label
