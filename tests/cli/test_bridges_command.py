"""``circumvent bridges``: given this answer of Tor's service and this network, expect these lines and this exit code."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from circumvent.check import baseline
from circumvent.check.pace import AT_ONCE
from circumvent.check.settings import CheckSettings, SettingsError
from circumvent.cli.bridges_command import Wanted, run_bridges
from circumvent.cli.check_command import Output
from circumvent.cli.commands import run
from circumvent.ids import IdMaker
from circumvent.inputs import read_inputs
from tests.lab.moat import FORGED_NAME, SILENT_NAME, settings

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.catalog import SettingsApi
    from tests.lab.moat import Moat
    from tests.lab.names import Resolver
    from tests.lab.tor import Bridge
    from tests.lab.tor_site import Site
    from tests.lab.web import Web

daemons = [pytest.mark.daemons, pytest.mark.requires("tor", "obfs4proxy", "nginx", "unbound")]


@pytest.fixture(autouse=True)
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """The laboratory is near: whoever answers for nobody does so at once."""
    monkeypatch.setattr(baseline, "NOBODY_SECONDS", 0.1)


@pytest.fixture
def given(moat: Moat, unbound: Resolver, control_web: Web, tmp_path: Path) -> CheckSettings:
    """A check that asks nothing outside the laboratory."""
    anchor = tmp_path / "root.anchor"
    anchor.write_text(unbound.anchor, "ascii")
    return CheckSettings(
        control=(control_web.nonce_url,),
        ca=(str(moat.ca_file),),
        trust_anchor=str(anchor),
        dns_control=("lab.example=198.51.100.16",),
        resolver=unbound.address,
        system_dns=True,
        allow_private=True,
        country="IR",
        deadline=25,
    )


def bridges(given: CheckSettings, api: SettingsApi, output: Output | None = None, **wanted: Any) -> int:
    return run_bridges(given, Wanted(**{"yes": True, **wanted}), output or Output(plain=True), [api])


def dead(bridge: Bridge) -> str:
    """Return the line of a bridge whose port is closed."""
    return bridge.line(0).replace(":8443 ", ":9 ")


class TestWithBridges:
    """Real bridges, which the API names."""

    pytestmark: ClassVar = daemons

    def test_those_that_work_are_written_and_the_rest_has_its_reason(
        self,
        given: CheckSettings,
        moat: Moat,
        tor_bridge: Bridge,
        webtunnel_site: Site,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        web = webtunnel_site.line()
        lines = [tor_bridge.line(0), dead(tor_bridge)]
        moat.answer(
            settings=settings(
                ("obfs4", lines),
                ("webtunnel", [web]),
                ("vanilla", [tor_bridge.line()]),
                ("obfs4", ["nonsense"]),
            )
        )
        assert bridges(given, moat.api()) == 0
        said = capsys.readouterr()
        assert said.out.startswith("Tor recommends 5 bridges for IR: 3 obfs4, 1 webtunnel, 1 plain.")
        assert "directly: moat.lab.example: it answered" in said.out
        assert "1 obfs4: this is not one bridge line." in said.out
        told = said.out.splitlines()
        assert set(told) & {*lines, web, tor_bridge.line()} == {tor_bridge.line(0), web, tor_bridge.line()}
        assert "this port is closed" in said.out

    def test_where_it_is_blocked_a_front_brings_the_answer(
        self, given: CheckSettings, moat: Moat, tor_bridge: Bridge, capsys: pytest.CaptureFixture[str]
    ) -> None:
        moat.answer(settings=settings(("obfs4", [tor_bridge.line(0)])))
        assert bridges(given, moat.api(SILENT_NAME), Output(json=True)) == 0
        found = json.loads(capsys.readouterr().out)
        assert [(one["host"], one["via"], one["failure"]) for one in found["asked"]] == [
            (SILENT_NAME, "direct", {"step": "connect", "error": "generic_timeout_error"}),
            ("moat-front.lab.example", "front", None),
        ]
        assert found["lines"] == [tor_bridge.line(0)]
        assert found["report"]["schema"] == "circumvent.report/1"
        assert found["recommended"] == [{"transport": "obfs4", "source": "bridgedb", "problem": None}]

    def test_with_a_front_only_nobody_is_asked_directly(
        self, given: CheckSettings, moat: Moat, tor_bridge: Bridge, capsys: pytest.CaptureFixture[str]
    ) -> None:
        moat.answer(settings=settings(("obfs4", [tor_bridge.line(0)])))
        assert bridges(given, moat.api(), fronted=True, form="lines") == 0
        assert capsys.readouterr().out == tor_bridge.line(0) + "\n"
        assert bridges(given, moat.api(), Output(quiet=True)) == 0
        (said,) = capsys.readouterr().out.splitlines()
        assert "1 of 1 work; use " in said

    def test_a_file_of_them_is_for_its_owner_alone(
        self,
        given: CheckSettings,
        moat: Moat,
        tor_bridge: Bridge,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        moat.answer(settings=settings(("obfs4", [tor_bridge.line(0)]), ("vanilla", [tor_bridge.line()])))
        file, dump = tmp_path / "torrc", tmp_path / "dump.json"
        output = Output(plain=True, dump=str(dump))
        assert bridges(given, moat.api(), output, form="torrc", file=str(file)) == 0
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        text = file.read_text("ascii")
        assert text.startswith("UseBridges 1\n")
        assert f"Bridge {tor_bridge.line(0)}\n" in text
        for said in (capsys.readouterr().out, dump.read_text("utf-8")):
            assert tor_bridge.fingerprint not in said
            assert tor_bridge.obfs4[0].cert not in said
        assert tor_bridge.address not in dump.read_text("utf-8")
        moat.answer(settings=settings(("obfs4", [tor_bridge.line(0)])))
        assert bridges(given, moat.api(), output, form="torrc", file=str(file)) == 2
        assert file.read_text("ascii") == text

    def test_more_than_five_stop_when_three_work(
        self,
        given: CheckSettings,
        moat: Moat,
        tor_bridge: Bridge,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from circumvent.check import plan

        monkeypatch.setattr(plan, "_is_private", lambda _option: False)  # else a laboratory tries them all
        named = [
            tor_bridge.line(port).replace(f"iat-mode={port}", f"iat-mode={own}")
            for port in (0, 1)
            for own in (0, 1, 2)
        ]
        unnamed = [line.replace(f" {tor_bridge.fingerprint}", "") for line in named]
        moat.answer(settings=settings(("obfs4", [*named, *unnamed])))
        assert bridges(given, moat.api(), Output(json=True)) == 0
        found = json.loads(capsys.readouterr().out)
        reasons = [one["reason"] for one in found["report"]["options"] if not one["baseline"]]
        assert len(reasons) == 12
        assert reasons.count("enough") >= 12 - 3 - AT_ONCE
        assert 3 <= len(found["lines"]) <= 3 + AT_ONCE

    def test_none_that_works_is_one(
        self, given: CheckSettings, moat: Moat, tor_bridge: Bridge, capsys: pytest.CaptureFixture[str]
    ) -> None:
        moat.answer(settings=settings(("obfs4", [dead(tor_bridge)])))
        assert bridges(given, moat.api()) == 1
        assert tor_bridge.fingerprint not in capsys.readouterr().out

    def test_a_qr_code_holds_what_orbot_scans(
        self, given: CheckSettings, moat: Moat, tor_bridge: Bridge, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from circumvent.convert.qr import half_blocks, squares

        moat.answer(settings=settings(("obfs4", [tor_bridge.line(0)])))
        assert bridges(given, moat.api(), form="qr") == 0
        text = json.dumps([tor_bridge.line(0)])
        assert capsys.readouterr().out in (half_blocks(text), squares(text))
        found = read_inputs(["-"], ids=IdMaker(bytes(32)), stdin=lambda _: text.encode(), allow_private=True)
        assert [one.kind for one in found.options] == ["obfs4"]


class TestWithout:
    """No bridge to try: what is said, and how it ends."""

    pytestmark: ClassVar = [pytest.mark.daemons, pytest.mark.requires("nginx", "unbound")]

    def test_where_every_way_is_blocked_the_screen_says_what_else_to_do(
        self, given: CheckSettings, moat: Moat, capsys: pytest.CaptureFixture[str]
    ) -> None:
        moat.answer()
        api = moat.api(FORGED_NAME, reflector="nobody-behind-it.example")
        assert bridges(given, api) in (1, 4)
        said = capsys.readouterr().out
        assert said.startswith("Tor's bridge service could not be asked from this network.")
        assert "directly: moat-forged.lab.example: the certificate is signed by someone unknown" in said
        assert "through a front: moat-front.lab.example: it answered with status 403" in said
        assert "circumvent check --only tor" in said
        assert moat.asked() == []

    def test_an_answer_that_names_nobody(
        self, given: CheckSettings, moat: Moat, capsys: pytest.CaptureFixture[str]
    ) -> None:
        moat.answer(settings={"settings": []}, defaults={"settings": []})
        assert bridges(given, moat.api()) in (1, 4)
        assert "Tor recommends nothing in particular for IR" in capsys.readouterr().out

    def test_private_addresses_in_an_answer_are_not_tried(
        self, given: CheckSettings, moat: Moat, capsys: pytest.CaptureFixture[str]
    ) -> None:
        moat.answer(settings=settings(("vanilla", ["198.51.100.34:9001 " + "A" * 40])))
        assert bridges(given, moat.api(), Output(json=True)) in (1, 4)
        found = json.loads(capsys.readouterr().out)
        assert found["lines"] == []
        assert (
            found["report"] is not None
        )  # the laboratory allows them; the parser alone is asked in its own tests

    def test_a_resolver_that_must_be_proven_first_cannot_look_up_whom_to_ask(
        self, given: CheckSettings, moat: Moat
    ) -> None:
        from dataclasses import replace

        with pytest.raises(SettingsError, match="--resolver"):
            bridges(replace(given, resolver="tls://dns.example"), moat.api())


def test_a_plan_names_who_would_be_asked_and_sends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bridges", "--plan", "--country", "ir"]) == 0
    said = capsys.readouterr().out
    assert "bridges.torproject.org directly, then through www.phpmyadmin.net if that fails" in said
    assert run(["bridges", "--plan", "--fronted"]) == 0
    assert "only www.phpmyadmin.net" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--country", "Iran"], "--country"),
        (["--only", "obfs5"], "--only"),
        (["--to", "wallpaper"], "--to"),
        (["--ca", "/nowhere"], "--ca"),
        (["--resolver", "https://dns.example/dns-query"], "--resolver"),
        (["--dump", "/nowhere/at/all.json"], "--dump"),
    ],
)
def test_bad_usage_is_one_sentence_and_two(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bridges", "--yes", "--quiet", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
