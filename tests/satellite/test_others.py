"""Which terminals that are no dishes are found where, and how soon it is known that there is none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from circumvent.net.interfaces import Route
from circumvent.satellite.find import Candidate, Surroundings, surroundings
from circumvent.satellite.others import find_others, look_around
from tests.faults import tcp
from tests.faults.dish import Dish, serving
from tests.faults.terminals import Front, certificate, serving_page, serving_router
from tests.lab.loops import ON_ONE_LOOP

if TYPE_CHECKING:
    from pathlib import Path

HERE = Candidate("127.91.2.1")
THERE = Candidate("127.91.2.2")
#: Wanted: 2 s when there is no terminal. The bound is three times as generous, for a busy machine.
WITHOUT = 6.0


def where(*others: Candidate, dishes: tuple[Candidate, ...] = ()) -> Surroundings:
    return Surroundings(candidates=dishes, networks=("lo",), carrier=False, others=others)


class TestWhereToLook:
    def test_the_gateway_and_documented_addresses_on_the_same_link(self) -> None:
        route = Route(interface="wlan0", gateway="192.168.1.1", metric=0)
        seen = surroundings([route], {"wlan0": ["192.168.1.20"], "eth0": ["192.168.128.101"]}, ())
        assert {(one.address, one.interface) for one in seen.others} == {
            ("192.168.1.1", "wlan0"),
            ("192.168.1.35", "wlan0"),
            ("192.168.128.100", "eth0"),
        }

    def test_elsewhere_only_the_gateway(self) -> None:
        route = Route(interface="wlan0", gateway="10.4.5.1", metric=0)
        seen = surroundings([route], {"wlan0": ["10.4.5.6"]}, ())
        assert seen.others == (Candidate("10.4.5.1", "wlan0"),)

    def test_no_public_gateway_no_carriers_no_vpns(self) -> None:
        routes = [
            Route(interface="eth0", gateway="203.0.113.1", metric=0),
            Route(interface="tun0", gateway="192.168.1.1", metric=0),
        ]
        everybody = {"eth0": ["203.0.113.9"], "tun0": ["192.168.1.20"], "wwan0": ["100.70.3.4"]}
        assert surroundings(routes, everybody, {"tun0"}).others == ()

    def test_this_device_is_not_asked(self) -> None:
        route = Route(interface="eth0", gateway="192.168.0.1", metric=0)
        assert surroundings([route], {"eth0": ["192.168.0.1"]}, ()).others == ()


@pytest.mark.anyio
class TestWhoIsOne:
    async def test_a_starlink_router_tells_of_the_dish_behind_it(self) -> None:
        async with serving_router(address=HERE.address) as router:
            (found,) = await find_others([HERE])
        assert [(fit.terminal.slug, fit.certainty.value) for fit in found.fits] == [
            ("starlink-router", "known")
        ]
        assert found.router is not None
        assert found.router.has_dish
        assert router.asked == ["get_status"]

    async def test_a_page_that_names_itself(self) -> None:
        async with serving_page(Front(title="Thuraya IP+"), HERE.address):
            (found,) = await find_others([HERE])
        assert {fit.terminal.slug for fit in found.fits} == {"thuraya-ip", "thuraya-atlas"}
        assert found.sure
        assert found.router is None

    async def test_a_certificate_that_names_its_maker(self, tmp_path: Path) -> None:
        async with serving_page(Front(), HERE.address, certificate=certificate(tmp_path, "Hughes 9211")):
            (found,) = await find_others([HERE])
        assert found.fits[0].evidence["certificate"] == "Hughes 9211"

    async def test_a_home_router_is_none(self) -> None:
        async with serving_page(Front(title="FRITZ!Box"), HERE.address):
            assert await find_others([HERE]) == ()

    async def test_several_are_told_apart(self) -> None:
        async with (
            serving_router(address=HERE.address),
            serving_page(Front(title="konnect"), THERE.address),
        ):
            found = await find_others([HERE, THERE])
        assert [one.fits[0].terminal.slug for one in found] == ["starlink-router", "konnect"]

    async def test_a_router_beside_its_dish_is_no_link_of_its_own(self) -> None:
        async with serving_router(address=HERE.address), serving(Dish()):
            around = await look_around(where(HERE, dishes=(Candidate("127.0.0.1"),)))
        assert len(around.dishes) == 1
        assert len(around.others) == 1
        assert around.apart == ()

    async def test_a_router_whose_dish_does_not_answer_is_one(self) -> None:
        async with serving_router(address=HERE.address):
            around = await look_around(where(HERE, dishes=(Candidate("127.0.0.1"),)))
        assert [one.address for one in around.apart] == [HERE.address]


@pytest.mark.anyio
class TestNobody:
    async def test_nobody_is_soon_known(self) -> None:
        began = time.monotonic()
        around = await look_around(where(HERE, THERE, dishes=(HERE, THERE)))
        assert (around.dishes, around.others) == ((), ())
        assert time.monotonic() - began < WITHOUT

    @ON_ONE_LOOP
    async def test_silence_is_not_waited_for(self) -> None:
        began = time.monotonic()
        here = Candidate("127.0.0.1")
        with tcp.serve(tcp.stall, port=80), tcp.serve(tcp.stall, port=443), tcp.serve(tcp.stall, port=9000):
            around = await look_around(where(here, dishes=(here,)))
        assert (around.dishes, around.others) == ((), ())
        assert time.monotonic() - began < WITHOUT
