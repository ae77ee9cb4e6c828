"""The examples of the documents do what is written about them."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

from circumvent.cli.app import main
from circumvent.model import option as options
from circumvent.model.kinds import KINDS
from circumvent.model.option import Endpoint, Option, Origin
from circumvent.model.words import Proof
from circumvent.net.errors import StepFailed
from tests.check.in_lab import Lab
from tests.faults.tcp import Connection, echo, garbage, refuse, reset_on_hello, serve
from tests.names import tries

if TYPE_CHECKING:
    from circumvent.model.record import Attempt
    from tests.lab.names import Resolver
    from tests.lab.proxies import Proxy
    from tests.lab.web import Web

EXAMPLES: Final = Path(__file__).parents[2] / "docs" / "examples"


def example(name: str) -> ModuleType:
    """Import an example."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def echo_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the row that the page adds to the table of kinds."""
    row = dataclasses.replace(KINDS["socks5"], name="echo", title="Echo", port=7, connections=1)
    monkeypatch.setattr(options, "KINDS", MappingProxyType({**KINDS, "echo": row}))


async def attempt(port: int, goal: Proof = Proof.SUSTAINED) -> Attempt:
    """Try an echo server on this machine."""
    option = Option(
        id="echo-1",
        kind="echo",
        label="echo",
        endpoint=Endpoint(host="127.0.0.1", port=port),
        origin=Origin(source="argument"),
    )
    given: Any = tries.context(tries.plan(None), goal=goal, limit=5.0)
    with suppress(StepFailed):
        await example("echo").TRANSPORT.attempt(option, given)
    record: Attempt = given.trace.attempt()
    return record


def failure(record: Attempt) -> tuple[str, str] | None:
    return None if record.failure is None else (record.failure.step, record.failure.error)


@pytest.mark.anyio
@pytest.mark.usefixtures("echo_kind")
class TestEcho:
    async def test_a_server_that_is_well_sustains(self) -> None:
        with serve(echo) as server:
            record = await attempt(server.port)
        assert record.proof is Proof.SUSTAINED
        assert [step.name for step in record.steps] == ["connect", "carry", "sustain_down"]
        assert record.failure is None
        assert record.latency_ms is not None
        assert record.down_kbps is not None

    async def test_the_goal_is_where_it_stops(self) -> None:
        with serve(echo) as server:
            record = await attempt(server.port, Proof.CARRIED)
        assert record.proof is Proof.CARRIED
        assert record.bytes_received == 16

    async def test_a_closed_port_is_refused(self) -> None:
        with refuse() as server:
            record = await attempt(server.port)
        assert (record.proof, failure(record)) == (Proof.NONE, ("connect", "connection_refused"))

    async def test_a_reset_is_a_reset(self) -> None:
        with serve(reset_on_hello) as server:
            record = await attempt(server.port)
        assert (record.proof, failure(record)) == (Proof.NONE, ("carry", "connection_reset"))

    async def test_other_bytes_reach_and_do_not_carry(self) -> None:
        with serve(garbage) as server:
            record = await attempt(server.port)
        assert (record.proof, failure(record)) == (Proof.REACHED, ("carry", "wrong_answer"))

    async def test_a_flow_that_is_cut_says_where(self) -> None:
        def cut(connection: Connection) -> None:
            while len(connection.received) < 16 + 20 * 1024 and (data := connection.read_some()):
                connection.send(data)
            connection.reset()

        with serve(cut) as server:
            record = await attempt(server.port)
        assert record.proof is Proof.CARRIED
        assert failure(record) == ("sustain_down", "connection_reset")
        assert record.cut_bytes == 20 * 1024


@pytest.mark.daemons
@pytest.mark.anyio
async def test_the_first_proxy_that_works_is_chosen(
    unbound: Resolver, control_web: Web, microsocks: Proxy, tmp_path: Path
) -> None:
    lab = Lab(unbound, control_web, tmp_path)
    file = tmp_path / "proxies.txt"
    endpoint = f"{microsocks.address}:{microsocks.port}"
    file.write_text(f"socks5://{microsocks.address}:1\nsocks5://{endpoint}\n", "ascii")
    assert await example("choose_proxy").first_working(str(file), **lab.settings()) == endpoint


def test_a_dump_is_judged_again_as_it_was() -> None:
    text = (EXAMPLES / "report.json").read_text("utf-8")
    read = example("read_dump")
    assert read.changed(text) == []
    assert read.changed(text.replace('"status": "works"', '"status": "blocked"')) == [
        f"{json.loads(text)['options'][0]['id']}: blocked, now works"
    ]


def test_the_example_is_read_by_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    file = EXAMPLES / "report.json"
    name = json.loads(file.read_text("utf-8"))["options"][0]["id"]
    assert main(["report", str(file), "--plain"]) == 0
    assert "state: open" in capsys.readouterr().out
    assert main(["report", str(file), "--plain", "--option", name]) == 0
    assert "sustain_down" in capsys.readouterr().out
