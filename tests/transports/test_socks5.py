"""SOCKS 5: given this proxy, expect this record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from circumvent.model.option import Endpoint
from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry
from circumvent.transport import Carrier, load
from tests.faults import proxy as faults
from tests.transports.proxy_context import by_hand, context, failure_of, proxy, step_of, try_once

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from circumvent.model.record import Attempt
    from tests.lab.pki import Pki

pytestmark = pytest.mark.anyio
QUICK = 0.4  # seconds
CONTROL = by_hand("https://control.lab.example/nonce/{nonce}")


async def attempt_at(
    behaviour: Callable[[faults.Link], Awaitable[None]],
    *,
    user: str | None = None,
    password: str | None = None,
) -> tuple[Attempt, faults.Served]:
    async with faults.serving(behaviour) as served:
        option = proxy("socks5", served.port, user=user, password=password)
        return await try_once(option, context(controls=CONTROL, limit=QUICK)), served


class TestHandshake:
    async def test_names_are_resolved_by_the_proxy(self, pki: Pki) -> None:
        async with faults.control_web(pki.good) as web, faults.serving(faults.socks5()) as served:
            plan = by_hand(f"https://control.lab.example:{web}/nonce/{{nonce}}")
            attempt = await try_once(
                proxy("socks5", served.port), context(controls=plan, ca_file=pki.ca_file)
            )
        assert attempt.proof is Proof.CARRIED
        assert served.asked == [f"control.lab.example:{web}"]
        assert step_of(attempt, "proxy_handshake").detail == {"proxy": "socks5", "method": "none"}

    async def test_addresses_are_sent_as_addresses(self, pki: Pki) -> None:
        async with faults.control_web(pki.good) as web, faults.serving(faults.socks5()) as served:
            plan = by_hand(f"https://127.0.0.1:{web}/nonce/{{nonce}}")
            attempt = await try_once(
                proxy("socks5", served.port), context(controls=plan, ca_file=pki.ca_file)
            )
        assert attempt.proof is Proof.CARRIED
        assert served.asked == [f"127.0.0.1:{web}"]

    async def test_with_the_password(self, pki: Pki) -> None:
        behaviour = faults.socks5(password=("me", "pass:wörd"))
        async with faults.control_web(pki.good) as web, faults.serving(behaviour) as served:
            plan = by_hand(f"https://control.lab.example:{web}/nonce/{{nonce}}")
            option = proxy("socks5", served.port, user="me", password="pass:wörd")
            attempt = await try_once(option, context(controls=plan, ca_file=pki.ca_file))
        assert attempt.proof is Proof.CARRIED
        assert step_of(attempt, "proxy_handshake").detail["method"] == "password"
        assert "wörd" not in repr(attempt) + repr(option)

    async def test_a_user_name_that_does_not_fit_is_not_tried(self) -> None:
        async with faults.serving(faults.silent) as served:
            option = proxy("socks5", served.port, user="u" * 256, password="hunter2")
            with pytest.raises(CannotTry, match="255") as caught:
                await try_once(option, context(controls=CONTROL))
            assert served.connections == 0
        assert caught.value.reason is Reason.UNSUPPORTED


class TestNotWorking:
    async def test_silence(self) -> None:
        attempt, _ = await attempt_at(faults.silent)
        assert attempt.proof is Proof.NONE
        assert failure_of(attempt) == ("proxy_handshake", "generic_timeout_error")

    async def test_nobody_there(self) -> None:
        async with faults.serving(faults.silent) as served:
            port = served.port
        attempt = await try_once(proxy("socks5", port), context(controls=CONTROL, limit=QUICK))
        assert attempt.proof is Proof.NONE
        assert failure_of(attempt) == ("connect", "connection_refused")

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (b"\x04\x00", "does not speak SOCKS5"),
            (b"\xc8\xc9\xca\xcb", "does not speak SOCKS5"),
            (faults.LOGIN_PAGE, "speaks HTTP"),
            (b"\x15\x03\x01\x00\x02\x02\x28", "speaks TLS"),
            (b"\x05\x01", "not offered"),
        ],
    )
    async def test_another_protocol(self, answer: bytes, words: str) -> None:
        attempt, _ = await attempt_at(faults.says(answer))
        assert attempt.proof is Proof.REACHED
        assert failure_of(attempt) == ("proxy_handshake", "proxy_protocol_error")
        assert attempt.failure is not None
        assert words in (attempt.failure.detail or "")

    @pytest.mark.parametrize(
        ("behaviour", "proof"),
        [
            (faults.hangs_up, Proof.NONE),
            (faults.says(b"\x05"), Proof.REACHED),
            (faults.says(b"\x05\x00"), Proof.HANDSHAKEN),
            (faults.says(b"\x05\x00", then=faults.says(b"\x05\x00\x00")), Proof.HANDSHAKEN),
        ],
    )
    async def test_it_hangs_up_in_the_middle(
        self, behaviour: Callable[[faults.Link], Awaitable[None]], proof: Proof
    ) -> None:
        attempt, _ = await attempt_at(behaviour)
        assert attempt.proof is proof
        assert failure_of(attempt) == ("proxy_handshake", "eof_error")

    async def test_half_an_answer_and_silence(self) -> None:
        attempt, _ = await attempt_at(faults.says(b"\x05", then=faults.silent))
        assert attempt.proof is Proof.REACHED
        assert failure_of(attempt) == ("proxy_handshake", "generic_timeout_error")

    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            (1, "socks_general_failure"),
            (2, "socks_connection_not_allowed"),
            (3, "socks_network_unreachable"),
            (4, "socks_host_unreachable"),
            (5, "socks_connection_refused"),
            (6, "socks_ttl_expired"),
            (7, "socks_command_not_supported"),
            (8, "socks_address_not_supported"),
            (0x5B, "proxy_protocol_error"),
        ],
    )
    async def test_each_reply(self, reply: int, error: str) -> None:
        attempt, _ = await attempt_at(faults.socks5(reply=reply))
        assert attempt.proof is Proof.HANDSHAKEN
        assert failure_of(attempt) == ("proxy_handshake", error)
        refusal = step_of(attempt, "proxy_handshake").detail.get("refusal")
        assert refusal == ({"authenticated": False} if reply == 2 else None)


class TestPasswords:
    async def test_one_that_we_lack(self) -> None:
        attempt, _ = await attempt_at(faults.socks5(password=("me", "right")))
        assert attempt.proof is Proof.REACHED
        assert failure_of(attempt) == ("proxy_handshake", "socks_no_acceptable_method")
        assert step_of(attempt, "proxy_handshake").detail["refusal"] == {"authenticated": False}

    async def test_a_wrong_one_is_shown_once(self) -> None:
        plan = by_hand("https://a.lab.example/{nonce}", "https://b.lab.example/{nonce}")
        async with faults.serving(faults.socks5(password=("me", "right"))) as served:
            option = proxy("socks5", served.port, user="me", password="hunter2")
            attempt = await try_once(option, context(controls=plan, limit=QUICK))
        assert attempt.proof is Proof.REACHED
        assert failure_of(attempt) == ("proxy_handshake", "auth_rejected")
        assert step_of(attempt, "proxy_handshake").detail["refusal"] == {"authenticated": False}
        assert served.connections == 1
        assert "hunter2" not in repr(attempt)


class TestChains:
    async def test_socks_in_http_in_socks(self, pki: Pki) -> None:
        async with (
            faults.control_web(pki.good) as web,
            faults.serving(faults.socks5()) as first,
            faults.serving(faults.http_proxy()) as second,
            faults.serving(faults.socks5()) as third,
        ):
            plan = by_hand(
                f"https://control.lab.example:{web}/nonce/{{nonce}}",
                bulk=f"https://control.lab.example:{web}/bytes/{{bytes}}",
            )
            around = context(controls=plan, ca_file=pki.ca_file)
            for kind, served in (("socks5", first), ("http-connect", second)):
                carrier = load(kind)
                assert isinstance(carrier, Carrier)
                around = replace(around, dialer=carrier.dialer(proxy(kind, served.port), around))
            attempt = await try_once(proxy("socks5", third.port), around)
        assert attempt.proof is Proof.SUSTAINED
        assert first.asked[0] == f"127.0.0.1:{second.port}"
        assert second.asked[0] == f"127.0.0.1:{third.port}"
        assert third.asked == [f"control.lab.example:{web}"] * 2
        handshakes = [step.detail["proxy"] for step in attempt.steps if step.name == "proxy_handshake"]
        assert handshakes == ["socks5", "http-connect", "socks5"] * 2

    @pytest.mark.parametrize("carrier_password", [None, ("me", "right")])
    async def test_what_the_carrier_does_proves_nothing(
        self, carrier_password: tuple[str, str] | None
    ) -> None:
        carrier = load("socks5")
        assert isinstance(carrier, Carrier)
        async with faults.serving(faults.socks5(faults.forwards_nothing, password=carrier_password)) as first:
            around = context(controls=CONTROL, limit=QUICK)
            around = replace(around, dialer=carrier.dialer(proxy("socks5", first.port), around))
            attempt = await try_once(proxy("socks5", 9, address="203.0.113.9"), around)
        assert attempt.proof is Proof.NONE
        assert attempt.failure is not None
        assert all("refusal" not in step.detail for step in attempt.steps)


class TestUdp:
    async def test_no_relay_is_a_fact_and_no_failure(self, pki: Pki) -> None:
        async with faults.control_web(pki.good) as web, faults.serving(faults.socks5()) as served:
            plan = by_hand(f"https://control.lab.example:{web}/nonce/{{nonce}}")
            plan = replace(plan, resolver=Endpoint(host="127.0.0.1", port=53))
            attempt = await try_once(
                proxy("socks5", served.port),
                context(controls=plan, ca_file=pki.ca_file, limit=QUICK),
            )
        assert attempt.proof is Proof.CARRIED
        assert attempt.failure is None
        step = step_of(attempt, "udp_associate")
        assert step.failure is None
        assert step.detail["works"] is False

    async def test_not_in_later_tries(self, pki: Pki) -> None:
        async with faults.control_web(pki.good) as web, faults.serving(faults.socks5()) as served:
            plan = by_hand(f"https://control.lab.example:{web}/nonce/{{nonce}}")
            plan = replace(plan, resolver=Endpoint(host="127.0.0.1", port=53))
            attempt = await try_once(
                proxy("socks5", served.port),
                context(goal=Proof.CARRIED, controls=plan, ca_file=pki.ca_file),
            )
        assert attempt.step("udp_associate") is None
