"""``circumvent lab run`` and ``record``: whole runs, short ones; mistakes; Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.cli.app import main
from tests.cli.pty_run import COMMAND, ROOT, Terminal
from tests.lab.left_out import leave_out

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_RUN = 3


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command of the laboratory, in a process of its own, which a lab divides."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [*COMMAND, "lab", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=cwd,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode == NOT_RUN:
        leave_out(done.stderr.strip())
    return done


@pytest.mark.daemons
@pytest.mark.timeout(180)
def test_a_run_ends_with_truth_beside_verdict() -> None:
    done = run("run", "offline", "--seed", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("Lab: offline, 50 ms round trip. Nothing leaves this machine.\n")
    assert "This device is offline" in done.stdout
    _, _, truth = done.stdout.partition("\nTruth beside verdict\n")
    assert re.search(r"^https, \d+ of them: truth not tried, verdict not tried, right$", truth, re.MULTILINE)
    assert "state: offline, right\n" in truth
    assert truth.endswith("repeat: circumvent lab run offline --seed 5 (exit 0: all right)\n")


@pytest.mark.daemons
@pytest.mark.timeout(180)
def test_a_scenario_that_lies_is_found_out(tmp_path: Path) -> None:
    """The check is honest, the scenario's truth is not: it says that this network is open."""
    text = (ROOT / "circumvent/lab/scenarios/offline.toml").read_text("utf-8")
    assert 'state = ["offline"]' in text
    lying = text.replace('name = "offline"', 'name = "lying"').replace(
        'state = ["offline"]', 'state = ["open"]'
    )
    (tmp_path / "lying.toml").write_text(lying, "utf-8")
    done = run("run", "lying.toml", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "state: offline, WRONG: it is open\n" in done.stdout


@pytest.mark.daemons
@pytest.mark.timeout(180)
def test_packets_are_recorded_and_the_document_has_everything(tmp_path: Path) -> None:
    done = run(
        "record", "sanctions-geofence", "--pcap", str(tmp_path / "out.pcap"), "--json", "--only", "https"
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["scenario"] == "sanctions-geofence"
    assert document["right"] is True
    assert {row["kind"] for row in document["verdicts"]} == {"https"}
    assert document["report"]["schema"]
    magic = (tmp_path / "out.pcap").read_bytes()[:4]
    assert magic in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")


def test_ctrl_c_ends_everything() -> None:
    """As a terminal does it: to the whole group of processes."""
    below: set[int] = set()

    def stop(process: subprocess.Popen[bytes], _: int) -> None:
        below.update(_engine_and_world(process.pid))
        os.killpg(process.pid, signal.SIGINT)

    ended = Terminal(["lab", "run", "open"]).run(when=lambda text: "Ctrl-C" in text, then=stop)
    if "does not allow" in ended.raw:
        leave_out("namespaces are not allowed here")
    assert ended.code == NOT_RUN
    assert ended.screen.endswith("Stopped; nothing was decided.")
    assert "Traceback" not in ended.raw
    assert below
    assert [pid for pid in below if _alive(pid)] == []


@pytest.mark.daemons
@pytest.mark.timeout(240)
def test_several_at_once_do_not_disturb_each_other() -> None:
    """The same and other scenarios side by side, one of which is killed in the midst of it."""
    words = (
        ["run", "sanctions-geofence", "--only", "https"],
        ["run", "sanctions-geofence", "--only", "https"],
        ["run", "offline"],
        ["shell", "china-gfw-dns", "--", "cat", "/etc/resolv.conf"],
        ["run", "open"],
    )
    processes = [
        subprocess.Popen(
            [*COMMAND, "lab", *each],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for each in words
    ]
    killed = processes.pop()
    below = _engine_and_world(killed.pid)
    killed.kill()
    killed.communicate()
    said = [process.communicate() for process in processes]
    codes = [process.returncode for process in processes]
    if NOT_RUN in codes:
        leave_out(said[codes.index(NOT_RUN)][1].strip())
    assert codes == [0] * len(codes), said
    for pid in below:
        _wait_until_it_ended(pid)


@pytest.mark.daemons
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_main_process_alone_ends_everything(number: signal.Signals) -> None:
    """No process is left, and so none that holds a namespace or a device of the laboratory."""
    process = subprocess.Popen(
        [*COMMAND, "lab", "run", "open"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 - as a shell starts "&"
    )
    below = _engine_and_world(process.pid)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    if b"does not allow" in errors:
        leave_out("namespaces are not allowed here")
    assert process.returncode == (-number if number == signal.SIGKILL else NOT_RUN)
    if number != signal.SIGKILL:
        assert errors.decode().endswith("Stopped; nothing was decided.\n")
    assert b"Traceback" not in errors
    assert len(below) >= 5
    for pid in below:
        _wait_until_it_ended(pid)


@pytest.mark.daemons
@pytest.mark.timeout(180)
def test_a_terminal_sees_the_view_of_the_check_then_the_truth() -> None:
    ended = Terminal(["lab", "run", "offline"]).run(limit=120)
    if "does not allow" in ended.raw:
        leave_out("namespaces are not allowed here")
    assert ended.code == 0
    view = ended.raw.index("Ctrl-C stops and shows what is known so far.")
    assert view < ended.raw.index("This device is offline") < ended.raw.index("Truth beside verdict")
    assert ended.screen.count("This device is offline") == 1
    assert "Ctrl-C stops and shows" not in ended.screen  # the view is taken away again


@pytest.mark.daemons
@pytest.mark.timeout(180)
def test_a_terminal_sees_sentences_where_they_are_wanted() -> None:
    ended = Terminal(["lab", "run", "offline", "--plain"]).run(limit=120)
    if "does not allow" in ended.raw:
        leave_out("namespaces are not allowed here")
    assert ended.code == 0
    assert "\x1b[" not in ended.raw
    assert "This device is offline" in ended.screen
    assert ended.screen.count("Truth beside verdict") == 1


def _alive(pid: int) -> bool:
    """Tell whether a process still runs; one that only waits for its parent to look (a zombie) does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def _wait_until_it_ended(pid: int) -> None:
    """Wait for a process that is not ours; the test's timeout is the limit."""
    while _alive(pid):
        time.sleep(0.01)


def _engine_and_world(root: int) -> set[int]:
    """Return all processes below ``root``, once world and engine are there: five, with those between."""
    found: set[int] = set()
    while len(found) < 5 and Path(f"/proc/{root}").exists():
        found, waiting = set(), [root]
        while waiting:
            children = _children(waiting.pop())
            found.update(children)
            waiting += children
    return found


def _children(pid: int) -> Sequence[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except OSError:
        return []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["open", "--deadline", "soon"], '--deadline: "soon" is not a number of seconds.'),
        (["open", "--trails", "3"], "Did you mean --trials?"),
        (["open", "--seed", "x"], '--seed: "x" is not a whole number.'),
        (["open", "--save"], "--save is not for a lab"),
        (["open", "--plan"], "--plan is not for a lab"),
        (["--deadline", "3", "open"], "SCENARIO comes first."),
        (["open", "--dump", "/run/report.json"], "is in a folder that is empty inside a lab."),
        ([], "circumvent lab run: SCENARIO is missing. Example: circumvent lab run open"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_built(capsys: Any, words: list[str], said: str) -> None:
    assert main(["lab", "run", *words]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert (told.out, told.err.count("\n")) == ("", 1)


def test_a_recording_needs_a_place(capsys: Any, tmp_path: Path) -> None:
    assert main(["lab", "record", "open"]) == 2
    assert "--pcap FILE is missing" in capsys.readouterr().err
    assert main(["lab", "record", "open", "--pcap", str(tmp_path / "no" / "x.pcap")]) == 2
    assert "can't be written" in capsys.readouterr().err
