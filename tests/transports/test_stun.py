"""STUN against a real coturn, and against servers with one fault each."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from circumvent.model.words import Proof
from tests.faults.stun import StunServer
from tests.faults.tcp import reset_on_accept, serve
from tests.faults.udp import ADDRESS, answering, closed_port
from tests.lab.loops import ON_ONE_LOOP
from tests.transports.voice_context import attempt, context, voice_option

if TYPE_CHECKING:
    from tests.lab.voice import Turn

pytestmark = pytest.mark.anyio


@pytest.mark.daemons
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_coturn_answers_a_second_of_a_call(coturn: Turn, transport: str) -> None:
    port = coturn.tls_port if transport == "tls" else coturn.port
    option = voice_option("stun", coturn.address, port, transport=transport, host=coturn.name)
    result = await attempt(option, context(ca_file=coturn.ca_file))
    assert (result.failure, result.proof) == (None, Proof.SUSTAINED)
    assert result.detail("binding")["mapped_family"] == "ipv4"
    assert result.detail("binding")["mapped_is_local"] is True
    voice = result.detail("voice")
    assert (voice["sent"], voice["lost"]) == (50, 0)
    assert 0 < voice["min_ms"] <= voice["median_ms"] <= voice["p95_ms"] <= voice["max_ms"]
    assert result.attempt.latency_ms is not None


@pytest.mark.daemons
async def test_no_address_of_ours_is_on_record(coturn: Turn) -> None:
    result = await attempt(voice_option("stun", coturn.address, coturn.port), context())
    ours = [str(step.detail) for step in result.attempt.steps]
    assert not any("198.51.100.1'" in text or "mapped_address" in text for text in ours)


@pytest.mark.daemons
@pytest.mark.requires("turnutils_stunclient")
def test_another_client_sees_the_same_server(coturn: Turn) -> None:
    program = shutil.which("turnutils_stunclient")
    assert program is not None
    output = subprocess.run(
        [program, "-p", str(coturn.port), coturn.address],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    ).stdout
    assert "UDP reflexive addr" in output


@pytest.mark.daemons
async def test_a_stranger_with_tls_is_not_talked_to(coturn: Turn) -> None:
    option = voice_option("stun", coturn.address, coturn.tls_port, transport="tls", host=coturn.name)
    result = await attempt(option, context())
    assert result.failure == ("tls_handshake", "ssl_unknown_authority")


async def test_the_goal_is_not_passed() -> None:
    server = StunServer()
    with answering(server.answers) as port:
        result = await attempt(voice_option("stun", ADDRESS, port), context(goal=Proof.CARRIED))
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.steps == ["connect", "binding", "carry"]
    assert server.count == 2


async def test_a_lost_request_is_sent_again() -> None:
    with answering(StunServer(fault="loses the first").answers) as port:
        result = await attempt(voice_option("stun", ADDRESS, port), context(goal=Proof.CARRIED))
    assert result.proof is Proof.CARRIED
    assert result.detail("binding")["sent"] == 2


@pytest.mark.parametrize(
    ("fault", "expected", "proof"),
    [
        ("silence", ("binding", "generic_timeout_error"), Proof.NONE),
        ("garbage", ("binding", "generic_timeout_error"), Proof.NONE),
        ("block page", ("binding", "generic_timeout_error"), Proof.NONE),
        ("request back", ("binding", "generic_timeout_error"), Proof.NONE),
        ("another transaction", ("binding", "generic_timeout_error"), Proof.NONE),
        ("no address", ("binding", "wrong_answer"), Proof.REACHED),
        ("broken address", ("binding", "wrong_answer"), Proof.REACHED),
        ("error 420", ("binding", "proxy_protocol_error"), Proof.REACHED),
        ("error 401", ("binding", "auth_rejected"), Proof.REACHED),
        ("no error code", ("binding", "wrong_answer"), Proof.REACHED),
        ("changing address", ("carry", "wrong_answer"), Proof.HANDSHAKEN),
        ("stall after two", ("voice", "packet_loss"), Proof.CARRIED),
        ("loses every fifth", ("voice", "packet_loss"), Proof.CARRIED),
        ("loses every twentieth", None, Proof.SUSTAINED),
    ],
)
@ON_ONE_LOOP
async def test_over_udp(fault: str, expected: tuple[str, str] | None, proof: Proof) -> None:
    with answering(StunServer(fault=fault).answers) as port:
        result = await attempt(
            voice_option("stun", ADDRESS, port),
            context(limit=4.0 if proof is Proof.CARRIED else 1.0) if expected else context(),
        )
    assert result.failure == expected
    assert result.proof is proof


@pytest.mark.parametrize(
    ("fault", "expected", "proof"),
    [
        ("silence", ("binding", "generic_timeout_error"), Proof.NONE),
        ("garbage", ("binding", "wrong_answer"), Proof.NONE),
        ("block page", ("binding", "wrong_answer"), Proof.NONE),
        ("another transaction", ("binding", "generic_timeout_error"), Proof.NONE),
        ("", None, Proof.CARRIED),
    ],
)
async def test_over_tcp(fault: str, expected: tuple[str, str] | None, proof: Proof) -> None:
    with serve(StunServer(fault=fault).converse) as server:
        option = voice_option("stun", server.host, server.port, transport="tcp")
        result = await attempt(option, context(limit=1.0, goal=Proof.CARRIED))
    assert result.failure == expected
    assert result.proof is proof


async def test_what_was_not_ours_is_counted() -> None:
    with answering(StunServer(fault="garbage").answers) as port:
        result = await attempt(voice_option("stun", ADDRESS, port), context(limit=0.4))
    ignored = result.detail("binding")["ignored"]
    assert isinstance(ignored, int)
    assert ignored % 3 == 0, (
        "three wrong answers to each request, of which a busy machine sends more than one"
    )
    assert ignored > 0


async def test_a_closed_port_is_refused_at_once() -> None:
    result = await attempt(voice_option("stun", ADDRESS, closed_port()), context())
    assert result.failure == ("binding", "connection_refused")
    assert result.proof is Proof.NONE


async def test_a_reset_is_a_reset() -> None:
    with serve(reset_on_accept) as server:
        option = voice_option("stun", server.host, server.port, transport="tcp")
        result = await attempt(option, context())
    assert result.failure in {("binding", "connection_reset"), ("connect", "connection_reset")}
    assert result.proof is Proof.NONE
