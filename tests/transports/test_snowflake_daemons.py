"""snowflake bridges against its authors' broker, proxy and server before a real tor: expect this record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry
from circumvent.transports.snowflake import NO_ASYNCIO
from tests.lab.daemon import find_program
from tests.lab.left_out import requires
from tests.lab.snowflake import ANOTHER, CACHE, DEAD, PROGRAMS
from tests.lab.tor import ANOTHER_RELAY, DESCRIPTOR, ask_tor
from tests.transports.tor_context import bridge, context, detail_of, failure_of, try_once

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.model.option import Option
    from circumvent.model.record import Attempt
    from circumvent.transport import Context
    from tests.lab.snowflake import Snowflake

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.daemons,
    pytest.mark.requires("tor", "obfs4proxy", *PROGRAMS),
]
#: The proxy asks anew every two seconds, so a try may come when it has just stopped asking.
MOST_TRIES = 5


@pytest.fixture
def anyio_backend() -> str:
    """Data channels are asyncio's."""
    return "asyncio"


def option(given: Snowflake, line: str) -> Option:
    """Return the option of a line whose first front is where it is."""
    made = bridge(line)
    place = made.endpoint if made.endpoint.literal else replace(made.endpoint, addresses=(given.address,))
    return replace(made, endpoint=place, ca=given.ca_file.read_text(encoding="ascii"))


async def through_a_proxy(given: Snowflake, line: str, contexts: list[Context] | None = None) -> Attempt:
    """Try a line when the broker has a proxy for it."""
    for turn in range(MOST_TRIES):
        given.wait_for_proxy()
        attempt = await try_once(option(given, line), context() if contexts is None else contexts[turn])
        if failure_of(attempt) != ("rendezvous", "no_proxy_available"):
            break
    return attempt


def names(attempt: Attempt) -> list[str]:
    """Return the steps in their order, without those that run beside them."""
    return [step.name for step in attempt.steps if step.name not in ("stun", "nat")]


async def test_it_works_and_lasts(snowflake_bridge: Snowflake) -> None:
    attempt = await through_a_proxy(snowflake_bridge, snowflake_bridge.line())
    assert attempt.failure is None
    assert attempt.proof is Proof.SUSTAINED
    assert names(attempt) == [
        "connect", "tls_handshake", "broker", "rendezvous", "ice", "dtls_handshake", "data_channel", "tor_tls",
        "tunnel_handshake", "circuit", "carry", "sustain_down", "sustain_up",
    ]  # fmt: skip
    assert detail_of(attempt, "broker") == {"said": "no_offer"}
    seen = detail_of(attempt, "stun")
    assert (seen["asked"], seen["answered"]) == (1, 1)
    assert seen["servers"][0]["ok"] is True
    assert detail_of(attempt, "nat") == {"nat": "unrestricted", "method": "other_address"}
    assert detail_of(attempt, "rendezvous") == {"nat": "unrestricted", "said": "answer"}
    assert detail_of(attempt, "tunnel_handshake")["authenticated"] is True
    assert detail_of(attempt, "sustain_down")["bytes"] >= 65536
    assert detail_of(attempt, "sustain_up")["bytes"] >= 16384
    assert attempt.bytes_received > 65536
    assert attempt.bytes_sent > 16384
    assert attempt.address == snowflake_bridge.address
    assert attempt.latency_ms is not None


async def test_through_an_amp_cache(snowflake_bridge: Snowflake) -> None:
    line = snowflake_bridge.line(ampcache=f"https://{CACHE}/")
    attempt = await through_a_proxy(snowflake_bridge, line)
    assert attempt.failure is None
    assert attempt.proof is Proof.SUSTAINED
    assert detail_of(attempt, "broker_amp") == {"said": "no_offer"}


async def test_a_broker_without_a_front(snowflake_bridge: Snowflake) -> None:
    line = snowflake_bridge.line(url=snowflake_bridge.broker_url, fronts="")
    attempt = await through_a_proxy(snowflake_bridge, line)
    assert attempt.proof is Proof.SUSTAINED
    assert "tls_handshake" not in names(attempt)


async def test_the_next_front_where_the_first_is_down(snowflake_bridge: Snowflake) -> None:
    line = snowflake_bridge.line(fronts=f"127.0.0.1,{snowflake_bridge.address}", ice="stun:192.0.2.1:3478")
    attempt = await try_once(option(snowflake_bridge, line), context(limit=1.0))
    assert names(attempt) == ["connect", "connect", "tls_handshake", "broker"]
    assert [step.failure is None for step in attempt.steps if step.name == "connect"] == [False, True]
    assert attempt.address == snowflake_bridge.address


async def test_a_certificate_of_somebody_else(snowflake_bridge: Snowflake) -> None:
    line = snowflake_bridge.line(fronts="another.lab.example")
    attempt = await try_once(option(snowflake_bridge, line), context())
    assert failure_of(attempt) == ("tls_handshake", "ssl_invalid_hostname")
    assert not attempt.proof.at_least(Proof.HANDSHAKEN)


async def test_an_authority_that_nobody_knows(snowflake_bridge: Snowflake) -> None:
    made = replace(option(snowflake_bridge, snowflake_bridge.line()), ca=None)
    assert failure_of(await try_once(made, context())) == ("tls_handshake", "ssl_unknown_authority")


@pytest.mark.parametrize(
    ("url", "error"),
    [
        (f"https://{DEAD}/", "origin_down"),
        ("https://unknown.snowflake.example/", "http_unexpected_status_code"),
    ],
)
@pytest.mark.parametrize("cache", ["", f"https://{CACHE}/"])
async def test_a_front_that_does_not_lead_to_the_broker(
    snowflake_bridge: Snowflake, url: str, error: str, cache: str
) -> None:
    line = snowflake_bridge.line(url=url, ampcache=cache)
    attempt = await try_once(option(snowflake_bridge, line), context())
    step = "broker_amp" if cache else "broker"
    assert failure_of(attempt) == (step, "http_unexpected_status_code" if cache else error)
    assert attempt.proof is Proof.REACHED
    assert detail_of(attempt, "stun")["answered"] == 1  # known all the same


async def test_a_broker_that_is_down(snowflake_bridge: Snowflake) -> None:
    line = snowflake_bridge.line(url=f"http://{snowflake_bridge.address}:9/", fronts="")
    attempt = await try_once(option(snowflake_bridge, line), context())
    assert failure_of(attempt) == ("connect", "connection_refused")


async def test_a_broker_that_has_no_proxy(snowflake_bridge: Snowflake) -> None:
    line = snowflake_bridge.line(url=snowflake_bridge.empty_url, fronts="")
    attempt = await try_once(option(snowflake_bridge, line), context())
    assert failure_of(attempt) == ("rendezvous", "no_proxy_available")
    assert attempt.failure is not None
    assert attempt.failure.detail == "no snowflake proxy is available just now"
    assert attempt.proof is Proof.REACHED


async def test_a_bridge_that_the_broker_does_not_know(snowflake_bridge: Snowflake) -> None:
    attempt = await try_once(option(snowflake_bridge, snowflake_bridge.line(fingerprint="B" * 40)), context())
    assert failure_of(attempt) == ("rendezvous", "no_proxy_available")
    assert detail_of(attempt, "rendezvous")["said"] == "unknown_bridge"


async def test_another_relay_behind_the_proxy(snowflake_bridge: Snowflake) -> None:
    line = snowflake_bridge.line(fingerprint=ANOTHER).replace(snowflake_bridge.bridge.fingerprint, ANOTHER)
    attempt = await through_a_proxy(snowflake_bridge, line)
    assert failure_of(attempt) == ("tunnel_handshake", "wrong_key")
    assert attempt.proof is Proof.REACHED


async def test_stun_servers_that_are_silent(snowflake_bridge: Snowflake) -> None:
    """No proxy is asked for: none could find us."""
    line = snowflake_bridge.line(ice="stun:192.0.2.1:3478,stun:192.0.2.2:3478")
    attempt = await try_once(option(snowflake_bridge, line), context(limit=1.0))
    assert failure_of(attempt) == ("stun", "generic_timeout_error")
    assert attempt.proof is Proof.REACHED
    assert [server["ok"] for server in detail_of(attempt, "stun")["servers"]] == [False, False]
    assert attempt.step("rendezvous") is None


async def test_one_stun_server_is_enough(snowflake_bridge: Snowflake) -> None:
    line = snowflake_bridge.line(ice=f"stun:192.0.2.1:3478,stun:{snowflake_bridge.stun}:3478")
    attempt = await through_a_proxy(snowflake_bridge, line)
    assert attempt.proof is Proof.SUSTAINED
    assert detail_of(attempt, "stun")["answered"] == 1


@pytest.mark.parametrize(("proof", "step"), [(Proof.HANDSHAKEN, "circuit"), (Proof.CARRIED, "sustain_down")])
async def test_a_proxy_that_falls_silent(snowflake_bridge: Snowflake, proof: Proof, step: str) -> None:
    """The volunteer closes the lid of the laptop."""

    def silenced() -> Context:
        given = context(limit=2.0)
        given.trace.on_proof = lambda reached: snowflake_bridge.proxy.pause() if reached is proof else None
        return given

    try:
        attempt = await through_a_proxy(
            snowflake_bridge, snowflake_bridge.line(), [silenced() for _ in range(MOST_TRIES)]
        )
    finally:
        snowflake_bridge.proxy.resume()
    # Some of the flow may have come through before.
    assert failure_of(attempt) in [(step, "generic_timeout_error"), (step, "truncated_after_n_bytes")]
    assert attempt.proof is proof


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_on_trio_it_stops_before_a_proxy(snowflake_bridge: Snowflake) -> None:
    given = context()
    with pytest.raises(CannotTry, match=NO_ASYNCIO) as raised:
        await try_once(option(snowflake_bridge, snowflake_bridge.line()), given)
    assert raised.value.reason is Reason.UNSUPPORTED
    assert given.trace.proof is Proof.REACHED


@pytest.mark.parametrize("program", ["snowflake-client-go", "snowflake-client"])
@pytest.mark.parametrize("known", [True, False])
def test_tor_as_witness(snowflake_bridge: Snowflake, program: str, known: bool, tmp_path: Path) -> None:
    """tor and its authors' client, given the same line, find what we find: the bridge, or another relay."""
    requires(program)
    found = find_program(program)
    line = snowflake_bridge.line(url=snowflake_bridge.broker_url, fronts="")
    if not known:
        line = line.replace(snowflake_bridge.bridge.fingerprint, ANOTHER)
    said = ask_tor(
        tmp_path, line, program=f"{found} -keep-local-addresses", transports="snowflake", seconds=45.0
    )
    assert said == (DESCRIPTOR if known else ANOTHER_RELAY)
