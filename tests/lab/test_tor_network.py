"""The Tor network of the tests: an installed tor that is given its bridge reaches 100 % in it, for as long as tests run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.lab.daemon import START_TIMEOUT, start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.tor_network import TorNetwork

pytestmark = [
    pytest.mark.daemons,
    pytest.mark.requires("tor", "obfs4proxy"),
    pytest.mark.timeout(180),
]

_CLIENT = """\
DataDirectory {directory}/data
Log notice stdout
SocksPort 0
UseBridges 1
Bridge {line}
"""


def test_a_client_reaches_the_network_through_its_bridge(tor_net: TorNetwork, tmp_path: Path) -> None:
    torrc = tmp_path / "torrc"
    torrc.write_text(_CLIENT.format(directory=tmp_path, line=tor_net.bridge.line()), encoding="ascii")
    daemon = start([str(tor_net.client / "tor"), "-f", str(torrc)], directory=tmp_path)
    limit = time.monotonic() + START_TIMEOUT
    try:
        while "Bootstrapped 100%" not in daemon.log.read_text(encoding="utf-8"):
            assert time.monotonic() < limit, daemon.log_tail()
            time.sleep(0.02)
    finally:
        daemon.stop()


def test_it_begins_soon(tor_net: TorNetwork) -> None:
    assert tor_net.seconds < 120
