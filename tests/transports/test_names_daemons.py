"""Real resolvers (unbound, dnsdist, Knot Resolver): every rung of the ladder, and what must not pass for honest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.model.words import Proof
from tests.lab.names import LIE, Character
from tests.names.tries import attempt, context, detail, names_option, plan, trigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.model.option import Option
    from tests.lab.names import Dnsdist, Resolver

pytestmark = [pytest.mark.anyio, pytest.mark.daemons]

KINDS = ("dns-udp", "dns-tcp", "dot", "doh")


def option_for(kind: str, server: Resolver, method: str = "POST") -> Option:
    """Return the option of ``kind`` for a resolver of the laboratory."""
    port = {"dot": server.dot_port, "doh": server.doh_port}.get(kind, server.port)
    return names_option(kind, server.address, port, name=server.name, method=method, path=server.doh_path)


@pytest.fixture(params=["unbound", "dnsdist", "knot_resolver"])
def server(request: pytest.FixtureRequest) -> Resolver | Dnsdist:
    """Each real resolver in turn."""
    resolver: Resolver | Dnsdist = request.getfixturevalue(request.param)
    return resolver


@pytest.mark.parametrize("kind", KINDS)
async def test_an_honest_resolver_is_sustained_with_a_proved_denial(kind: str, server: Resolver) -> None:
    record = await attempt(option_for(kind, server), context(plan(server.anchor), ca_file=server.ca_file))
    assert record.failure is None
    assert record.proof is Proof.SUSTAINED
    assert record.latency_ms is not None
    assert math.isfinite(record.latency_ms)
    carried = detail(record, "carry")
    assert carried["dnssec"] == "proved"
    assert carried["rcode"] == "NXDOMAIN"
    assert carried["controls"] == [
        {"name": "lab.example", "rcode": "NOERROR", "addresses": ["198.51.100.16"], "right": True}
    ]


async def test_doh_works_by_get_too(unbound: Resolver) -> None:
    record = await attempt(
        option_for("doh", unbound, method="GET"), context(plan(unbound.anchor), ca_file=unbound.ca_file)
    )
    assert record.proof is Proof.SUSTAINED


async def test_nsec_proves_as_well_as_nsec3(resolver: Callable[[Character], Resolver]) -> None:
    server = resolver(Character.HONEST_NSEC)
    record = await attempt(option_for("dot", server), context(plan(server.anchor), ca_file=server.ca_file))
    assert detail(record, "carry")["dnssec"] == "proved"
    assert record.proof is Proof.SUSTAINED


async def test_who_answered_is_recorded(unbound: Resolver) -> None:
    record = await attempt(option_for("dot", unbound), context(plan(unbound.anchor), ca_file=unbound.ca_file))
    (identity,) = detail(record, "honesty")["identity"]
    assert identity["said"] == [unbound.name]
    assert identity["nsid"] == unbound.name


async def test_a_liar_with_an_honest_root_carries_and_its_lies_are_on_record(
    resolver: Callable[[Character], Resolver],
) -> None:
    server = resolver(Character.LYING)
    record = await attempt(option_for("doh", server), context(plan(server.anchor), ca_file=server.ca_file))
    assert detail(record, "carry")["dnssec"] == "proved"
    answers = [
        answer["addresses"] for answer in detail(record, "honesty")["canaries"] if answer["type"] == "A"
    ]
    assert answers == [[LIE]] * 4  # three canaries and a random label below one of them


async def test_without_signatures_it_rests_on_the_control(resolver: Callable[[Character], Resolver]) -> None:
    server = resolver(Character.STRIPPING)
    record = await attempt(option_for("dot", server), context(plan(server.anchor), ca_file=server.ca_file))
    assert detail(record, "carry")["dnssec"] == "stripped"
    assert record.proof is Proof.SUSTAINED


async def test_a_root_signed_by_strangers_is_a_wrong_answer(
    resolver: Callable[[Character], Resolver],
) -> None:
    server = resolver(Character.FOREIGN)
    record = await attempt(option_for("dot", server), context(plan(server.anchor), ca_file=server.ca_file))
    assert record.failure is not None
    assert (record.failure.step, record.failure.error) == ("carry", "wrong_answer")
    assert record.proof is Proof.HANDSHAKEN
    assert detail(record, "carry")["dnssec"] == "bogus"


@pytest.mark.parametrize("character", [Character.EXPIRED, Character.FUTURE])
async def test_signatures_of_another_time_are_expired_and_no_lie(
    character: Character, resolver: Callable[[Character], Resolver]
) -> None:
    server = resolver(character)
    record = await attempt(option_for("dot", server), context(plan(server.anchor), ca_file=server.ca_file))
    carried = detail(record, "carry")
    assert carried["dnssec"] == "expired"
    assert carried["signed_from"] < carried["signed_until"]
    assert record.proof is Proof.SUSTAINED


async def test_without_anchors_the_proof_is_off(unbound: Resolver) -> None:
    record = await attempt(option_for("dns-tcp", unbound), context(plan(None)))
    assert detail(record, "carry")["dnssec"] == "off"
    assert record.proof is Proof.SUSTAINED


async def test_plain_dns_asks_canaries_in_the_second_phase_only(unbound: Resolver) -> None:
    option = option_for("dns-udp", unbound)
    first = await attempt(option, context(plan(unbound.anchor)))
    assert detail(first, "honesty")["canaries"] == []
    second = await trigger(option, context(plan(unbound.anchor, clear=True)))
    assert [answer["name"] for answer in detail(second, "honesty")["canaries"]][:3] == [
        "canary-one.example",
        "canary-two.example",
        "canary-three.example",
    ]


@pytest.mark.requires("kdig")
@pytest.mark.parametrize(
    ("kind", "flag"), [("dns-udp", "+notcp"), ("dns-tcp", "+tcp"), ("dot", "+tls"), ("doh", "+https")]
)
async def test_kdig_and_we_hear_the_same(kind: str, flag: str, unbound: Resolver) -> None:
    option = option_for(kind, unbound)
    record = await attempt(option, context(plan(unbound.anchor), ca_file=unbound.ca_file, goal=Proof.CARRIED))
    heard = {answer["name"]: answer["addresses"] for answer in detail(record, "honesty")["canaries"]}
    (control,) = detail(record, "carry")["controls"]
    heard[control["name"]] = control["addresses"]
    names = ["lab.example"] if kind.startswith("dns-") else ["lab.example", "canary-two.example"]
    for name in names:
        command = ["kdig", f"@{unbound.address}", "-p", str(option.endpoint.port), flag, "+short", name, "A"]
        told = await anyio.run_process(command)
        assert told.stdout.decode().split() == heard[name]


async def test_the_root_keys_are_fetched_once_for_all(unbound: Resolver, dnsdist: Dnsdist) -> None:
    shared = plan(unbound.anchor)
    first = await attempt(option_for("dot", unbound), context(shared, ca_file=unbound.ca_file))
    assert first.proof is Proof.SUSTAINED
    unbound_keys = shared.root_keys.held(0.0)
    again = await attempt(option_for("dot", dnsdist), context(shared, ca_file=unbound.ca_file))
    assert again.proof is Proof.SUSTAINED
    assert shared.root_keys.held(0.0) is unbound_keys
