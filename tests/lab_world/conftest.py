"""One standard world for all tests, in the network of the test run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from circumvent.lab.netlink import Netlink
from circumvent.lab.world import process
from circumvent.lab.world.prepare import Prepared, prepare
from circumvent.lab.world.standard import standard_world
from tests.lab.namespace import CLIENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.lab.world.process import WorldProcess
    from tests.lab.namespace import Network


@pytest.fixture(scope="session")
def prepared_world(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The files of the standard world; geo-fences shut the tests' own addresses out."""
    return prepare(
        standard_world(shut_out=(f"{CLIENT[0]}/32", f"{CLIENT[1]}/128")), tmp_path_factory.mktemp("world")
    )


@pytest.fixture(scope="session")
def world(network: Network, prepared_world: Prepared) -> Iterator[WorldProcess]:
    """The standard world, running. Its log must stay empty."""
    assert network.isolated is None
    with Netlink() as netlink:
        for address in prepared_world.world.addresses():
            netlink.add_address("lo", address)
    running = process.start(prepared_world)
    yield running
    log = running.log_tail()
    running.stop()
    assert log == ""
