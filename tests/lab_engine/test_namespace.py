"""What runs contained is alone, leaves nothing behind, and is told apart from a refusal."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from circumvent.lab import namespace
from circumvent.lab.namespace import Refused, contained, new_network

pytestmark = pytest.mark.namespace
ROOT = Path(__file__).parents[2]


def story(body: str, *arguments: str, new_session: bool = False) -> subprocess.Popen[str]:
    """Run ``main`` of ``body`` contained, in a process of its own."""
    text = "import os, socket, subprocess, sys\nfrom pathlib import Path\n"
    text += "from circumvent.lab.namespace import contained\n"
    text += textwrap.dedent(body) + "\nsys.exit(contained(main, resolv_conf='nameserver 198.51.100.10\\n'))\n"
    return subprocess.Popen(
        [sys.executable, "-c", text, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=new_session,
    )


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, errors = process.communicate(timeout=30)
    assert not errors
    return process.returncode, out


def running(marker: str) -> bool:
    """Whether a process has ``marker`` among its arguments."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and marker in (entry / "cmdline").read_text(errors="replace"):
                return int(entry.name) != os.getpid()
        except OSError:
            continue
    return False


def wait_until(gone: bool, marker: str) -> None:
    limit = time.monotonic() + 10
    while running(marker) is gone:
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_a_place_of_its_own() -> None:
    process = story(
        """
        def main():
            print(os.getpid() < 10, os.geteuid() != 0, [name for _, name in socket.if_nameindex()][:1])
            print(Path("/etc/resolv.conf").read_text().strip(), sorted(os.listdir("/run")))
            return 7
        """
    )
    status, out = finished(process)
    assert status == 7
    assert out.splitlines() == ["True True ['lo']", "nameserver 198.51.100.10 ['resolv.conf']"]


@pytest.mark.parametrize(("body", "status"), [("raise SystemExit(3)", 3), ("os.kill(os.getpid(), 9)", 137)])
def test_how_it_ended(body: str, status: int) -> None:
    assert finished(story(f"def main():\n    {body}"))[0] == status


def test_an_error_is_shown_once() -> None:
    process = story("def main():\n    raise ValueError('of main')")
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert not out
    assert errors.count("ValueError: of main") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("whole_group", [False, True])
def test_a_request_to_stop_is_one_interrupt(number: signal.Signals, whole_group: bool) -> None:
    """Whether one process is asked or the whole group, and asked again while it clears up."""
    process = story(
        """
        import signal, time

        def main():
            try:
                print("ready", flush=True)
                time.sleep(60)
            except KeyboardInterrupt:
                print("clearing up", flush=True)
                sys.stdin.readline()
                return 9
            return 1
        """,
        new_session=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "ready\n"
    send = os.killpg if whole_group else os.kill
    send(process.pid, number)
    assert process.stdout.readline() == "clearing up\n"
    send(process.pid, number)
    assert finished(process) == (9, "")


def test_an_interrupt_that_nobody_takes() -> None:
    process = story("import time\ndef main():\n    print('ready', flush=True)\n    time.sleep(60)")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert finished(process) == (namespace.INTERRUPTED, "")


def test_what_it_started_ends_with_it() -> None:
    marker = f"1{secrets.randbelow(10**9):09}"
    process = story(
        """
        def main():
            subprocess.Popen(["sleep", sys.argv[1]], start_new_session=True)
            return 0
        """,
        marker,
    )
    assert finished(process)[0] == 0
    wait_until(True, marker)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_it_started_ends_when_it_is_killed(number: signal.Signals) -> None:
    marker = f"1{secrets.randbelow(10**9):09}"
    process = story(
        """
        from circumvent.lab.wire import WireConfig, open_wire

        def main():
            with open_wire(WireConfig(world=("198.51.100.10",))) as wire, wire.in_world():
                subprocess.Popen(["setsid", "sleep", sys.argv[1]], start_new_session=True)
                print("started", flush=True)
                subprocess.run(["sleep", sys.argv[1]])
            return 0
        """,
        marker,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    wait_until(False, f"sleep\0{marker}")
    process.send_signal(number)
    process.communicate(timeout=30)
    wait_until(True, marker)


def alone(body: str) -> str:
    """Run a piece of code in a process of its own: one with threads cannot be divided, and this one may have some."""
    text = textwrap.dedent(body)
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert not done.stderr, done.stderr
    return done.stdout.strip()


def test_nothing_is_left_open_here() -> None:
    said = alone("""
        import os
        from circumvent.lab.namespace import contained
        before = len(os.listdir("/proc/self/fd"))
        print(contained(lambda: 4), end=" ", flush=True)
        print(len(os.listdir("/proc/self/fd")) - before)
    """)
    assert said == "4 0"


def test_a_new_network_is_one_descriptor() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    os.close(new_network())
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_refusal_says_why() -> None:
    said = alone("""
        import sys
        from circumvent.lab import namespace
        def refuse(flags):
            raise namespace.Refused(f"unshare({flags:#x}): Operation not permitted")
        namespace.unshare = refuse
        for platform in ("linux", "darwin"):
            sys.platform = platform
            try:
                namespace.contained(lambda: 0)
            except namespace.Refused as exc:
                print(exc)
    """)
    first, second = said.splitlines()
    assert "not permitted" in first
    assert "darwin has no network namespaces" in second


def test_threads_are_no_company() -> None:
    import threading

    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with pytest.raises(Refused, match="thread"):
            contained(lambda: 0)
    finally:
        stop.set()
        thread.join()


def test_inside_and_back() -> None:
    network = new_network()
    here = socket.if_nameindex()
    with namespace.inside(network):
        assert [name for _, name in socket.if_nameindex() if name in ("lo", "drop0")] == ["lo"]
    assert socket.if_nameindex() == here
    os.close(network)
