"""Snowflake bridges in a whole check: what the report says, with the extra and without."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from circumvent.model.words import Proof, Reason, Status
from circumvent.say import reasons
from tests.check.in_lab import Lab, only
from tests.lab.snowflake import PROGRAMS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.names import Resolver
    from tests.lab.snowflake import Snowflake
    from tests.lab.web import Web

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.daemons,
    pytest.mark.requires("tor", "obfs4proxy", "unbound", *PROGRAMS),
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def lab(unbound: Resolver, control_web: Web, tmp_path: Path) -> Lab:
    return Lab(unbound, control_web, tmp_path)


async def test_a_bridge_that_works(lab: Lab, snowflake_bridge: Snowflake) -> None:
    """Its volunteer is there: at other times the broker may have none, so one try is enough."""
    line = snowflake_bridge.line(fronts=snowflake_bridge.address)
    for _ in range(5):
        snowflake_bridge.wait_for_proxy()
        option = only(await lab.check(line, trials=1), "snowflake")
        if option.failure is None or option.failure.error != "no_proxy_available":
            break
    assert (option.status, option.proof) == (Status.WORKS, Proof.SUSTAINED)


async def test_without_the_extra(
    lab: Lab, snowflake_bridge: Snowflake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "circumvent.transports.snowflake_channel", None)
    line = snowflake_bridge.line(fronts=snowflake_bridge.address)
    report = await lab.check(line)
    option = only(report, "snowflake")
    assert (option.status, option.reason) == (Status.NOT_RUN, Reason.MISSING_EXTRA)
    (attempt,) = option.attempts
    assert (attempt.counted, attempt.proof) == (False, Proof.REACHED)
    assert reasons.text_of(option) == "not tried: needs circumvent[snowflake] to go on; its broker answers"


async def test_without_the_extra_a_dead_broker_is_no_excuse(
    lab: Lab, snowflake_bridge: Snowflake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "circumvent.transports.snowflake_channel", None)
    line = snowflake_bridge.line(url=f"http://{snowflake_bridge.address}:9/", fronts="")
    option = only(await lab.check(line), "snowflake")
    assert option.status is Status.UNREACHABLE
    assert option.failure is not None
    assert (option.failure.step, option.failure.error) == ("connect", "connection_refused")


async def test_a_broker_without_proxies_is_no_answer(lab: Lab, snowflake_bridge: Snowflake) -> None:
    line = snowflake_bridge.line(url=snowflake_bridge.empty_url, fronts="")
    option = only(await lab.check(line), "snowflake")
    assert (option.status, option.proof) == (Status.UNREACHABLE, Proof.REACHED)
    assert reasons.text_of(option) == "no answer: its broker has no proxy for it just now"
    assert {attempt.failure.error for attempt in option.attempts if attempt.failure} == {"no_proxy_available"}


async def test_a_dump_names_neither_fronts_nor_servers(lab: Lab, snowflake_bridge: Snowflake) -> None:
    line = snowflake_bridge.line(url=snowflake_bridge.empty_url, fronts="")
    report = await lab.check(line, trials=1)
    said = json.dumps(report.to_dict(redact="default"))
    assert snowflake_bridge.stun in json.dumps(report.to_dict())
    assert snowflake_bridge.stun not in said
    assert snowflake_bridge.address not in said
    assert '"no_proxies"' in said
