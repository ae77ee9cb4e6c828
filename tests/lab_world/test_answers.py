"""What resolvers say, by their characters; denials are held against delv of BIND and against dnspython."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dns.dnssec
import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest
from dns.exception import ValidationFailure
from hypothesis import given
from hypothesis import strategies as st

from circumvent.lab.world.answers import MOST_UDP, Responder, Zone
from circumvent.lab.world.description import Character
from circumvent.lab.world.prepare import zone_of
from tests.lab_world.clients import run

if TYPE_CHECKING:
    from circumvent.lab.world.prepare import Prepared
    from circumvent.lab.world.process import WorldProcess

LISTED = dns.name.from_text("social.example")
LIES = ("192.58.128.11", "2001:503:c27::11")


def responder(prepared: Prepared, character: Character = Character.HONEST) -> Responder:
    text = prepared.zone(zone_of(character)).read_text("ascii")
    return Responder(
        zone=Zone(text), identity="here", character=character, listed=frozenset({LISTED}), lies=LIES
    )


def ask(one: Responder, name: str, rdtype: str = "A", **more: bool) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype, want_dnssec=more.get("proofs", False))
    answer = one.respond(query.to_wire())
    assert answer is not None
    response = dns.message.from_wire(answer)
    assert query.is_response(response)
    return response


def told(response: dns.message.Message) -> set[str]:
    return {record.to_text() for rrset in response.answer for record in rrset}


def test_the_truth_is_the_zone(prepared_world: Prepared) -> None:
    one, server = responder(prepared_world), prepared_world.world.server("social.example")
    assert told(ask(one, "social.example")) == {server.addresses[0]}
    assert told(ask(one, "social.example", "AAAA")) == {server.addresses[1]}
    assert ask(one, "social.example", "MX").answer == []
    assert ask(one, "nowhere.example").rcode() == dns.rcode.NXDOMAIN
    assert ask(one, "anvil.example").rcode() == dns.rcode.NOERROR  # nothing but names below it


def test_aliases_are_followed(prepared_world: Prepared) -> None:
    types = {rrset.rdtype for rrset in ask(responder(prepared_world), "alias.lab.example").answer}
    assert types == {dns.rdatatype.CNAME, dns.rdatatype.A}


@pytest.mark.parametrize("character", [Character.HONEST, Character.HONEST_NSEC])
def test_everything_is_signed(prepared_world: Prepared, character: Character) -> None:
    one = responder(prepared_world, character)
    keys = ask(one, ".", "DNSKEY", proofs=True)
    trusted: dict[dns.name.Name, Any] = {dns.name.root: keys.answer[0]}
    for response in (ask(one, "social.example", proofs=True), ask(one, "no.such.example", proofs=True)):
        sets = {(one.name, one.rdtype): one for one in (*response.answer, *response.authority)}
        signed = [key for key in sets if key[1] != dns.rdatatype.RRSIG]
        assert signed
        for name, rdtype in signed:
            signatures = next(
                one
                for one in (*response.answer, *response.authority)
                if one.name == name and one.rdtype == dns.rdatatype.RRSIG and one.covers == rdtype
            )
            dns.dnssec.validate(sets[name, rdtype], signatures, trusted)


@pytest.mark.daemons
@pytest.mark.requires("delv")
@pytest.mark.parametrize("server", ["dns.anvil.example", "dns.birch.example"])
@pytest.mark.parametrize(
    ("name", "rdtype", "verdict"),
    [
        ("social.example", "A", "fully validated"),
        ("alias.lab.example", "A", "fully validated"),
        ("social.example", "MX", "negative response, fully validated"),
        ("anvil.example", "A", "negative response, fully validated"),
        ("no.such.name.example", "A", "negative response, fully validated"),
        ("nosuchtopleveldomain", "A", "negative response, fully validated"),
    ],
)
def test_bind_validates_answers_and_denials(
    world: WorldProcess, tmp_path: Path, server: str, name: str, rdtype: str, verdict: str
) -> None:
    ds = Path(world.prepared.anchor).read_text("ascii").split(" DS ")[1].split()
    anchor = tmp_path / "anchors"
    anchor.write_text(f'trust-anchors {{ . static-ds {ds[0]} {ds[1]} {ds[2]} "{"".join(ds[3:])}"; }};\n')
    address = world.prepared.world.server(server).ipv4
    said = run("delv", f"@{address}", "-a", anchor, "+root=.", name, rdtype)
    assert f"; {verdict}" in said


def test_liars_lie_about_listed_names_alone(prepared_world: Prepared) -> None:
    one = responder(prepared_world, Character.LYING)
    assert told(ask(one, "social.example")) == {LIES[0]}
    assert told(ask(one, "x7.social.example", "AAAA")) == {LIES[1]}
    true = prepared_world.world.server("wiki.example").addresses[0]
    assert told(ask(one, "wiki.example")) == {true}
    assert ask(one, "nowhere.example", proofs=True).authority


@pytest.mark.parametrize(
    ("character", "code"),
    [(Character.NXDOMAIN, dns.rcode.NXDOMAIN), (Character.REFUSING, dns.rcode.REFUSED)],
)
def test_denying_resolvers_deny_listed_names(
    prepared_world: Prepared, character: Character, code: dns.rcode.Rcode
) -> None:
    response = ask(responder(prepared_world, character), "www.social.example")
    assert (response.rcode(), response.answer, response.authority) == (code, [], [])


def test_silent_resolvers_say_nothing_of_listed_names(prepared_world: Prepared) -> None:
    one = responder(prepared_world, Character.SILENT)
    assert one.respond(dns.message.make_query("social.example", "A").to_wire()) is None
    assert told(ask(one, "wiki.example"))


def test_redirecting_resolvers_know_one_address(prepared_world: Prepared) -> None:
    one = responder(prepared_world, Character.REDIRECTING)
    assert told(ask(one, "whatever.nowhere")) == {LIES[0]}


def test_stripping_resolvers_tell_the_truth_without_proofs(prepared_world: Prepared) -> None:
    response = ask(responder(prepared_world, Character.STRIPPING), "social.example", proofs=True)
    assert {rrset.rdtype for rrset in response.answer} == {dns.rdatatype.A}
    assert not response.flags & dns.flags.AD


@pytest.mark.parametrize("character", [Character.FOREIGN, Character.EXPIRED, Character.FUTURE])
def test_wrong_signatures_are_there_and_do_not_hold(prepared_world: Prepared, character: Character) -> None:
    keys = ask(responder(prepared_world), ".", "DNSKEY", proofs=True).answer[0]
    response = ask(responder(prepared_world, character), "social.example", proofs=True)
    with pytest.raises(ValidationFailure):
        dns.dnssec.validate(response.answer[0], response.answer[1], {dns.name.root: keys})


def test_it_says_who_it_is(prepared_world: Prepared) -> None:
    one = responder(prepared_world)
    query = dns.message.make_query("id.server", "TXT", "CH")
    answer = one.respond(query.to_wire())
    assert answer is not None
    assert told(dns.message.from_wire(answer)) == {'"here"'}
    query = dns.message.make_query("social.example", "A")
    query.use_edns(0, options=[dns.edns.NSIDOption(b"")])
    answer = one.respond(query.to_wire())
    assert answer is not None
    (option,) = dns.message.from_wire(answer).options
    assert isinstance(option, dns.edns.NSIDOption)
    assert option.nsid == b"here"


def test_long_answers_are_cut_over_udp(prepared_world: Prepared) -> None:
    one, query = responder(prepared_world), dns.message.make_query("huge.lab.example", "TXT", use_edns=0)
    cut = one.respond(query.to_wire(), limit=MOST_UDP)
    whole = one.respond(query.to_wire())
    assert cut is not None
    assert whole is not None
    assert dns.message.from_wire(cut).flags & dns.flags.TC
    assert len(cut) <= MOST_UDP < len(whole)
    plain = one.respond(
        dns.message.make_query("big.lab.example", "TXT", use_edns=False).to_wire(), limit=MOST_UDP
    )
    assert plain is not None
    assert len(plain) <= 512


@given(st.binary(max_size=300))
def test_no_bytes_are_too_strange(prepared_world: Prepared, data: bytes) -> None:
    answer = responder_once(prepared_world).respond(data)
    if answer is not None:
        assert answer[:2] == data[:2]
        assert answer[2] & 0x80
        assert not data[2] & 0x80, "a response must never be answered"


_KEPT: list[Responder] = []


def responder_once(prepared: Prepared) -> Responder:
    if not _KEPT:
        _KEPT.append(responder(prepared))
    return _KEPT[0]
