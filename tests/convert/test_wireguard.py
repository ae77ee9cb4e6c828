"""WireGuard and AmneziaWG: a file and a link that their apps read, and what comes back of them."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circumvent.convert import CannotWrite, write
from circumvent.ids import IdMaker, canonical
from circumvent.inputs import read_inputs
from circumvent.model.secret import Secret
from circumvent.model.wireguard import Disguise, WireguardSettings
from tests.convert.strategies import HOSTS, KEYS, LABELS, PORTS, made

if TYPE_CHECKING:
    from circumvent.model.option import Option

PRIVATE = base64.b64encode(bytes(range(32))).decode("ascii")
BASE64_KEYS = KEYS.map(lambda key: Secret(base64.b64encode(key).decode("ascii")))
INSIDE = st.ip_addresses(v=4, network="10.0.0.0/8").map(lambda one: f"{one}/32") | st.ip_addresses(
    v=6, network="fd00::/8"
).map(lambda one: f"{one.compressed}/128")
RESOLVERS = st.ip_addresses(v=4, network="10.0.0.0/8").map(str)
PACKETS = st.sampled_from(["<b 0xf6ab3267fa>", "<r 40>", "<b 0xc0><rd 3><rc 7><t>"])


@st.composite
def disguises(draw: st.DrawFn) -> Disguise:
    """What AmneziaWG 1.0 to 2.0 may change."""
    least = draw(st.integers(0, 60))
    headers = draw(
        st.sampled_from([Disguise().headers, ((100, 100), (200, 250), (300, 300), (400, 4_000_000_000))])
    )
    return Disguise(
        junk_count=draw(st.integers(1, 10)),
        junk_least=least,
        junk_most=draw(st.integers(least, 200)),
        paddings=draw(st.tuples(*[st.integers(0, 99)] * 4)),
        packets=tuple(draw(st.lists(PACKETS, max_size=5))),
        headers=headers,
    )


@st.composite
def profiles(draw: st.DrawFn) -> Option:
    """A profile, with a disguise or without."""
    disguise = draw(st.none() | disguises())
    held = WireguardSettings(
        private_key=draw(BASE64_KEYS),
        peer_key=draw(KEYS),
        preshared_key=draw(st.none() | BASE64_KEYS),
        addresses=tuple(draw(st.lists(INSIDE, min_size=1, max_size=3, unique=True))),
        resolvers=tuple(draw(st.lists(RESOLVERS, max_size=2, unique=True))),
        mtu=draw(st.none() | st.integers(1280, 1500)),
        keepalive=draw(st.none() | st.integers(1, 99)),
        reserved=draw(st.none() | st.binary(min_size=3, max_size=3)),
        disguise=disguise,
    )
    kind = "wireguard" if disguise is None else "amneziawg"
    return made(kind, draw(HOSTS), draw(PORTS), draw(LABELS), settings=held)


def read(text: str) -> Option:
    parsed = read_inputs(["-"], ids=IdMaker(bytes(32)), stdin=lambda _: text.encode(), allow_private=True)
    assert not parsed.problems, parsed.sentences()
    (option,) = parsed.options
    return option


@settings(max_examples=200, deadline=None)
@given(profiles())
def test_a_profile_is_the_same_after_a_file(option: Option) -> None:
    assert canonical(read(write([option], "conf"))) == canonical(option)


@settings(max_examples=200, deadline=None)
@given(profiles())
def test_a_profile_is_the_same_after_a_link(option: Option) -> None:
    found = read(write([option], "link"))
    assert (canonical(found), found.label) == (canonical(option), option.label)


@settings(max_examples=200, deadline=None)
@given(profiles())
def test_a_profile_is_the_same_after_toml(option: Option) -> None:
    found = read(write([option], "toml"))
    assert (canonical(found), found.label) == (canonical(option), option.label)


def home(**changes: object) -> Option:
    held = WireguardSettings(
        private_key=Secret(PRIVATE), peer_key=bytes(32), addresses=("10.0.0.2/32", "fd00::2/128")
    )
    return made("wireguard", "vpn.example", 51820, settings=replace(held, **changes))  # type: ignore[arg-type]  # fields of settings


def test_a_file_says_that_everything_goes_through() -> None:
    assert write([home(resolvers=("10.0.0.1",), reserved=b"\1\2\3")], "conf").splitlines() == [
        "[Interface]",
        f"PrivateKey = {PRIVATE}",
        "Address = 10.0.0.2/32, fd00::2/128",
        "DNS = 10.0.0.1",
        "",
        "[Peer]",
        f"PublicKey = {base64.b64encode(bytes(32)).decode()}",
        "Endpoint = vpn.example:51820",
        "AllowedIPs = 0.0.0.0/0, ::/0",
        "Reserved = 1, 2, 3",
    ]


def test_a_link_keeps_what_base64_has_beyond_letters() -> None:
    link = write([home(private_key=Secret("+/" + PRIVATE[2:]))], "link")
    assert link.startswith("wireguard://%2B%2F")
    assert " " not in link


def test_what_was_not_kept_cannot_be_written() -> None:
    later = home(disguise=Disguise(later=("randomtrailers",)))
    for form in ("conf", "link"):
        with pytest.raises(CannotWrite):
            write([later], form)
