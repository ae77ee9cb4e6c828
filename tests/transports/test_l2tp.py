"""L2TP: the first message of IPsec against strongSwan, that of L2TP against xl2tpd, and what is no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.model.l2tp import L2tpSettings
from circumvent.model.option import Endpoint, Option, Origin
from circumvent.model.words import Proof
from circumvent.vpn.l2tp import control, ikev1
from tests.faults.udp import answering
from tests.lab.daemon import Ready, start
from tests.lab.left_out import requires
from tests.transports.ikev2_tries import attempt, context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.daemon import Daemon
    from tests.lab.ikev2 import StrongSwan
    from tests.lab.namespace import Network

pytestmark = pytest.mark.anyio


def l2tp_option(address: str, port: int = 500, *, ipsec: bool = True) -> Option:
    return Option(
        id="l2tp-test",
        kind="l2tp",
        label="test",
        endpoint=Endpoint(host=address, port=port),
        origin=Origin(source="argument"),
        settings=L2tpSettings(ipsec=ipsec),
    )


@pytest.mark.daemons
async def test_a_server_with_ipsec_is_reached_and_no_more(strongswan: StrongSwan) -> None:
    result = await attempt(l2tp_option(strongswan.addresses["ikev1"]), context())
    assert (result.failure, result.proof) == (None, Proof.REACHED)
    assert result.steps == ["connect", "tunnel_handshake"]


@pytest.mark.daemons
async def test_a_server_that_wants_other_algorithms_says_so(strongswan: StrongSwan) -> None:
    result = await attempt(l2tp_option(strongswan.addresses["ikev1-old"]), context())
    assert (result.failure, result.proof) == (("tunnel_handshake", "proxy_protocol_error"), Proof.REACHED)
    assert result.detail("tunnel_handshake")["error_code"] == 14
    assert result.detail("tunnel_handshake")["refusal"] == {"authenticated": False}


_XL2TPD = """\
[global]
listen-addr = {address}
port = 1701
[lns default]
ip range = 10.56.0.2-10.56.0.9
local ip = 10.56.0.1
name = laboratory
"""


@pytest.fixture
def xl2tpd(network: Network, lab_directory: Callable[[str], Path]) -> Iterator[tuple[str, Daemon]]:
    """An xl2tpd without IPsec in front of it."""
    requires("xl2tpd")
    assert network.isolated is None
    directory, address = lab_directory("xl2tpd"), "198.51.100.58"
    (directory / "xl2tpd.conf").write_text(_XL2TPD.format(address=address))
    (directory / "secrets").write_text("")
    daemon = start(
        [
            # It leaves the group that it is started in, so that it must be told otherwise when its guard has ended.
            *("setpriv", "--pdeathsig", "KILL"),
            "xl2tpd",
            "-D",
            *("-c", str(directory / "xl2tpd.conf")),
            *("-s", str(directory / "secrets")),
            *("-p", str(directory / "pid")),
            *("-C", str(directory / "control")),
        ],
        directory=directory,
        ready=[Ready(address=address, port=1701, probe=control.start_request(1, b"ready"))],
        name="xl2tpd",
    )
    yield address, daemon
    daemon.stop()


@pytest.mark.daemons
async def test_a_server_without_ipsec_shakes_hands_and_is_told_that_we_go(
    xl2tpd: tuple[str, Daemon],
) -> None:
    address, daemon = xl2tpd
    result = await attempt(l2tp_option(address, 1701, ipsec=False), context())
    assert (result.failure, result.proof) == (None, Proof.HANDSHAKEN)
    with anyio.fail_after(10):
        while "Connection closed to" not in daemon.log_tail():  # noqa: ASYNC110 - a log has no events
            await anyio.sleep(0.02)


@pytest.mark.namespace
@pytest.mark.parametrize("ipsec", [True, False])
async def test_silence_is_silence(network: Network, ipsec: bool) -> None:
    option = l2tp_option(network.dropped[0], 1701, ipsec=ipsec)
    result = await attempt(option, context(limit=0.5))
    assert (result.failure, result.proof) == (("tunnel_handshake", "generic_timeout_error"), Proof.NONE)


@pytest.mark.parametrize("ipsec", [True, False])
@pytest.mark.parametrize("garbage", [b"", b"x" * 40, bytes(64)])
async def test_garbage_and_echoes_are_no_answer(ipsec: bool, garbage: bytes) -> None:
    with answering(lambda data: [garbage, data]) as port:
        result = await attempt(l2tp_option("127.0.0.1", port, ipsec=ipsec), context(limit=0.3))
    assert (result.failure, result.proof) == (("tunnel_handshake", "generic_timeout_error"), Proof.NONE)


async def test_a_server_that_stops_at_once_refuses() -> None:
    def stops(data: bytes) -> list[bytes]:
        asked = control.parse(data)
        return [control.stop(control.Message(tunnel=0, sent=0, expected=1, attributes=asked.attributes), 7)]

    with answering(stops) as port:
        result = await attempt(l2tp_option("127.0.0.1", port, ipsec=False), context())
    assert (result.failure, result.proof) == (("tunnel_handshake", "proxy_protocol_error"), Proof.REACHED)
    assert result.detail("tunnel_handshake")["error_code"] == 1


async def test_an_answer_to_somebody_else_is_no_answer() -> None:
    def other(data: bytes) -> list[bytes]:
        return [bytes(8) + b"12345678" + data[16:]]

    with answering(other) as port:
        result = await attempt(l2tp_option("127.0.0.1", port), context(limit=0.3))
    assert result.proof is Proof.NONE
    assert ikev1.PORT == 500
