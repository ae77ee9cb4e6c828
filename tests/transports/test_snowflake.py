"""How far a snowflake bridge is tried: never to a volunteer in vain. The authors' programs: ``test_snowflake_daemons.py``."""

from __future__ import annotations

import ipaddress
import socket
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aioice
import anyio
import pytest

from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry
from circumvent.net.stun import Address
from circumvent.tor.snowflake.sdp import Candidate, Description, read_answer, write_offer
from circumvent.transports.snowflake import BY_QUEUE, NO_ASYNCIO, NO_EXTRA, THROUGH_ANOTHER
from tests.faults import proxy as faults
from tests.faults import snowflake
from tests.transports.tor_context import bridge, context, detail_of, failure_of, try_once

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from circumvent.model.option import Option

pytestmark = pytest.mark.anyio
FINGERPRINT = ":".join(["AB"] * 32)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def outside(place: tuple[str, int]) -> Address:
    return Address(ipaddress.ip_address("203.0.113.7"), place[1])


def silent(_: tuple[str, int]) -> None:
    return None


async def nobody(_: str) -> dict[str, Any]:
    return {"error": "no snowflake proxies currently available"}


@asynccontextmanager
async def world(
    answers: Callable[[str], Awaitable[dict[str, Any]]],
    sees: Callable[[tuple[str, int]], Address | None] = outside,
) -> AsyncIterator[tuple[Option, snowflake.Broker]]:
    """A broker and a STUN server; yield the option of a line that names them."""
    fake = snowflake.Broker(answers)
    async with (
        snowflake.stun_servers(snowflake.StunServer("127.0.0.1", sees)) as ((host, port),),
        faults.serving(fake.serve) as served,
    ):
        arguments = f"url=http://broker.example:{served.port}/ front=127.0.0.1 ice=stun:{host}:{port}"
        yield bridge(f"snowflake 192.0.2.3:80 {'A' * 40} {arguments}"), fake


def described(**changed: Any) -> dict[str, str]:
    """Return an answer that was made up."""
    said = Description(ufrag="u" * 16, password="p" * 32, fingerprints=(("sha-256", FINGERPRINT),), **changed)
    return snowflake.described(write_offer(said, session=1, now=0.0).replace("actpass", "active"))


async def test_without_the_extra_nobody_is_asked_for_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "circumvent.transports.snowflake_channel", None)
    given = context()
    async with world(nobody) as (option, fake):
        with pytest.raises(CannotTry) as raised:
            await try_once(option, given)
    assert (raised.value.reason, raised.value.detail) == (Reason.MISSING_EXTRA, NO_EXTRA)
    assert [poll["offer"] for poll in fake.polls] == [""]
    attempt = given.trace.attempt()
    assert (attempt.proof, attempt.failure) == (Proof.REACHED, None)
    assert sorted(step.name for step in attempt.steps) == ["broker", "connect", "nat", "stun"]


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_on_trio_nobody_is_asked_for_a_proxy() -> None:
    given = context()
    async with world(nobody) as (option, fake):
        with pytest.raises(CannotTry) as raised:
            await try_once(option, given)
    assert (raised.value.reason, raised.value.detail) == (Reason.UNSUPPORTED, NO_ASYNCIO)
    assert [poll["offer"] for poll in fake.polls] == [""]


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_through_another_option_nobody_is_asked_for_a_proxy() -> None:
    class Tunnel:
        """Dials for an option that is carried by another one."""

        async def stream(self, endpoint: Any, trace: Any) -> Any:
            return await direct.stream(endpoint, trace)

    direct = context().dialer
    given = replace(context(), dialer=Tunnel())  # type: ignore[arg-type]  # of a dialer, what is used
    async with world(nobody) as (option, fake):
        with pytest.raises(CannotTry) as raised:
            await try_once(option, given)
    assert (raised.value.reason, raised.value.detail) == (Reason.UNSUPPORTED, THROUGH_ANOTHER)
    assert [poll["offer"] for poll in fake.polls] == [""]
    assert given.trace.attempt().step("stun") is None


async def test_a_line_with_a_queue_is_not_tried() -> None:
    given = context()
    with pytest.raises(CannotTry) as raised:
        await try_once(bridge("snowflake 192.0.2.3:80 sqsqueue=https://sqs.example/1/q sqscreds=x"), given)
    assert (raised.value.reason, raised.value.detail) == (Reason.UNSUPPORTED, BY_QUEUE)
    assert given.trace.steps == ()


async def test_stun_servers_that_are_silent() -> None:
    given = context(limit=0.3)
    async with world(nobody, silent) as (option, fake):
        attempt = await try_once(option, given)
    assert failure_of(attempt) == ("stun", "generic_timeout_error")
    assert attempt.proof is Proof.REACHED
    assert [poll["offer"] for poll in fake.polls] == [""]


async def test_neither_broker_nor_stun() -> None:
    """The broker's failure is the option's: without it nothing else would help."""
    line = f"snowflake 192.0.2.3:80 {'A' * 40} url=http://127.0.0.1:9/ ice=stun:192.0.2.1:3478"
    attempt = await try_once(bridge(line), context(limit=0.3))
    assert failure_of(attempt) == ("connect", "connection_refused")
    step = attempt.step("stun")
    assert step is not None
    assert step.failure is not None


@pytest.mark.parametrize(
    ("said", "word", "detail"),
    [
        (
            "no snowflake proxies currently available",
            "no_proxies",
            "no snowflake proxy is available just now",
        ),
        ("timed out waiting for answer!", "proxy_silent", "the proxy that was picked did not answer"),
        (
            "bridge with requested fingerprint is unknown to the broker",
            "unknown_bridge",
            "the broker does not know this bridge",
        ),
    ],
)
async def test_a_broker_without_a_proxy_says_why(said: str, word: str, detail: str) -> None:
    async def answers(_: str) -> dict[str, Any]:
        return {"error": said}

    async with world(answers) as (option, fake):
        attempt = await try_once(option, context())
    assert failure_of(attempt) == ("rendezvous", "no_proxy_available")
    assert attempt.failure is not None
    assert attempt.failure.detail == detail
    step = detail_of(attempt, "rendezvous")
    assert (step["nat"], step["said"]) == ("unknown", word)
    assert attempt.proof is Proof.REACHED
    assert read_answer(fake.polls[1]["offer"].replace("\\r\\n", "\r\n")).candidates  # where we can be found


@pytest.mark.parametrize(
    "answer", [{"error": "something new"}, snowflake.described("v=0"), {"answer": "x"}, {}]
)
async def test_a_broker_that_answers_nonsense(answer: dict[str, Any]) -> None:
    async def answers(_: str) -> dict[str, Any]:
        return answer

    async with world(answers) as (option, _):
        attempt = await try_once(option, context())
    assert failure_of(attempt) == ("rendezvous", "wrong_answer")


async def test_a_proxy_to_which_no_packet_gets_through() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody_there:
        nobody_there.bind(("127.0.0.1", 0))
        place = Candidate(
            foundation="1", priority=1, host="127.0.0.1", port=nobody_there.getsockname()[1], type="host"
        )

        async def answers(_: str) -> dict[str, Any]:
            return described(candidates=(place,))

        async with world(answers) as (option, _):
            attempt = await try_once(option, context(limit=1.5))
    assert failure_of(attempt) == ("ice", "generic_timeout_error")
    assert attempt.proof is Proof.REACHED


async def test_dtls_that_is_filtered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packets get through, and the handshake does not: how Russia blocked it in 2021."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    peer = aioice.Connection(ice_controlling=False)
    tasks: list[Any] = []
    async with anyio.create_task_group() as group:

        async def answers(sdp: str) -> dict[str, Any]:
            offer = read_answer(sdp)
            peer.remote_username, peer.remote_password = offer.ufrag, offer.password
            await peer.gather_candidates()
            for one in offer.candidates:
                theirs = aioice.Candidate(
                    one.foundation, 1, "udp", one.priority, one.host, one.port, one.type
                )
                await peer.add_remote_candidate(theirs)
            await peer.add_remote_candidate(None)
            group.start_soon(peer.connect)
            tasks.append(peer)
            ours = tuple(
                Candidate(foundation="1", priority=one.priority, host=one.host, port=one.port, type=one.type)
                for one in peer.local_candidates
            )
            said = Description(
                ufrag="unused",
                password="p" * 32,
                fingerprints=(("sha-256", FINGERPRINT),),
                candidates=ours,
                setup="active",
            )
            said = replace(said, ufrag=peer.local_username, password=peer.local_password)
            return snowflake.described(write_offer(said, session=1, now=0.0))

        try:
            async with world(answers) as (option, _):
                attempt = await try_once(option, context(limit=1.5))
        finally:
            await peer.close()
    assert failure_of(attempt) == ("dtls_handshake", "generic_timeout_error")
    assert detail_of(attempt, "ice") == {}


async def test_a_proxy_that_talks_and_leads_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """It opens the channel and sends back what it is sent, so that nothing in it is a packet of ours."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    volunteer = snowflake.Volunteer()

    async def answers(offer: str) -> dict[str, Any]:
        return snowflake.described(await volunteer.answer(offer))

    try:
        async with world(answers) as (option, _):
            attempt = await try_once(option, context(limit=2.0))
    finally:
        await volunteer.aclose()
    assert failure_of(attempt) in [("tor_tls", "wrong_answer"), ("tor_tls", "generic_timeout_error")]
    assert attempt.proof is Proof.REACHED
