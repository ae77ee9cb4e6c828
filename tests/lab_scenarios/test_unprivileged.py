"""A laboratory needs no rights: everything once more as a user who has none, also where root runs the tests."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.lab.left_out import leave_out

if TYPE_CHECKING:
    from tests.lab.somebody import Somebody

pytestmark = [pytest.mark.daemons, pytest.mark.timeout(180)]

COMMAND = (sys.executable, "-c", "import sys; from circumvent.cli.app import main; sys.exit(main())", "lab")
NOT_RUN = 3

_STORY = """
import os, socket, sys
from circumvent.lab.blocking import Blocking
from circumvent.lab.actions import Refuse
from circumvent.lab.namespace import contained
from circumvent.lab.rules.endpoint import AnyPacket
from circumvent.lab.scope import Scope
from circumvent.lab.wire import WireConfig, open_wire

def main():
    refuse = Blocking(name="refuse", when=AnyPacket(), then=Refuse(), scope=Scope(ports=(81,)))
    with open_wire(WireConfig(rules=(refuse,), world=("198.51.100.10",))) as wire:
        with wire.in_world():
            server = socket.create_server(("198.51.100.10", 80))
        with wire.in_client():
            socket.create_connection(("198.51.100.10", 80), 5).close()
            try:
                socket.create_connection(("198.51.100.10", 81), 5)
            except ConnectionRefusedError:
                print("refused", flush=True)
        wire.check_fired()
    return 0

print("real user", os.getresuid(), open("/proc/self/status").read().partition("CapEff:")[2].split()[0], flush=True)
sys.exit(contained(main))
"""


def without_rights(text: str) -> bool:
    """Whether a story was told by a user who is not root and has no capability."""
    user = text.partition("real user (")[2].partition(",")[0]
    return user not in {"", "0"} and text.splitlines()[0].endswith(" 0000000000000000")


def test_the_wire(somebody: Somebody) -> None:
    done = somebody.run(sys.executable, "-c", _STORY)
    if done.returncode and "namespaces" in done.stderr:
        leave_out(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert without_rights(done.stdout)
    assert done.stdout.endswith("\nrefused\n")


def test_a_whole_run(somebody: Somebody) -> None:
    done = somebody.run(*COMMAND, "run", "sanctions-geofence", "--only", "https")
    if done.returncode == NOT_RUN:
        leave_out(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exit 0: all right" in done.stdout


@pytest.mark.requires("tor", "obfs4proxy", "nginx")
def test_bridges_by_their_own_programs(somebody: Somebody) -> None:
    done = somebody.run(*COMMAND, "run", "tor-tls-fingerprint")
    if done.returncode == NOT_RUN:
        leave_out(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exit 0: all right" in done.stdout


def test_any_program(somebody: Somebody) -> None:
    done = somebody.run(*COMMAND, "shell", "open", "--", "sh", "-c", "id -u; cat /proc/net/dev")
    if done.returncode == NOT_RUN:
        leave_out(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] != "0"
    assert "wire0" in done.stdout
