"""Where a dish is looked for and where never; who is taken for one; how long it takes when there is none."""

from __future__ import annotations

import time

import pytest

from circumvent.net.interfaces import Route
from circumvent.satellite.find import FIXED, Candidate, find_terminals, surroundings
from tests.faults import dish as faults
from tests.faults import tcp
from tests.faults.dish import STATES, Dish, serving

HERE = Candidate("127.0.0.1")
#: Wanted: 2 s when there is no terminal. The bound is three times as generous, for a busy machine.
WITHOUT = 6.0


def route(interface: str, gateway: str | None) -> Route:
    return Route(interface=interface, gateway=gateway, metric=0)


class TestWhereToLook:
    def test_the_private_gateway_and_the_fixed_address_behind_it(self) -> None:
        seen = surroundings(
            [route("wlan0", "192.168.1.1")], {"wlan0": ["192.168.1.20"], "lo": ["127.0.0.1"]}, ()
        )
        assert seen.candidates == (Candidate("192.168.1.1", "wlan0"), Candidate(FIXED, "wlan0"))
        assert seen.networks == ("wlan0",)
        assert not seen.carrier

    def test_the_fixed_address_on_the_interfaces_own_link(self) -> None:
        seen = surroundings([], {"eth0": ["192.168.100.20"], "eth1": ["10.0.0.3"]}, ())
        assert seen.candidates == (Candidate(FIXED, "eth0"),)

    @pytest.mark.parametrize("gateway", ["203.0.113.1", "100.64.0.1", "169.254.0.1", "fe80::1", None])
    def test_gateways_that_are_no_home_routers_are_not_asked(self, gateway: str | None) -> None:
        seen = surroundings([route("eth0", gateway)], {"eth0": ["203.0.113.9"]}, ())
        assert {one.address for one in seen.candidates} <= {FIXED}

    def test_a_carriers_address_is_a_hint_and_no_range(self) -> None:
        seen = surroundings([route("eth0", "100.64.0.1")], {"eth0": ["100.70.3.4"]}, ())
        assert seen.carrier
        assert {one.address for one in seen.candidates} == {FIXED}

    def test_behind_a_vpn_nothing_is_looked_for(self) -> None:
        seen = surroundings(
            [route("tun0", "10.8.0.1"), route("eth0", "192.168.0.1")],
            {"tun0": ["10.8.0.2"], "eth0": ["192.168.0.2"]},
            {"tun0"},
        )
        assert {one.interface for one in seen.candidates} == {"eth0"}

    def test_this_device_is_not_asked(self) -> None:
        seen = surroundings([route("eth0", "192.168.0.1")], {"eth0": [FIXED, "192.168.0.1"]}, ())
        assert seen.candidates == ()

    def test_many_networks_are_no_licence_for_a_scan(self) -> None:
        names = [f"eth{number}" for number in range(50)]
        seen = surroundings(
            [route(name, "10.0.0.1") for name in names], {name: ["10.0.0.2"] for name in names}, ()
        )
        assert len(seen.candidates) == 8


@pytest.mark.anyio
class TestWhoIsOne:
    async def test_a_dish(self) -> None:
        async with serving(Dish()) as dish:
            (found,) = await find_terminals([HERE])
        assert (found.address, found.interface) == ("127.0.0.1", None)
        assert found.milliseconds > 0
        assert found.status.gps_valid
        assert found.history is not None
        assert set(dish.asked) == {"get_status", "get_history"}

    async def test_a_dish_that_answers_by_grpc_web_alone(self) -> None:
        async with serving(Dish(STATES["stowed"], web=True)):
            (found,) = await find_terminals([HERE])
        assert found.status.stowed

    async def test_a_cable_modem_is_none(self) -> None:
        with (
            tcp.serve(tcp.login_page, port=faults.GRPC_PORT),
            tcp.serve(tcp.login_page, port=faults.WEB_PORT),
        ):
            assert await find_terminals([HERE]) == ()

    async def test_nobody_is_soon_known(self) -> None:
        began = time.monotonic()
        assert await find_terminals([HERE]) == ()
        assert time.monotonic() - began < WITHOUT

    async def test_silence_is_not_waited_for(self) -> None:
        began = time.monotonic()
        with tcp.serve(tcp.stall, port=faults.GRPC_PORT), tcp.serve(tcp.stall, port=faults.WEB_PORT):
            assert await find_terminals([HERE]) == ()
        assert time.monotonic() - began < WITHOUT

    async def test_nowhere_to_look(self) -> None:
        assert await find_terminals([]) == ()
