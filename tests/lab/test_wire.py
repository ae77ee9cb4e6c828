"""The wire delays, drops and counts; tried in a process of its own, because opening it changes the namespace."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

_STORY = """
import json, socket, threading
from tests.lab.wire import open_wire

wire = open_wire(delay=0.02, world=["198.18.1.10"], dropped=["198.19.0.0/16"])
with wire.in_world():
    server = socket.create_server(("198.18.1.10", 443))
with socket.create_connection(("198.18.1.10", 443), 5) as client:
    peer, _ = server.accept()
    peer.sendall(bytes(100))
    client.recv(100, socket.MSG_WAITALL)
    silent = socket.socket()
    silent.settimeout(0.2)
    try:
        silent.connect(("198.19.1.10", 443))
        outcome = "connected"
    except TimeoutError:
        outcome = "silence"
    rows = [[f.address, f.answered and f.answered - f.asked, f.sent, f.received] for f in wire.flows()]
print(json.dumps({"outcome": outcome, "rows": rows}))
wire.close()
"""


@pytest.mark.namespace
def test_the_wire_delays_drops_and_counts() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _STORY], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["outcome"] == "silence"
    (address, round_trip, sent, received), (dropped, unanswered, _, nothing) = told["rows"]
    assert (address, dropped) == ("198.18.1.10", "198.19.1.10")
    assert round_trip >= 0.04  # never less than the delay both ways
    assert (unanswered, nothing) == (None, 0)
    assert received >= 60 + 52 + 100  # SYN-ACK, and 100 bytes in a segment with headers
    assert sent >= 60 + 52
