"""SOCKS 4a: given this proxy, expect this record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.model.words import Proof
from circumvent.net.errors import CannotTry
from circumvent.net.socks import encode_socks4a
from tests.faults import proxy as faults
from tests.transports.proxy_context import by_hand, context, failure_of, proxy, step_of, try_once

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from circumvent.control import ControlPlan
    from circumvent.model.record import Attempt
    from tests.lab.pki import Pki

pytestmark = pytest.mark.anyio
QUICK = 0.4  # seconds
CONTROL = by_hand("https://control.lab.example/nonce/{nonce}")


async def attempt_at(
    behaviour: Callable[[faults.Link], Awaitable[None]], plan: ControlPlan = CONTROL
) -> Attempt:
    async with faults.serving(behaviour) as served:
        return await try_once(proxy("socks4a", served.port), context(controls=plan, limit=QUICK))


@pytest.mark.parametrize("host", ["control.lab.example", "127.0.0.1"])
async def test_up_to_sustained_with_names_resolved_by_the_proxy(pki: Pki, host: str) -> None:
    async with faults.control_web(pki.good) as web, faults.serving(faults.socks4a()) as served:
        plan = by_hand(f"https://{host}:{web}/nonce/{{nonce}}", bulk=f"https://{host}:{web}/bytes/{{bytes}}")
        attempt = await try_once(
            proxy("socks4a", served.port, user="me"), context(controls=plan, ca_file=pki.ca_file)
        )
    assert attempt.proof is Proof.SUSTAINED
    assert attempt.failure is None
    assert served.asked == [f"{host}:{web}"] * 2


@pytest.mark.parametrize(
    ("code", "error", "refused"),
    [
        (91, "socks_general_failure", False),
        (92, "auth_rejected", True),
        (93, "auth_rejected", True),
        (5, "proxy_protocol_error", False),
    ],
)
async def test_each_refusal(code: int, error: str, refused: bool) -> None:
    attempt = await attempt_at(faults.socks4a(code=code))
    assert attempt.proof is Proof.REACHED
    assert failure_of(attempt) == ("proxy_handshake", error)
    assert ("refusal" in step_of(attempt, "proxy_handshake").detail) == refused


@pytest.mark.parametrize(
    ("behaviour", "proof", "error"),
    [
        (faults.silent, Proof.NONE, "generic_timeout_error"),
        (faults.hangs_up, Proof.NONE, "eof_error"),
        (faults.says(b"\0\x5a\0"), Proof.REACHED, "eof_error"),
        (faults.says(b"\0\x5a\0", then=faults.silent), Proof.REACHED, "generic_timeout_error"),
        (faults.says(faults.LOGIN_PAGE), Proof.REACHED, "proxy_protocol_error"),
        (faults.says(b"\x05\xff" + bytes(8)), Proof.REACHED, "proxy_protocol_error"),
    ],
)
async def test_what_is_no_proxy(
    behaviour: Callable[[faults.Link], Awaitable[None]], proof: Proof, error: str
) -> None:
    attempt = await attempt_at(behaviour)
    assert attempt.proof is proof
    assert failure_of(attempt) == ("proxy_handshake", error)


async def test_accepting_and_forwarding_nothing_is_not_carrying() -> None:
    attempt = await attempt_at(faults.socks4a(faults.forwards_nothing))
    assert attempt.proof is Proof.HANDSHAKEN
    assert failure_of(attempt) == ("carry", "generic_timeout_error")


async def test_ipv6_cannot_be_asked_for() -> None:
    attempt = await attempt_at(faults.socks4a(), by_hand("https://[2001:db8::1]/{nonce}"))
    assert failure_of(attempt) == ("proxy_handshake", "socks_address_not_supported")


@pytest.mark.parametrize(("user", "password"), [("me\0you", None), ("me", "hunter2")])
async def test_what_the_protocol_cannot_say_is_not_tried(user: str, password: str | None) -> None:
    async with faults.serving(faults.silent) as served:
        option = proxy("socks4a", served.port, user=user, password=password)
        with pytest.raises(CannotTry):
            await try_once(option, context(controls=CONTROL))
        assert served.connections == 0


@pytest.mark.requires("curl")
@pytest.mark.parametrize(("flag", "host"), [("--socks4a", "control.lab.example"), ("--socks4", "127.0.0.1")])
async def test_curl_sends_the_same_bytes(flag: str, host: str) -> None:
    """Another client as the oracle: what curl asks for is what we ask for."""
    asked = bytearray()

    async def listen(link: faults.Link) -> None:
        asked.extend(await link.stream.receive())
        await link.send(b"\0\x5b" + bytes(6))

    async with faults.serving(listen) as served:
        command = ["curl", "-sS", "-m", "5", flag, f"me@127.0.0.1:{served.port}", f"http://{host}:8080/"]
        result = await anyio.run_process(command, check=False)
    assert result.returncode == 97  # CURLE_PROXY
    assert bytes(asked) == encode_socks4a(host, 8080, "me")
