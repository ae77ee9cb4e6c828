"""Start-up: what it costs, what it loads, and that nothing ends in a traceback."""

from __future__ import annotations

import ast
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from circumvent import __version__
from circumvent.cli.app import main
from circumvent.cli.help_text import HELP
from tests.cli.pty_run import COMMAND, ROOT

HEAVY = ("httpx", "aioquic", "dns", "cryptography", "rich", "msgspec", "anyio", "asyncio", "ssl")


def run(
    *arguments: str, env: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    whole = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, env=whole, check=False, **options
    )
    return done


def loaded(arguments: list[str], names: tuple[str, ...]) -> list[str]:
    """Return which of the modules are loaded after a command, beside what Python itself begins with.

    (An installation for development loads some, to find this tree.)
    """
    code = (
        "import sys\nbefore = set(sys.modules)\nimport contextlib, io\nfrom circumvent.cli.app import main\n"
        f"with contextlib.redirect_stdout(io.StringIO()): main({arguments!r})\n"
        f"print([name for name in {names!r} if name in sys.modules and name not in before])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    found: list[str] = ast.literal_eval(done.stdout)
    return found


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [], ["-h"]])
def test_help_and_version_load_nothing(arguments: list[str]) -> None:
    assert loaded(arguments, (*HEAVY, "typer", "typing", "re", "signal", "circumvent.cli.commands")) == []


def test_help_of_a_command_loads_typer_alone() -> None:
    assert loaded(["check", "--help"], ("typer", *HEAVY)) == ["typer"]


def seconds(command: list[str]) -> float:
    taken = []
    for _ in range(7):
        began = time.perf_counter()
        subprocess.run(
            command, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True
        )
        taken.append(time.perf_counter() - began)
    return median(taken)


def test_help_starts_about_as_fast_as_python_itself() -> None:
    bare = seconds([sys.executable, "-c", "pass"])
    # Wanted: twice a bare start at most. Three times, and a little, is what a busy machine may make of it.
    assert seconds([*COMMAND, "--help"]) < 3 * bare + 0.03


def test_the_entry_points_answer() -> None:
    assert run("--help").stdout == HELP
    assert run("--version").stdout == f"circumvent {__version__}\n"
    assert run().stdout == HELP


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chek"], 'circumvent: there is no command "chek". Did you mean check? All commands: circumvent --help'),
        (["--lang"], 'circumvent: there is no option "--lang". All commands: circumvent --help'),
        (["seal"], 'circumvent: there is no command "seal". All commands: circumvent --help'),
        (["check", "--lang", "fa"], 'circumvent check: there is no option "--lang". All options: circumvent check --help'),
        (["check", "--trails", "3"], 'circumvent check: there is no option "--trails". Did you mean --trials? All options: circumvent check --help'),
        (["check", "--deadline"], "--deadline: a value must follow: --deadline SECONDS. All options: circumvent check --help"),
        (["check", "--deadline", "soon"], '--deadline: "soon" is not a number of seconds. Example: --deadline 20'),
        (["check", "--json=yes"], "--json: it stands alone and takes no value. All options: circumvent check --help"),
        (["report"], "circumvent report: FILE is missing. Example: circumvent report report.json"),
        (["show"], "circumvent show: ID|FILE is missing. Example: circumvent show quad9-doh"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_exit_code_2(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said + "\n")


def test_a_link_in_the_place_of_a_command_is_not_repeated() -> None:
    done = run("socks5://me:hunter2@192.0.2.1:1080")
    assert done.returncode == 2
    assert "hunter2" not in done.stderr
    assert "circumvent check" in done.stderr


def test_a_reader_that_left_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -c 'import sys; from circumvent.cli.app import main; sys.exit(main())' list | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        check=False,
    )
    assert done.stderr == ""
    assert "built-in options" in done.stdout


def test_a_defect_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: list[str]) -> int:
        raise RuntimeError("\x1b[31mboom")

    monkeypatch.delenv("CIRCUMVENT_DEBUG", raising=False)
    monkeypatch.setattr("circumvent.cli.commands.run", fail)
    assert main(["list"]) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "a defect of the program (RuntimeError: \\x1b[31mboom)" in said
    monkeypatch.setenv("CIRCUMVENT_DEBUG", "1")
    with pytest.raises(RuntimeError, match="boom"):
        main(["list"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_starts_ends_it_too(number: signal.Signals) -> None:
    """Standard input is open and silent: the check is still reading what to try."""
    process = subprocess.Popen(
        [*COMMAND, "check", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 - as nohup does it
    )
    try:
        while not _catches(process.pid, number):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        out, errors = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == 3
    assert out == b""
    assert errors.decode().endswith("Stopped; nothing was decided.\n")


def _catches(pid: int, number: signal.Signals) -> bool:
    """Tell whether a process has a handler for a signal by now."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    caught = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(caught >> (number - 1) & 1)


#: A check that ends at once: nobody listens there.
AT_ONCE = ("check", "socks5://127.0.0.1:1", "--allow-private", "--anchors", "none")


@pytest.mark.parametrize("closed", ["<&-", "2>&-", ">&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_defect(closed: str) -> None:
    command = shlex.join([*COMMAND, *AT_ONCE]) + " " + closed
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 1
    assert "defect" not in done.stderr
    if ">&-" not in closed.replace("2>&-", ""):
        assert "The option does not work." in done.stdout


def test_the_reader_of_the_progress_may_leave() -> None:
    command = f"({shlex.join([*COMMAND, *AT_ONCE])}; echo $? >&2) 2>&1 >/dev/null | head -n 1"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=env, check=False)
    assert "checking 1 option" in done.stdout
    reader, writer = os.pipe()
    os.close(reader)
    alone = subprocess.run(
        [*COMMAND, *AT_ONCE], stdout=subprocess.PIPE, stderr=writer, text=True, env=env, check=False
    )
    os.close(writer)
    assert alone.returncode == 1
    assert "The option does not work." in alone.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_said() -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *AT_ONCE], stdout=full, stderr=subprocess.PIPE, text=True, env=env, check=False
        )
    assert done.returncode == 3
    assert done.stderr.endswith("circumvent: what it says can't be written (No space left on device).\n")
