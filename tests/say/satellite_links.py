"""Terminals in every state, as a screen gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.satellite.dish import DishHistory, read_history, read_status
from circumvent.satellite.find import Surroundings, Terminal
from circumvent.satellite.judge import judge, lost_share
from circumvent.satellite.others import Other
from circumvent.satellite.recognise import ROUTER, Observed, recognise
from circumvent.satellite.router import RouterStatus
from circumvent.say.other_terminals import SeenOther
from circumvent.say.terminals import Seen
from tests.faults.dish import LOST, STATES

if TYPE_CHECKING:
    from circumvent.model.report import OptionReport

WELL = DishHistory(seconds=120, lost=0, latency_ms=30.0)
NOWHERE = Surroundings(candidates=(), networks=("wlan0", "eth0"), carrier=False)


def seen(state: str = "well", past: DishHistory | None = WELL, internet: OptionReport | None = None) -> Seen:
    """A dish in a state, at its usual address."""
    status = read_status(STATES[state])
    assert status is not None
    return Seen(
        terminal=Terminal(
            address="192.168.100.1", interface="wlan0", milliseconds=4.0, status=status, history=past
        ),
        judgement=judge(status, past),
        lost=lost_share(status, past),
        internet=internet,
    )


def jammed() -> Seen:
    """A dish with a clear sky, without a fix, whose pings are lost."""
    return seen("jamming", read_history(LOST))


def router() -> SeenOther:
    """A Starlink router whose dish is not in reach."""
    observed = Observed(address="192.168.1.1", protocol=ROUTER)
    status = RouterStatus(dish_ms=1.5, pop_ms=33.0, pop_lost=0.0)
    return SeenOther(
        other=Other(address="192.168.1.1", interface="wlan0", fits=recognise(observed), router=status)
    )
