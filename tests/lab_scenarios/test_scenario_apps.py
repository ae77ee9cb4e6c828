"""Programs beside the check: what they send, and when they stop."""

from __future__ import annotations

import random
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from circumvent.lab import scenario_apps
from circumvent.lab.scenario import ScenarioError, parse
from circumvent.lab.scenario_apps import App, speak
from circumvent.lab.world.description import Half, Network, Server, World

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = 'name = "mine"\ntitle = "t"\nmodels = "m"\nsources = ["s"]\n[truth]\nstate = ["open"]\n'


def world(address: str) -> World:
    network = Network(name="n", operator="N", half=Half.FOREIGN, ipv4="127.0.0.0/24", ipv6="fd00::/48")
    server = Server(name="a.example", network="n", addresses=(address,), services=())
    return World(networks=(network,), servers=(server,), resolver="a.example")


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as here:
        yield here


def hear(here: socket.socket, count: int, *, answer: bool) -> list[bytes]:
    """Take ``count`` connections; close each at once, or leave it without a word."""
    heard: list[bytes] = []

    def serve() -> None:
        kept = []
        for _ in range(count):
            peer, _ = here.accept()
            heard.append(peer.recv(400, socket.MSG_WAITALL))
            kept.append(peer)
            if answer:
                peer.close()

    thread = threading.Thread(target=serve)
    thread.start()
    app = App(sends="noise", server="a.example", port=here.getsockname()[1], times=count, until_silent=True)
    speak([app], world("127.0.0.1"), seed=4)
    here.close()
    thread.join(5)
    return heard


def test_noise_is_the_same_for_the_same_seed(listening: socket.socket) -> None:
    first, second = hear(listening, 2, answer=True)
    assert first == random.Random("4/app/0").randbytes(400)
    assert first != second


def test_it_stops_at_silence(listening: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenario_apps, "PATIENCE", 0.2)
    app = App(sends="noise", server="a.example", port=listening.getsockname()[1], times=50, until_silent=True)
    speak([app], world("127.0.0.1"), seed=1)
    listening.settimeout(0.2)
    listening.accept()[0].close()
    with pytest.raises(TimeoutError):
        listening.accept()


def test_a_closed_port_and_tls(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    names: list[bytes] = []

    def serve() -> None:
        peer, _ = listening.accept()
        with peer:
            names.append(peer.recv(4096))

    thread = threading.Thread(target=serve)
    thread.start()
    speak([App(sends="tls", server="a.example", port=port, name="app.example")], world("127.0.0.1"), seed=1)
    thread.join(5)
    assert b"app.example" in names[0]
    listening.close()
    speak([App(sends="tls", server="a.example", port=port, times=3)], world("127.0.0.1"), seed=1)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ('server = "nobody.example"\ntimes = 1', "there is no such server"),
        ('server = "www.krill.example"\ntimes = 1000', "1 to 100 connections"),
    ],
)
def test_mistakes_are_found_in_the_file(fields: str, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        parse(f'{HEAD}[[client.app]]\nsends = "noise"\nport = 1\n{fields}\n', origin="mine.toml")
