"""What is told of a terminal: the broken link, what may be the cause, what to do, and what was not asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from circumvent.cli.draw import Style, draw
from circumvent.model.words import Proof, Status
from circumvent.say.terminals import Seen, nothing_screen, terminals_screen
from tests.faults.dish import STATES
from tests.say.reports import failed, good
from tests.say.satellite_links import NOWHERE, jammed, seen


def told(one: Seen) -> str:
    return "\n".join(draw(terminals_screen([one], 1.9), Style(width=None, plain=True)))


def test_a_jammed_dish() -> None:
    said = told(jammed())
    assert said.startswith("A Starlink terminal is here, and it does not reach its ground station.")
    assert "83 of 120 pings to the ground station lost" in said
    assert "possible: Jamming: high loss under a clear sky, and the terminal has no GPS fix." in said
    assert "internet: not tried: nothing can pass before the gateway answers" in said
    assert "can be located" in said
    assert "no position, no serial number, nothing changed on it" in said


@pytest.mark.parametrize(
    ("state", "sentence", "advice"),
    [
        ("no sky", "it finds no satellite", "Wait 15 minutes"),
        ("stowed", "it is stowed", "Unstow it"),
        ("thermal", "too hot", "shade"),
        ("obstructed", "something hides the sky", "more of the sky"),
        ("account inactive", "does not serve it (no active account)", "ask the operator"),
        ("blocked country", "does not serve it (blocked country)", "ask the operator"),
    ],
)
def test_a_broken_sky_is_named_with_what_to_do(state: str, sentence: str, advice: str) -> None:
    said = told(seen(state, None))
    assert "no link to a satellite: " in said.splitlines()[0]
    assert sentence in said.splitlines()[0]
    assert advice in said
    assert "Jamming" not in said


def test_it_works_only_where_something_came_back() -> None:
    works = good("dish", "starlink", 71.0)
    assert told(seen(internet=works)).startswith("A Starlink terminal works here.")
    dead = failed(
        "dish", "starlink", Status.UNREACHABLE, "connect", "generic_timeout_error", proof=Proof.HANDSHAKEN
    )
    said = told(seen(internet=dead))
    assert said.startswith("A Starlink terminal is here, and nothing came back from the internet through it.")
    assert "Whether the internet is behind it was not tried." in told(seen())
    assert "nothing was sent by radio" in told(seen())


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("cells", [100, 60, 38])
def test_every_state_has_its_screen(state: str, cells: int) -> None:
    for past in (None, jammed().terminal.history):
        lines = draw(terminals_screen([seen(state, past)], 1.0), Style(width=cells))
        assert max(map(len, lines)) <= cells
        assert "{" not in "\n".join(lines)


def test_no_terminal() -> None:
    (first, second) = draw(nothing_screen(NOWHERE, 1.4), Style(width=None, plain=True))
    assert first == "No satellite terminal found on this network. 1.4 s, 2 networks looked at (wlan0, eth0)."
    assert "route to 192.168.100.1" in second
    hinted = draw(nothing_screen(replace(NOWHERE, carrier=True), 1.4), Style(width=None, plain=True))
    assert "a hint and no more" in hinted[-1]
