"""Round trips: what is written is read again as the same option, or refused."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circumvent import catalog
from circumvent.convert import CannotWrite, write
from circumvent.ids import IdMaker, canonical
from circumvent.inputs import read_inputs
from circumvent.model.option import Option, ProxySettings, WebSettings
from circumvent.model.secret import Secret
from tests.convert.strategies import LINKED, made, tabled
from tests.secrets.held import ALL, Held

FILES = {("wireguard", "amneziawg"): "conf", ("openvpn",): "ovpn"}


def read(text: str) -> tuple[Option, ...]:
    parsed = read_inputs(["-"], ids=IdMaker(bytes(32)), stdin=lambda _: text.encode(), allow_private=True)
    assert not parsed.problems
    return parsed.options


def same(given_: Option, found: Option) -> bool:
    return (canonical(given_), given_.label) == (canonical(found), found.label)


@settings(max_examples=300, deadline=None)
@given(tabled())
def test_every_option_is_the_same_after_toml(option: Option) -> None:
    """What is lost is refused: certificate hashes beside what no stamp holds are all that TOML can't say."""
    try:
        text = write([option], "toml")
    except CannotWrite:
        assert option.certificate_hashes
        return
    (found,) = read(text)
    assert same(option, found)


@settings(max_examples=300, deadline=None)
@given(LINKED)
def test_a_link_says_all_or_is_refused(option: Option) -> None:
    with suppress(CannotWrite):
        (found,) = read(write([option], "link"))
        one = replace(option, endpoint=replace(option.endpoint, addresses=option.endpoint.addresses[:1]))
        assert same(option, found) or same(one, found)


@pytest.mark.parametrize(
    ("option", "link"),
    [
        (made("socks5", "203.0.113.9", 1080, user=Secret("anna"), password=Secret("a/b:c@d")), "socks5://anna:a%2Fb%3Ac%40d@203.0.113.9:1080"),
        (made("http-connect", "p.example", 443, "at home", settings=ProxySettings(tls=True)), "https://p.example:443#at%20home"),
        (made("doh", "d.example", 443, settings=WebSettings(url="https://d.example/dns-query")), "https://d.example/dns-query"),
        (made("dot", "2001:db8::1", 853), "tls://[2001:db8::1]:853"),
    ],
)  # fmt: skip
def test_the_plainest_link_is_taken(option: Option, link: str) -> None:
    assert write([option], "link") == link + "\n"


def test_what_a_link_leaves_out_is_refused() -> None:
    guarded = made("dot", "d.example", 853, sni="")
    with pytest.raises(CannotWrite, match="--to toml"):
        write([guarded], "link")
    assert write([guarded], "toml").splitlines() == [
        "[[option]]",
        'kind = "dot"',
        'host = "d.example"',
        'sni = ""',
    ]


def test_a_stamp_holds_an_address_where_a_link_would_need_a_look_up() -> None:
    known = made("dot", "d.example", 853, addresses=("203.0.113.9",))
    assert write([known], "link").startswith("sdns://")


@pytest.mark.parametrize(
    "option", [one for one in catalog.options() if not one.baseline], ids=lambda one: one.id
)
def test_the_catalogue_can_be_handed_on(option: Option) -> None:
    bare = replace(option, operator=None, cdn=None, filtering=False, exposure_override=None)
    (found,) = read(write([bare], "toml"))
    assert canonical(found) == canonical(bare)


@pytest.mark.parametrize("held", ALL, ids=repr)
def test_what_users_hold_can_be_handed_on(held: Held) -> None:
    """Files of every kind that holds keys: TOML says all of each, and so do the files of its own programs."""
    for option in read(held.text):
        if getattr(option.settings, "sqs", False):  # this version keeps no queue and no key to one
            with pytest.raises(CannotWrite):
                write([option], "toml")
            continue
        forms = ["toml", *(form for kinds, form in FILES.items() if option.kind in kinds)]
        for form in forms:
            (found,) = read(write([option], form))
            assert canonical(found) == canonical(option), form


def test_an_option_that_goes_through_another_is_written_with_it() -> None:
    text = """
[[option]]
kind = "socks5"
label = "office"
host = "203.0.113.9"

[[option]]
kind = "dot"
label = "far"
host = "198.51.100.9"
via = "office"
"""
    both = read(text)
    again = read(write(both, "toml"))
    assert {one.label: one.via for one in again} == {one.label: one.via for one in both}
    far = next(one for one in both if one.via is not None)
    with pytest.raises(CannotWrite, match="written with it"):
        write([far], "toml")
    with pytest.raises(CannotWrite, match="goes through another"):
        write([far], "link")


def test_forms_for_one_hold_one() -> None:
    two = [made("dot", f"{name}.example", 853) for name in "ab"]
    for form in ("conf", "ovpn", "qr", "svg"):
        with pytest.raises(CannotWrite, match="--option NAME"):
            write(two, form)
    assert write(two, "link") == "tls://a.example:853\ntls://b.example:853\n"


def test_files_of_vpn_programs_are_for_their_kinds() -> None:
    for form in ("conf", "ovpn"):
        with pytest.raises(CannotWrite, match=rf"no \.{form} file"):
            write([made("dot", "a.example", 853)], form)


@given(st.sampled_from(["qr", "svg"]), st.booleans())
def test_what_no_link_says_is_scanned_as_toml(form: str, unicode: bool) -> None:
    assert write([made("dot", "d.example", 853, sni="")], form, unicode=unicode)


def test_no_refusal_names_anything_of_the_option() -> None:
    secret = made("socks5", "secret-host.example", 1080, "private", user=Secret("private-user"))
    for form in ("link", "conf", "ovpn"):
        with pytest.raises(CannotWrite) as caught:
            write([secret], form)
        assert not {"secret-host", "private"} & set(str(caught.value).replace(".", " ").split())
