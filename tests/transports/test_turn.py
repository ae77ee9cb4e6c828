"""TURN against a real coturn with right, wrong and missing credentials, and against servers with one fault each."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest

from circumvent.model.words import Proof
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.sock import Source
from circumvent.net.stun import Attribute, Method
from tests.faults.stun import TurnServer
from tests.faults.tcp import serve
from tests.faults.udp import ADDRESS, answering, closed_port
from tests.lab.daemon import Ready, start
from tests.lab.left_out import requires
from tests.lab.voice import BINDING_REQUEST
from tests.names.tries import NoNames
from tests.transports.voice_context import Result, attempt, context, voice_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from circumvent.model.option import Option
    from tests.lab.namespace import Network
    from tests.lab.voice import Turn

pytestmark = pytest.mark.anyio

TRANSPORTS = pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])


def coturn_option(coturn: Turn, transport: str, **credentials: Any) -> Option:
    port = coturn.tls_port if transport == "tls" else coturn.port
    return voice_option("turn", coturn.address, port, transport=transport, host=coturn.name, **credentials)


@pytest.mark.daemons
@TRANSPORTS
async def test_coturn_relays_a_second_of_a_call(coturn: Turn, transport: str) -> None:
    option = coturn_option(coturn, transport, user=coturn.user, password=coturn.password)
    result = await attempt(option, context(ca_file=coturn.ca_file))
    assert (result.failure, result.proof) == (None, Proof.SUSTAINED)
    assert result.steps[-4:] == ["tunnel_handshake", "authenticate", "carry", "voice"]
    assert (result.detail("voice")["sent"], result.detail("voice")["lost"]) == (50, 0)
    assert result.detail("authenticate")["relayed_family"] == "ipv4"
    assert result.detail("carry")["loop"] == "relay"


@pytest.mark.daemons
@TRANSPORTS
@pytest.mark.parametrize(
    "credentials", [{}, {"user": "lab", "password": "wrong"}, {"user": "nobody", "password": "lab-password"}]
)
async def test_coturn_refuses_wrong_and_missing_credentials(
    coturn: Turn, transport: str, credentials: dict[str, str]
) -> None:
    result = await attempt(coturn_option(coturn, transport, **credentials), context(ca_file=coturn.ca_file))
    assert result.failure == ("authenticate", "auth_rejected")
    assert result.proof is Proof.HANDSHAKEN
    assert result.detail("authenticate")["authenticated"] is (transport == "tls")


@contextmanager
def small_coturn(network: Network, directory: Path, *more: str) -> Iterator[tuple[str, int]]:
    """Run a coturn of its own sort for one test, over UDP and TCP."""
    requires("turnserver")
    assert network.isolated is None
    address, port = "198.51.100.36", 13478
    options = [
        "-n",
        "--no-cli",
        "--no-tls",
        "--no-dtls",
        "--lt-cred-mech",
        "--realm=lab.example",
        "--user=lab:word",
    ]
    places = [f"--listening-ip={address}", f"--relay-ip={address}", f"--listening-port={port}"]
    files = [f"--userdb={directory}/db", f"--pidfile={directory}/pid", "--log-file=stdout"]
    daemon = start(
        ["turnserver", *options, *places, *files, *more],
        directory=directory,
        ready=[Ready(address=address, port=port, probe=BINDING_REQUEST)],
    )
    try:
        yield address, port
    finally:
        daemon.stop()


@pytest.fixture
def narrow_coturn(network: Network, lab_directory: Callable[[str], Path]) -> Iterator[tuple[str, int]]:
    """A coturn with one port to relay from, so that one allocation shuts everybody else out."""
    ports = ("--min-port=51000", "--max-port=51000")
    with small_coturn(network, lab_directory("narrow-coturn"), *ports) as place:
        yield place


@pytest.fixture
def strict_coturn(network: Network, lab_directory: Callable[[str], Path]) -> Iterator[tuple[str, int]]:
    """A coturn that may not send to its own address, as many are told not to."""
    denied = ("--denied-peer-ip=198.51.100.36", "--min-port=51000", "--max-port=51100")
    with small_coturn(network, lab_directory("strict-coturn"), *denied) as place:
        yield place


@pytest.mark.daemons
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_where_the_relay_may_not_send_to_itself_it_sends_to_us(
    strict_coturn: tuple[str, int], transport: str, network: Network
) -> None:
    option = voice_option("turn", *strict_coturn, transport=transport, user="lab", password="word")
    source = Source(address=network.client[0])
    dialer = DirectDialer(NoNames(), source=source, policy=Policy(allow_private=True))
    result = await attempt(option, context(dialer=dialer))
    assert (result.failure, result.proof) == (None, Proof.SUSTAINED)
    assert result.detail("carry")["loop"] == "socket"
    assert result.detail("voice")["lost"] == 0
    assert result.attempt.address == strict_coturn[0]


@pytest.mark.daemons
async def test_an_allocation_is_given_back(narrow_coturn: tuple[str, int]) -> None:
    option = voice_option("turn", *narrow_coturn, user="lab", password="word")
    assert (await attempt(option, context(goal=Proof.CARRIED))).proof is Proof.CARRIED
    # coturn frees what was given back within a second or two; what is merely left behind, after ten minutes.
    with anyio.fail_after(20):
        while (await attempt(option, context(goal=Proof.CARRIED))).proof is not Proof.CARRIED:
            pass


@pytest.mark.daemons
@pytest.mark.requires("turnutils_uclient")
def test_another_client_finds_the_same(coturn: Turn) -> None:
    program = shutil.which("turnutils_uclient")
    assert program is not None
    command = [program, "-y", "-c", "-n", "5", "-m", "1", "-u", coturn.user, "-w", coturn.password]
    done = subprocess.run(
        [*command, "-p", str(coturn.port), coturn.address],
        capture_output=True,
        text=True,
        check=False,
        timeout=40,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Total lost packets 0" in done.stdout


async def against(server: TurnServer, **more: Any) -> Result:
    with answering(server.answers) as port:
        option = voice_option("turn", ADDRESS, port, user="lab", password="right")
        result = await attempt(option, context(**more))
        if (
            result.proof is Proof.SUSTAINED
        ):  # the goodbye waits for no answer; the server, a thread, gets it in its time
            with anyio.fail_after(10):
                while server.seen[-1][0] != Method.REFRESH:
                    await anyio.lowlevel.checkpoint()
        return result


async def test_the_right_way_and_its_end() -> None:
    server = TurnServer()
    result = await against(server)
    assert (result.failure, result.proof) == (None, Proof.SUSTAINED)
    methods = [method for method, _ in server.seen]
    assert methods == [Method.ALLOCATE, Method.ALLOCATE, Method.CHANNEL_BIND, Method.REFRESH]
    assert server.seen[-1][1].get(Attribute.LIFETIME) == bytes(4)
    assert all(message.get(Attribute.SOFTWARE) is None for _, message in server.seen)


async def test_a_stale_nonce_is_taken_anew() -> None:
    result = await against(TurnServer(fault="stale nonce"), goal=Proof.CARRIED)
    assert (result.failure, result.proof) == (None, Proof.CARRIED)


async def test_sha256_where_the_server_offers_it() -> None:
    server = TurnServer(algorithms=b"\0\2\0\0\0\1\0\0")
    result = await against(server, goal=Proof.CARRIED)
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    _, signed = server.seen[1]
    assert signed.get(Attribute.MESSAGE_INTEGRITY_SHA256) is not None
    assert signed.get(Attribute.PASSWORD_ALGORITHM) == b"\0\2\0\0"


@pytest.mark.parametrize(
    ("fault", "expected", "proof"),
    [
        ("garbage", ("tunnel_handshake", "generic_timeout_error"), Proof.NONE),
        ("no realm", ("tunnel_handshake", "wrong_answer"), Proof.REACHED),
        ("always stale", ("authenticate", "proxy_protocol_error"), Proof.HANDSHAKEN),
        ("quota", ("authenticate", "auth_rejected"), Proof.HANDSHAKEN),
        ("no capacity", ("authenticate", "proxy_protocol_error"), Proof.HANDSHAKEN),
        ("wrong integrity", ("authenticate", "generic_timeout_error"), Proof.HANDSHAKEN),
        ("no integrity", ("authenticate", "generic_timeout_error"), Proof.HANDSHAKEN),
        ("no relayed address", ("authenticate", "wrong_answer"), Proof.HANDSHAKEN),
        ("forbidden", ("carry", "auth_rejected"), Proof.HANDSHAKEN),
        ("relays nothing", ("carry", "generic_timeout_error"), Proof.HANDSHAKEN),
        ("changes packets", ("carry", "generic_timeout_error"), Proof.HANDSHAKEN),
        ("another channel", ("carry", "generic_timeout_error"), Proof.HANDSHAKEN),
    ],
)
async def test_what_is_not_taken_for_working(fault: str, expected: tuple[str, str], proof: Proof) -> None:
    result = await against(TurnServer(fault=fault), limit=0.8)
    assert result.failure == expected
    assert result.proof is proof


async def test_over_a_stream_a_wrong_signature_is_another_server() -> None:
    with serve(TurnServer(fault="wrong integrity").converse) as server:
        option = voice_option("turn", server.host, server.port, transport="tcp", user="lab", password="right")
        result = await attempt(option, context())
    assert result.failure == ("authenticate", "wrong_key")
    assert result.proof is Proof.HANDSHAKEN


async def test_a_closed_port_is_refused_at_once() -> None:
    result = await attempt(voice_option("turn", ADDRESS, closed_port()), context())
    assert result.failure == ("tunnel_handshake", "connection_refused")
    assert result.proof is Proof.NONE


async def test_secrets_stay_out_of_the_record() -> None:
    with answering(TurnServer().answers) as port:
        option = voice_option("turn", ADDRESS, port, user="lab", password="very-secret-word")
        result = await attempt(option, context())
    assert "very-secret-word" not in repr(result) + repr(option)
    assert result.failure == ("authenticate", "auth_rejected")
