"""Who tells the truth here: given what these resolvers said, expect this judgement."""

from __future__ import annotations

import ipaddress
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.record import Attempt, Step
from circumvent.names.facts import load
from circumvent.names.honesty import Judgement, honesty_of, judge, redirected
from circumvent.names.plan import fresh_label
from circumvent.names.witness import Control, Said, Witness, witness

if TYPE_CHECKING:
    from circumvent.names.honesty import Word

FACTS = load()
#: True answers, as two content networks might give them in two places.
TRUE = {"facebook.com": "157.240.1.35", "x.com": "104.244.42.1", "telegram.org": "149.154.167.99"}
TRUE_ELSEWHERE = {"facebook.com": "31.13.70.36", "x.com": "104.244.42.65", "telegram.org": "149.154.167.99"}


def said(*addresses: str, rcode: str = "NOERROR") -> Said:
    return Said(rcode=rcode, addresses=tuple(map(ipaddress.ip_address, addresses)))


def resolver(name: str, answers: dict[str, str] | None = None, **more: Any) -> Witness:
    """Return an encrypted resolver with a proved denial that says ``answers`` and has nothing below them."""
    given = TRUE if answers is None else answers
    canaries = {(each, "A"): said(address) for each, address in given.items()}
    canaries["*.facebook.com", "A"] = said(rcode="NXDOMAIN")
    canaries.update(more.pop("also", {}))
    parts: dict[str, Any] = {
        "id": name,
        "operator": name.title(),
        "encrypted": True,
        "filtering": False,
        "dnssec": "proved",
        "canaries": canaries,
        "identity": {},
        **more,
    }
    return Witness(**parts)


def judged(*witnesses: Witness) -> dict[str, Judgement]:
    return judge(witnesses, FACTS)


def words(*witnesses: Witness) -> list[Word]:
    return [judgement.word for judgement in judged(*witnesses).values()]


class TestReferences:
    def test_two_operators_that_agree_prove_each_other(self) -> None:
        found = judged(resolver("one"), resolver("two", TRUE_ELSEWHERE))
        assert [each.word for each in found.values()] == ["honest", "honest"]
        assert found["one"].references == ("two",)

    def test_one_alone_is_alone(self) -> None:
        assert words(resolver("one")) == ["alone"]

    def test_two_of_the_same_operator_are_one(self) -> None:
        assert words(resolver("one"), resolver("two", operator="One")) == ["alone", "alone"]

    @pytest.mark.parametrize("dnssec", ["stripped", "expired", "off", None])
    def test_without_a_proof_nobody_is_a_reference(self, dnssec: str | None) -> None:
        assert words(resolver("one"), resolver("two", dnssec=dnssec)) == ["alone", "alone"]

    def test_plain_dns_is_no_reference_but_can_be_honest(self) -> None:
        assert words(resolver("plain", encrypted=False), resolver("one"), resolver("two")) == ["honest"] * 3

    def test_a_liar_is_no_reference(self) -> None:
        liar = resolver("liar", dict.fromkeys(TRUE, "10.10.34.36"))
        assert words(liar, resolver("one"), resolver("two")) == ["lies", "honest", "honest"]


class TestLies:
    def with_references(self, suspect: Witness) -> Judgement:
        return judged(suspect, resolver("one"), resolver("two", TRUE_ELSEWHERE))["suspect"]

    @pytest.mark.parametrize("address", ["127.0.0.1", "192.168.1.1", "0.0.0.0", "100.64.0.1"])
    def test_bogons(self, address: str) -> None:
        assert words(resolver("suspect", {"facebook.com": address})) == ["lies"]

    @pytest.mark.parametrize("address", ["10.10.34.36", "8.7.198.45", "139.255.196.196"])
    def test_known_injected_answers(self, address: str) -> None:
        assert words(resolver("suspect", {"facebook.com": address})) == ["lies"]

    def test_one_address_for_unrelated_names(self) -> None:
        answers = {"facebook.com": "203.1.2.3", "telegram.org": "203.1.2.3"}
        assert words(resolver("suspect", answers)) == ["lies"]

    def test_one_address_for_names_of_one_owner_is_none(self) -> None:
        answers = {"facebook.com": "157.240.1.35", "instagram.com": "157.240.1.35"}
        assert words(resolver("suspect", answers)) == ["alone"]

    @pytest.mark.parametrize("rcode", ["NXDOMAIN", "NOERROR", "REFUSED"])
    def test_no_address_where_others_have_one(self, rcode: str) -> None:
        suspect = resolver("suspect", also={("facebook.com", "A"): said(rcode=rcode)})
        assert self.with_references(suspect).word == "lies"

    @pytest.mark.parametrize("rcode", ["SERVFAIL", "generic_timeout_error"])
    def test_silence_about_one_name_is_none(self, rcode: str) -> None:
        suspect = resolver("suspect", also={("facebook.com", "A"): said(rcode=rcode)})
        assert self.with_references(suspect).word == "honest"

    def test_an_answer_below_a_listed_name(self) -> None:
        suspect = resolver("suspect", also={("*.facebook.com", "A"): said("157.240.1.35")})
        judgement = self.with_references(suspect)
        assert judgement.word == "lies"
        assert judgement.references == ("one", "two")

    def test_an_address_of_another_owner(self) -> None:
        suspect = resolver("suspect", {**TRUE, "facebook.com": "104.244.46.5"})
        assert self.with_references(suspect).word == "lies"

    def test_addresses_that_nobody_else_gives(self) -> None:
        answers = {"facebook.com": "203.1.2.3", "x.com": "203.1.3.4", "telegram.org": "203.9.4.5"}
        assert self.with_references(resolver("suspect", answers)).word == "lies"

    def test_one_strange_address_is_no_lie(self) -> None:
        suspect = resolver("suspect", {**TRUE, "facebook.com": "203.1.2.3"})
        assert self.with_references(suspect).word == "honest"

    def test_a_bogus_proof(self) -> None:
        assert words(resolver("suspect", dnssec="bogus")) == ["lies"]

    def test_a_wrong_control(self) -> None:
        suspect = resolver("suspect", controls=(Control(name="k.root-servers.net", right=False),))
        assert words(suspect) == ["lies"]

    def test_aaaa_left_out_is_none(self) -> None:
        others = {("facebook.com", "AAAA"): said("2a03:2880:f10c::25de")}
        suspect = resolver("suspect", also={("facebook.com", "AAAA"): said()})
        found = judged(suspect, resolver("one", also=others), resolver("two", also=others))
        assert found["suspect"].word == "honest"


class TestPolicy:
    """Resolvers that filter by policy are held against others only on names that it does not touch."""

    def test_a_sinkhole_is_their_policy(self) -> None:
        family = resolver("family", {**TRUE, "facebook.com": "0.0.0.0"}, filtering=True)
        assert judged(family, resolver("one"), resolver("two"))["family"].word == "honest"

    def test_a_missing_name_is_their_policy(self) -> None:
        family = resolver("family", filtering=True, also={("x.com", "A"): said(rcode="NXDOMAIN")})
        assert judged(family, resolver("one"), resolver("two"))["family"].word == "honest"

    def test_a_known_injection_is_not(self) -> None:
        assert words(resolver("family", {"x.com": "10.10.34.36"}, filtering=True)) == ["lies"]

    def test_they_are_no_reference(self) -> None:
        assert words(resolver("one"), resolver("family", filtering=True)) == ["alone", "alone"]


class TestByHand:
    def test_right_addresses_are_the_truth(self) -> None:
        controls = (Control(name="lab.example", right=True),)
        assert words(resolver("one", {}, by_hand=True, controls=controls)) == ["honest"]

    def test_one_wrong_address_is_a_lie(self) -> None:
        controls = (Control(name="lab.example", right=True), Control(name="blocked.example", right=False))
        assert words(resolver("one", {}, by_hand=True, controls=controls)) == ["lies"]


class TestRedirected:
    def plain(self, name: str, operator: str | None, address: str) -> Witness:
        identity = {"o-o.myaddr.l.google.com": (address,), "whoami.akamai.net": (address,)}
        return resolver(name, encrypted=False, operator=operator, identity=identity)

    def test_an_address_of_the_operator_is_the_operators(self) -> None:
        assert redirected([self.plain("google-udp", "Google", "172.253.1.2")], FACTS) == ()

    def test_another_address_is_not(self) -> None:
        (found,) = redirected([self.plain("google-udp", "Google", "203.1.2.3")], FACTS)
        assert found.id == "google-udp"

    def test_two_operators_behind_one_server(self) -> None:
        both = [
            self.plain("quad9-udp", "Quad9", "203.1.2.3"),
            self.plain("adguard-udp", "AdGuard", "203.1.2.3"),
        ]
        assert [each.id for each in redirected(both, FACTS)] == ["quad9-udp", "adguard-udp"]

    def test_the_system_resolver_may_pass_on(self) -> None:
        both = [self.plain("system", None, "203.1.2.3"), self.plain("quad9-udp", "Quad9", "203.1.2.3")]
        assert redirected(both, FACTS) == ()

    def test_an_authenticated_resolver_is_who_it_says(self) -> None:
        doh = resolver("google-doh", operator="Google", identity={"o-o.myaddr.l.google.com": ("203.1.2.3",)})
        assert redirected([doh], FACTS) == ()


class TestReadingTheRecord:
    def attempt(self, **details: Any) -> Attempt:
        steps = tuple(Step(name=name, t0=0.0, t=1.0, detail=detail) for name, detail in details.items())
        return Attempt(id="a1", t0=0.0, t=1.0, steps=steps)

    def test_what_the_probe_wrote_is_read_back(self) -> None:
        below = f"{fresh_label(random.Random(1))}.listed.example."
        record = self.attempt(
            carry={"dnssec": "proved", "controls": [{"name": "a.example.", "right": True}], "by_hand": False},
            honesty={
                "canaries": [
                    {
                        "name": "listed.example.",
                        "type": "A",
                        "rcode": "NOERROR",
                        "addresses": ["157.240.1.35"],
                    },
                    {"name": below, "type": "A", "rcode": "NXDOMAIN", "addresses": []},
                ],
                "identity": [{"name": "id.server.", "said": ["resolver-7"]}],
            },
        )
        found = witness("one", "dot", [record], operator="One", filtering=False)
        assert found is not None
        assert found.encrypted
        assert found.dnssec == "proved"
        assert found.controls == (Control(name="a.example", right=True),)
        assert found.canaries["listed.example", "A"] == said("157.240.1.35")
        assert found.canaries["*.listed.example", "A"] == said(rcode="NXDOMAIN")
        assert found.identity["id.server"] == ("resolver-7",)

    def test_what_was_never_heard_is_no_witness(self) -> None:
        assert witness("one", "dot", [self.attempt()], operator=None, filtering=False) is None

    def test_a_poisoned_attempt_says_nothing(self) -> None:
        record = Attempt(
            id="a1", t0=0.0, t=1.0, poisoned=True, steps=self.attempt(carry={"dnssec": "proved"}).steps
        )
        assert witness("one", "dot", [record], operator=None, filtering=False) is None

    @given(
        st.dictionaries(
            st.sampled_from(["dnssec", "controls", "canaries", "identity", "by_hand"]),
            st.recursive(
                st.none() | st.booleans() | st.text(max_size=8),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(
                        st.sampled_from(["name", "type", "rcode", "addresses", "said", "right"]), inner
                    )
                ),
                max_leaves=12,
            ),
        )
    )
    def test_any_record_can_be_judged(self, detail: dict[str, Any]) -> None:
        found = witness(
            "one", "doh", [self.attempt(carry=detail, honesty=detail)], operator="One", filtering=False
        )
        if found is not None:
            assert judge([found, resolver("two"), resolver("three")], FACTS)["one"].word
            redirected([found], FACTS)


def test_who_was_not_heard_is_unknown() -> None:
    assert honesty_of({}, "nobody") == "unknown"
    assert honesty_of(judged(resolver("one")), "one") == "alone"
