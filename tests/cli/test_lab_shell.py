"""``circumvent lab shell``: any program on the client's side."""

from __future__ import annotations

import fcntl
import os
import pty
import shutil
import signal
import subprocess
import termios

import pytest

from tests.cli.pty_run import COMMAND, ROOT
from tests.cli.test_lab_run import run
from tests.lab.left_out import leave_out

pytestmark = [pytest.mark.daemons, pytest.mark.timeout(180)]


def test_a_command_has_the_network_and_the_resolver_of_the_scenario() -> None:
    done = run("shell", "china-gfw-dns", "--", "sh", "-c", "cat /etc/resolv.conf /proc/net/dev; exit 7")
    assert done.returncode == 7, done.stderr
    assert "nameserver 192.58.128.11\n" in done.stdout
    devices = {line.partition(":")[0].strip() for line in done.stdout.splitlines() if ":" in line}
    assert "wire0" in devices
    assert not any(one.startswith(("eth", "en", "wl")) for one in devices)


def test_curl_gets_a_page_and_trusts_the_world() -> None:
    if shutil.which("curl") is None:
        leave_out("curl is not installed")
    written = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "https://wiki.example/"]
    done = run("shell", "open", "--", *written)
    assert (done.returncode, done.stdout) == (0, "200"), done.stderr


def test_a_program_that_is_not_there() -> None:
    done = run("shell", "open", "--", "no-such-program")
    assert done.returncode == 127
    assert "no-such-program: No such file or directory" in done.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 7), (signal.SIGTERM, 130)])
def test_a_signal_to_the_main_process_alone_reaches_the_program(number: signal.Signals, status: int) -> None:
    program = "trap 'exit 7' INT; trap 'echo farewell; exit' TERM; echo ready; while :; do sleep 0.1; done"
    process = subprocess.Popen(
        [*COMMAND, "lab", "shell", "open", "--", "sh", "-c", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    assert process.stdout is not None
    if process.stdout.readline() != b"ready\n":
        leave_out(process.communicate()[1].decode())
    process.send_signal(number)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (status, b"")
    assert (b"farewell" in out) is (number == signal.SIGTERM)


def test_a_shell_on_a_terminal_has_the_terminal() -> None:
    """Ctrl-C in it ends what runs in it, not the shell and not the laboratory."""
    bash = shutil.which("bash")
    if bash is None:
        leave_out("bash is not installed")
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "lab", "shell", "open"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SHELL": bash},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - nothing else runs here
    )
    os.close(slave)
    read, at = b"", 0
    for expected, answer in (
        (b"laboratory/check\r\n", b"PS1='rea''dy> '\n"),
        (b"ready> ", b"sh -c 'echo lab=$CIRCUMVENT_LAB; exec sleep 1000'\n"),
        (b"lab=open\r\n", b"\x03"),
        (b"ready> ", b"exit 3\n"),  # what is typed before the prompt, Ctrl-C takes away
    ):
        while expected not in read[at:]:
            try:
                read += os.read(master, 4096)
            except OSError:
                break
        if b"does not allow" in read:
            leave_out("namespaces are not allowed here")
        at = len(read)
        os.write(master, answer)
    code = process.wait(60)
    os.close(master)
    assert code == 3, read
    assert b"job control" not in read
