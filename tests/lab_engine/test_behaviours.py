"""Each documented behaviour of a censor, as its rules model it: it does to a client what is documented, and spares others."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from circumvent.lab.behaviours import Behaviour, behaviours
from circumvent.lab.scenario import find, names
from circumvent.lab.tls import read_hello
from tests.lab_engine.plays import IKE, L2TP, NOISE, OPENVPN, STUN, WIREGUARD, WORLD, Client
from tests.lab_engine.rules.test_tls import with_extension
from tests.lab_engine.talk import Net, client_hello

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Play = Callable[[Client], str]

ALL: Final = behaviours()
#: Fingerprints in the files, in whose place those of a ClientHello stand that can be made here.
LIKE_CHROME: Final = client_hello("one.example", alpn=("h2", "http/1.1"))
UNLIKE: Final = client_hello("one.example", alpn=())


def at(moment: float, play: Play) -> Play:
    """The same at another time."""

    def later(client: Client) -> str:
        client.net.now = moment
        return play(client)

    return later


def after(first: Play, play: Play) -> Play:
    """The same after something else."""

    def then(client: Client) -> str:
        first(client)
        return play(client)

    return then


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(2) + message


def listed(name: str, **how: object) -> Play:
    return lambda client: client.tls(name, **how)  # type: ignore[arg-type]  # fields of tls, by name


def asks(name: str, server: str = "dns.anvil.example") -> Play:
    return lambda client: client.dns(name, server)


def gets(host: str, path: str = "/") -> Play:
    return lambda client: client.http(host, path)


def begins_quic(name: str, *, client_port: int | None = None) -> Play:
    return lambda client: client.quic(name, client_port=client_port)


def sends(server: str, port: int, payload: bytes) -> Play:
    return lambda client: client.udp(server, port, payload)


def talks(server: str, port: int, *payloads: bytes) -> Play:
    return lambda client: client.tcp(server, port, *payloads)


SOCIAL: Final = listed("WWW.social.example")
FREE: Final = listed("www.free.example")
ABROAD: Final = FREE
AT_HOME: Final = listed("www.homebank.example", server="www.homebank.example")
ASK_SOCIAL: Final = asks("www.SOCIAL.example")
ASK_FREE: Final = asks("www.free.example")
ASK_ISP: Final = asks("social.example", "dns.homeline.example")
PAGE_SOCIAL: Final = gets("www.Social.example")
PAGE_FREE: Final = gets("www.free.example", "/social.example")
QUIC_SOCIAL: Final = begins_quic("www.social.example")
QUIC_FREE: Final = begins_quic("www.free.example")
TO_KRILL: Final = listed("one.example", server="www.krill.example")
TO_SITES: Final = listed("one.example", server="sites.iris.example")
OPENVPN_UDP: Final = sends("www.birch.example", 1194, OPENVPN)
OPENVPN_TCP: Final = talks("www.birch.example", 443, framed(OPENVPN))
WIREGUARD_UDP: Final = sends("www.birch.example", 51820, WIREGUARD)
IKE_UDP: Final = sends("www.birch.example", 500, IKE)
L2TP_UDP: Final = sends("www.birch.example", 1701, L2TP)
STUN_UDP: Final = sends("turn.heron.example", 3478, STUN)
NO_VPN: Final = (STUN_UDP, FREE, ASK_FREE, QUIC_FREE)
VPN: Final = ((OPENVPN_UDP, "silence"), (OPENVPN_TCP, "silence"), (WIREGUARD_UDP, "silence"))
IPSEC: Final = ((IKE_UDP, "silence"), (L2TP_UDP, "silence"))
UDP_53: Final = sends("www.krill.example", 53, NOISE)
NOISE_443: Final = talks("www.birch.example", 443, NOISE, NOISE)
FROM_A_LOW_PORT: Final = begins_quic("social.example", client_port=400)
JANUARY: Final = (
    (listed("www.free.example", server="www.anvil.example"), "silence"),
    (
        after(
            listed("x.example", server="www.anvil.example"),
            listed("www.anvil.example", server="www.anvil.example"),
        ),
        "silence",
    ),
    (TO_KRILL, "silence"),
    (STUN_UDP, "silence"),
)
JANUARY_TWINS: Final = (listed("www.anvil.example", server="www.anvil.example"), UDP_53, AT_HOME)


def busy(client: Client) -> str:
    """QUIC by a listed name while there is more of it than the filter can read."""
    moment = client.net.now
    for _ in range(60):
        client.quic("www.free.example")
        client.net.now = moment
    return client.quic("www.social.example")


def many(count: int) -> Play:
    """So many connections alike to one network; the last one tells."""

    def play(client: Client) -> str:
        for _ in range(count - 1):
            moment = client.net.now
            client.tls("www.free.example")
            client.net.now = moment + 0.1
        return client.tls("www.free.example")

    return play


def flood(client: Client) -> str:
    return client.udp("www.birch.example", 4000, *[bytes(1000)] * 100)


#: What is done, and what the client sees; then what is left alone.
STORIES: Final[Mapping[str, tuple[tuple[tuple[Play, str], ...], tuple[Play, ...]]]] = {
    "cn-dns-injection": (
        (
            (ASK_SOCIAL, "answer"),
            (asks("social.example", "www.krill.example"), "answer"),
        ),
        (ASK_FREE, ASK_ISP, lambda client: client.dns("social.example", port=5353)),
    ),
    "cn-http-keyword-rst": (
        (
            (PAGE_SOCIAL, "reset"),
            (lambda client: client.http("a.example", "/?q=FORBIDDEN-word", port=8080), "reset"),
            (
                lambda client: next(
                    (
                        s
                        for _ in range(9)
                        if client.http("social.example") and (s := client.http("a.example")) != "works"
                    ),
                    "",
                ),
                "reset",
            ),
        ),
        (PAGE_FREE, talks("www.birch.example", 80, b"a forbidden-word in no request")),
    ),
    "cn-tls-sni-rst": (
        ((SOCIAL, "reset"), (after(SOCIAL, FREE), "reset"), (listed("social.example", port=8443), "reset")),
        (FREE, after(SOCIAL, TO_KRILL)),
    ),
    "cn-esni-drop": (
        ((listed("a.example", hello=with_extension(client_hello("a.example"), 0xFFCE)), "silence"),),
        (listed("a.example", hello=with_extension(client_hello("a.example"), 0xFE0D)), FREE),
    ),
    "cn-fully-encrypted": (
        ((lambda client: client.until_hit("www.krill.example", NOISE), "silence"),),
        (
            lambda client: client.until_hit("www.birch.example", NOISE),
            lambda client: client.until_hit("www.krill.example", client_hello("a.example")),
            sends("www.krill.example", 443, NOISE),
        ),
    ),
    "cn-quic-sni": (
        ((QUIC_SOCIAL, "silence"), (after(QUIC_SOCIAL, QUIC_FREE), "silence")),
        (QUIC_FREE, FROM_A_LOW_PORT, SOCIAL),
    ),
    "cn-quic-degradation": (((QUIC_SOCIAL, "silence"),), (busy, QUIC_FREE)),
    "cn-shadowsocks-active-probing": (
        ((lambda client: client.probed("www.krill.example", NOISE, None), "silence"),),
        (
            lambda client: client.probed("www.krill.example", NOISE, b"HTTP/1.1 400 Bad Request\r\n"),
            lambda client: client.probed("www.krill.example", client_hello("a.example"), None),
        ),
    ),
    "cn-tor-active-probing": (
        (
            (
                lambda client: client.probed("www.krill.example", LIKE_CHROME, b"\x15\x03\x01\0\x02\x02\x28"),
                "silence",
            ),
            (lambda client: client.probed("www.krill.example", NOISE, b"noise"), "silence"),
        ),
        (
            lambda client: client.probed("www.krill.example", UNLIKE, b"\x15"),
            lambda client: client.probed("www.krill.example", NOISE, None),
        ),
    ),
    "cn-henan-provincial": (
        ((SOCIAL, "reset"), (PAGE_SOCIAL, "reset"), (listed("social.example", handshake=False), "reset")),
        (FREE, PAGE_FREE),
    ),
    "cn-443-unconditional-2025": (((FREE, "reset"),), (listed("a.example", port=8443), AT_HOME, QUIC_FREE)),
    "cn-tls-per-server": (
        ((TO_KRILL, "silence"),),
        (FREE, talks("www.krill.example", 443, b"GET / HTTP/1.1\r\n\r\n")),
    ),
    "ir-protocol-filter": (
        (
            (NOISE_443, "silence"),
            (talks("www.birch.example", 53, NOISE, NOISE), "silence"),
        ),
        (
            FREE,
            PAGE_FREE,
            talks("www.birch.example", 8443, NOISE, NOISE),
            talks("www.homebank.example", 443, NOISE, NOISE),
        ),
    ),
    "ir-dns-injection": (((ASK_SOCIAL, "answer"),), (ASK_FREE, ASK_ISP)),
    "ir-dns-correct-static": (
        ((asks("www.SEARCH.example"), "answer"),),
        (ASK_FREE, asks("re.search.example")),
    ),
    "ir-http-403": (
        ((PAGE_SOCIAL, "page"),),
        (PAGE_FREE, lambda client: client.http("social.example", port=8080)),
    ),
    "ir-sni": (
        ((SOCIAL, "reset"), (listed("www.VIDEO.example"), "silence")),
        (FREE, listed("social.example", port=8443)),
    ),
    "ir-tls-fingerprint": (
        ((listed("", hello=LIKE_CHROME), "silence"),),
        (listed("", hello=UNLIKE), listed("", hello=LIKE_CHROME, server="www.homebank.example")),
    ),
    "ir-udp-quic-endpoint": (
        ((lambda client: client.quic("free.example", "sites.iris.example"), "silence"),),
        (QUIC_SOCIAL, TO_SITES),
    ),
    "ir-udp-throttle": (
        ((flood, "slow"),),
        (lambda client: client.udp("www.homebank.example", 4000, *[bytes(1000)] * 100), FREE),
    ),
    "ir-upload-throttle": (((FREE, "slow"),), (AT_HOME, QUIC_FREE)),
    "ir-post-2025-06": (
        (
            (lambda client: client.tls("a.example") if client.family == 6 else "silence", "silence"),
            (QUIC_FREE, "silence"),
            (TO_KRILL, "silence"),
            (after(lambda client: client.ping("www.birch.example"), FREE), "silence"),
        ),
        (
            lambda client: client.tls("a.example") if client.family == 4 else "works",
            AT_HOME,
            lambda client: client.ping("www.homebank.example"),
        ),
    ),
    "ir-doh-block": (
        (
            (listed("a.example", server="dns.anvil.example", port=853), "silence"),
            (listed("dns.cedar.example", server="dns.cedar.example"), "reset"),
        ),
        (
            listed("dns.delta.example", server="dns.delta.example", port=853),
            asks("a.example", "dns.anvil.example"),
        ),
    ),
    "ir-nightly-curfew": (
        ((at(45, ABROAD), "silence"), (at(105, STUN_UDP), "silence")),
        (at(5, ABROAD), at(65, STUN_UDP), at(45, AT_HOME)),
    ),
    "ir-national-only-2019": (
        (
            (ABROAD, "silence"),
            (STUN_UDP, "silence"),
            (lambda client: client.ping("www.krill.example"), "silence"),
        ),
        (AT_HOME, ASK_ISP),
    ),
    "ir-national-only-2025": (((ABROAD, "silence"), (STUN_UDP, "silence")), (AT_HOME, TO_SITES)),
    "ir-shutdown-2026-01": (JANUARY, JANUARY_TWINS),
    "ir-shutdown-2026-02": (JANUARY, JANUARY_TWINS),
    "ir-whitelist-2026": (
        ((ABROAD, "silence"),),
        (
            AT_HOME,
            lambda client: Client(
                client.net, client.family, "10.78.0.70" if client.family == 4 else "fd78::1:7"
            ).tls("a.example"),
        ),
    ),
    "ru-tspu-sni1": (
        (
            (SOCIAL, "reset"),
            (
                after(listed("social.example", client_port=41000), listed("a.example", client_port=41000)),
                "reset",
            ),
        ),
        (FREE, after(SOCIAL, FREE), listed("social.example", port=8443)),
    ),
    "ru-tspu-sni2": (
        (
            (SOCIAL, "silence"),
            (
                after(listed("social.example", client_port=41000), listed("a.example", client_port=41000)),
                "silence",
            ),
        ),
        (FREE, after(SOCIAL, FREE)),
    ),
    "ru-tspu-ip": (
        ((TO_KRILL, "silence"), (listed("a.example", server="www.larch.example"), "reset")),
        (FREE, lambda client: client.quic("a.example", "www.larch.example")),
    ),
    "ru-quic-v1": (
        ((QUIC_FREE, "silence"),),
        (
            FREE,
            lambda client: client.udp("www.birch.example", 443, b"\xc0\0\0\0\1" + bytes(995)),
            lambda client: client.udp("www.birch.example", 443, b"\xc0\x6b\x33\x43\xcf" + bytes(1195)),
        ),
    ),
    "ru-quic-sni": (((QUIC_SOCIAL, "silence"),), (QUIC_FREE, SOCIAL)),
    "ru-twitter-throttle": (((SOCIAL, "slow"), (listed("antisocial.example"), "slow")), (FREE,)),
    "ru-youtube-throttle": (
        ((listed("r1.video.example"), "slow"),),
        (FREE, listed("video.example", port=8443)),
    ),
    "ru-vpn-handshake": (VPN, (*NO_VPN, sends("www.homebank.example", 51820, WIREGUARD))),
    "ru-ss-vmess": (
        ((talks("www.krill.example", 8388, NOISE), "silence"),),
        (talks("www.birch.example", 8388, NOISE), TO_KRILL),
    ),
    "ru-16kb-freeze": (
        ((listed("a.example", server="www.cedar.example"), "silence"),),
        (FREE, talks("www.cedar.example", 443, b"GET / HTTP/1.1\r\n\r\n")),
    ),
    "ru-tls-policing": (((many(13), "silence"),), (many(12), FREE)),
    "ru-mobile-whitelist": (
        (
            (FREE, "silence"),
            (STUN_UDP, "silence"),
            (talks("www.birch.example", 22, b"SSH-2.0-x\r\n"), "silence"),
        ),
        (listed("www.anvil.example"), ASK_FREE, AT_HOME),
    ),
    "tm-injection": (
        ((ASK_SOCIAL, "answer"), (PAGE_SOCIAL, "reset"), (listed("social.example", port=8443), "reset")),
        (ASK_FREE, PAGE_FREE, FREE, after(SOCIAL, FREE)),
    ),
    "tm-ip-port": (
        ((TO_KRILL, "silence"), (sends("www.larch.example", 9, b"x"), "silence")),
        (FREE,),
    ),
    "kz-mitm-2019": (
        ((TO_SITES, "elsewhere"),),
        (FREE, talks("sites.iris.example", 80, b"GET / HTTP/1.1\r\n\r\n")),
    ),
    "kz-mitm-2020": (
        ((TO_SITES, "elsewhere"),),
        (FREE, lambda client: client.quic("a.example", "sites.iris.example")),
    ),
    "kz-shutdown-2022": (
        ((ABROAD, "silence"), (STUN_UDP, "silence")),
        (AT_HOME, talks("www.krill.example", 3785, b"x")),
    ),
    "pk-vpn-sandvine": (VPN + IPSEC, NO_VPN),
    "pk-wms2": ((*VPN, (listed("media.messenger.example"), "slow")), (*NO_VPN, IKE_UDP)),
    "pk-wikipedia-2023": (((listed("en.WIKI.example"), "silence"),), (FREE,)),
    "eg-sni-rst": (
        ((listed("news.example"), "reset"), (gets("news.example"), "reset")),
        (FREE, PAGE_FREE),
    ),
    "eg-vpn": (
        (
            (talks("www.birch.example", 1723, b"x"), "silence"),
            (lambda client: client.gre("www.birch.example"), "silence"),
            (L2TP_UDP, "silence"),
            (OPENVPN_UDP, "silence"),
            (OPENVPN_TCP, "silence"),
        ),
        (*NO_VPN, IKE_UDP, lambda client: client.ping("www.birch.example")),
    ),
    "eg-proton-2023": (((listed("mail.krill.example"), "silence"),), (FREE,)),
    "mm-dns-ip-2021": (
        ((ASK_ISP, "answer"), (TO_SITES, "silence")),
        (ASK_SOCIAL, FREE, asks("free.example", "dns.homeline.example")),
    ),
    "mm-vpn-2024": (VPN + IPSEC, NO_VPN),
    "in-jio-sni": (((listed("video.example"), "reset"),), (FREE,)),
    "in-airtel": (
        ((listed("video.example"), "reset"), (gets("video.example"), "page")),
        (FREE, PAGE_FREE),
    ),
    "in-http-dns": (
        (
            (gets("video.example"), "page"),
            (asks("video.example", "dns.homeline.example"), "answer"),
        ),
        (PAGE_FREE, asks("video.example"), listed("video.example")),
    ),
    "ve-cantv-dns": (
        (
            (asks("news.example", "dns.homeline.example"), "answer"),
            (asks("video.example", "dns.homeline.example"), "silence"),
        ),
        (asks("news.example"), ASK_ISP),
    ),
    "ve-tor-2018": (
        ((TO_KRILL, "silence"),),
        (FREE, lambda client: client.quic("a.example", "www.krill.example")),
    ),
    "ma-voip-2016": (((STUN_UDP, "silence"),), (ASK_FREE, QUIC_FREE, FREE)),
    "iq-social-2019": (((ASK_ISP, "answer"), (TO_SITES, "silence")), (ASK_SOCIAL, FREE)),
    "iq-shutdown-2019": (((ABROAD, "unreachable"), (ASK_FREE, "unreachable")), (AT_HOME,)),
    "iq-telegram-2023": (((TO_KRILL, "silence"),), (FREE,)),
    "iq-exam": (
        ((at(15, ABROAD), "silence"), (at(75, AT_HOME), "silence")),
        (at(5, STUN_UDP), at(21, ABROAD)),
    ),
    "tr-twitter-2023": (((SOCIAL, "silence"),), (FREE, listed("x.social.example"))),
    "tr-throttle-2022": (
        ((SOCIAL, "slow"), (after(SOCIAL, FREE), "slow")),
        (FREE, lambda client: client.quic("social.example")),
    ),
    "tr-dns": (((ASK_SOCIAL, "answer"), (ASK_ISP, "answer")), (ASK_FREE,)),
    "by-2020-filter": (
        ((listed("news.example"), "reset"), (gets("news.example"), "page")),
        (FREE, PAGE_FREE),
    ),
    "by-shutdown-2020": (
        ((ABROAD, "silence"), (STUN_UDP, "silence")),
        (AT_HOME, talks("www.krill.example", 22, b"SSH-2.0-x\r\n")),
    ),
    "ug-http3-2021": (
        ((TO_SITES, "silence"), (lambda client: client.quic("a.example", "www.krill.example"), "silence")),
        (lambda client: client.quic("a.example", "sites.iris.example"), TO_KRILL),
    ),
}


def rules_of(behaviour: Behaviour) -> Net:
    """A censor with the rules of a behaviour, its fingerprints those of a ClientHello that can be made here."""
    hello = read_hello(LIKE_CHROME[5:])
    assert hello is not None
    ja3, ja4 = hello.ja3(), hello.ja4()
    assert ja3 is not None
    assert ja4 is not None
    text = json.dumps(behaviour.rule).replace("e7d705a3286e19ea42f587b344ee6865", ja3)
    text = text.replace("t13d1516h2_8daaf6152771", ja4)
    return Net(*replace(behaviour, rule=tuple(json.loads(text))).rules(WORLD), seed=1)


def test_there_is_a_story_for_each() -> None:
    assert len(ALL) == 71
    assert set(STORIES) == {name for name, one in ALL.items() if one.absent is None}


@pytest.mark.parametrize("name", STORIES)
def test_it_does_what_is_documented(name: str) -> None:
    fired: set[str] = set()
    for family in (4, 6):
        for number, (play, expected) in enumerate(STORIES[name][0]):
            net = rules_of(ALL[name])
            assert (number, play(Client(net, family))) == (number, expected)
            fired |= {rule for rule, counter in net.censor.counters.items() if counter.fired}
    assert fired == {str(rule["name"]) for rule in ALL[name].rule}


@pytest.mark.parametrize("name", STORIES)
def test_it_leaves_alone_what_is_like_it(name: str) -> None:
    for family in (4, 6):
        for number, play in enumerate(STORIES[name][1]):
            net = rules_of(ALL[name])
            assert (family, number, play(Client(net, family))) == (family, number, "works")


@pytest.mark.parametrize("name", ALL)
def test_what_is_said_of_it(name: str) -> None:
    one = ALL[name]
    assert one.id.startswith(one.country.lower() + "-")
    assert all((one.trigger, one.action, one.scope, one.sees, one.since))
    assert one.source
    assert tuple(tomllib.loads(one.text()).get("rule", ())) == one.rule


def test_scenarios_name_only_known_ones() -> None:
    assert {name for each in names() for name in find(each).behaviours} <= set(ALL)


def test_rules_and_a_reason_for_none_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="has rules, or says why it has none"):
        replace(ALL["kz-mitm-2024"], absent=None)
