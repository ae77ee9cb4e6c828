"""The whole check against the whole world: every option of every kind works, and nothing is found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import circumvent
from circumvent.lab.world import arguments
from circumvent.model.words import NetworkState, Proof, Status
from tests.lab_world.test_arguments import OPEN_KINDS

if TYPE_CHECKING:
    from circumvent.lab.world.process import WorldProcess

#: Kinds that are sustained in a world; pages are where the bulk server is their own.
PAGES = ("https", "h3")
#: Kinds that are tried together: a hundred options at once show how fast this machine is, and nothing else.
FAMILIES = (
    ("dns-udp", "dns-tcp", "dot"),
    ("doh", "odoh"),
    ("doh3", "doq", "dnscrypt"),
    ("https",),
    ("h3",),
    ("socks5", "socks4a", "http-connect"),
    ("stun", "turn"),
    ("wireguard", "openvpn"),
)


def test_families_are_complete() -> None:
    assert {kind for family in FAMILIES for kind in family} == OPEN_KINDS | {"wireguard", "openvpn"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def prepared_for(
    world: WorldProcess, folder: Path, kinds: tuple[str, ...]
) -> tuple[dict[str, Any], list[str]]:
    keywords = arguments.write_files(world.prepared, folder)
    named = keywords.pop("named")
    Path(named[0]).write_text(
        arguments.options(world.prepared, kinds=kinds, everything="wireguard" in kinds), encoding="utf-8"
    )
    return keywords, named


@pytest.mark.daemons
@pytest.mark.anyio
@pytest.mark.timeout(120)
@pytest.mark.parametrize("kinds", FAMILIES, ids=" ".join)
async def test_an_open_world_is_open_and_all_of_it_works(
    world: WorldProcess, tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    keywords, named = prepared_for(world, tmp_path, kinds)
    report = await circumvent.acheck(
        named, **keywords, system_dns=True, deadline=90, fast=True, all=True, max_bytes=10**9
    )
    tried = [option for option in report.options if not option.baseline]
    bad = {
        option.label: (option.status, option.failure) for option in tried if option.status is not Status.WORKS
    }
    assert bad == {}
    short = {one.label for one in tried if one.proof is not Proof.SUSTAINED and one.kind not in PAGES}
    assert short == set()
    assert report.network.state is NetworkState.OPEN
    assert report.network.findings == ()
