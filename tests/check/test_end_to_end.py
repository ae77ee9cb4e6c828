"""The whole check against real servers: given this network, expect this report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import circumvent
from circumvent.model.report import Report
from circumvent.model.words import NetworkState, Proof, Status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.names import Resolver
    from tests.lab.proxies import Proxy
    from tests.lab.web import Web
    from tests.lab.zone import RootKeys

pytestmark = [pytest.mark.daemons, pytest.mark.anyio]


async def test_honest_resolver_and_proxy_work(
    unbound: Resolver, microsocks: Proxy, control_web: Web, root_keys: RootKeys, tmp_path: Path
) -> None:
    anchor = tmp_path / "anchor"
    anchor.write_text(root_keys.anchor)
    report = await circumvent.acheck(
        [
            f"tls://{unbound.address}:{unbound.dot_port}",
            f"socks5://{microsocks.address}:{microsocks.port}",
        ],
        control=[control_web.nonce_url],
        bulk=control_web.bulk_url,
        ca=[str(unbound.ca_file)],
        trust_anchor=str(anchor),
        dns_control=["lab.example=198.51.100.16"],
        allow_private=True,
        fast=True,
        deadline=20,
    )
    by_kind = {option.kind: option for option in report.options if not option.baseline}
    assert by_kind["dot"].status is Status.WORKS, by_kind["dot"]
    assert by_kind["socks5"].status is Status.WORKS, by_kind["socks5"]
    assert by_kind["socks5"].proof is Proof.SUSTAINED
    assert report.network.state is NetworkState.OPEN
    assert Report.from_json(report.to_json()) == report
