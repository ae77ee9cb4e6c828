"""STUN servers that answer and those that do not, and NATs by what servers see of one port."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import StepFailed
from circumvent.net.stun import Address
from circumvent.transports.snowflake_network import Network, look
from tests.faults.snowflake import StunServer, stun_servers
from tests.names.tries import NoNames
from tests.transports.tor_context import context, detail_of, failure_of

if TYPE_CHECKING:
    from circumvent.transport import Context

pytestmark = pytest.mark.anyio
ONE, TWO = "127.0.0.1", "127.0.0.2"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def at(host: str, port: int) -> Address:
    return Address(ipaddress.ip_address(host), port)


def outside(place: tuple[str, int]) -> Address:
    """A NAT that gives a port the same place for everybody."""
    return at("203.0.113.7", place[1])


def strict(place: tuple[str, int]) -> Address:
    """A NAT that gives a port another place for each peer."""
    return at("203.0.113.7", (place[1] + 1) % 65536)


def silent(_: tuple[str, int]) -> None:
    return None


async def looked(servers: tuple[tuple[str, int], ...], given: Context, **policy: bool) -> Network:
    dialer = DirectDialer(NoNames(), policy=Policy(**{"allow_private": True, **policy}))
    return await look(servers, dialer, replace(given, dialer=dialer))


async def test_two_servers_that_see_the_same() -> None:
    given = context(limit=2.0)
    async with stun_servers(StunServer(ONE, outside), StunServer(TWO, outside)) as places:
        found = await looked(places, given)
    attempt = given.trace.attempt()
    assert detail_of(attempt, "nat") == {"nat": "unrestricted", "method": "two_servers"}
    assert sorted(found.servers) == sorted(places)
    seen = detail_of(attempt, "stun")
    assert (seen["asked"], seen["answered"]) == (2, 2)
    assert {one["server"] for one in seen["servers"]} == {f"{host}:{port}" for host, port in places}
    assert {one["mapped_is_local"] for one in seen["servers"]} == {False}
    assert attempt.bytes_sent >= 60
    assert attempt.bytes_received >= 96
    assert attempt.address is None  # that of the broker stays


async def test_two_servers_that_see_different_ports() -> None:
    given = context(limit=2.0)
    async with stun_servers(StunServer(ONE, outside), StunServer(TWO, strict)) as places:
        await looked(places, given)
    assert detail_of(given.trace.attempt(), "nat") == {"nat": "restricted", "method": "two_servers"}


@pytest.mark.parametrize(("nat", "sees"), [("unrestricted", outside), ("restricted", strict)])
async def test_a_server_with_another_address(nat: str, sees: object) -> None:
    """RFC 5780, section 4.3: one server can tell by itself."""
    given = context(limit=2.0)
    other = StunServer(TWO, sees)  # type: ignore[arg-type]  # one of the two above
    first = StunServer(ONE, outside)
    async with stun_servers(other, first) as places:
        first.other = at(*places[0])
        await looked(places[1:], given)
    assert detail_of(given.trace.attempt(), "nat") == {"nat": nat, "method": "other_address"}
    assert first.asked == other.asked  # from one port of ours


async def test_no_nat_at_all() -> None:
    given = context(limit=2.0)
    async with stun_servers(StunServer(ONE, lambda place: at(*place))) as places:
        await looked(places, given)
    assert detail_of(given.trace.attempt(), "nat") == {"nat": "unrestricted", "method": "no_nat"}


async def test_one_server_can_not_tell() -> None:
    given = context(limit=2.0)
    async with stun_servers(StunServer(ONE, outside)) as places:
        await looked(places, given)
    assert detail_of(given.trace.attempt(), "nat") == {"nat": "unknown", "method": None}


async def test_another_address_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("circumvent.transports.snowflake_network.SHORTEST", 0.1)
    given = context(limit=2.0)
    other, first = StunServer(TWO, silent), StunServer(ONE, outside)
    async with stun_servers(other, first) as places:
        first.other = at(*places[0])
        await looked(places[1:], given)
    assert detail_of(given.trace.attempt(), "nat") == {"nat": "unknown", "method": None}


async def test_one_of_two_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("circumvent.transports.snowflake_network.SHORTEST", 0.1)
    given = context()
    async with stun_servers(StunServer(ONE, silent), StunServer(TWO, outside)) as places:
        found = await looked(places, given)
    assert found.servers == [places[1]]
    assert [one["ok"] for one in detail_of(given.trace.attempt(), "stun")["servers"]] == [False, True]


@pytest.mark.parametrize(
    "answer", [bytes.fromhex("0101 0000 2112a442") + bytes(12), b"HTTP/1.1 400 Bad Request\r\n\r\n"]
)
async def test_answers_that_are_none(answer: bytes) -> None:
    given = context(limit=0.3)
    async with stun_servers(StunServer(ONE, outside, answer=answer)) as places:
        with pytest.raises(StepFailed):
            await looked(places, given)
    assert failure_of(given.trace.attempt()) == ("stun", "generic_timeout_error")


async def test_all_are_silent() -> None:
    given = context(limit=0.3)
    async with stun_servers(StunServer(ONE, silent), StunServer(TWO, silent)) as places:
        with pytest.raises(StepFailed):
            await looked(places, given)
    attempt = given.trace.attempt()
    assert failure_of(attempt) == ("stun", "generic_timeout_error")
    assert (detail_of(attempt, "stun")["asked"], detail_of(attempt, "stun")["answered"]) == (2, 0)
    assert attempt.step("nat") is None


async def test_a_line_without_servers() -> None:
    given = context(limit=0.3)
    found = await looked((), given)
    assert found.servers == []
    assert detail_of(given.trace.attempt(), "stun")["asked"] == 0
    assert detail_of(given.trace.attempt(), "nat")["nat"] == "unknown"


async def test_addresses_of_the_own_network_are_not_asked() -> None:
    given = context(limit=0.3)
    server = StunServer(ONE, outside)
    async with stun_servers(server) as places:
        with pytest.raises(StepFailed):
            await looked(places, given, allow_private=False)
    assert server.asked == []
    assert detail_of(given.trace.attempt(), "stun")["servers"][0]["failure"] == "unsafe"


async def test_names_that_lead_nowhere() -> None:
    given = context(limit=0.3)
    with pytest.raises(StepFailed):
        await looked((("stun.example", 3478),), given)
    (server,) = detail_of(given.trace.attempt(), "stun")["servers"]
    assert server["ok"] is False
    assert [step.name for step in given.trace.steps] == ["stun"]  # the look-up is none of the attempt's
