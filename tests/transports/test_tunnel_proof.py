"""What a tunnel carries: given this network behind it, expect this record."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.model.words import Proof
from circumvent.net.clock import Clock
from circumvent.net.errors import StepFailed
from circumvent.net.tunnel import TunnelFacts
from circumvent.transports.tunnel_proof import prove_tunnel
from tests.faults.dns import Honest, lying, refusing, silent, stripping
from tests.faults.tunnel import GATEWAY, OWN_RESOLVER, PUBLIC, FakeTunnel, Network
from tests.lab.loops import ON_ONE_LOOP
from tests.names.tries import CONTROL, context, detail, names_option, plan, watched

if TYPE_CHECKING:
    from circumvent.model.record import Attempt
    from tests.faults.dns import Behaviour

pytestmark = pytest.mark.anyio
HONEST = Honest()
OPTION = names_option("dot", "192.0.2.1", 853)
PLACES = tuple((address,) for address in PUBLIC)


def everywhere(behave: Behaviour) -> dict[str, Behaviour]:
    return dict.fromkeys((OWN_RESOLVER, *PUBLIC), behave)


async def tried(network: Network, *, facts: TunnelFacts | None = None, **more: Any) -> Attempt:
    """Prove what a tunnel with this network behind it carries."""
    anchor = more.pop("anchor", HONEST.anchor)
    names = plan(anchor, resolvers=PLACES)
    given = context(names, clock=Clock(started_wall=1_800_000_000.0), **more)
    given.trace.prove(Proof.HANDSHAKEN)
    tunnel = FakeTunnel(network, given.trace, facts)
    async with watched(given):
        with suppress(StepFailed):
            await prove_tunnel(tunnel, OPTION, given)
    return given.trace.attempt()


class TestWhatCarries:
    async def test_a_whole_tunnel_is_sustained(self) -> None:
        network = Network(resolvers=everywhere(HONEST))
        record = await tried(network)
        assert (record.proof, record.failure) == (Proof.SUSTAINED, None)
        assert [step.name for step in record.steps] == ["carry", "mtu", "sustain_down", "sustain_up"]
        carry = detail(record, "carry")
        assert (carry["dnssec"], carry["resolver"]) == ("proved", OWN_RESOLVER)
        assert {place: said["answered"] for place, said in carry["echo"].items()} == {
            "gateway": True,
            "beyond": True,
        }
        assert detail(record, "mtu")["mtu"] == 1420
        assert detail(record, "sustain_down")["bytes"] >= 64 * 1024
        assert detail(record, "sustain_up")["bytes"] >= 16 * 1024
        assert record.latency_ms is not None
        assert set(network.asked) == {OWN_RESOLVER}

    async def test_later_tries_stop_at_the_proof(self) -> None:
        record = await tried(Network(resolvers=everywhere(HONEST)), goal=Proof.CARRIED)
        assert record.proof is Proof.CARRIED
        assert [step.name for step in record.steps] == ["carry"]

    async def test_where_the_tunnels_resolver_is_dead_a_public_one_is_asked(self) -> None:
        record = await tried(Network(resolvers={PUBLIC[0]: HONEST, PUBLIC[1]: HONEST}), goal=Proof.CARRIED)
        assert record.proof is Proof.CARRIED
        assert detail(record, "carry")["resolver"] in PUBLIC

    async def test_a_resolver_that_refuses_does_not_hold_the_others_up(self) -> None:
        resolvers = everywhere(HONEST) | {OWN_RESOLVER: refusing("REFUSED")}
        record = await tried(Network(resolvers=resolvers), goal=Proof.CARRIED)
        assert record.proof is Proof.CARRIED
        assert detail(record, "carry")["tries"][0]["resolver"] == OWN_RESOLVER

    async def test_without_signatures_the_control_decides(self) -> None:
        record = await tried(Network(resolvers=everywhere(stripping(HONEST))), goal=Proof.CARRIED)
        assert record.proof is Proof.CARRIED
        assert detail(record, "carry")["dnssec"] == "stripped"

    async def test_ipv6_inside(self) -> None:
        places = ("2001:db8::53", "2001:db8:1::53")
        given = context(
            plan(HONEST.anchor, resolvers=tuple((address,) for address in places)),
            clock=Clock(started_wall=1_800_000_000.0),
        )
        network = Network(resolvers=dict.fromkeys(places, HONEST), echo=frozenset(places))
        facts = TunnelFacts(addresses=("fd00:9::2",), resolvers=("10.9.0.53",), mtu=1280)
        await prove_tunnel(FakeTunnel(network, given.trace, facts), OPTION, given)
        assert given.trace.proof is Proof.SUSTAINED

    async def test_the_idle_tunnel_is_asked_once_more(self) -> None:
        record = await tried(Network(resolvers=everywhere(HONEST)), goal=Proof.CARRIED, idle=0.05)
        assert [step.name for step in record.steps] == ["carry", "idle"]
        assert record.failure is None


class TestWhatDoesNot:
    async def test_a_tunnel_in_which_nothing_passes_stays_handshaken(self) -> None:
        record = await tried(Network(resolvers={}, echo=frozenset()), limit=0.3)
        assert record.proof is Proof.HANDSHAKEN
        assert record.failure is not None
        assert (record.failure.step, record.failure.error) == ("carry", "generic_timeout_error")

    async def test_an_echo_of_the_gateway_is_not_the_internet(self) -> None:
        record = await tried(Network(resolvers={}, echo=frozenset({GATEWAY})), limit=0.3)
        assert record.proof is Proof.HANDSHAKEN
        assert detail(record, "carry")["echo"]["gateway"]["answered"]

    @pytest.mark.parametrize("resolver", [GATEWAY, OWN_RESOLVER])
    @ON_ONE_LOOP
    async def test_a_server_that_answers_itself_and_passes_nothing_on(self, resolver: str) -> None:
        facts = TunnelFacts(addresses=("10.9.0.2",), resolvers=(resolver,), gateways=(GATEWAY,), mtu=1420)
        network = Network(resolvers={resolver: HONEST}, echo=frozenset({GATEWAY}))
        record = await tried(network, facts=facts)
        assert record.proof is Proof.HANDSHAKEN
        assert record.failure is not None
        assert record.failure.step == "carry"
        beyond = Network(resolvers={resolver: HONEST}, echo=frozenset({GATEWAY, *PUBLIC}))
        assert (await tried(beyond, facts=facts, goal=Proof.CARRIED)).proof is Proof.CARRIED

    async def test_echoes_from_everywhere_prove_nothing_either(self) -> None:
        record = await tried(Network(resolvers={}), limit=0.3)
        assert record.proof is Proof.HANDSHAKEN

    async def test_a_resolver_that_answers_what_does_not_exist_proves_nothing(self) -> None:
        behave = lying(HONEST, CONTROL.name, "203.0.113.9")
        record = await tried(Network(resolvers=everywhere(behave)), anchor=None, goal=Proof.CARRIED)
        assert record.proof is Proof.HANDSHAKEN
        assert record.failure is not None
        assert record.failure.error == "wrong_answer"

    async def test_what_a_resolver_said_is_told_before_anothers_silence(self) -> None:
        resolvers = everywhere(silent) | {PUBLIC[1]: refusing("SERVFAIL")}
        record = await tried(Network(resolvers=resolvers), limit=0.4, goal=Proof.CARRIED)
        assert record.proof is Proof.HANDSHAKEN


class TestSizes:
    @pytest.mark.parametrize("reports", [False, True])
    async def test_the_largest_packet_that_comes_back_is_found(self, reports: bool) -> None:
        record = await tried(Network(resolvers=everywhere(HONEST), mtu=1290, reports=reports))
        assert detail(record, "mtu")["mtu"] == (1290 if reports else 1280)
        assert record.proof is Proof.SUSTAINED

    async def test_where_nobody_answers_echoes_it_is_unknown_and_questions_do(self) -> None:
        network = Network(resolvers=everywhere(HONEST), echo=frozenset())
        record = await tried(network)
        assert "unavailable" in detail(record, "mtu")
        assert record.proof is Proof.SUSTAINED
        assert len(network.asked) > 60


class TestWhatLasts:
    async def test_a_flow_that_is_cut_is_told_from_loss(self) -> None:
        record = await tried(Network(resolvers=everywhere(HONEST), cut=20_000), limit=0.5)
        assert record.proof is Proof.CARRIED
        assert record.failure is not None
        assert (record.failure.step, record.failure.error) == ("sustain_down", "truncated_after_n_bytes")
        assert record.cut_bytes is not None
        assert 16_000 < record.cut_bytes <= 20_000

    async def test_a_connection_that_is_reset_in_the_midst_is_cut(self) -> None:
        record = await tried(Network(resolvers=everywhere(HONEST), ends=20_000))
        assert (record.proof, record.cut_bytes is not None) == (Proof.CARRIED, True)
        assert record.failure is not None
        assert record.failure.error == "truncated_after_n_bytes"

    async def test_one_that_is_reset_at_once_is_no_cut(self) -> None:
        record = await tried(Network(resolvers=everywhere(HONEST), ends=100))
        assert (record.proof, record.cut_bytes) == (Proof.HANDSHAKEN, None)
        assert record.failure is not None
        assert record.failure.error == "connection_reset"

    @ON_ONE_LOOP
    async def test_heavy_loss_is_loss(self) -> None:
        record = await tried(Network(resolvers=everywhere(HONEST), loss=0.3))
        assert record.failure is not None
        assert (record.proof, record.failure.error) == (Proof.CARRIED, "packet_loss")
        assert record.cut_bytes is None

    async def test_a_slow_way_up_with_a_long_queue_is_no_cut(self) -> None:
        """Packets wait in it for longer than a step may stand still: what comes late moves the flow as well."""
        network = Network(resolvers=everywhere(HONEST), rate=40_000.0, queue=0.8)
        record = await tried(network, limit=0.4)
        assert (record.proof, record.failure, record.cut_bytes) == (Proof.SUSTAINED, None, None)
        assert record.up_kbps is not None
        assert 200 < record.up_kbps < 400

    async def test_a_little_loss_is_borne(self) -> None:
        record = await tried(Network(resolvers=everywhere(HONEST), loss=0.01))
        assert record.proof is Proof.SUSTAINED
