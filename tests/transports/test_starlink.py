"""Starlink: given what a dish says and what its link carries, expect this record."""

from __future__ import annotations

import struct
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
from circumvent.satellite.dish import read_history, read_status
from circumvent.transports.link_loss import Count
from tests.diagnose.build import option
from tests.faults import dish as faults
from tests.faults import proxy, tcp
from tests.faults.dish import STATES, Dish, dish_option, serving
from tests.transports.proxy_context import by_hand, context, failure_of, step_of, try_once

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from circumvent.model.record import Attempt
    from tests.lab.pki import Pki

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
NOBODY = by_hand("https://127.0.0.1:9/nonce/{nonce}")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine loses nothing on its own loopback."""
    monkeypatch.setattr("circumvent.transports.link_loss.LATE", 10.0)


@asynccontextmanager
async def internet(pki: Pki) -> AsyncIterator[str]:
    """A control behind the dish, as it were."""
    async with proxy.control_web(pki.good) as port:
        yield f"https://127.0.0.1:{port}"


async def attempt_at(
    dish: Dish, pki: Pki, *, goal: Proof = Proof.CARRIED, idle: float | None = None
) -> Attempt:
    """Try a dish through which the internet can be reached."""
    async with serving(dish), internet(pki) as origin:
        plan = by_hand(f"{origin}/nonce/{{nonce}}", bulk=f"{origin}/bytes/{{bytes}}")
        made = context(goal=goal, controls=plan, ca_file=pki.ca_file, idle=idle, limit=3.0)
        return await try_once(dish_option(), replace(made, watch=0.5))


def causes(attempt: Attempt) -> set[str]:
    """Return the kinds of finding that the record of an attempt shows."""
    look = Look([option("dish", "starlink", attempt)], {})
    return {one.kind.value for rule in RULES.values() if isinstance(one := rule(look), Finding)}


class TestTheChain:
    async def test_a_dish_that_is_well_with_the_internet_behind_it(self, pki: Pki) -> None:
        attempt = await attempt_at(Dish(), pki, goal=Proof.SUSTAINED)
        assert attempt.proof is Proof.SUSTAINED
        assert attempt.failure is None
        assert step_of(attempt, "sky").detail == {
            "health": "good",
            "obstructed": 0.003,
            "obstructed_now": False,
            "hours": 12.0,
            "gps_valid": True,
            "gps_sats": 14,
            "loss": 0.0,
            "seconds": 120,
        }
        gateway = step_of(attempt, "gateway").detail
        assert (gateway["seconds"], gateway["lost"], gateway["rtt_ms"]) == (120, 0, 30.0)
        assert attempt.address == "127.0.0.1"
        names = [step.name for step in attempt.steps]
        order = ["terminal", "sky", "gateway", "carry", "loss", "sustain_down", "sustain_up"]
        assert [names.index(name) for name in order] == sorted(names.index(name) for name in order)
        loss = step_of(attempt, "loss").detail
        assert (loss["method"], loss["lost"], loss["loss"]) == ("requests", 0, 0.0)
        assert "lost" in step_of(attempt, "handovers").detail

    async def test_a_link_that_loses_too_much_carries_and_does_not_last(
        self, pki: Pki, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def lossy(*_: object) -> Count:
            return Count(sent=20, times=[0.04] * 15)

        monkeypatch.setattr("circumvent.transports.link_loss._by_requests", lossy)
        attempt = await attempt_at(Dish(), pki, goal=Proof.SUSTAINED)
        assert attempt.proof is Proof.CARRIED
        assert failure_of(attempt) == ("loss", "packet_loss")
        assert step_of(attempt, "loss").detail["loss"] == 0.25

    async def test_where_loss_cannot_be_seen_nothing_is_said_to_last(
        self, pki: Pki, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def unsent(*_: object) -> Count:
            return Count()

        monkeypatch.setattr("circumvent.transports.link_loss._by_requests", unsent)
        attempt = await attempt_at(Dish(), pki, goal=Proof.SUSTAINED)
        assert (attempt.proof, attempt.failure) == (Proof.CARRIED, None)
        assert step_of(attempt, "loss").detail == {"unavailable": "nothing could be sent"}

    async def test_it_is_asked_two_things_and_never_where_it_is(self, pki: Pki) -> None:
        dish = Dish()
        attempt = await attempt_at(dish, pki, idle=0.01)
        assert attempt.proof is Proof.CARRIED
        assert set(dish.asked) == {"get_status", "get_history"}
        assert "ut01000000" not in repr(attempt)
        assert "2026.10.1" not in repr(attempt)

    @pytest.mark.parametrize(
        ("state", "step", "error", "why"),
        [
            ("no sky", "sky", "network_unreachable", "no_sats"),
            ("searching", "sky", "network_unreachable", "sky_search"),
            ("stowed", "sky", "network_unreachable", "stowed"),
            ("thermal", "sky", "network_unreachable", "thermal_shutdown"),
            ("obstructed", "sky", "network_unreachable", "obstructed"),
            ("account inactive", "sky", "auth_rejected", "no_active_account"),
            ("blocked country", "sky", "geo_refused", "blocked_country"),
            ("no gateway", "gateway", "packet_loss", None),
            ("jamming", "gateway", "packet_loss", None),
        ],
    )
    async def test_the_first_broken_link_is_named_and_nothing_behind_it_is_tried(
        self, pki: Pki, state: str, step: str, error: str, why: str | None
    ) -> None:
        attempt = await attempt_at(Dish(STATES[state], past=None), pki)
        assert attempt.proof is Proof.HANDSHAKEN
        assert failure_of(attempt) == (step, error)
        assert step_of(attempt, step).detail.get("state") == why
        assert attempt.step("carry") is None

    @pytest.mark.parametrize(
        ("state", "found"),
        [
            ("well", set()),
            ("no sky", set()),
            ("obstructed", {"obstructed"}),
            ("jamming", {"gps_denied", "jamming_suspected"}),
            ("account inactive", {"account_inactive"}),
            ("blocked country", {"no_service_here"}),
        ],
    )
    async def test_findings_rest_on_what_was_written_down(
        self, pki: Pki, state: str, found: set[str]
    ) -> None:
        assert causes(await attempt_at(Dish(STATES[state], past=None), pki)) == found

    async def test_two_minutes_of_lost_pings_break_the_gateway(self, pki: Pki) -> None:
        attempt = await attempt_at(Dish(past=faults.LOST), pki)
        assert failure_of(attempt) == ("gateway", "packet_loss")
        detail = step_of(attempt, "gateway").detail
        assert (detail["seconds"], detail["lost"], detail["loss"]) == (120, 83, 0.692)

    async def test_a_no_of_the_operator_is_a_refusal_by_somebody_who_proved_nothing(self, pki: Pki) -> None:
        attempt = await attempt_at(Dish(STATES["account inactive"]), pki)
        assert step_of(attempt, "sky").detail["refusal"] == {"authenticated": False}

    async def test_cut_beyond_the_gateway(self, pki: Pki) -> None:
        async with serving(Dish()):
            attempt = await try_once(dish_option(), context(controls=NOBODY, ca_file=pki.ca_file, limit=3.0))
        assert attempt.proof is Proof.HANDSHAKEN
        assert failure_of(attempt) == ("connect", "connection_refused")
        assert step_of(attempt, "gateway").failure is None

    async def test_a_page_in_place_of_the_control_carries_nothing(self, pki: Pki) -> None:
        async with serving(Dish()), proxy.control_web(pki.good, portal=True) as port:
            plan = by_hand(f"https://127.0.0.1:{port}/nonce/{{nonce}}")
            made = context(controls=plan, ca_file=pki.ca_file, limit=3.0)
            attempt = await try_once(dish_option(), made)
        assert attempt.proof is Proof.HANDSHAKEN

    async def test_what_leaves_by_another_link_proves_nothing(
        self, pki: Pki, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owners = iter(("wlan0", "eth0"))
        monkeypatch.setattr("circumvent.transports.starlink.owner_of", lambda *_: next(owners))
        attempt = await attempt_at(Dish(), pki)
        assert attempt.proof is Proof.HANDSHAKEN
        assert failure_of(attempt) == ("link", "network_unreachable")

    async def test_patience_counts_the_pings_of_the_idle_time(self, pki: Pki) -> None:
        attempt = await attempt_at(Dish(), pki, idle=1.0)
        assert step_of(attempt, "handovers").detail == {"seconds": 1, "lost": 0}


class TestFirmware:
    @pytest.mark.parametrize("state", ["missing fields", "nothing but its name"])
    async def test_fields_may_vanish(self, pki: Pki, state: str) -> None:
        attempt = await attempt_at(Dish(STATES[state], past=None), pki)
        assert attempt.proof is Proof.CARRIED
        assert step_of(attempt, "gateway").detail["health"] == "unknown"

    async def test_fields_of_other_types_are_passed_over(self, pki: Pki) -> None:
        # 2004 holds a status in which every field that is read is a number.
        fields = b"".join(_varint(number << 3) + b"\x01" for number in (1003, 1004, 1009, 1014, 1015))
        answer = _varint(2004 << 3 | 2) + _varint(len(fields)) + fields
        attempt = await attempt_at(Dish(answer, past=b"\xff"), pki)
        assert attempt.proof is Proof.CARRIED

    async def test_where_grpc_is_gone_grpc_web_answers(self, pki: Pki) -> None:
        attempt = await attempt_at(Dish(web=True), pki)
        assert attempt.proof is Proof.CARRIED
        assert attempt.failure is None
        assert step_of(attempt, "terminal").detail["protocol"] == "grpc-web"

    @pytest.mark.parametrize("web", [False, True], ids=["grpc", "grpc-web"])
    @pytest.mark.parametrize(
        "framed",
        [
            b"",
            b"\0\0\0",
            struct.pack(">BI", 0, 1000) + b"short",
            struct.pack(">BI", 1, 4) + b"gzip",
            struct.pack(">BI", 0, 3) + b"\xff\xff\xff",
            struct.pack(">BI", 0, 1 << 20) + bytes(1 << 20),
        ],
        ids=["nothing", "half a head", "cut", "compressed", "no message", "oversized"],
    )
    async def test_frames_that_are_none_are_no_dish(self, pki: Pki, framed: bytes, web: bool) -> None:
        attempt = await attempt_at(Dish(framed=framed, web=web), pki)
        assert attempt.proof in (Proof.NONE, Proof.REACHED)
        assert attempt.failure is not None
        assert attempt.failure.step == "terminal"

    async def test_a_status_that_is_not_ok(self, pki: Pki) -> None:
        attempt = await attempt_at(Dish(trailers=(("grpc-status", "16"),)), pki)
        assert failure_of(attempt) == ("terminal", "wrong_answer")


class TestNoDish:
    @pytest.mark.parametrize(
        "behaviour", [tcp.login_page, tcp.garbage, tcp.finish_on_accept, tcp.reset_on_hello]
    )
    async def test_a_cable_modem_at_the_same_address_is_none(self, pki: Pki, behaviour: Any) -> None:
        with tcp.serve(behaviour, port=faults.GRPC_PORT), tcp.serve(tcp.login_page, port=faults.WEB_PORT):
            attempt = await try_once(dish_option(), context(controls=NOBODY, ca_file=pki.ca_file, limit=1.0))
        assert attempt.proof.rung < Proof.HANDSHAKEN.rung
        assert attempt.failure is not None
        assert attempt.failure.step == "terminal"

    async def test_another_grpc_service_is_none(self, pki: Pki) -> None:
        attempt = await attempt_at(Dish(answer=b"\x18\x2b"), pki)
        assert attempt.proof is Proof.REACHED
        assert failure_of(attempt) == ("terminal", "wrong_answer")

    async def test_nobody_there(self, pki: Pki) -> None:
        attempt = await try_once(dish_option(), context(controls=NOBODY, ca_file=pki.ca_file, limit=1.0))
        assert attempt.proof is Proof.NONE
        assert failure_of(attempt) == ("connect", "connection_refused")

    async def test_silence_ends_in_time(self, pki: Pki) -> None:
        with tcp.serve(tcp.stall, port=faults.GRPC_PORT), tcp.serve(tcp.stall, port=faults.WEB_PORT):
            attempt = await try_once(dish_option(), context(controls=NOBODY, ca_file=pki.ca_file, limit=0.3))
        assert failure_of(attempt) == ("terminal", "generic_timeout_error")


class TestGrpcItself:
    """gRPC's own client and server as witnesses."""

    async def test_our_dish_is_a_faithful_server(self) -> None:
        async with serving(Dish()) as dish:
            done = await anyio.run_process(
                [sys.executable, "-m", "tests.faults.dish_peers", "ask", "127.0.0.1"], cwd=ROOT, check=False
            )
        assert done.returncode == 0, done.stderr
        status, past, no = done.stdout.decode().split()
        assert read_status(bytes.fromhex(status)) == read_status(STATES["well"])
        assert read_history(bytes.fromhex(past)) == read_history(dish.past or b"")
        assert no == "UNIMPLEMENTED"

    async def test_our_client_is_understood_by_grpcs_own_server(self, pki: Pki) -> None:
        command = [sys.executable, "-m", "tests.faults.dish_peers", "serve", "127.0.0.1"]
        async with await anyio.open_process(command, cwd=ROOT) as peer, internet(pki) as origin:
            assert peer.stdout is not None
            assert await peer.stdout.receive() == b"ready\n"
            plan = by_hand(f"{origin}/nonce/{{nonce}}")
            made = context(goal=Proof.CARRIED, controls=plan, ca_file=pki.ca_file, limit=5.0)
            attempt = await try_once(dish_option(), made)
            peer.kill()
        assert attempt.proof is Proof.CARRIED
        assert step_of(attempt, "terminal").detail["protocol"] == "grpc"
        assert step_of(attempt, "gateway").detail["seconds"] == 120


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
