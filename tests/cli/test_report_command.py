"""A report for who helps: numbers, what was ruled out, what to tell and to ask; hostile reports stay text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from circumvent.cli.app import main
from circumvent.model.report import Report
from tests.say.hostile import HOSTILE, raw_in
from tests.say.reports import filtered, interrupted, offline

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "from-user.json"
    path.write_text(filtered().to_json("default"), "utf-8")
    return path


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(list(arguments)) == code
    done = capsys.readouterr()
    return done.out + done.err


def test_the_first_screen(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "report", str(file))
    assert text.startswith(
        "Report of 22 Nov 2026, 10:00 UTC. Complete, redacted (default). 23 options in 6.2 s, 1.1 MB"
    )
    assert "state: filtered" in text
    assert "quic_blocked: 0.95 Drops QUIC" in text.replace("  ", " ")
    assert "Ruled out: dead servers, no QUIC there, all UDP dropped." in text
    assert "Not ruled out: a limit of the servers." in text
    assert "not seen: dns_injection, tls_interception" in text
    assert "not tested: voice" in text
    assert "4 options gave no answer." in text
    assert "--status unreachable" in text


@pytest.mark.parametrize("status", ["works", "unreachable", "blocked", "not_run"])
def test_options_with_one_status(file: Path, capsys: pytest.CaptureFixture[str], status: str) -> None:
    text = said(capsys, "show", str(file), "--status", status)
    total = sum(one.status == status for one in filtered().options)
    assert text.startswith(f"{total} of 23 options: {status}")
    assert len(text.splitlines()) == 1 + total


def test_every_try_in_the_order_of_time(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "report", str(file), "--timeline").splitlines()
    total = sum(len(one.attempts) for one in filtered().options)
    assert lines[0].startswith(f"{total} tries of ")
    assert sum(" s: " in line for line in lines) == total
    assert "Give one of the two" in said(capsys, "report", str(file), "--timeline", "--option", "a", code=2)


def test_a_page(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "report.html"
    said(capsys, "report", str(file), "--html", str(page))
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert "is there already" in said(capsys, "report", str(file), "--html", str(page), code=2)


def test_one_option_with_every_try(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report.from_json(file.read_bytes())
    option = next(one for one in report.options if one.status == "blocked")
    text = said(capsys, "report", str(file), "--option", option.id)
    assert "verdict: x blocked: TLS cut, 31 ms after the name was sent" in text
    assert text.count("tls_handshake: 31 ms; TLS cut") == 2
    assert "E3" in text


def test_mistakes(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no such file here. Did you mean" in said(
        capsys, "report", str(tmp_path / "from-usr.json"), code=2
    )
    assert "this is a folder" in said(capsys, "report", str(tmp_path), code=2)
    newer = tmp_path / "newer.json"
    newer.write_text('{"schema": "circumvent.report/3"}')
    assert "written by a newer version (circumvent.report/3; this one reads up to /1)" in said(
        capsys, "report", str(newer), code=2
    )
    broken = tmp_path / "broken.json"
    broken.write_bytes(b'{"schema": "circumvent.report/1", "\x1b[31m": 1}')
    text = said(capsys, "report", str(broken), code=2)
    assert text.count("\n") == 1
    assert raw_in(text) == set()
    assert "has no option" in said(capsys, "report", str(file), "--option", "nothing", code=2)
    assert '--status: "bad" is none of' in said(capsys, "show", str(file), "--status", "bad", code=2)
    assert "of a report, say which status" in said(capsys, "show", str(file), code=2)
    assert "Did you mean quad9-do" in said(capsys, "show", "quad9-dho", code=2)


def test_an_offline_or_partial_report_is_told_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.json"
    path.write_text(offline().to_json(), "utf-8")
    text = said(capsys, "report", str(path))
    assert "state: offline" in text
    assert "Your device has no network." in text
    path.write_text(interrupted().to_json(), "utf-8")
    text = said(capsys, "report", str(path))
    assert "Cut short, not redacted." in text
    assert "Can they let it finish" in text


def test_a_hostile_report_stays_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = filtered()
    tried = next(one.attempts[0] for one in report.options if one.attempts and one.attempts[0].steps)
    step = msgspec.structs.replace(tried.steps[0], name=HOSTILE, detail={HOSTILE: HOSTILE})
    attempt = msgspec.structs.replace(
        tried, steps=(step,), id=HOSTILE, why=HOSTILE, counted=False, family=HOSTILE
    )
    options = tuple(
        msgspec.structs.replace(
            one,
            label=HOSTILE,
            id=f"{index}{HOSTILE}",
            endpoint=HOSTILE,
            kind=one.kind,
            reason_detail=HOSTILE,
            attempts=(attempt,),
        )
        for index, one in enumerate(report.options)
    )
    network = msgspec.structs.replace(
        report.network, interface=HOSTILE, not_tested=(HOSTILE,),
        findings=tuple(msgspec.structs.replace(one, summary=HOSTILE, ruled_out=(HOSTILE,), evidence=(HOSTILE,)) for one in report.network.findings),
    )  # fmt: skip
    tool = msgspec.structs.replace(report.tool, name=HOSTILE, version=HOSTILE)
    bad = msgspec.structs.replace(report, options=options, network=network, tool=tool, started=HOSTILE)
    path = tmp_path / "report.json"
    path.write_text(bad.to_json(), "utf-8")
    assert raw_in(said(capsys, "report", str(path))) == set()
    assert raw_in(said(capsys, "report", str(path), "--option", HOSTILE)) == set()
    assert raw_in(said(capsys, "show", str(path), "--status", "blocked")) == set()


def test_a_report_with_kinds_of_another_version_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = filtered()
    options = tuple(msgspec.structs.replace(one, kind="carrier-pigeon") for one in report.options)
    path = tmp_path / "report.json"
    path.write_text(msgspec.structs.replace(report, options=options).to_json(), "utf-8")
    assert "carrier-pigeon" in said(capsys, "report", str(path))
