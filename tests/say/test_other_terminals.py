"""What is told of terminals that are no dishes: how sure it is, what shows it, and whether the internet is behind it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from circumvent.cli.draw import Style, draw
from circumvent.model.record import Step
from circumvent.model.words import Status
from circumvent.satellite.dish import Disabled
from circumvent.satellite.others import Other
from circumvent.satellite.recognise import ROUTER, Observed, recognise
from circumvent.satellite.router import RouterStatus
from circumvent.say.other_terminals import SeenOther, others_screen
from tests.say.reports import failed, good

STARLINK = Observed(address="192.168.1.1", protocol=ROUTER)


def told(seen: Observed, router: RouterStatus | None = None, internet: Any = None) -> str:
    other = Other(address=seen.address, interface="eth0", fits=recognise(seen), router=router)
    screen = others_screen([SeenOther(other=other, internet=internet)])
    return "\n".join(draw(screen, Style(width=None, plain=True)))


def test_a_router_is_known() -> None:
    said = told(STARLINK, RouterStatus(dish_ms=1.5, pop_ms=33.0, pop_lost=0.25))
    assert said.startswith("A Starlink router or Starlink Mini is here.")
    assert "it speaks the protocol of Starlink's routers" in said
    assert "behind the router, by its word; pings to the ground station 33 ms, 25 % lost" in said
    assert "internet: not tried" in said
    assert "circumvent guide satellite-route" in said


@pytest.mark.parametrize(
    ("router", "said"),
    [
        (RouterStatus(), "the router does not say"),
        (RouterStatus(no_link=True), "none is plugged in"),
        (RouterStatus(dish_ms=1.0, disabled=Disabled.BLOCKED_COUNTRY), "does not serve it (blocked country)"),
    ],
)
def test_what_the_router_says_of_the_dish(router: RouterStatus, said: str) -> None:
    assert said in told(STARLINK, router)


def test_a_page_that_names_itself_is_likely_and_no_more() -> None:
    said = told(Observed(address="10.0.0.1", page=True, title="Thuraya IP"))
    assert "likely here: what answers calls itself Thuraya IP+ or Thuraya Atlas IP." in said
    assert "its page names Thuraya" in said


def test_a_certificate() -> None:
    assert "its certificate names Viasat" in told(
        Observed(address="10.0.0.1", page=True, subject="Viasat Inc.")
    )


def test_an_address_may_be_one() -> None:
    said = told(Observed(address="192.168.128.100", page=True))
    assert "may be a satellite terminal: Hughes 9201, 9211 or 9450 (Inmarsat BGAN)." in said
    assert "only the address and a page show it" in said


def test_round_trips() -> None:
    said = told(Observed(address="192.168.1.35", page=True, round_trips=(612.0, 640.0)))
    assert "round trips are as long as that orbit makes them" in said


def test_the_internet_behind_it() -> None:
    assert "internet: works" in told(STARLINK, internet=good("router", "satellite-terminal", 40.0))
    dead = failed("router", "satellite-terminal", Status.UNREACHABLE, "carry", "generic_timeout_error")
    assert "nothing came back" in told(STARLINK, internet=dead)


def test_what_came_back_too_fast_came_by_another_line() -> None:
    def through(*excluded: str) -> str:
        tried = good("terminal", "satellite-terminal", 40.0)
        step = Step(name="physics", t0=0.0, t=0.1, detail={"excluded": list(excluded)})
        attempts = tuple(msgspec.structs.replace(one, steps=(step,)) for one in tried.attempts)
        tried = msgspec.structs.replace(tried, attempts=attempts)
        return told(Observed(address="10.0.0.1", page=True, title="HughesNet"), internet=tried)

    assert "by another line than the terminal's" in through("o3b", "geostationary")
    assert "by another line" not in through("o3b")
    assert "by another line" not in through()
