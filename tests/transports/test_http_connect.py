"""HTTP proxies: given this proxy, expect this record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.model.option import Endpoint
from circumvent.model.words import Proof
from circumvent.net.connect import LONGEST_HEAD, basic
from circumvent.net.errors import CannotTry
from circumvent.transport import Carrier, load
from tests.faults import proxy as faults
from tests.transports.proxy_context import by_hand, context, failure_of, proxy, step_of, try_once

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from circumvent.model.record import Attempt
    from tests.lab.pki import Credentials, Pki

pytestmark = pytest.mark.anyio
QUICK = 0.4  # seconds
CONTROL = by_hand("https://control.lab.example/nonce/{nonce}")
AUTHORIZATION = basic("me", "right")


async def attempt_at(
    behaviour: Callable[[faults.Link], Awaitable[None]], *, limit: float | None = QUICK, **option: Any
) -> Attempt:
    async with faults.serving(behaviour) as served:
        return await try_once(
            proxy("http-connect", served.port, **option), context(controls=CONTROL, limit=limit)
        )


class TestCarried:
    @pytest.mark.parametrize(
        "answer", [b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"]
    )
    async def test_up_to_sustained(self, pki: Pki, answer: bytes) -> None:
        async with (
            faults.control_web(pki.good) as web,
            faults.serving(faults.http_proxy(answer=answer)) as served,
        ):
            plan = by_hand(
                f"https://control.lab.example:{web}/nonce/{{nonce}}",
                bulk=f"https://control.lab.example:{web}/bytes/{{bytes}}",
            )
            attempt = await try_once(
                proxy("http-connect", served.port), context(controls=plan, ca_file=pki.ca_file)
            )
        assert attempt.proof is Proof.SUSTAINED
        assert attempt.failure is None
        assert served.asked == [f"control.lab.example:{web}"] * 2

    async def test_inside_tls_with_basic(self, pki: Pki) -> None:
        behaviour = faults.http_proxy(authorization=AUTHORIZATION)
        async with (
            faults.control_web(pki.good) as web,
            faults.serving(behaviour, tls=faults.server_context(pki.good)) as served,
        ):
            plan = by_hand(f"https://control.lab.example:{web}/nonce/{{nonce}}")
            option = proxy("http-connect", served.port, tls=True, user="me", password="right")
            attempt = await try_once(option, context(controls=plan, ca_file=pki.ca_file))
        assert attempt.proof is Proof.CARRIED
        assert [step.name for step in attempt.steps] == [
            "connect", "tls_handshake", "proxy_handshake", "control_tls", "control_http", "carry",
        ]  # fmt: skip
        assert attempt.fidelity.tls == "openssl"
        assert AUTHORIZATION not in repr(attempt)

    async def test_a_tunnel_that_begins_with_bytes_of_the_far_side(self, pki: Pki) -> None:
        """RFC 9110: whatever follows the head of a 2xx answer belongs to the tunnel."""
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
        async with (
            faults.control_web(pki.good) as web,
            faults.serving(faults.http_proxy(answer=answer)) as served,
        ):
            plan = by_hand(f"https://control.lab.example:{web}/nonce/{{nonce}}")
            attempt = await try_once(
                proxy("http-connect", served.port),
                context(goal=Proof.CARRIED, controls=plan, ca_file=pki.ca_file),
            )
        assert attempt.proof is Proof.CARRIED


class TestRefused:
    async def test_a_password_that_we_lack(self) -> None:
        attempt = await attempt_at(faults.http_proxy(authorization=AUTHORIZATION))
        assert attempt.proof is Proof.REACHED
        assert failure_of(attempt) == ("proxy_handshake", "auth_rejected")
        assert attempt.failure is not None
        assert attempt.failure.detail == "it asks for a password (Basic)"
        assert step_of(attempt, "proxy_handshake").detail["refusal"] == {"authenticated": False}

    async def test_a_wrong_password_is_shown_once(self) -> None:
        plan = by_hand("https://a.lab.example/{nonce}", "https://b.lab.example/{nonce}")
        async with faults.serving(faults.http_proxy(authorization=AUTHORIZATION)) as served:
            option = proxy("http-connect", served.port, user="me", password="hunter2")
            attempt = await try_once(option, context(controls=plan, limit=QUICK))
        assert failure_of(attempt) == ("proxy_handshake", "auth_rejected")
        assert served.connections == 1
        assert "hunter2" not in repr(attempt)

    async def test_inside_verified_tls_the_refusal_is_authenticated(self, pki: Pki) -> None:
        behaviour = faults.http_proxy(authorization=AUTHORIZATION)
        async with faults.serving(behaviour, tls=faults.server_context(pki.good)) as served:
            attempt = await try_once(
                proxy("http-connect", served.port, tls=True),
                context(controls=CONTROL, ca_file=pki.ca_file),
            )
        assert failure_of(attempt) == ("proxy_handshake", "auth_rejected")
        assert step_of(attempt, "proxy_handshake").detail["refusal"] == {"authenticated": True}

    @pytest.mark.parametrize(
        ("status", "error"),
        [(403, "http_unexpected_status_code"), (405, "http_unexpected_status_code"), (502, "origin_down")],
    )
    async def test_other_answers_are_no_refusal(self, status: int, error: str) -> None:
        attempt = await attempt_at(faults.says(b"HTTP/1.1 %d No\r\n\r\n" % status))
        assert attempt.proof is Proof.REACHED
        assert failure_of(attempt) == ("proxy_handshake", error)
        assert "refusal" not in step_of(attempt, "proxy_handshake").detail


class TestNotWorking:
    @pytest.mark.parametrize(
        ("behaviour", "proof", "error"),
        [
            (faults.silent, Proof.NONE, "generic_timeout_error"),
            (faults.hangs_up, Proof.NONE, "eof_error"),
            (faults.says(b"HTTP/1.1 200 OK\r\n"), Proof.REACHED, "eof_error"),
            (faults.says(b"HTTP/1.1 2", then=faults.silent), Proof.REACHED, "generic_timeout_error"),
            (faults.drips(b"HTTP/1.1 200 OK\r\nA: "), Proof.REACHED, "generic_timeout_error"),
            (faults.says(b"HTTP/1.1 200 OK\r\nA: " + b"x" * LONGEST_HEAD, then=faults.silent), Proof.REACHED,
             "proxy_protocol_error"),
            (faults.says(b"\xc8\xc9\xca\xcb"), Proof.REACHED, "proxy_protocol_error"),
            (faults.says(b"\x05\xff"), Proof.REACHED, "proxy_protocol_error"),
        ],
    )  # fmt: skip
    async def test_what_is_no_proxy(
        self, behaviour: Callable[[faults.Link], Awaitable[None]], proof: Proof, error: str
    ) -> None:
        attempt = await attempt_at(behaviour)
        assert attempt.proof is proof
        assert failure_of(attempt) == ("proxy_handshake", error)

    async def test_a_web_server_that_answers_200_to_anything(self) -> None:
        attempt = await attempt_at(faults.says(faults.LOGIN_PAGE, then=faults.silent))
        assert attempt.proof is Proof.REACHED
        assert failure_of(attempt) == ("carry", "wrong_answer")
        assert step_of(attempt, "proxy_handshake").detail["page"] is True

    async def test_accepting_and_forwarding_nothing_is_not_carrying(self) -> None:
        attempt = await attempt_at(faults.http_proxy(faults.forwards_nothing))
        assert attempt.proof is Proof.HANDSHAKEN
        assert failure_of(attempt) == ("carry", "generic_timeout_error")

    @pytest.mark.parametrize(
        ("certificate", "error"),
        [("unknown_authority", "ssl_unknown_authority"), ("wrong_name", "ssl_invalid_hostname")],
    )
    async def test_the_proxy_s_own_certificate(self, pki: Pki, certificate: str, error: str) -> None:
        credentials: Credentials = getattr(pki, certificate)
        behaviour = faults.http_proxy()
        async with faults.serving(behaviour, tls=faults.server_context(credentials)) as served:
            attempt = await try_once(
                proxy("http-connect", served.port, tls=True),
                context(controls=CONTROL, ca_file=pki.ca_file, limit=QUICK),
            )
        assert failure_of(attempt) == ("tls_handshake", error)
        assert served.asked == []

    async def test_an_authority_of_the_option_s_own(self, pki: Pki) -> None:
        async with (
            faults.control_web(pki.good) as web,
            faults.serving(faults.http_proxy(), tls=faults.server_context(pki.unknown_authority)) as served,
        ):
            plan = by_hand(f"https://control.lab.example:{web}/nonce/{{nonce}}")
            place = Endpoint(host="localhost", port=served.port, addresses=("127.0.0.1",))
            option = proxy("http-connect", served.port, tls=True, ca=pki.stranger.pem, endpoint=place)
            attempt = await try_once(option, context(controls=plan, ca_file=pki.ca_file))
        assert attempt.proof is Proof.CARRIED


async def test_as_a_carrier_it_proves_nothing(pki: Pki) -> None:
    carrier = load("http-connect")
    assert isinstance(carrier, Carrier)
    behaviour = faults.http_proxy(faults.forwards_nothing)
    async with faults.serving(behaviour, tls=faults.server_context(pki.good)) as served:
        around = context(controls=CONTROL, ca_file=pki.ca_file, limit=QUICK)
        around = replace(around, dialer=carrier.dialer(proxy("http-connect", served.port, tls=True), around))
        attempt = await try_once(proxy("socks5", 9, address="203.0.113.9"), around)
    assert attempt.proof is Proof.NONE
    assert failure_of(attempt) == ("proxy_handshake", "generic_timeout_error")


@pytest.mark.parametrize("option", [{"user": "a:b", "password": "hunter2"}, {"tls": True, "ca": "no PEM"}])
async def test_what_cannot_be_said_is_not_tried(option: dict[str, Any]) -> None:
    async with faults.serving(faults.silent) as served:
        with pytest.raises(CannotTry) as caught:
            await try_once(proxy("http-connect", served.port, **option), context(controls=CONTROL))
        assert served.connections == 0
    assert "hunter2" not in str(caught.value)
