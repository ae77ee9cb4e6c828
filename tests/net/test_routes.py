"""Machines without routes, and routes that forbid: a process in an empty network of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.namespace

SCRIPT = textwrap.dedent("""
    import json, sys
    import anyio
    from circumvent.model.option import Endpoint
    from circumvent.net.clock import Clock
    from circumvent.net.dial import DirectDialer, Policy
    from circumvent.net.errors import CannotTry, StepFailed
    from circumvent.net.interfaces import read_line
    from circumvent.net.timeouts import Timeouts
    from circumvent.net.trace import Trace

    async def dial(address):
        trace = Trace("a", clock=Clock(), timeouts=Timeouts(), limit=0.2)
        dialer = DirectDialer(None, policy=Policy(allow_private=True))
        try:
            stream = await dialer.stream(Endpoint(host=address, port=443), trace)
        except StepFailed as exc:
            return exc.failure.step, exc.error
        except CannotTry as exc:
            return "", exc.reason.value

    line = read_line()
    print(json.dumps({
        "online": line.online, "interface": line.interface, "carrier": line.carrier, "tunnel": line.tunnel,
        "gateways": line.gateways, **{address: anyio.run(dial, address) for address in sys.argv[1:]},
    }))
""")


def look(setup: str, *addresses: str) -> dict[str, object]:
    """Run ``setup`` (shell) and the script in a network namespace of its own; return what it saw."""
    unshare = shutil.which("unshare")
    if unshare is None or shutil.which("ip") is None:
        pytest.skip("there are no unshare and ip programs to make an empty network")
    root = Path(__file__).parents[2]
    command = f'{setup}; exec {sys.executable} -c "$SCRIPT" {" ".join(addresses)}'
    result = subprocess.run(
        [unshare, "-Urn", "sh", "-ec", command],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root), "SCRIPT": SCRIPT},
    )
    assert result.returncode == 0, result.stderr
    seen: dict[str, object] = json.loads(result.stdout)
    return seen


def test_without_any_route_the_machine_is_offline() -> None:
    seen = look("true", "8.8.8.8", "2001:4860:4860::8888")
    assert (seen["online"], seen["interface"], seen["carrier"]) == (False, None, False)
    assert seen["8.8.8.8"] == seen["2001:4860:4860::8888"] == ["", "offline"]


TUN = "ip tuntap add dev tun0 mode tun; ip link set lo up; ip link set tun0 up"


def test_routes_that_forbid_say_so_in_the_connect_step() -> None:
    setup = (
        f"{TUN}; ip addr add 10.9.0.2/24 dev tun0; ip route add default via 10.9.0.1; "
        "ip route add unreachable 192.0.2.0/24; ip route add prohibit 198.51.100.128/25; "
        "ip route add blackhole 203.0.113.0/24"
    )
    seen = look(setup, "192.0.2.1", "198.51.100.200", "203.0.113.1", "8.8.8.8", "2001:db8::1")
    assert (seen["online"], seen["interface"], seen["gateways"]) == (True, "tun0", ["10.9.0.1"])
    assert seen["tunnel"] == "tun"
    assert seen["192.0.2.1"] == ["connect", "host_unreachable"]
    assert seen["198.51.100.200"] == ["connect", "permission_denied"]
    assert seen["203.0.113.1"] == ["connect", "network_unreachable"]
    assert seen["8.8.8.8"] == ["connect", "generic_timeout_error"]
    assert seen["2001:db8::1"] == ["", "no_family"]
