"""``circumvent satellite``, with a dish on gRPC's own server, with none, and with the internet behind it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.check import baseline
from circumvent.check.settings import CheckSettings
from circumvent.cli.app import main
from circumvent.cli.terminals_command import run_terminals
from circumvent.satellite.find import Candidate, Surroundings
from tests.check.in_lab import Lab
from tests.cli.pty_run import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.names import Resolver
    from tests.lab.web import Web

ROUTER = "127.91.4.1"
#: Wanted: 2 s when there is no terminal. The bound is three times as generous, for a busy machine.
WITHOUT = 6.0


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one place to look is this machine, and it is nobody's country."""
    where = Surroundings(candidates=(Candidate("127.0.0.1"),), networks=("lo",), carrier=False)
    monkeypatch.setattr("circumvent.cli.terminals_command.read_surroundings", lambda: where)
    monkeypatch.setenv("TZ", "UTC")


@contextmanager
def dish(state: str) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.faults.dish_peers", "serve", "127.0.0.1", state]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as peer:
        assert peer.stdout is not None
        assert peer.stdout.readline() == b"ready\n"
        yield
        peer.kill()


def test_no_terminal_is_soon_known(capsys: Any) -> None:
    began = time.monotonic()
    assert main(["satellite"]) == 1
    assert time.monotonic() - began < WITHOUT
    assert "No satellite terminal found on this network." in capsys.readouterr().out


def test_the_law_comes_before_the_first_packet(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(_: object) -> None:
        assert capsys.readouterr().err.startswith("Using or having a Starlink terminal")
        raise KeyboardInterrupt

    monkeypatch.setenv("TZ", "Asia/Tehran")
    monkeypatch.setattr("circumvent.cli.terminals_command.look_around", find)
    assert main(["satellite"]) == 3


def test_another_connection_is_not_looked_behind(capsys: Any) -> None:
    assert main(["satellite", "--interface", "wlan7", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["terminals"], document["looked_at"]) == ([], [])


def test_a_jammed_dish_is_told_with_its_evidence(capsys: Any) -> None:
    with dish("jamming"):
        assert main(["satellite", "--json"]) == 1
        (found,) = json.loads(capsys.readouterr().out)["terminals"]
        assert main(["satellite"]) == 1
        assert "does not reach its ground station" in capsys.readouterr().out
    assert (found["broken"], found["internet"]) == ("gateway", None)
    assert {one["cause"] for one in found["causes"]} == {"gps_denied", "jamming_suspected"}
    assert all(one["evidence"] for one in found["causes"])


def test_a_quiet_sky_stays_quiet(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("something was sent through it")

    monkeypatch.setattr("circumvent.cli.terminals_command._through", refuse)
    with dish("well"):
        assert main(["satellite", "--quiet-sky"]) == 1
    said = capsys.readouterr().out
    assert "Whether the internet is behind it was not tried." in said
    assert "ut01000000" not in said


@contextmanager
def router(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    where = Surroundings(candidates=(), networks=("lo",), carrier=False, others=(Candidate(ROUTER),))
    monkeypatch.setattr("circumvent.cli.terminals_command.read_surroundings", lambda: where)
    command = [sys.executable, "-m", "tests.faults.dish_peers", "serve_router", ROUTER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as peer:
        assert peer.stdout is not None
        assert peer.stdout.readline() == b"ready\n"
        yield
        peer.kill()


def test_a_router_tells_of_a_dish_that_is_not_in_reach(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with router(monkeypatch):
        assert main(["satellite", "--quiet-sky"]) == 1
        said = capsys.readouterr().out
        assert main(["satellite", "--quiet-sky", "--json"]) == 1
        document = json.loads(capsys.readouterr().out)
    assert said.startswith("A Starlink router or Starlink Mini is here.")
    assert "behind the router, by its word; pings to the ground station 33 ms, 0 % lost" in said
    assert "ut01000000" not in said
    assert document["terminals"] == []
    (found,) = document["others"]
    assert (found["address"], found["internet"]) == (ROUTER, None)
    assert [(one["model"], one["certainty"]) for one in found["systems"]] == [("starlink-router", "known")]
    assert found["dish"] == {"behind": True, "state": None, "lost": 0.0, "rtt_ms": 33.0}


@pytest.mark.parametrize(("more", "seconds", "patient"), [((), 20.0, False), (("--patient",), 300.0, True)])
def test_with_patience_a_link_that_holds_is_watched_for_longer(
    capsys: Any, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], seconds: float, patient: bool
) -> None:
    asked: list[CheckSettings] = []
    monkeypatch.setattr(
        "circumvent.cli.terminals_command.make_plan", lambda wanted, **_: asked.append(wanted)
    )
    monkeypatch.setattr(
        "circumvent.cli.terminals_command.drive", lambda *_: (SimpleNamespace(options=()), False)
    )
    with dish("well"):
        assert main(["satellite", "--json", *more]) == 1
    (wanted,) = asked
    assert (wanted.seconds, wanted.patient) == (seconds, patient)
    assert json.loads(capsys.readouterr().out)["terminals"]


def test_the_public_address_is_asked_only_when_it_is_asked_for(
    capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("circumvent.cli.terminals_command.seen_as", lambda *_: "203.0.113.9")
    with dish("jamming"):
        main(["satellite", "--json"])
        assert json.loads(capsys.readouterr().out)["public_addresses"] == {}
        main(["satellite", "--json", "--ask-public-address"])
        assert json.loads(capsys.readouterr().out)["public_addresses"] == {"default": "203.0.113.9"}
        main(["satellite", "--json", "--ask-public-address", "--quiet-sky"])
        assert json.loads(capsys.readouterr().out)["public_addresses"] == {}
        main(["satellite", "--ask-public-address", "--plain"])
        assert "default: 203.0.113.9" in capsys.readouterr().out


@pytest.mark.daemons
def test_the_internet_behind_it(
    capsys: Any, monkeypatch: pytest.MonkeyPatch, unbound: Resolver, control_web: Web, tmp_path: Path
) -> None:
    monkeypatch.setattr(baseline, "NOBODY_SECONDS", 0.1)
    monkeypatch.setattr("circumvent.transports.starlink.owner_of", lambda *_: "eth0")
    given = Lab(unbound, control_web, tmp_path).settings(trials=1)
    fields: dict[str, Any] = {key: tuple(one) if isinstance(one, list) else one for key, one in given.items()}
    settings = CheckSettings(**fields)
    with dish("well"):
        assert run_terminals(settings=settings) == 0
    assert "A Starlink terminal works here." in capsys.readouterr().out
