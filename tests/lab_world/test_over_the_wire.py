"""A world behind a wire of its own, as scenarios have it: another namespace, 20 ms away, nothing fast, nothing private."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import circumvent
from circumvent.lab.wire import CLIENT, WireConfig, open_wire
from circumvent.lab.world import arguments, process
from circumvent.lab.world.prepare import prepare
from circumvent.lab.world.standard import standard_world
from circumvent.model.words import NetworkState, Status
from tests.lab_world.clients import curl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.lab.wire import Wire
    from circumvent.lab.world.prepare import Prepared

pytestmark = pytest.mark.namespace


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(
        standard_world(shut_out=[f"{address}" for address in CLIENT]), tmp_path_factory.mktemp("far")
    )


@pytest.fixture(scope="module")
def wire(prepared: Prepared) -> Iterator[Wire]:
    with open_wire(WireConfig(world=prepared.world.addresses())) as open_one:
        with open_one.in_world():
            running = process.start(prepared)
        yield open_one
        log = running.log_tail()
        running.stop()
        assert log == ""


@pytest.mark.requires("curl")
def test_a_fence_sees_the_clients_address(wire: Wire, prepared: Prepared) -> None:
    name = "fenced-451.krill.example"
    for address in prepared.world.server(name).addresses:
        place = f"{name}:443:{f'[{address}]' if ':' in address else address}"
        words = ("--cacert", prepared.ca, "--resolve", place, "-o", "/dev/null", "-w", "%{http_code}")
        with wire.in_client():
            assert curl(*words, f"https://{name}/") == "451"


@pytest.mark.timeout(90)
@pytest.mark.parametrize("kinds", [("dot", "doh", "socks5", "https"), ("doq", "dns-udp", "turn")])
def test_a_check_from_the_other_side_finds_it_open(
    wire: Wire, prepared: Prepared, tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    keywords: dict[str, Any] = arguments.write_files(prepared, tmp_path)
    (name,) = keywords.pop("named")
    Path(name).write_text(arguments.options(prepared, kinds=kinds), encoding="utf-8")
    with wire.in_client():
        report = asyncio.run(circumvent.acheck([name], **keywords, system_dns=True, deadline=60, all=True))
    bad = {one.label: (one.status, one.failure) for one in report.options if one.status is not Status.WORKS}
    assert bad == {}
    assert report.network.state is NetworkState.OPEN
    assert report.network.findings == ()
