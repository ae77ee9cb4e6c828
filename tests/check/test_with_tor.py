"""``--with-tor`` in the whole check: which bridges, what is refused before anything is sent, what stands in the report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from circumvent.check import baseline, with_tor
from circumvent.check.settings import CheckSettings, SettingsError
from circumvent.check.with_tor import LEAST_BYTES, MOST, WithTor, chosen, programs_for, usable
from circumvent.model.report import Report
from circumvent.model.tor_run import TorOutcome
from circumvent.model.words import Reason, Scope, Status
from circumvent.rank.order import Candidate
from circumvent.rank.score import Observed
from circumvent.tor.program import watch
from circumvent.tor.program.control import Bootstrap, Traffic
from circumvent.tor.program.find import Programs
from tests.check.in_lab import Lab, tried
from tests.cli.pty_run import COMMAND, ROOT
from tests.lab.tor_network import NOBODY_THERE
from tests.tor.program.oracle import leftovers, use_network
from tests.transports.tor_context import bridge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from circumvent.model.option import Option
    from circumvent.tor.program.run import Order
    from circumvent.tor.program.watch import Watch
    from tests.lab.names import Resolver
    from tests.lab.tor import Bridge
    from tests.lab.tor_network import TorNetwork
    from tests.lab.web import Web

CERT = "ssH+9rP8dG2NLDN2XuFw63hIO/9MNNinLmxQDpVa+7kTOa9/m+tGWT1SmSYpQ9uTBGa6Hw"
PLAIN = [bridge(f"192.0.2.{number}:443 {'A' * 40}") for number in range(1, 7)]
OBFS4 = bridge(f"obfs4 192.0.2.9:443 {'B' * 40} cert={CERT} iat-mode=0")
NAMED = bridge(f"webtunnel 192.0.2.3:1 {'C' * 40} url=https://mine.example/secret")
DNSTT = bridge(
    f"dnstt 192.0.2.3:1 {'D' * 40} doh=https://9.9.9.9/dns-query pubkey={'7' * 64} domain=t.example"
)
ALL = Programs(
    tor="/usr/bin/tor", transports={"obfs4": "/usr/bin/lyrebird", "webtunnel": "/usr/bin/lyrebird"}
)
ASKED = CheckSettings(with_tor=True)


def carried(option: Option, latency: float) -> Candidate:
    """What the ranking sees of a bridge that carried."""
    seen = Observed(latencies=(latency,))
    return Candidate(id=option.id, scope=Scope.APP, status=Status.WORKS, observed=seen)


class TestBeforeAnythingIsSent:
    """What can't be done ends with a sentence."""

    def test_nothing_is_looked_for_unless_it_was_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(with_tor, "find_programs", lambda: pytest.fail("looked for"))
        assert programs_for(CheckSettings(), PLAIN) is None

    @pytest.mark.parametrize(
        ("installed", "options", "said"),
        [
            (Programs(), PLAIN, "no program tor"),
            (ALL, [], "none of what is checked is a Tor bridge"),
            (ALL, [DNSTT], "none of what is checked is a Tor bridge"),
            (Programs(tor="/usr/bin/tor"), [OBFS4], "lyrebird or obfs4proxy"),
        ],
    )
    def test_it_can_not_be_done(
        self, monkeypatch: pytest.MonkeyPatch, installed: Programs, options: list[Option], said: str
    ) -> None:
        monkeypatch.setattr(with_tor, "find_programs", lambda: installed)
        with pytest.raises(SettingsError, match=said):
            programs_for(ASKED, options)

    def test_one_that_can_be_done_is_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bare = Programs(tor="/usr/bin/tor")
        monkeypatch.setattr(with_tor, "find_programs", lambda: bare)
        assert programs_for(ASKED, [OBFS4, PLAIN[0]]) is bare

    def test_tor_keeps_to_no_interface(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(with_tor, "find_programs", lambda: ALL)
        with pytest.raises(SettingsError, match="--interface"):
            programs_for(CheckSettings(with_tor=True, interface="lo"), PLAIN)

    def test_it_has_time(self) -> None:
        assert ASKED.seconds == 90
        assert CheckSettings(with_tor=True, deadline=20).seconds == 20
        assert CheckSettings(with_tor=True, patient=True).seconds == 300


class TestWhatTorIsTold:
    """Lines, programs, and why not."""

    def test_a_line_and_its_program(self) -> None:
        assert usable(PLAIN[0], ALL, system_dns=False).line.split()[0] == "Bridge"
        told = usable(OBFS4, ALL, system_dns=False)
        assert (told.speaker, told.reason) == ("/usr/bin/lyrebird", None)
        assert told.line.startswith("obfs4 192.0.2.9:443 ")
        assert "192.0.2.9" not in repr(told)

    def test_names_of_the_user_are_not_shown_to_the_resolver(self) -> None:
        assert usable(NAMED, ALL, system_dns=False).reason is Reason.NAME_PRIVATE
        assert usable(NAMED, ALL, system_dns=True).reason is None

    def test_what_tor_can_not_use(self) -> None:
        assert usable(DNSTT, ALL, system_dns=True).reason is Reason.UNSUPPORTED
        assert usable(replace(PLAIN[0], via="proxy"), ALL, system_dns=True).reason is Reason.UNSUPPORTED
        assert usable(OBFS4, Programs(tor="tor"), system_dns=True).reason is Reason.MISSING_EXTRA

    def test_the_best_that_carried_else_all(self) -> None:
        assert chosen(PLAIN, []) == PLAIN
        assert chosen(PLAIN, [carried(PLAIN[2], 0.9), carried(PLAIN[1], 0.1)]) == [PLAIN[1], PLAIN[2]]
        public = replace(PLAIN[0], origin=replace(PLAIN[0].origin, source="catalogue"))
        assert chosen([public], []) == []


@pytest.mark.anyio
class TestRuns:
    """One after the other, until one leads into the network. tor is invented here."""

    @pytest.fixture
    def outcomes(self, monkeypatch: pytest.MonkeyPatch) -> list[TorOutcome]:
        """What tor will say, in this order; then nothing but stalls."""
        waiting: list[TorOutcome] = []

        async def run_tor(order: Order, seen: Watch, now: Callable[[], float]) -> None:
            assert order.line
            seen.take(Bootstrap(10, "conn_done"), now())
            seen.take(Traffic("read", 100_000), now())
            seen.outcome = waiting.pop(0) if waiting else TorOutcome.STALLED
            seen.ended = now()

        monkeypatch.setattr(with_tor, "run_tor", run_tor)
        return waiting

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_the_first_that_leads_on_is_the_last(self, outcomes: list[TorOutcome]) -> None:
        outcomes += [TorOutcome.STALLED, TorOutcome.DONE]
        told: list[tuple[str, str | None]] = []
        runs = WithTor(
            ALL,
            system_dns=False,
            now=lambda: 1.0,
            tell=lambda name, phase: told.append((name, None if phase is None else phase.tag)),
        )
        await runs.run(PLAIN, [], bytes_left=lambda: 10**7)
        assert [one.outcome for one in runs.runs().values()] == [TorOutcome.STALLED, TorOutcome.DONE]
        assert runs.bytes_received == 200_000
        assert told == [(one.id, tag) for one in PLAIN[:2] for tag in (None, "conn_done")]

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_three_are_enough(self, outcomes: list[TorOutcome]) -> None:
        assert outcomes == []
        runs = WithTor(ALL, system_dns=False, now=lambda: 1.0)
        await runs.run([NAMED, *PLAIN], [], bytes_left=lambda: 10**7)
        found = runs.runs()
        assert [one.outcome for one in found.values()].count(TorOutcome.STALLED) == MOST
        assert (found[NAMED.id].outcome, found[NAMED.id].reason) == (TorOutcome.NOT_RUN, "name_private")

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_without_bytes_none_is_begun(self, outcomes: list[TorOutcome]) -> None:
        outcomes += [TorOutcome.DONE]
        runs = WithTor(ALL, system_dns=False, now=lambda: 1.0)
        await runs.run(PLAIN[:1], [], bytes_left=lambda: LEAST_BYTES - 1)
        (run,) = runs.runs().values()
        assert (run.outcome, run.reason) == (TorOutcome.NOT_RUN, "budget")

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_what_was_cut_off_says_by_what(self, outcomes: list[TorOutcome]) -> None:
        outcomes += [TorOutcome.CUT_OFF]
        runs = WithTor(ALL, system_dns=False, now=lambda: 1.0)
        await runs.run(PLAIN[:1], [], bytes_left=lambda: 10**7)
        (run,) = runs.runs(Reason.INTERRUPTED).values()
        assert (run.outcome, run.reason, run.percent) == (TorOutcome.CUT_OFF, "interrupted", 10)


@pytest.mark.daemons
@pytest.mark.anyio
@pytest.mark.requires("tor", "obfs4proxy")
@pytest.mark.timeout(180)  # the network of the first one has to begin
class TestInTheLaboratory:
    """The whole check, with real bridges in a Tor network of their own."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture(autouse=True)
    def temporary(self, tor_net: TorNetwork, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        """Where tor's folder is made; nothing may be left of it."""
        monkeypatch.setattr(baseline, "NOBODY_SECONDS", 0.1)
        use_network(tor_net, monkeypatch)
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        place = Path(tempfile.mkdtemp(prefix="v", dir="/tmp"))
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        monkeypatch.setenv("TMPDIR", str(place))
        yield place
        assert leftovers(place) == []
        place.rmdir()

    @pytest.fixture
    def lab(self, unbound: Resolver, control_web: Web, tmp_path: Path) -> Lab:
        return Lab(unbound, control_web, tmp_path)

    def listed(self, lab: Lab, *lines: str) -> str:
        path = lab.folder / "bridges.txt"
        path.write_text("\n".join(f"Bridge {line}" for line in lines), encoding="ascii")
        return str(path)

    async def test_tor_agrees_and_its_record_is_in_the_report(self, lab: Lab, tor_net: TorNetwork) -> None:
        gone = tor_net.bridge.line(None).replace(tor_net.bridge.address, NOBODY_THERE)
        report = await lab.check(self.listed(lab, gone, tor_net.bridge.line(0)), with_tor=True, deadline=40)
        alive, dead = sorted(tried(report), key=lambda one: one.kind)
        assert (dead.status, dead.with_tor) == (Status.UNREACHABLE, None)
        assert alive.status is Status.WORKS
        assert alive.with_tor is not None
        assert (alive.with_tor.outcome, alive.with_tor.percent) == (TorOutcome.DONE, 100)
        assert alive.with_tor.t <= report.duration_s
        own = sum(one.bytes_received for option in report.options for one in option.attempts)
        assert report.bytes.received >= own + alive.with_tor.received
        assert Report.from_json(report.to_json()) == report
        dump = report.to_dict("default")
        assert tor_net.bridge.address not in json.dumps(dump)
        (kept,) = [one["with_tor"] for one in dump["options"] if one.get("with_tor")]
        assert (kept["outcome"], kept["version"], kept["detail"]) == ("done", None, None)

    async def test_no_verdict_follows_from_it(
        self, lab: Lab, tor_bridge: Bridge, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A bridge that is cut off itself: it works as far as we can know, tor finds no network, both is said."""
        # What it refuses with is little: no need to wait as long as a user does.
        monkeypatch.setattr(watch, "QUIET", 5.0)
        monkeypatch.setattr(watch, "FEW_BYTES", 64 * 1024)
        report = await lab.check(self.listed(lab, tor_bridge.line()), with_tor=True, deadline=60)
        (option,) = tried(report)
        assert option.status is Status.WORKS
        assert option.with_tor is not None
        assert option.with_tor.outcome is TorOutcome.STALLED
        assert option.with_tor.beyond_the_bridge
        without = msgspec.structs.replace(option, with_tor=None)
        assert (without.status, without.proof, without.text) == (option.status, option.proof, option.text)

    async def test_the_deadline_ends_tor_too(self, lab: Lab, tor_net: TorNetwork) -> None:
        line = tor_net.bridge.line().replace(tor_net.bridge.address, "192.0.2.77")
        began = time.monotonic()
        report = await lab.check(self.listed(lab, line), with_tor=True, deadline=12)
        # Measured: 12.1 s.
        assert time.monotonic() - began < 18
        assert not report.complete
        (option,) = tried(report)
        assert option.status is not Status.WORKS
        if option.with_tor is not None:
            assert (option.with_tor.outcome, option.with_tor.reason) == (TorOutcome.CUT_OFF, "deadline")

    @pytest.mark.parametrize("times", [1, 2])
    def test_ctrl_c_leaves_nothing(self, lab: Lab, tor_net: TorNetwork, temporary: Path, times: int) -> None:
        line = tor_net.bridge.line().replace(tor_net.bridge.address, "203.0.113.1")
        process = subprocess.Popen(
            [*COMMAND, "check", self.listed(lab, line), *flags(lab), "--with-tor", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        limit = time.monotonic() + 30
        while not list(temporary.glob("circumvent-tor-*/control")):
            assert process.poll() is None
            assert time.monotonic() < limit
            time.sleep(0.02)
        pressed = time.monotonic()
        for _ in range(times):
            process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 3
        assert time.monotonic() - pressed < 5.0  # measured: 0.2 s, and 0.1 s after a second one
        if times == 1:
            (option,) = [one for one in json.loads(out)["options"] if not one["baseline"]]
            assert (option["with_tor"]["outcome"], option["with_tor"]["reason"]) == ("cut_off", "interrupted")


def flags(lab: Lab) -> list[str]:
    """The settings of the laboratory as options of the command line."""
    found: list[str] = []
    for name, value in lab.settings().items():
        option: Any = f"--{name.replace('_', '-')}"
        for one in value if isinstance(value, list) else [value]:
            found += [option] if one is True else [option, str(one)]
    return found
