"""dnstt lines without a key: what passes a resolver, of a dnstt server's names and of nobody's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry
from circumvent.transports.dnstt import NO_DOMAIN, NO_KEY
from circumvent.transports.dnstt_keyless import LENGTHS, TYPES
from tests.lab.dnstt import DOMAIN
from tests.names import tries
from tests.transports.test_dnstt import resolver
from tests.transports.tor_context import bridge, context, detail_of, failure_of, try_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.model.record import Attempt
    from circumvent.transport import Context
    from tests.lab.dnstt import DnsttBridge
    from tests.lab.names import Resolver

    Say = Callable[[bytes], bytes | None]

pytestmark = pytest.mark.anyio

#: Seconds of a step: what comes back does so at once, and a busy machine may take its time.
PATIENCE = 4.0
BASE32 = frozenset(b"abcdefghijklmnopqrstuvwxyz234567")
LONG_KEYS = dns.rrset.from_text(".", 60, "IN", "DNSKEY", "257 3 13 " + "A" * 400)


def served(question: bytes) -> bytes:
    """Answer as a resolver that leads to a dnstt server, and that has root keys nobody signed."""
    query = dns.message.from_wire(question)
    (asked,) = query.question
    made = dns.message.make_response(query)
    if asked.name == dns.name.root:
        made.answer.append(LONG_KEYS)
        if len(made.to_wire()) > query.payload:
            made.answer, made.flags = [], made.flags | dns.flags.TC
    elif asked.rdtype == dns.rdatatype.TXT and set(asked.name.labels[0].lower()) <= BASE32:
        made.answer.append(dns.rrset.from_text(asked.name, 60, "IN", "TXT", '""'))
    else:
        made.set_rcode(dns.rcode.NXDOMAIN)
    return made.to_wire()


async def stopped(line: str, given: Context, **changed: Any) -> tuple[str, Attempt]:
    """Try a line that can't be carried through; return what is said about it, and the record."""
    option = replace(bridge(line), **changed)
    with pytest.raises(CannotTry) as raised:
        await try_once(option, given)
    assert raised.value.reason is Reason.UNSUPPORTED
    return raised.value.detail or "", given.trace.attempt()


async def tried(say: Say, *, domain: str = "domain=t.example.com") -> tuple[str, Attempt]:
    async with resolver(say) as port:
        return await stopped(f"dnstt 192.0.2.3:80 udp=127.0.0.1:{port} {domain}", context(limit=PATIENCE))


def kind(question: bytes) -> str:
    return dns.rdatatype.to_text(dns.message.from_wire(question).question[0].rdtype)


def name(question: bytes) -> str:
    return dns.message.from_wire(question).question[0].name.to_text().rstrip(".")


class TestItsServersNames:
    async def test_everything_passes(self) -> None:
        said, attempt = await tried(served)
        assert said == NO_KEY
        assert (attempt.proof, attempt.failure) == (Proof.REACHED, None)
        assert [step.name for step in attempt.steps] == ["connect", "recursion", "questions", "answers"]
        assert detail_of(attempt, "questions") == {
            "denied": True,
            "types": list(TYPES),
            "names": list(LENGTHS),
        }
        answers = detail_of(attempt, "answers")
        assert [size["state"] for size in answers["sizes"]] == ["whole"] * 3
        assert answers["bytes"] > 4096
        assert answers["kbps"] > 0

    async def test_some_types_and_long_names_do_not(self) -> None:
        def say(question: bytes) -> bytes | None:
            if kind(question) in {"NULL", "SRV"} or len(name(question)) > 160:
                return None
            return served(question)

        _, attempt = await tried(say)
        assert detail_of(attempt, "questions")["types"] == ["TXT", "A", "AAAA", "CNAME", "MX"]
        assert detail_of(attempt, "questions")["names"] == [100, 150]

    async def test_a_type_that_is_answered_by_somebody_else_does_not_pass(self) -> None:
        """The server has no addresses: who gives one is not it."""

        def say(question: bytes) -> bytes | None:
            query = dns.message.from_wire(question)
            if kind(question) != "A":
                return served(question)
            made = dns.message.make_response(query)
            made.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "192.0.2.1"))
            return made.to_wire()

        _, attempt = await tried(say)
        assert "A" not in detail_of(attempt, "questions")["types"]

    async def test_long_answers_are_cut(self) -> None:
        def say(question: bytes) -> bytes | None:
            query = dns.message.from_wire(question)
            if kind(question) != "DNSKEY":
                return served(question)
            made = dns.message.make_response(query)
            if query.payload < 4096:
                made.flags |= dns.flags.TC
                return made.to_wire()
            return None

        _, attempt = await tried(say)
        states = [size["state"] for size in detail_of(attempt, "answers")["sizes"]]
        assert states == ["cut", "cut", "none"]

    async def test_who_answers_everything_is_no_server(self) -> None:
        """An empty text at every name has the shape of a server's answer, and tells nothing."""

        def say(question: bytes) -> bytes:
            query = dns.message.from_wire(question)
            made = dns.message.make_response(query)
            made.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "TXT", '""'))
            return made.to_wire()

        async with resolver(say) as port:
            line = f"dnstt 192.0.2.3:80 udp=127.0.0.1:{port} domain=t.example.com"
            attempt = await try_once(bridge(line), context(limit=PATIENCE))
        assert failure_of(attempt) == ("questions", "wrong_answer")

    async def test_a_resolver_without_a_way_to_it(self) -> None:
        async with resolver(lambda _: None) as port:
            line = f"dnstt 192.0.2.3:80 udp=127.0.0.1:{port} domain=t.example.com"
            attempt = await try_once(bridge(line), context(limit=0.5))
        assert failure_of(attempt) == ("recursion", "generic_timeout_error")
        assert attempt.proof is Proof.NONE


class TestNobodysNames:
    async def test_without_keys_a_denial_is_believed(self) -> None:
        """The record says that nothing was proved by it."""

        def say(question: bytes) -> bytes:
            query = dns.message.from_wire(question)
            made = dns.message.make_response(query)
            made.set_rcode(
                dns.rcode.NXDOMAIN if query.question[0].name != dns.name.root else dns.rcode.NOERROR
            )
            return made.to_wire()

        said, attempt = await tried(say, domain="")
        assert said == NO_DOMAIN
        assert detail_of(attempt, "recursion")["dnssec"] == "off"
        assert detail_of(attempt, "questions")["types"] == list(TYPES)
        assert [size["state"] for size in detail_of(attempt, "answers")["sizes"]] == ["wrong"] * 3

    async def test_a_name_that_does_not_exist_is_answered(self) -> None:
        async with resolver(served) as port:
            given = context(limit=PATIENCE)
            attempt = await try_once(bridge(f"dnstt 192.0.2.3:80 udp=127.0.0.1:{port}"), given)
        assert failure_of(attempt) == ("recursion", "wrong_answer")
        assert attempt.proof is Proof.NONE

    @pytest.mark.daemons
    @pytest.mark.requires("unbound")
    @pytest.mark.parametrize("way", ["udp", "dot", "doh"])
    async def test_a_real_resolver_passes_everything(self, unbound: Resolver, way: str) -> None:
        place = {
            "udp": f"udp={unbound.address}:53",
            "dot": f"dot={unbound.name}:853",
            "doh": f"doh=https://{unbound.name}/dns-query",
        }[way]
        line = f"dnstt 192.0.2.3:80 {place}"
        changed: dict[str, Any] = {}
        if way != "udp":
            at = replace(bridge(line).endpoint, addresses=(unbound.address,))
            changed = {"endpoint": at, "ca": unbound.ca_file.read_text(encoding="ascii")}
        given = replace(context(limit=2 * PATIENCE), names=tries.plan(unbound.anchor))
        said, attempt = await stopped(line, given, **changed)
        assert said == NO_DOMAIN
        assert attempt.proof is Proof.REACHED
        assert detail_of(attempt, "recursion")["dnssec"] == "proved"
        assert detail_of(attempt, "questions") == {"types": list(TYPES), "names": list(LENGTHS)}
        answers = detail_of(attempt, "answers")
        assert answers["sizes"][-1]["state"] == "whole"
        assert answers["kbps"] > 0


@pytest.mark.daemons
@pytest.mark.requires("tor", "obfs4proxy", "unbound", "dnstt-server")
@pytest.mark.parametrize("way", ["udp", "dot", "doh"])
async def test_the_real_server_answers_without_its_key(dnstt_bridge: DnsttBridge, way: str) -> None:
    line = " ".join(word for word in dnstt_bridge.line(way).split() if not word.startswith("pubkey="))
    assert DOMAIN in line
    changed: dict[str, Any] = {}
    if way != "udp":
        at = replace(bridge(line).endpoint, addresses=(dnstt_bridge.address,))
        changed = {"endpoint": at, "ca": dnstt_bridge.ca_file.read_text(encoding="ascii")}
    said, attempt = await stopped(line, context(limit=2 * PATIENCE), **changed)
    assert said == NO_KEY
    assert (attempt.proof, attempt.failure) == (Proof.REACHED, None)
    assert detail_of(attempt, "questions") == {"denied": True, "types": list(TYPES), "names": list(LENGTHS)}
    assert detail_of(attempt, "answers")["answered"] > 16
