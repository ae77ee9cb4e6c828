"""A pause on an open connection: given this proxy and this far side, expect this record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from circumvent.model.words import Proof
from tests.faults import proxy as faults
from tests.transports.proxy_context import by_hand, context, failure_of, proxy, step_of, try_once

if TYPE_CHECKING:
    from circumvent.model.record import Attempt
    from tests.lab.pki import Pki

pytestmark = pytest.mark.anyio
PAUSE = 0.05  # seconds


def second_forgets() -> Any:
    """A proxy that ends its second connection when the first answer went through it."""
    connections = 0

    async def tunnel(link: faults.Link, host: str, port: int) -> None:
        nonlocal connections
        connections += 1
        answered = False

        def look(data: bytes) -> bytes:
            nonlocal answered
            answered = data.endswith(b"\r\n\r\n")
            return data

        rests = connections == 2
        await faults.relay(link, host, port, down=look, until=(lambda: answered) if rests else None)

    return faults.socks5(tunnel)


async def tried(behaviour: Any, pki: Pki, path: str = "/nonce/{nonce}", *, scheme: str = "https") -> Attempt:
    credentials = pki.good if scheme == "https" else None
    async with faults.control_web(credentials) as port, faults.serving(behaviour) as served:
        plan = by_hand(f"{scheme}://control.lab.example:{port}{path}")
        given = context(goal=Proof.CARRIED, controls=plan, ca_file=pki.ca_file, idle=PAUSE)
        return await try_once(proxy("socks5", served.port), given)


async def test_the_same_connection_serves_after_the_pause(pki: Pki) -> None:
    attempt = await tried(faults.socks5(), pki)
    assert (attempt.proof, attempt.failure) == (Proof.CARRIED, None)
    step = step_of(attempt, "idle")
    assert step.detail == {"seconds": PAUSE}
    assert step.t - step.t0 >= PAUSE
    assert sum(one.name == "connect" for one in attempt.steps) == 2  # the control's, and the one that rests


async def test_a_path_that_forgets_what_is_idle_has_carried_all_the_same(pki: Pki) -> None:
    attempt = await tried(second_forgets(), pki, "/status/204#status=204", scheme="http")
    assert attempt.proof is Proof.CARRIED
    step, error = failure_of(attempt) or ("", "")
    assert step == "idle"
    assert error in {"eof_error", "connection_reset"}


async def test_a_long_page_leaves_no_connection_to_wait_on(pki: Pki) -> None:
    attempt = await tried(faults.socks5(), pki, "/bytes/200000")
    assert attempt.failure is None
    assert "unavailable" in step_of(attempt, "idle").detail
