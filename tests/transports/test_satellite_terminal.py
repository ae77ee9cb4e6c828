"""Given who answers at an address and what its link carries, expect this record, to the rung that can be proved."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from circumvent.diagnose.look import Look
from circumvent.diagnose.rules_satellite import RULES
from circumvent.model.report import Finding
from circumvent.model.words import Proof
from circumvent.satellite.router import read_router
from tests.diagnose.build import option
from tests.faults import proxy
from tests.faults.terminals import (
    ROUTERS,
    Front,
    certificate,
    serving_page,
    serving_router,
    terminal_option,
)
from tests.transports.proxy_context import by_hand, context, failure_of, step_of, try_once

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from circumvent.model.record import Attempt
    from tests.lab.pki import Pki

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
HERE = "127.91.3.1"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine loses nothing on its own loopback."""
    monkeypatch.setattr("circumvent.transports.link_loss.LATE", 10.0)


@asynccontextmanager
async def internet(pki: Pki) -> AsyncIterator[str]:
    """A control behind the terminal, as it were."""
    async with proxy.control_web(pki.good) as port:
        yield f"https://127.0.0.1:{port}"


async def attempt(pki: Pki, *, goal: Proof = Proof.CARRIED) -> Attempt:
    """Try the terminal, through which the internet can be reached."""
    async with internet(pki) as origin:
        plan = by_hand(f"{origin}/nonce/{{nonce}}", bulk=f"{origin}/bytes/{{bytes}}")
        made = context(goal=goal, controls=plan, ca_file=pki.ca_file, limit=3.0)
        return await try_once(terminal_option(HERE), replace(made, watch=0.5))


@pytest.fixture(autouse=True)
def one_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of loopback is one interface, as which the kernel knows only its first address."""
    monkeypatch.setattr("circumvent.transports.starlink.owner_of", lambda *_: "lo")


def systems(found: Attempt, time: int = 0) -> list[Any]:
    """What it was taken for: at first by what answered, then by round trips too."""
    steps = [step for step in found.steps if step.name == "recognise"]
    told: Any = steps[time].detail["systems"]
    return [(one["model"], one["certainty"]) for one in told]


class TestRouter:
    async def test_a_router_is_known_by_its_protocol_and_its_link_carries(self, pki: Pki) -> None:
        async with serving_router(address=HERE) as router:
            found = await attempt(pki, goal=Proof.SUSTAINED)
        assert (found.proof, found.failure) == (Proof.SUSTAINED, None)
        assert systems(found) == [("starlink-router", "known")]
        assert step_of(found, "sky").detail == {"loss": 0.0, "behind": True}
        assert router.asked == ["get_status"]
        assert "ut01000000" not in repr(found)
        assert "100.77" not in repr(found)

    async def test_the_operators_no_is_passed_on(self, pki: Pki) -> None:
        async with serving_router(ROUTERS["account inactive"], HERE):
            found = await attempt(pki)
        assert found.proof is Proof.HANDSHAKEN
        assert failure_of(found) == ("sky", "auth_rejected")
        look = Look([option("terminal", "satellite-terminal", found)], {})
        seen = [one.kind.value for rule in RULES.values() if isinstance(one := rule(look), Finding)]
        assert seen == ["account_inactive"]

    async def test_firmware_that_says_nothing_breaks_nothing(self, pki: Pki) -> None:
        async with serving_router(ROUTERS["nothing but its name"], HERE):
            found = await attempt(pki)
        assert found.proof is Proof.CARRIED
        assert step_of(found, "sky").detail == {"behind": None}


class TestPage:
    async def test_a_page_is_reached_and_its_link_carries(self, pki: Pki) -> None:
        web = Front(title="Thuraya IP+ secret page")
        async with serving_page(web, HERE):
            found = await attempt(pki)
        assert (found.proof, found.failure) == (Proof.CARRIED, None)
        assert systems(found) == [("thuraya-ip", "likely"), ("thuraya-atlas", "likely")]
        assert web.asked == [b"GET / HTTP/1.1"]
        assert "secret" not in repr(found)

    async def test_a_certificate_tells_its_maker(self, pki: Pki, tmp_path: Path) -> None:
        async with serving_page(Front(), HERE, certificate=certificate(tmp_path, "Viasat Inc.")):
            found = await attempt(pki)
        assert found.proof is Proof.CARRIED
        assert systems(found) == [("viasat-surfbeam", "likely")]

    async def test_a_page_proves_no_protocol(self, pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "circumvent.transports.starlink.owner_of",
            lambda address, _: "eth0" if address is None else address,
        )
        async with serving_page(Front(title="HughesNet"), HERE):
            made = context(
                controls=by_hand("https://127.0.0.1:9/nonce/{nonce}"), ca_file=pki.ca_file, limit=1.0
            )
            found = await try_once(terminal_option(HERE), made)
        assert found.proof is Proof.REACHED
        assert found.failure is not None

    async def test_what_names_nothing_is_recognised_as_nothing(self, pki: Pki) -> None:
        async with serving_page(Front(title="FRITZ!Box"), HERE):
            found = await attempt(pki)
        assert systems(found) == []

    async def test_another_link_is_the_way_out(self, pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
        sides = iter(("eth0", "eth1") * 20)
        monkeypatch.setattr("circumvent.transports.starlink.owner_of", lambda *_: next(sides))
        async with serving_page(Front(title="HughesNet"), HERE):
            found = await attempt(pki)
        assert found.proof is Proof.REACHED
        assert failure_of(found) == ("link", "network_unreachable")


class TestLight:
    async def test_what_comes_back_at_once_came_by_no_satellite(
        self, pki: Pki, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("circumvent.transports.satellite_terminal.round_trips", lambda _: (9.0, 12.0))
        async with serving_page(Front(title="HughesNet"), HERE):
            found = await attempt(pki)
        assert found.proof is Proof.CARRIED
        assert systems(found) == [("hughesnet", "likely")]
        assert systems(found, -1) == []

    async def test_round_trips_of_a_far_orbit_leave_it_likely(
        self, pki: Pki, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("circumvent.transports.satellite_terminal.round_trips", lambda _: (612.0, 640.0))
        async with serving_page(Front(title="HughesNet"), HERE):
            found = await attempt(pki)
        assert systems(found, -1) == [("hughesnet", "likely")]

    async def test_a_router_stays_what_it_is(self, pki: Pki) -> None:
        async with serving_router(address=HERE):
            found = await attempt(pki)
        assert systems(found, -1) == [("starlink-router", "known")]


async def test_light_is_asked_about_the_round_trips(pki: Pki) -> None:
    async with serving_page(Front(title="HughesNet"), HERE):
        found = await attempt(pki)
    told = step_of(found, "physics").detail
    assert isinstance(told["rtt_ms"], float)
    assert isinstance(told["excluded"], list)
    assert "geostationary" in told["excluded"] or told["rtt_ms"] >= 477


async def test_nobody_there(pki: Pki) -> None:
    found = await attempt(pki)
    assert found.proof is Proof.NONE
    assert failure_of(found) == ("connect", "connection_refused")


class TestGrpcItself:
    """gRPC's own client and server as witnesses."""

    async def test_our_router_is_a_faithful_server(self) -> None:
        command = [sys.executable, "-m", "tests.faults.dish_peers", "router", HERE]
        async with serving_router(address=HERE):
            done = await anyio.run_process(command, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr
        assert read_router(bytes.fromhex(done.stdout.decode().strip())) == read_router(ROUTERS["well"])

    async def test_our_client_is_understood_by_grpcs_own_server(self, pki: Pki) -> None:
        command = [sys.executable, "-m", "tests.faults.dish_peers", "serve_router", HERE]
        async with await anyio.open_process(command, cwd=ROOT) as peer:
            assert peer.stdout is not None
            assert await peer.stdout.receive() == b"ready\n"
            found = await attempt(pki)
            peer.kill()
        assert found.proof is Proof.CARRIED
        assert systems(found) == [("starlink-router", "known")]
