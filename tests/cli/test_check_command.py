"""``circumvent check`` as people run it: in terminals and pipes, against real servers, until the end or Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from circumvent.model.report import json_schema
from tests.cli.pty_run import COMMAND, ROOT, Terminal
from tests.say.hostile import raw_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.names import Resolver
    from tests.lab.namespace import Network
    from tests.lab.proxies import Proxy

pytestmark = pytest.mark.daemons

#: Wanted after Ctrl-C: 0.3 s. The bound is three times as generous, for a busy machine.
AFTER_SIGNAL = 0.9


def run(
    *arguments: str, env: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    whole = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, env=whole, check=False, **options
    )
    return done


@pytest.fixture
def working(unbound: Resolver, danted: Proxy, flags: Callable[..., list[str]]) -> list[str]:
    """Arguments of a check in which two options work."""
    return ["check", f"tls://{unbound.address}", f"socks5://{danted.address}:{danted.port}", *flags()]


@pytest.fixture
def slow(network: Network, working: list[str]) -> list[str]:
    """The same with an option that is silent for a long time."""
    return [*working, f"tls://{network.dropped[0]}", f"socks5://{network.dropped[0]}:1080"]


def test_in_a_terminal_the_view_goes_and_the_answer_stays(working: list[str]) -> None:
    ended = Terminal(working).run()
    assert ended.code == 0
    assert "Checking 2 options" in ended.raw
    lines = ended.screen.splitlines()
    assert lines[0] == "No filtering seen. Nothing is needed to reach what was tested. 2 of 2 options work."
    assert "Checking" not in ended.screen
    assert re.search(r"^   1  \+  [\d.]+ +DNS over TLS +works +\d of \d", ended.screen, re.MULTILINE)
    assert lines[-2].endswith("Nothing was saved.")
    assert ended.raw.count("\x1b[?25l") == ended.raw.count("\x1b[?25h")


def test_no_color_takes_colour_away_and_a_dumb_terminal_gets_lines(working: list[str]) -> None:
    bare = Terminal(working, env={"NO_COLOR": "1"}).run()
    assert not re.search(r"\x1b\[\d*m", bare.raw)
    assert "Checking 2 options" in bare.raw
    dumb = Terminal(working, env={"TERM": "dumb"}).run()
    assert "\x1b" not in dumb.raw
    assert "0.0 s  checking 2 options, at most 25 s and 20.0 MB" in dumb.screen
    forced = run(*working, env={"FORCE_COLOR": "1"})
    assert "\x1b[32mworks" in forced.stdout


def test_pipes_get_sentences(working: list[str]) -> None:
    done = run(*working)
    assert done.returncode == 0
    assert raw_in(done.stdout + done.stderr) == set()
    assert re.search(r"^ +\d+\.\d s  works: [\d.]+ \(DoT\), first data after", done.stderr, re.MULTILINE)
    assert re.search(r"^1\. [\d.]+ \(SOCKS5\): works, \d of \d tries, first data ", done.stdout, re.MULTILINE)
    assert done.stderr.splitlines()[-1].endswith("done: 2 work")


def test_plain_and_quiet(working: list[str]) -> None:
    plain = Terminal([*working, "--plain"]).run()
    assert "\x1b" not in plain.raw
    assert "For apps with a proxy setting\n1. " in plain.screen
    assert Terminal(working, env={"CIRCUMVENT_PLAIN": "1"}).run().raw.count("\x1b") == 0
    quiet = run(*working, "--quiet")
    assert quiet.stderr == ""
    assert re.fullmatch(r"open; 2 of 2 work; use [\d.]+ \(SOCKS5\): \d of \d, [\d.]+ ms\n", quiet.stdout)


def test_json_is_one_document_and_people_read_the_end_screen_beside_it(
    working: list[str], tmp_path: Path
) -> None:
    with (tmp_path / "out.json").open("wb") as out:
        ended = Terminal([*working, "--json"]).run(stdout=out.fileno())
    document = json.loads((tmp_path / "out.json").read_text("utf-8"))
    jsonschema.validate(document, json_schema())
    assert ended.screen.startswith("No filtering seen.")
    assert {option["text"] for option in document["options"] if not option["baseline"]} == {"works"}
    piped = run(*working, "--json")
    assert json.loads(piped.stdout)["schema"] == "circumvent.report/1"
    assert "No filtering seen" not in piped.stderr.partition("done:")[2]


def test_a_dump_is_redacted_and_can_be_read_again(working: list[str], tmp_path: Path, danted: Proxy) -> None:
    file = tmp_path / "report.json"
    ended = run(*working, "--dump", str(file))
    assert ended.returncode == 0
    assert f"The report is in {file}." in ended.stdout
    assert file.stat().st_mode & 0o777 == 0o600
    written = file.read_text("utf-8")
    jsonschema.validate(json.loads(written), json_schema())
    assert danted.address not in written
    read = run("report", str(file))
    assert read.returncode == 0
    assert "state: open" in read.stdout
    assert "Tell them" in read.stdout


def press(process: subprocess.Popen[bytes], _: int) -> None:
    process.send_signal(signal.SIGINT)


def shown(text: str) -> bool:
    return "2 of 4 decided" in text


@pytest.mark.parametrize("ignored", [False, True], ids=["", "the parent ignored SIGINT"])
def test_ctrl_c_gives_what_is_known(slow: list[str], ignored: bool) -> None:
    ended = Terminal(slow).run(when=shown, then=press, ignore_sigint=ignored)
    assert ended.code == 3
    assert ended.screen.startswith("Stopped after ")
    assert "2 options work so far; 2 of 4 have no verdict yet." in ended.screen
    assert "What gets you out, so far" in ended.screen
    assert ended.after_signal is not None
    assert ended.after_signal < AFTER_SIGNAL


def test_ctrl_c_still_writes_the_report_and_the_document(slow: list[str], tmp_path: Path) -> None:
    file = tmp_path / "partial.json"
    with (tmp_path / "out.json").open("wb") as out:
        ended = Terminal([*slow, "--json", "--dump", str(file)]).run(
            when=shown, then=press, stdout=out.fileno()
        )
    assert ended.code == 3
    for name in ("partial.json", "out.json"):
        document = json.loads((tmp_path / name).read_text("utf-8"))
        assert document["complete"] is False
        jsonschema.validate(document, json_schema())


def test_sigterm_is_as_good_as_ctrl_c(slow: list[str]) -> None:
    process = subprocess.Popen(
        [*COMMAND, *slow],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "works:" in line:
            break
    process.terminate()
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 3
    assert out.startswith("Stopped after ")


def test_a_second_ctrl_c_leaves_at_once(slow: list[str]) -> None:
    def twice(process: subprocess.Popen[bytes], _: int) -> None:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        time.sleep(0.001)
        process.send_signal(signal.SIGINT)

    ended = Terminal(slow).run(when=shown, then=twice)
    assert ended.code == 3
    assert ended.after_signal is not None
    assert ended.after_signal < AFTER_SIGNAL


def test_the_deadline_is_kept_from_the_start_of_the_command(slow: list[str]) -> None:
    began = time.monotonic()
    done = run(*slow, "--deadline", "2", "--json")
    taken = time.monotonic() - began
    report = json.loads(done.stdout)
    assert report["complete"] is False
    assert 1.9 < report["duration_s"] < 2.5
    # Wanted: 0.5 s more at most; the bound is three times as generous, for a busy machine.
    assert taken < 2 + 1.5


def test_nothing_works(network: Network, flags: Callable[..., list[str]]) -> None:
    done = run("check", f"tls://{network.servers_ipv4[-1]}:9", *flags())
    assert done.returncode == 1
    assert "The option does not work." in done.stdout
    assert "the server is there and this port is closed" in done.stdout
    assert "circumvent check --builtin" in done.stdout


def test_a_link_with_a_secret_works_and_says_once_where_it_is_now(
    microsocks_password: Proxy, flags: Callable[..., list[str]]
) -> None:
    proxy = microsocks_password
    link = f"socks5://{proxy.user}:{proxy.password}@{proxy.address}:{proxy.port}"
    done = run("check", link, *flags())
    assert done.returncode == 0
    assert done.stderr.count("this link is now in your shell history; next time: circumvent check -") == 1
    assert str(proxy.password) not in done.stdout + done.stderr
    piped = run("check", "-", *flags(), input=link)
    assert piped.returncode == 0
    assert "shell history" not in piped.stderr


def test_a_paste_is_not_shown_and_ends_with_an_empty_line(
    danted: Proxy, flags: Callable[..., list[str]]
) -> None:
    link = f"socks5://{danted.address}:{danted.port}"
    long = "# " + "x" * 6000

    def paste(_: subprocess.Popen[bytes], master: int) -> None:
        for piece in (long, link, ""):
            os.write(master, piece.encode() + b"\n")

    ended = Terminal(["check", "-", *flags()]).run(
        when=lambda text: "An empty line ends." in text, then=paste
    )
    assert ended.code == 0
    assert "xxxx" not in ended.raw
    assert link not in ended.raw
    assert "2 lines read." in ended.screen
    assert "1 of 1" in ended.screen or "3 of 3" in ended.screen


def everything_under(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_is_written_unless_it_is_asked_for(working: list[str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    env = {
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "TMPDIR": str(home),
    }
    env |= {"XDG_CONFIG_HOME": str(home / "config"), "PYTHONDONTWRITEBYTECODE": "1"}
    assert run(*working, env=env, cwd=home).returncode == 0
    assert Terminal(working, env=env, cwd=home).run().code == 0
    assert everything_under(home) == {}
    saved = run(*working, "--save", env=env, cwd=home)
    assert "Kept on this device" in saved.stdout
    assert set(everything_under(home / "state" / "circumvent")) == {"dnssec-chain", "id-key", "verdicts.json"}
    first = json.loads(run(*working, "--save", "--json", env=env, cwd=home).stdout)
    again = json.loads(run(*working, "--save", "--json", env=env, cwd=home).stdout)
    assert {one["id"] for one in first["options"]} == {one["id"] for one in again["options"]}
    wiped = run("wipe", env=env, cwd=home)
    assert wiped.returncode == 0
    assert "shell's history" in wiped.stdout
    assert everything_under(home) == {}


def test_the_plan_sends_nothing(working: list[str], tmp_path: Path) -> None:
    """An audit hook ends the process at the first packet: at a send, or at a connect that is not UDP's."""
    guard = tmp_path / "sitecustomize.py"
    guard.write_text(
        "import os, socket, sys\n"
        "def watch(event, args):\n"
        "    udp = event == 'socket.connect' and args[0].type & 0xf == socket.SOCK_DGRAM\n"
        "    if event in ('socket.sendto', 'socket.sendmsg', 'socket.connect', 'socket.getaddrinfo') and not udp:\n"
        "        os._exit(99)\n"
        "sys.addaudithook(watch)\n"
        "if os.environ.get('FORBID_SEND'):\n"
        "    socket.socket.send = lambda *_: os._exit(98)\n"
    )
    env = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "FORBID_SEND": "1"}
    planned = subprocess.run(
        [*COMMAND, *working, "--plan"], capture_output=True, text=True, env={**os.environ, **env}, check=False
    )
    assert planned.returncode == 0
    assert planned.stdout.startswith("2 options would be tried. Nothing was sent.")
    assert "notable: " in planned.stdout
    assert "ordinary: " in planned.stdout
    built_in = subprocess.run(
        [*COMMAND, "check", "--plan"], capture_output=True, text=True, env={**os.environ, **env}, check=False
    )
    assert built_in.returncode == 0
    assert "Calls" in built_in.stdout
    # The guard does guard: the same arguments without --plan end in it.
    sent = subprocess.run(
        [*COMMAND, *working], capture_output=True, text=True, env={**os.environ, **env}, check=False
    )
    assert sent.returncode in {98, 99}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.txt"], "nowhere.txt: there is no such file here."),
        (["."], ".: this is a folder. Name a file in it."),
        ([sys.executable], "this is no text. Links and lists of options are text files."),
        (["--only", "dohh"], '--only: there is no kind "dohh". Did you mean doh?'),
        (
            ["tls://192.0.2.1", "--dump", "/nowhere/report.json"],
            "--dump: there is no folder /nowhere. Make it first.",
        ),
        (["tls://192.0.2.1", "--dump", "/"], "--dump: / is a folder. Give the name of a file in it."),
        (["tls://192.0.2.1", "--country", "Iran"], "--country: give two letters. Example: --country IR"),
        (["tls://192.0.2.1", "--redact", "some"], '--redact: "some" is none of none, default, strict.'),
        (["--deadline", "-3"], "--deadline: give seconds between"),
    ],
)
def test_bad_input_is_said_and_nothing_is_begun(arguments: list[str], said: str) -> None:
    done = run("check", *arguments, "--json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_line_does_not_stop_the_rest(
    unbound: Resolver, flags: Callable[..., list[str]], tmp_path: Path
) -> None:
    file = tmp_path / "links.txt"
    file.write_text(f"tls://{unbound.address}\nss://secret-secret@192.0.2.1:8388\n")
    done = run("check", str(file), *flags())
    assert done.returncode == 0
    assert f"{file}:2: " in done.stderr
    assert "1 of 2 lines cannot be used; checking the other 1." in done.stderr
    assert "secret" not in done.stderr
