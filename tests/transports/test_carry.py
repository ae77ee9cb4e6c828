"""The proof through any path: given this proxy and this far side, expect this record.

The paths here are SOCKS 5 proxies of the tests' own; each protocol has its own tests beside.
"""

from __future__ import annotations

import random
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from circumvent.control import ControlPlan
from circumvent.model.words import Proof
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import CannotTry
from circumvent.net.verify import TrustStore
from circumvent.transports import sustain
from tests.faults import proxy as faults
from tests.lab.loops import ON_ONE_LOOP
from tests.transports.proxy_context import (
    NoNames,
    built_in,
    by_hand,
    context,
    failure_of,
    proxy,
    step_of,
    try_once,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from circumvent.model.option import Endpoint
    from circumvent.model.record import Attempt
    from circumvent.net.sock import SocketStream
    from circumvent.net.trace import Trace
    from tests.lab.pki import Pki

pytestmark = pytest.mark.anyio
QUICK = 0.4  # seconds: the step limit where silence is expected


class CountingDialer(DirectDialer):
    """Counts the connections that are open."""

    open = 0
    most = 0

    async def stream(self, endpoint: Endpoint, trace: Trace) -> SocketStream:
        stream = await super().stream(endpoint, trace)
        self.open += 1
        self.most = max(self.most, self.open)
        close = stream.close

        def closed() -> None:
            stream.close = close  # type: ignore[method-assign]  # to see when it happens
            self.open -= 1
            close()

        stream.close = closed  # type: ignore[method-assign]  # to see when it happens
        return stream


class World:
    """A control server, in TLS and in clear, and whatever proxies the test adds."""

    def __init__(self, pki: Pki, stack: AsyncExitStack, https: int, http: int) -> None:
        self.pki = pki
        self.stack = stack
        self.https = https
        self.http = http

    def url(self, path: str, host: str = "control") -> str:
        return f"https://{host}.lab.example:{self.https}{path}"

    def clear_url(self, path: str) -> str:
        return f"http://control.lab.example:{self.http}{path}"

    @property
    def bulk(self) -> str:
        return self.url("/bytes/{bytes}")

    async def try_through(
        self, behaviour: Any, plan: ControlPlan, *, goal: Proof = Proof.CARRIED, limit: float | None = None
    ) -> Attempt:
        served = await self.stack.enter_async_context(faults.serving(behaviour))
        return await try_once(
            proxy("socks5", served.port),
            context(goal=goal, limit=limit, controls=plan, ca_file=self.pki.ca_file),
        )


@asynccontextmanager
async def world_of(pki: Pki) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        https = await stack.enter_async_context(faults.control_web(pki.good))
        http = await stack.enter_async_context(faults.control_web(None))
        yield World(pki, stack, https, http)


class TestCarried:
    async def test_a_nonce_comes_back_through_tls(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            plan = by_hand(world.url("/nonce/{nonce}"))
            attempt = await world.try_through(faults.socks5(), plan)
        assert attempt.proof is Proof.CARRIED
        assert attempt.failure is None
        assert attempt.latency_ms is not None
        assert [step.name for step in attempt.steps] == [
            "connect", "proxy_handshake", "control_tls", "control_http", "carry",
        ]  # fmt: skip
        assert step_of(attempt, "carry").detail["controls"] == [
            {"host": "control.lab.example", "operator": "control.lab.example", "ok": True, "status": 200,
             "failure": None},
        ]  # fmt: skip

    async def test_each_kind_of_answer(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            plan = by_hand(
                world.url("/status/204#status=204"),
                world.url("/text#body=the%20control%20of%20the%20laboratory"),
                world.clear_url("/nonce/{nonce}"),
                world.clear_url("/status/204#status=204"),
            )
            attempt = await world.try_through(faults.socks5(), plan)
        assert attempt.proof is Proof.CARRIED
        assert attempt.failure is None
        assert "partly" not in step_of(attempt, "carry").detail

    async def test_a_long_page_is_only_glanced_at(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            attempt = await world.try_through(faults.socks5(), by_hand(world.url("/bytes/5000000")))
        assert attempt.proof is Proof.CARRIED
        assert attempt.bytes_received < 1_000_000

    async def test_nothing_secret_in_the_record(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            plan = by_hand(world.url("/nonce/{nonce}?token=hunter2"))
            attempt = await world.try_through(faults.socks5(), plan)
        assert "hunter2" not in repr(attempt)
        assert "/nonce" not in repr(attempt)


class TestNotCarried:
    """What must never be taken for a path that carries."""

    @pytest.mark.parametrize("path", ["/nonce/{nonce}", "/status/204#status=204"])
    async def test_a_proxy_that_accepts_and_forwards_nothing(self, pki: Pki, path: str) -> None:
        async with world_of(pki) as world:
            attempt = await world.try_through(
                faults.socks5(faults.forwards_nothing), by_hand(world.url(path)), limit=QUICK
            )
        assert attempt.proof is Proof.HANDSHAKEN
        assert failure_of(attempt) == ("carry", "generic_timeout_error")
        assert attempt.latency_ms is None

    @pytest.mark.parametrize(
        "path",
        ["/status/204#status=204", "/nonce/{nonce}", "/text#body=the%20control%20of%20the%20laboratory"],
    )
    async def test_a_portal_behind_the_proxy(self, pki: Pki, path: str) -> None:
        async with world_of(pki) as world:
            portal = await world.stack.enter_async_context(faults.control_web(None, portal=True))
            attempt = await world.try_through(
                faults.socks5(faults.redirects(portal)), by_hand(world.clear_url(path))
            )
        assert attempt.proof is Proof.HANDSHAKEN
        step, error = failure_of(attempt) or ("", "")
        assert step == "carry"
        assert error in {"http_unexpected_status_code", "wrong_answer"}

    async def test_http_without_a_stated_answer_proves_nothing(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            attempt = await world.try_through(faults.socks5(), by_hand(world.clear_url("/text")))
        assert attempt.proof is Proof.HANDSHAKEN
        assert failure_of(attempt) == ("carry", "http_request_failed")
        assert attempt.latency_ms is None

    @pytest.mark.parametrize(
        ("certificate", "error"),
        [
            ("unknown_authority", "ssl_unknown_authority"),
            ("self_signed", "ssl_unknown_authority"),
            ("expired", "ssl_expired"),
            ("wrong_name", "ssl_invalid_hostname"),
        ],
    )
    async def test_a_man_in_the_middle(self, pki: Pki, certificate: str, error: str) -> None:
        credentials = getattr(pki, certificate)
        async with world_of(pki) as world:
            impostor = await world.stack.enter_async_context(faults.control_web(credentials))
            attempt = await world.try_through(
                faults.socks5(faults.redirects(impostor)), by_hand(world.url("/nonce/{nonce}"))
            )
        assert attempt.proof is Proof.HANDSHAKEN
        assert failure_of(attempt) == ("carry", error)

    async def test_an_impostor_who_has_the_option_s_own_authority(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            impostor = await world.stack.enter_async_context(faults.control_web(pki.unknown_authority))
            served = await world.stack.enter_async_context(
                faults.serving(faults.socks5(faults.redirects(impostor)))
            )
            attempt = await try_once(
                proxy("socks5", served.port, ca=pki.stranger.pem),
                context(
                    goal=Proof.CARRIED, controls=by_hand(world.url("/nonce/{nonce}")), ca_file=pki.ca_file
                ),
            )
        assert failure_of(attempt) == ("carry", "ssl_unknown_authority")

    @pytest.mark.parametrize("after", [0, 1500])
    async def test_bytes_that_come_back_changed(self, pki: Pki, after: int) -> None:
        async with world_of(pki) as world:
            attempt = await world.try_through(
                faults.socks5(faults.corrupts(after)), by_hand(world.url("/nonce/{nonce}")), limit=QUICK
            )
        assert attempt.proof is Proof.HANDSHAKEN
        assert failure_of(attempt) is not None

    async def test_a_page_of_the_proxy_s_own_in_the_tunnel(self, pki: Pki) -> None:
        async def page(link: faults.Link, _host: str, _port: int) -> None:
            await link.send(faults.LOGIN_PAGE)
            await faults.silent(link)

        async with world_of(pki) as world:
            attempt = await world.try_through(
                faults.socks5(page), by_hand(world.url("/nonce/{nonce}")), limit=QUICK
            )
            assert attempt.proof is Proof.HANDSHAKEN
            assert failure_of(attempt) == ("carry", "wrong_answer")
            attempt = await world.try_through(
                faults.socks5(page), by_hand(world.clear_url("/nonce/{nonce}")), limit=QUICK
            )
        assert attempt.proof is Proof.HANDSHAKEN
        assert failure_of(attempt) is not None

    async def test_without_a_control_nothing_is_sent(self) -> None:
        async with faults.serving(faults.silent) as served:
            with pytest.raises(CannotTry):
                await try_once(proxy("socks5", served.port), context(controls=ControlPlan()))
            assert served.connections == 0

    async def test_a_provider_that_shuts_the_exit_out_is_a_refusal(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            attempt = await world.try_through(faults.socks5(), by_hand(world.url("/status/451")))
        assert failure_of(attempt) == ("carry", "geo_refused")
        assert step_of(attempt, "carry").detail["refusal"] == {"authenticated": True}


class TestSeveralControls:
    async def test_by_hand_one_right_is_enough_and_the_wrong_one_is_told(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            plan = by_hand(
                world.url("/nonce/{nonce}"), world.url("/text#body=else"), world.url("/status/404")
            )
            attempt = await world.try_through(faults.socks5(), plan)
        assert attempt.proof is Proof.CARRIED
        assert attempt.failure is None
        detail = step_of(attempt, "carry").detail
        assert detail["partly"] == {
            "host": "control.lab.example", "operator": "control.lab.example", "ok": False, "status": 200,
            "failure": "wrong_answer",
        }  # fmt: skip

    async def test_by_hand_none_right(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            plan = by_hand(world.url("/text#body=else"), world.url("/status/404"))
            attempt = await world.try_through(faults.socks5(), plan)
        assert attempt.proof is Proof.HANDSHAKEN
        assert failure_of(attempt) == ("carry", "wrong_answer")

    async def test_never_more_than_two_connections_at_once(self, pki: Pki) -> None:
        dialer = CountingDialer(NoNames(), policy=Policy(allow_private=True))
        async with world_of(pki) as world:
            served = await world.stack.enter_async_context(faults.serving(faults.socks5()))
            plan = by_hand(*[world.url("/nonce/{nonce}")] * 6)
            around = context(goal=Proof.CARRIED, controls=plan, ca_file=pki.ca_file, dialer=dialer)
            attempt = await try_once(proxy("socks5", served.port), around)
        assert attempt.proof is Proof.CARRIED
        assert (dialer.most, dialer.open) == (2, 0)

    async def test_built_in_two_at_once(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            urls = [world.url("/nonce/{nonce}", host) for host in ("a", "b", "c")]
            attempt = await world.try_through(faults.socks5(), built_in(*urls, random=random.Random(1)))
        assert attempt.proof is Proof.CARRIED
        controls = step_of(attempt, "carry").detail["controls"]
        assert isinstance(controls, list)
        assert len(controls) == 2

    async def test_built_in_a_third_stands_in_for_one_that_is_dead(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            plan = ControlPlan(
                at_once=by_hand(world.url("/nonce/{nonce}"), world.url("/status/500")).at_once,
                spare=by_hand(world.url("/status/204#status=204")).at_once[0],
            )
            attempt = await world.try_through(faults.socks5(), plan)
        assert attempt.proof is Proof.CARRIED
        assert attempt.failure is None
        controls = step_of(attempt, "carry").detail["controls"]
        assert isinstance(controls, list)
        assert [control["ok"] for control in controls if isinstance(control, dict)] == [True, False, True]

    async def test_built_in_one_right_of_three_is_not_enough(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            plan = ControlPlan(
                at_once=by_hand(world.url("/nonce/{nonce}"), world.url("/status/500")).at_once,
                spare=by_hand(world.url("/status/404")).at_once[0],
            )
            attempt = await world.try_through(faults.socks5(), plan)
        assert attempt.proof is Proof.HANDSHAKEN
        assert failure_of(attempt) == ("carry", "http_unexpected_status_code")

    async def test_built_in_both_wrong_needs_no_third(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            plan = ControlPlan(
                at_once=by_hand(world.url("/status/404"), world.url("/status/500")).at_once,
                spare=by_hand(world.url("/nonce/{nonce}")).at_once[0],
            )
            attempt = await world.try_through(faults.socks5(), plan)
        assert attempt.proof is Proof.HANDSHAKEN
        controls = step_of(attempt, "carry").detail["controls"]
        assert isinstance(controls, list)
        assert len(controls) == 2


class TestCancelled:
    """The deadline may fall anywhere; it says nothing about the network and leaves nothing open."""

    @pytest.mark.parametrize("behaviour", [faults.silent, faults.socks5(faults.forwards_nothing)])
    async def test_nothing_is_left_open(self, pki: Pki, behaviour: Any) -> None:
        dialer = CountingDialer(NoNames(), policy=Policy(allow_private=True))
        async with world_of(pki) as world:
            served = await world.stack.enter_async_context(faults.serving(behaviour))
            plan = by_hand(*[world.url("/nonce/{nonce}")] * 3)
            around = context(controls=plan, ca_file=pki.ca_file, dialer=dialer)
            with anyio.move_on_after(0.2) as deadline:
                await try_once(proxy("socks5", served.port), around)
        assert deadline.cancelled_caught
        assert (dialer.most, dialer.open) == (2, 0)
        assert around.trace.failure is None

    async def test_in_the_middle_of_the_bulk(self, pki: Pki) -> None:
        dialer = CountingDialer(NoNames(), policy=Policy(allow_private=True))
        async with world_of(pki) as world:
            served = await world.stack.enter_async_context(
                faults.serving(faults.socks5(faults.cuts_after(30_000)))
            )
            plan = by_hand(world.url("/nonce/{nonce}"), bulk=world.bulk)
            around = context(controls=plan, ca_file=pki.ca_file, dialer=dialer)
            with anyio.move_on_after(0.5) as deadline:
                await try_once(proxy("socks5", served.port), around)
        assert deadline.cancelled_caught
        assert dialer.open == 0
        assert around.trace.attempt().proof is Proof.CARRIED
        assert around.trace.failure is None
        assert around.trace.cut_bytes is None


class TestSustained:
    async def test_both_ways_in_one_connection(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            plan = by_hand(world.url("/nonce/{nonce}"), bulk=world.bulk)
            attempt = await world.try_through(faults.socks5(), plan, goal=Proof.SUSTAINED)
        assert attempt.proof is Proof.SUSTAINED
        assert attempt.failure is None
        assert step_of(attempt, "sustain_down").detail["bytes"] == 65536
        sent = step_of(attempt, "sustain_up").detail["bytes"]
        assert isinstance(sent, int)
        assert sent > 16384
        assert attempt.down_kbps is not None
        assert attempt.up_kbps is not None
        assert 0 < attempt.down_kbps <= 65536 * 8 / 5
        assert [step.name for step in attempt.steps].count("connect") == 2  # the control's, the bulk's

    async def test_not_past_the_goal(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            plan = by_hand(world.url("/nonce/{nonce}"), bulk=world.bulk)
            attempt = await world.try_through(faults.socks5(), plan)
        assert attempt.proof is Proof.CARRIED
        assert attempt.step("sustain_down") is None

    @pytest.mark.parametrize(("reset", "cut"), [(False, 30_000), (True, 30_000), (False, 12_000)])
    async def test_a_flow_that_is_cut(self, pki: Pki, reset: bool, cut: int) -> None:
        async with world_of(pki) as world:
            plan = by_hand(world.url("/nonce/{nonce}"), bulk=world.bulk)
            attempt = await world.try_through(
                faults.socks5(faults.cuts_after(cut, reset=reset)), plan, goal=Proof.SUSTAINED, limit=QUICK
            )
        assert attempt.proof is Proof.CARRIED
        assert failure_of(attempt) == ("sustain_down", "truncated_after_n_bytes")
        assert attempt.cut_bytes == cut

    async def test_an_upload_that_is_cut(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            plan = by_hand(world.url("/nonce/{nonce}"), bulk=world.bulk)
            attempt = await world.try_through(
                faults.socks5(faults.cuts_up_after(9000)), plan, goal=Proof.SUSTAINED, limit=QUICK
            )
        assert attempt.proof is Proof.CARRIED
        assert failure_of(attempt) == ("sustain_up", "truncated_after_n_bytes")
        assert attempt.down_kbps is not None
        assert attempt.up_kbps is None
        assert attempt.cut_bytes is not None
        assert attempt.cut_bytes > 65536  # what had come down: it was the other direction that stood still

    async def test_a_flow_that_is_only_slow_is_not_cut(
        self, pki: Pki, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sustain, "LONGEST", 0.5)
        async with world_of(pki) as world:
            plan = by_hand(world.url("/nonce/{nonce}"), bulk=world.clear_url("/bytes/{bytes}"))
            attempt = await world.try_through(
                faults.socks5(faults.trickles(4000)), plan, goal=Proof.SUSTAINED
            )
        assert attempt.proof is Proof.CARRIED
        assert failure_of(attempt) == ("sustain_down", "generic_timeout_error")
        assert attempt.cut_bytes is None
        assert attempt.down_kbps is not None
        assert 10 < attempt.down_kbps < 2000

    @ON_ONE_LOOP
    async def test_a_bulk_server_that_is_no_more(self, pki: Pki) -> None:
        async with world_of(pki) as world:
            for bulk in (
                f"https://control.lab.example:{world.http}/{{bytes}}",  # no TLS there
                world.url("/missing/{bytes}"),
                world.url("/nonce/{bytes}"),
            ):
                plan = by_hand(world.url("/nonce/{nonce}"), bulk=bulk)
                attempt = await world.try_through(faults.socks5(), plan, goal=Proof.SUSTAINED)
                assert attempt.proof is Proof.CARRIED
                assert attempt.failure is None
                assert attempt.cut_bytes is None
                assert attempt.down_kbps is None
                assert step_of(attempt, "sustain_down").detail["unavailable"]

    async def test_a_proxy_that_refuses_the_bulk_server_has_still_carried(self, pki: Pki) -> None:
        served_before = 0

        async def once(link: faults.Link) -> None:
            nonlocal served_before
            served_before += 1
            await faults.socks5(reply=0 if served_before == 1 else 4)(link)

        async with world_of(pki) as world:
            plan = by_hand(world.url("/nonce/{nonce}"), bulk=world.bulk)
            attempt = await world.try_through(once, plan, goal=Proof.SUSTAINED)
        assert attempt.proof is Proof.CARRIED
        assert attempt.failure is None
        assert step_of(attempt, "sustain_down").detail["unavailable"] == "socks_host_unreachable"

    async def test_a_server_that_closes_after_each_answer_cannot_take_the_upload(self, pki: Pki) -> None:
        async def closes(link: faults.Link, _host: str, _port: int) -> None:
            await link.head()
            body = bytes(65536)
            await link.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 65536\r\n\r\n" + body)

        behaviours = iter([faults.forwards, closes])

        async def tunnel(link: faults.Link, host: str, port: int) -> None:
            await next(behaviours)(link, host, port)

        async with world_of(pki) as world:
            plan = by_hand(world.url("/nonce/{nonce}"), bulk=world.clear_url("/bytes/{bytes}"))
            attempt = await world.try_through(faults.socks5(tunnel), plan, goal=Proof.SUSTAINED)
        assert attempt.proof is Proof.CARRIED
        assert attempt.failure is None
        assert attempt.down_kbps is not None
        assert step_of(attempt, "sustain_up").detail["unavailable"] == "the server closed the connection"


def test_the_mozilla_roots_do_not_know_the_laboratory(pki: Pki) -> None:
    assert not TrustStore.mozilla().trusts([pki.good.der])
