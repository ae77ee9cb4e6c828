"""tor itself in the Tor network of the tests: what it says of a bridge, and what the check says of the same one."""

from __future__ import annotations

import os
import signal
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from circumvent.model.tor_run import TorOutcome, TorRun
from circumvent.model.words import Proof, Reason
from circumvent.tor.program import run as run_module
from circumvent.tor.program import watch
from circumvent.tor.program.find import find_programs
from circumvent.tor.program.run import Order, run_tor
from circumvent.tor.program.watch import Watch
from tests.faults import proxy as faults
from tests.lab.daemon import find_program
from tests.lab.tor_network import NOBODY_THERE
from tests.tor.program.oracle import MOST_BYTES, ask, leftovers, use_network
from tests.transports.tor_context import bridge, context, failure_of, try_once

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.lab.names import Resolver
    from tests.lab.tor import Bridge
    from tests.lab.tor_network import TorNetwork
    from tests.lab.tor_site import Site

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.daemons,
    pytest.mark.requires("tor", "obfs4proxy"),
    pytest.mark.timeout(180),  # the network of the first one has to begin, and each run of tor takes seconds
]

#: Bridges without a disguise, and with obfs4 in each mode.
MODES = [None, 0, 1, 2]
#: From here on tor has seen that the bridge itself is the right one.
BRIDGE_ANSWERED = 25


@pytest.fixture(autouse=True)
def temporary(tor_net: TorNetwork, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """tor's folder is made here, and nothing of it is left afterwards."""
    use_network(tor_net, monkeypatch)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    # Temporary folders of pytest have long names, and those of sockets must be short.
    place = Path(tempfile.mkdtemp(prefix="v", dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    assert leftovers(place) == []
    place.rmdir()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing comes any more, and what a bridge refuses with is little: no need to wait as long as a user does."""
    monkeypatch.setattr(watch, "QUIET", 5.0)
    monkeypatch.setattr(watch, "FEW_BYTES", 64 * 1024)


@pytest.fixture
def anyio_backend() -> str:
    """Both loops where it says so, one elsewhere: each run of tor takes seconds."""
    return "asyncio"


@pytest.mark.parametrize(
    ("anyio_backend", "iat_mode"), [*(("asyncio", iat_mode) for iat_mode in MODES), ("trio", 0)]
)
async def test_a_bridge_that_works_leads_tor_into_the_network(
    tor_net: TorNetwork, iat_mode: int | None
) -> None:
    line = tor_net.bridge.line(iat_mode)
    run = await ask(line)
    assert run.outcome is TorOutcome.DONE
    assert (run.percent, run.tag, run.reason) == (100, "done", None)
    assert [one.percent for one in run.phases] == sorted({one.percent for one in run.phases})
    assert run.received > 5000
    assert run.sent > 1000
    assert run.version is not None
    attempt = await try_once(bridge(line), context(goal=Proof.CARRIED))
    assert attempt.proof is Proof.CARRIED


async def test_where_there_are_no_unix_sockets(tor_net: TorNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows: tor writes the port of loopback that it listens on to a file of its folder."""
    monkeypatch.setattr(run_module, "_has_unix_sockets", lambda _: False)
    assert (await ask(tor_net.bridge.line())).outcome is TorOutcome.DONE


async def test_a_program_with_a_space_in_its_path(
    tor_net: TorNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "my programs"
    place.mkdir()
    (place / "lyrebird").symlink_to(find_program("obfs4proxy") or "")
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    assert order(tor_net.bridge.line(0)).speaker == str(place / "lyrebird")
    assert (await ask(tor_net.bridge.line(0))).outcome is TorOutcome.DONE


@pytest.mark.usefixtures("impatient")
class TestBothSayNo:
    """What is wrong with a bridge, tor finds at a phase that has a name, and the check at a step."""

    @pytest.mark.parametrize("iat_mode", [None, 0])
    async def test_another_relay(self, tor_net: TorNetwork, iat_mode: int | None) -> None:
        line = tor_net.bridge.line(iat_mode).replace(tor_net.bridge.fingerprint, "A" * 40)
        run = await ask(line)
        assert (run.outcome, run.tag, run.reason) == (TorOutcome.STALLED, "handshake", "IDENTITY")
        assert failure_of(await try_once(bridge(line), context())) == ("tunnel_handshake", "wrong_key")

    async def test_nobody_there(self, tor_net: TorNetwork) -> None:
        line = tor_net.bridge.line().replace(tor_net.bridge.address, NOBODY_THERE)
        run = await ask(line)
        assert (run.outcome, run.tag, run.reason) == (TorOutcome.STALLED, "conn", "CONNECTREFUSED")
        assert failure_of(await try_once(bridge(line), context())) == ("connect", "connection_refused")

    async def test_nobody_there_with_obfs4(self, tor_net: TorNetwork) -> None:
        line = tor_net.bridge.line(0).replace(tor_net.bridge.address, NOBODY_THERE)
        run = await ask(line)
        assert run.outcome is TorOutcome.STALLED
        assert run.tag in ("conn_pt", "conn_done_pt", "conn_proxy")
        assert failure_of(await try_once(bridge(line), context())) == ("connect", "connection_refused")

    async def test_a_wrong_cert(self, tor_net: TorNetwork) -> None:
        right = tor_net.bridge.obfs4[0].cert
        line = tor_net.bridge.line(0).replace(right, tor_net.bridge.obfs4[1].cert)
        run = await ask(line)
        assert run.outcome is TorOutcome.STALLED
        assert run.tag in ("conn_pt", "conn_done_pt", "conn_proxy")
        failed = failure_of(await try_once(bridge(line), context(limit=1.0)))
        assert failed == ("obfs4_handshake", "generic_timeout_error")

    @pytest.mark.parametrize("iat_mode", [None, 0])
    async def test_dropped_after_the_connect(self, tor_net: TorNetwork, iat_mode: int | None) -> None:
        """What a filter does that knows obfs4, or Tor's TLS, by its first bytes."""
        run, attempt = await between(tor_net.bridge, iat_mode, faults.cuts_after(0))
        assert run.outcome is TorOutcome.STALLED
        assert run.percent < BRIDGE_ANSWERED
        step = "tls_handshake" if iat_mode is None else "obfs4_handshake"
        assert attempt == (step, "generic_timeout_error")


async def between(
    served_by: Bridge, iat_mode: int | None, tunnel: Callable[[faults.Link, str, int], Awaitable[None]]
) -> tuple[TorRun, tuple[str, str] | None]:
    """Ask tor, and then try ourselves, with something in between."""
    line = served_by.line(iat_mode)
    port = served_by.port if iat_mode is None else served_by.obfs4[iat_mode].port

    async def serve(link: faults.Link) -> None:
        await tunnel(link, served_by.address, port)

    async with faults.serving(serve) as served:
        run = await ask(line.replace(f"{served_by.address}:{port}", f"127.0.0.1:{served.port}"))
        option = bridge(line, at=("127.0.0.1", served.port))
        return run, failure_of(await try_once(option, context(limit=1.0)))


@pytest.mark.usefixtures("impatient")
async def test_a_bridge_that_is_cut_off_itself(tor_bridge: Bridge) -> None:
    """It proves itself and hands out its descriptor; that it leads nowhere, tor alone can tell."""
    run = await ask(tor_bridge.line())
    assert run.outcome is TorOutcome.STALLED
    assert run.beyond_the_bridge
    assert run.tag in ("requesting_status", "loading_status")
    attempt = await try_once(bridge(tor_bridge.line()), context(goal=Proof.CARRIED))
    assert attempt.proof is Proof.CARRIED


@pytest.mark.usefixtures("impatient")
@pytest.mark.requires("nginx", "webtunnel-client")
async def test_webtunnel(
    webtunnel_site: Site, unbound: Resolver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client leads tor to a bridge that is cut off itself: to 25 %, as our own try leads to the descriptor."""
    assert unbound.address  # its client asks the system's resolver
    client = _trusting(tmp_path, "webtunnel-client", webtunnel_site.ca_file)
    monkeypatch.setenv("PATH", f"{client}{os.pathsep}{os.environ['PATH']}")
    run = await ask(webtunnel_site.line())
    assert run.beyond_the_bridge, run
    option = replace(bridge(webtunnel_site.line()), ca=webtunnel_site.ca_file.read_text(encoding="ascii"))
    assert (await try_once(option, context(goal=Proof.CARRIED))).proof is Proof.CARRIED
    wrong = webtunnel_site.line().replace(webtunnel_site.path, "/another")
    run = await ask(wrong)
    assert run.outcome is TorOutcome.STALLED
    assert not run.beyond_the_bridge


def _trusting(folder: Path, program: str, ca_file: Path) -> Path:
    """A folder with a program that trusts the authority of the tests."""
    found = next(one for one in os.environ["PATH"].split(os.pathsep) if (Path(one) / program).exists())
    place = folder / "trusting"
    place.mkdir()
    wrapper = place / program
    wrapper.write_text(
        f'#!/bin/sh\nSSL_CERT_FILE="{ca_file}" exec "{found}/{program}" "$@"\n', encoding="utf-8"
    )
    wrapper.chmod(stat.S_IRWXU)
    return place


class TestItsEnd:
    """Whatever ends it, nothing of tor is left, and it takes no time."""

    @pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
    @pytest.mark.parametrize("iat_mode", [None, 0])
    async def test_the_deadline(self, tor_net: TorNetwork, temporary: Path, iat_mode: int | None) -> None:
        line = tor_net.bridge.line(iat_mode).replace(tor_net.bridge.address, "192.0.2.1")
        seen, began = Watch(0.0), time.monotonic()
        with anyio.move_on_after(2.0) as scope:
            await run_tor(order(line), seen, lambda: time.monotonic() - began)
        # Measured: 15 ms after the deadline.
        assert scope.cancelled_caught
        assert time.monotonic() - began < 8.0
        assert seen.record(9.9).outcome is TorOutcome.CUT_OFF
        assert seen.record(9.9).t < 8.0
        assert leftovers(temporary) == []
        limit = time.monotonic() + 10
        while running(temporary):  # what tor started ends with it
            assert time.monotonic() < limit
            await anyio.lowlevel.checkpoint()

    async def test_no_room_in_the_budget(self, tor_net: TorNetwork) -> None:
        run = await ask(tor_net.bridge.line(), most_bytes=2000)
        assert (run.outcome, run.reason) == (TorOutcome.CUT_OFF, Reason.BUDGET.value)
        assert run.percent < 100

    async def test_it_takes_the_folder_with_it(self, tor_net: TorNetwork, temporary: Path) -> None:
        """Its folder is closed to others while it runs, and the bridge is on no command line."""
        seen: list[int] = []
        shown: list[str] = []

        async def look() -> None:
            while not seen:
                seen.extend(modes(temporary))
                shown.extend(command_lines(temporary))
                await anyio.sleep(0.005)

        async with anyio.create_task_group() as group:
            group.start_soon(look)
            assert (await ask(tor_net.bridge.line())).outcome is TorOutcome.DONE
            group.cancel_scope.cancel()
        assert seen == [0o700, 0o700]
        assert shown
        assert not any(tor_net.bridge.fingerprint in one for one in shown)

    async def test_tor_is_killed_by_somebody(self, tor_net: TorNetwork, temporary: Path) -> None:
        line = tor_net.bridge.line().replace(tor_net.bridge.address, "192.0.2.1")
        found: list[int] = []

        async def kill() -> None:
            while not found:
                found.extend(running(temporary))
                await anyio.sleep(0.05)
            await anyio.sleep(0.5)
            for one in found:
                with suppress(OSError):
                    os.kill(one, signal.SIGKILL)

        async with anyio.create_task_group() as group:
            group.start_soon(kill)
            run = await ask(line)
        assert run.outcome is TorOutcome.BROKEN

    async def test_a_line_that_tor_refuses(self) -> None:
        run = await ask("obfs4 nonsense")
        assert run.outcome is TorOutcome.BROKEN
        assert run.detail is not None

    async def test_a_program_that_is_no_tor(self) -> None:
        seen = Watch(0.0)
        await run_tor(replace(order("192.0.2.1:1 " + "A" * 40), tor="/bin/false"), seen, lambda: 1.0)
        assert seen.record(1.0).outcome is TorOutcome.BROKEN

    async def test_no_program_at_all(self) -> None:
        seen = Watch(0.0)
        await run_tor(replace(order("192.0.2.1:1 " + "A" * 40), tor="/nowhere/tor"), seen, lambda: 1.0)
        assert seen.record(1.0).outcome is TorOutcome.BROKEN


def test_an_order_does_not_show_its_bridge(tor_net: TorNetwork) -> None:
    assert tor_net.bridge.fingerprint not in repr(order(tor_net.bridge.line()))


def order(line: str) -> Order:
    """What the check would run for a line."""
    programs = find_programs()
    assert programs.tor is not None
    return Order(
        tor=programs.tor,
        line=line,
        speaker=programs.transports.get(line.partition(" ")[0]),
        most_bytes=MOST_BYTES,
    )


def running(place: Path) -> set[int]:
    """The living processes that work in a folder below ``place``: the tor that was started, and its helpers."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            if (process / "cwd").readlink().is_relative_to(place) and state not in "ZX":
                found.add(int(process.name))
    return found


def modes(place: Path) -> list[int]:
    """Who may read tor's folder, and what is in it, once it is there."""
    found = [folder for folder in place.iterdir() if (folder / "data").is_dir()]
    return [stat.S_IMODE(one.stat().st_mode) for folder in found for one in (folder, folder / "data")]


def command_lines(place: Path) -> list[str]:
    """What others can read of the programs that run below ``place``."""
    found = []
    for process in running(place):
        with suppress(OSError):
            found.append(Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace"))
    return found
