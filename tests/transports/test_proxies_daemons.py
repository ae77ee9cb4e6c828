"""Real proxies: dante, microsocks, tinyproxy, squid, with the control servers of the laboratory behind them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.model.option import Endpoint
from circumvent.model.words import Proof
from circumvent.transport import Carrier, load
from tests.lab.daemon import Daemon
from tests.transports.proxy_context import by_hand, context, failure_of, proxy, step_of, try_once

if TYPE_CHECKING:
    from circumvent.control import ControlPlan
    from circumvent.model.option import Option
    from circumvent.model.record import Attempt
    from tests.lab.names import Resolver
    from tests.lab.proxies import Proxy
    from tests.lab.web import Web

pytestmark = [pytest.mark.anyio, pytest.mark.daemons]


@pytest.fixture
def plan(control_web: Web, control_web_2: Web) -> ControlPlan:
    """Two controls, by name, and a bulk resource."""
    return by_hand(control_web.nonce_url, control_web_2.status_url, bulk=control_web.bulk_url)


def option_of(kind: str, server: Proxy, **more: Any) -> Option:
    parts: dict[str, Any] = {"user": server.user, "password": server.password} | more
    return proxy(kind, server.port, address=server.address, **parts)


async def sustained(option: Option, plan: ControlPlan, web: Web) -> Attempt:
    attempt = await try_once(option, context(controls=plan, ca_file=web.ca_file))
    assert attempt.failure is None
    assert attempt.proof is Proof.SUSTAINED
    assert attempt.down_kbps is not None
    assert attempt.up_kbps is not None
    assert attempt.latency_ms is not None
    controls = step_of(attempt, "carry").detail["controls"]
    assert isinstance(controls, list)
    assert all(isinstance(control, dict) and control["ok"] for control in controls)
    return attempt


@pytest.mark.requires("danted")
class TestDante:
    async def test_socks5_and_its_udp_relay(
        self, danted: Proxy, control_web: Web, unbound: Resolver, plan: ControlPlan
    ) -> None:
        plan = replace(plan, resolver=Endpoint(host=unbound.address, port=53))
        attempt = await sustained(option_of("socks5", danted), plan, control_web)
        detail = step_of(attempt, "udp_associate").detail
        assert detail == {"works": True, "rcode": "NXDOMAIN"}

    async def test_socks4a_with_a_name(self, danted: Proxy, control_web: Web, plan: ControlPlan) -> None:
        """dante 1.4.2 answers 91 here to curl as well; it must be called what it is, and nothing worse."""
        attempt = await try_once(
            option_of("socks4a", danted), context(controls=plan, ca_file=control_web.ca_file)
        )
        assert attempt.proof is Proof.REACHED
        assert failure_of(attempt) == ("proxy_handshake", "socks_general_failure")

    async def test_socks4a_with_an_address(self, danted: Proxy, control_web: Web) -> None:
        place = f"https://{control_web.address}"
        plan = by_hand(f"{place}/nonce/{{nonce}}", bulk=f"{place}/bytes/{{bytes}}")
        await sustained(option_of("socks4a", danted), plan, control_web)

    async def test_a_name_that_does_not_exist(self, danted: Proxy, control_web: Web) -> None:
        plan = by_hand("https://missing.lab.example/{nonce}")
        attempt = await try_once(
            option_of("socks5", danted), context(controls=plan, ca_file=control_web.ca_file)
        )
        assert attempt.proof is Proof.HANDSHAKEN
        step, error = failure_of(attempt) or ("", "")
        assert step == "proxy_handshake"
        assert error.startswith("socks_")

    async def test_a_proxy_that_stands_still(
        self, danted: Proxy, control_web: Web, plan: ControlPlan
    ) -> None:
        assert isinstance(danted.daemon, Daemon)
        danted.daemon.pause()
        try:
            attempt = await try_once(
                option_of("socks5", danted), context(controls=plan, ca_file=control_web.ca_file, limit=0.5)
            )
        finally:
            danted.daemon.resume()
        assert attempt.proof is Proof.NONE
        assert failure_of(attempt) == ("proxy_handshake", "generic_timeout_error")


@pytest.mark.requires("microsocks")
class TestMicrosocks:
    async def test_without_a_password(self, microsocks: Proxy, control_web: Web, plan: ControlPlan) -> None:
        await sustained(option_of("socks5", microsocks), plan, control_web)

    async def test_no_udp_relay(
        self, microsocks: Proxy, control_web: Web, unbound: Resolver, plan: ControlPlan
    ) -> None:
        plan = replace(plan, resolver=Endpoint(host=unbound.address, port=53))
        attempt = await sustained(option_of("socks5", microsocks), plan, control_web)
        assert step_of(attempt, "udp_associate").detail == {
            "works": False,
            "error": "socks_command_not_supported",
        }

    async def test_with_the_password(
        self, microsocks_password: Proxy, control_web: Web, plan: ControlPlan
    ) -> None:
        attempt = await sustained(option_of("socks5", microsocks_password), plan, control_web)
        assert step_of(attempt, "proxy_handshake").detail["method"] == "password"

    async def test_with_a_wrong_password(
        self, microsocks_password: Proxy, control_web: Web, plan: ControlPlan
    ) -> None:
        option = option_of("socks5", microsocks_password, password="wrong")
        attempt = await try_once(option, context(controls=plan, ca_file=control_web.ca_file))
        assert failure_of(attempt) == ("proxy_handshake", "auth_rejected")

    async def test_with_no_password(
        self, microsocks_password: Proxy, control_web: Web, plan: ControlPlan
    ) -> None:
        option = option_of("socks5", microsocks_password, user=None, password=None)
        attempt = await try_once(option, context(controls=plan, ca_file=control_web.ca_file))
        assert failure_of(attempt) == ("proxy_handshake", "socks_no_acceptable_method")


@pytest.mark.requires("tinyproxy")
class TestTinyproxy:
    async def test_without_a_password(self, tinyproxy: Proxy, control_web: Web, plan: ControlPlan) -> None:
        await sustained(option_of("http-connect", tinyproxy), plan, control_web)

    async def test_with_basic(self, tinyproxy_password: Proxy, control_web: Web, plan: ControlPlan) -> None:
        await sustained(option_of("http-connect", tinyproxy_password), plan, control_web)

    @pytest.mark.parametrize("password", ["wrong", None])
    async def test_without_the_right_password(
        self, tinyproxy_password: Proxy, control_web: Web, plan: ControlPlan, password: str | None
    ) -> None:
        option = option_of(
            "http-connect", tinyproxy_password, user=None if password is None else "lab", password=password
        )
        attempt = await try_once(option, context(controls=plan, ca_file=control_web.ca_file))
        assert failure_of(attempt) in (
            ("proxy_handshake", "auth_rejected"),
            ("proxy_handshake", "http_unexpected_status_code"),
        )

    async def test_a_port_that_it_does_not_allow(self, tinyproxy: Proxy, control_web: Web) -> None:
        plan = by_hand(f"https://{control_web.name}:8443/nonce/{{nonce}}")
        attempt = await try_once(
            option_of("http-connect", tinyproxy), context(controls=plan, ca_file=control_web.ca_file)
        )
        assert failure_of(attempt) == ("proxy_handshake", "http_unexpected_status_code")


@pytest.mark.requires("squid")
class TestSquid:
    async def test_in_clear(self, squid: Proxy, control_web: Web, plan: ControlPlan) -> None:
        await sustained(option_of("http-connect", squid), plan, control_web)

    async def test_over_tls(self, squid: Proxy, control_web: Web, plan: ControlPlan) -> None:
        assert squid.tls_port is not None
        place = Endpoint(host=squid.name, port=squid.tls_port, addresses=(squid.address,))
        option = option_of("http-connect", squid, tls=True, endpoint=place)
        attempt = await sustained(option, plan, control_web)
        assert attempt.step("tls_handshake") is not None

    async def test_a_dead_control(self, squid: Proxy, control_web: Web) -> None:
        plan = by_hand("https://missing.lab.example/{nonce}")
        attempt = await try_once(
            option_of("http-connect", squid), context(controls=plan, ca_file=control_web.ca_file)
        )
        assert attempt.proof is Proof.REACHED
        assert failure_of(attempt) == ("proxy_handshake", "http_unexpected_status_code")


@pytest.mark.requires("danted", "squid", "microsocks")
async def test_a_chain_of_three(
    danted: Proxy, squid: Proxy, microsocks: Proxy, control_web: Web, plan: ControlPlan
) -> None:
    around = context(controls=plan, ca_file=control_web.ca_file)
    for kind, server in (("socks5", microsocks), ("socks4a", danted)):
        carrier = load(kind)
        assert isinstance(carrier, Carrier)
        around = replace(around, dialer=carrier.dialer(option_of(kind, server), around))
    assert squid.tls_port is not None
    place = Endpoint(host=squid.name, port=squid.tls_port, addresses=(squid.address,))
    attempt = await try_once(option_of("http-connect", squid, tls=True, endpoint=place), around)
    assert attempt.failure is None
    assert attempt.proof is Proof.SUSTAINED
