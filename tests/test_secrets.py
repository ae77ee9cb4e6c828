"""No output shows a secret: files of every kind are tried in every way, and everything that comes out is searched.

Everything points to addresses of this test's own network where nobody listens, or where somebody does who sends back
all that he gets: what a server says is shown, and it may say what it was told.
"""

from __future__ import annotations

import base64
import json
import os
import re
import selectors
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import pytest

from circumvent.ids import IdMaker
from circumvent.inputs import read_inputs
from circumvent.model.kinds import KINDS
from circumvent.net.errors import PeerError
from tests.check import fakes
from tests.cli.pty_run import ROOT, Terminal
from tests.secrets.held import ALL, PLACES, Held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from circumvent.model.option import Option
    from circumvent.transport import Context

pytestmark = pytest.mark.namespace

#: Everything that the program and its libraries would ever log, on standard error.
_LOUD: Final = (
    "import logging, sys; logging.basicConfig(level=logging.DEBUG, stream=sys.stderr);"
    "from circumvent.cli.app import main; sys.exit(main())"
)
_ALLOWED: Final = (
    "--allow-private",
    "--system-dns",
    "--no-builtin",
    "--anchors",
    "none",
    "--fast",
    "--deadline",
    "8",
)


def shapes(secret: str) -> set[str]:
    """A secret as it is, and as it looks in other clothes; of a long one each half too."""
    found = {
        secret,
        quote(secret, safe=""),
        secret.encode().hex(),
        base64.b64encode(secret.encode()).decode()[:-4],
    }
    with suppress(ValueError):
        found.add(base64.b64decode(secret, validate=True).hex())
    if len(secret) > 24:
        found |= {secret[: len(secret) // 2], secret[len(secret) // 2 :].rstrip("=")}
    return {one for one in found if len(one) >= 8}


SECRETS: Final = {shape: held.name for held in ALL for secret in held.secrets for shape in shapes(secret)}


def shown(text: str) -> list[str]:
    """The files whose secrets stand in a text."""
    flat = re.sub(r"[\s\\]+", "", re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", text))
    return sorted({name for secret, name in SECRETS.items() if secret in text or secret in flat})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every file that is held, by its name."""
    folder = tmp_path_factory.mktemp("held")
    for held in ALL:
        (folder / held.name).write_text(held.text)
    return {held.name: str(folder / held.name) for held in ALL}


@pytest.fixture(params=["nobody", "parrot"])
def there(request: pytest.FixtureRequest) -> Iterator[str]:
    """Who listens: nobody, or somebody who says what he is told."""
    if request.param == "nobody":
        yield "nobody"
        return
    places = [(address, port) for address, ports in PLACES.items() for port in ports]
    with selectors.DefaultSelector() as watched:
        for place in places:
            for sort in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                server = socket.socket(socket.AF_INET, sort)
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                server.bind(place)
                if sort is socket.SOCK_STREAM:
                    server.listen()
                server.setblocking(False)
                watched.register(server, selectors.EVENT_READ, sort)
        waker, woken = socket.socketpair()
        watched.register(woken, selectors.EVENT_READ, None)
        thread = threading.Thread(target=_parrot, args=(watched,))
        thread.start()
        yield "parrot"
        waker.close()
        thread.join(10)
        for one in list(watched.get_map().values()):
            one.fileobj.close()  # type: ignore[union-attr]  # all of them are sockets


def _parrot(watched: selectors.BaseSelector) -> None:
    while True:
        for found, _ in watched.select():
            one = found.fileobj
            assert isinstance(one, socket.socket)
            if found.data is None:
                return
            with suppress(OSError):
                if found.data is socket.SOCK_DGRAM:
                    data, sender = one.recvfrom(65536)
                    one.sendto(data, sender)
                elif found.data is socket.SOCK_STREAM:
                    client, _ = one.accept()
                    client.setblocking(False)
                    watched.register(client, selectors.EVENT_READ, "client")
                elif data := one.recv(65536):
                    one.send(data)
                else:
                    watched.unregister(one)
                    one.close()


def run(*arguments: str, loud: bool = True) -> str:
    """Run the command line; return everything that it says."""
    command = [sys.executable, "-c", _LOUD if loud else _LOUD.partition(";")[2].partition(";")[2], *arguments]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**kept, "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "CIRCUMVENT_DEBUG": "1"},
        timeout=50,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode in (0, 1, 2, 3, 4), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def test_every_kind_that_holds_secrets_is_here() -> None:
    accounts = {kind.name for kind in KINDS.values() if kind.account}
    assert accounts <= {held.kind for held in ALL}


def test_every_file_is_read(files: dict[str, str]) -> None:
    for held in ALL:
        parsed = read_inputs([files[held.name]], ids=IdMaker(bytes(32)), allow_private=True)
        assert {option.kind for option in parsed.options} >= {held.kind}, parsed.sentences()
        assert parsed.sentences() == []


def test_no_option_shows_what_it_holds(files: dict[str, str]) -> None:
    parsed = read_inputs(list(files.values()), ids=IdMaker(bytes(32)), allow_private=True)
    for option in parsed.options:
        for text in (repr(option), str(option), f"{option}", repr(option.settings), repr(vars(type(option)))):
            assert shown(text) == []
    assert shown(repr(parsed)) == []


@pytest.mark.timeout(120)
def test_no_run_shows_one(there: str, files: dict[str, str], tmp_path: Path) -> None:
    """The document, dumps redacted and not, the log of everything, and what is read out of a dump again."""
    named = list(files.values())
    said = run("check", *named, *_ALLOWED, "--json", "--dump", str(tmp_path / "redacted"))
    begin = said.index('{"schema"')
    document, _ = json.JSONDecoder().raw_decode(said[begin:])
    tried = {row["kind"] for row in document["options"] if row["attempts"]}
    assert shown(said) == []
    said = run("check", *named, *_ALLOWED, "--plain", "--dump", str(tmp_path / "whole"), "--redact", "none")
    assert shown(said) == []
    for dump in ("redacted", "whole"):
        assert shown((tmp_path / dump).read_text()) == []
        assert shown(run("report", str(tmp_path / dump))) == []
        for status in ("unreachable", "refused", "not_run"):
            assert shown(run("show", str(tmp_path / dump), "--status", status)) == []
        for row in json.loads((tmp_path / dump).read_text())["options"]:
            if row["origin"] == "user":
                assert shown(json.dumps(row)) == []
    first = json.loads((tmp_path / "whole").read_text())["options"][0]["id"]
    assert shown(run("report", str(tmp_path / "whole"), "--option", first)) == []
    assert tried >= {held.kind for held in ALL} - {"doh3"}, there


@pytest.mark.timeout(120)
def test_no_picture_shows_one(there: str, files: dict[str, str]) -> None:
    named = list(files.values())
    ended = Terminal(["check", *named, *_ALLOWED], env={"CIRCUMVENT_DEBUG": "1"}).run(limit=40)
    assert shown(ended.raw) == []
    assert shown(ended.screen) == []
    assert "VPN" in ended.raw
    assert there


def test_no_plan_shows_one(files: dict[str, str]) -> None:
    said = run("check", *files.values(), *_ALLOWED, "--plan")
    assert "options would be tried" in said
    assert shown(said) == []


@pytest.mark.parametrize("held", ALL, ids=repr)
def test_no_mistake_in_a_file_shows_one(held: Held, tmp_path: Path) -> None:
    """Files that are cut short, lack a line, or have one changed: whatever is said of them repeats nothing."""
    lines = held.text.splitlines(keepends=True)
    damaged = [held.text[: len(held.text) * part // 5] for part in range(1, 5)]
    damaged += ["".join(lines[:number] + lines[number + 1 :]) for number in range(min(len(lines), 40))]
    damaged += [
        "".join([*lines[:number], line[:-4] + "\n", *lines[number + 1 :]])
        for number, line in enumerate(lines[:40])
    ]
    damaged += [held.text.replace(secret, secret[:-1] + "!") for secret in held.secrets]
    for number, text in enumerate(damaged):
        name = tmp_path / f"{number}-{held.name}"
        name.write_text(text)
        parsed = read_inputs([str(name)], ids=IdMaker(bytes(32)), allow_private=True)
        assert shown("\n".join(parsed.sentences())) == []


@pytest.mark.anyio
async def test_no_defect_of_ours_shows_one(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A transport that raises whatever it holds: the record keeps the name of the error alone."""
    parsed = read_inputs(list(files.values()), ids=IdMaker(bytes(32)), allow_private=True)

    async def breaks(option: Option, context: Context) -> None:
        context.trace.first_packet()
        held = "".join(secret for one in ALL for secret in one.secrets)
        async with context.trace.step("tunnel_handshake"):
            raise ValueError(f"{option!r} {held}")

    script = fakes.Script({option.id: [breaks] for option in parsed.options})
    report = await fakes.play(monkeypatch, script, fakes.make_run_plan(*parsed.options, trials=1))
    assert {option.failure.error for option in report.options if option.failure is not None} == {
        "unknown_failure"
    }
    assert shown(report.to_json()) == []
    assert shown(report.to_json("default")) == []
    assert shown(repr(report)) == []
    with pytest.raises(PeerError) as caught:
        raise PeerError("wrong_key", "said nothing")
    assert shown(repr(caught.value)) == []


def test_a_conversion_shows_them_on_standard_output_alone(files: dict[str, str], tmp_path: Path) -> None:
    """That is its purpose; what it says about them goes elsewhere, and shows none."""
    for held in ALL:
        command = [
            sys.executable,
            "-c",
            _LOUD,
            "convert",
            files[held.name],
            "--output",
            str(tmp_path / f"{held.name}.toml"),
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert shown(done.stderr + done.stdout) == [], held
        if done.returncode == 0:
            assert (tmp_path / f"{held.name}.toml").stat().st_mode & 0o077 == 0
