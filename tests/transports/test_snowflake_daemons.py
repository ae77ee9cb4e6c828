"""snowflake bridges against its authors' broker, proxy and server before a real tor: expect this record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from circumvent.model.words import Proof
from tests.transports.tor_context import bridge, context, detail_of, failure_of, try_once

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from tests.lab.snowflake import Snowflake

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.daemons,
    pytest.mark.requires("tor", "obfs4proxy", "nginx", "turnserver", "snowflake-broker", "snowflake-proxy-go", "snowflake-server"),
]


def option(given: Snowflake, line: str) -> Option:
    """Return the option of a line whose front is where it is."""
    made = bridge(line)
    place = replace(made.endpoint, addresses=(given.address,))
    return replace(made, endpoint=place, ca=given.ca_file.read_text(encoding="ascii"))


async def test_it_works_and_lasts(snowflake_bridge: Snowflake) -> None:
    snowflake_bridge.wait_for_proxy()
    attempt = await try_once(option(snowflake_bridge, snowflake_bridge.line()), context())
    for s in attempt.steps: print(s.name, round(s.t-s.t0,3), s.failure, s.detail)
    print(attempt.bytes_sent, attempt.bytes_received)
    assert attempt.failure is None
    assert attempt.proof is Proof.SUSTAINED
