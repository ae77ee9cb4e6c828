"""Bridge lines in the forms that programs take."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from circumvent.convert.bridge_lists import LIST_FORMS, MOST_IN_CODE, write_lines
from circumvent.convert.problem import CannotWrite
from circumvent.convert.qr import half_blocks, squares, svg
from circumvent.ids import IdMaker
from circumvent.inputs import read_inputs

if TYPE_CHECKING:
    from pathlib import Path

CERT = "cert=bjRaMrr1BRiAW8IE9U5z27fQaYgOhX1UCmOpg2pFpoMvo6ZgQMzLsaTzzQNTlm7hNcb+Sg"
FINGERPRINT = "D9A82D2F9C2F65A18407B1D2B764F130847F8B5D"
LINES = [
    f"obfs4 9.9.9.9:443 {FINGERPRINT} {CERT} iat-mode=0",
    f"9.9.9.10:9001 {FINGERPRINT}",
    f"webtunnel [2001:db8::1]:443 {FINGERPRINT} url=https://site.example.net/secret ver=0.0.3",
    f"obfs4 9.9.9.11:443 {FINGERPRINT} {CERT} iat-mode=2",
]


def kinds(text: str) -> list[str]:
    return [
        one.kind for one in read_inputs(["-"], ids=IdMaker(bytes(32)), stdin=lambda _: text.encode()).options
    ]


@pytest.mark.parametrize("form", ["lines", "torrc"])
def test_a_text_is_read_as_the_same_bridges(form: str) -> None:
    text = write_lines(LINES, form)
    assert text.isascii()
    if form == "lines":
        assert text.splitlines() == LINES
    assert len(kinds(text.replace(f"\n{LINES[1]}", f"\nBridge {LINES[1]}"))) == len(LINES)


def test_a_code_holds_a_json_list_of_the_best() -> None:
    text = json.dumps(LINES[:MOST_IN_CODE])
    assert write_lines(LINES, "qr") == half_blocks(text)
    assert write_lines(LINES, "qr", unicode=False) == squares(text)
    assert write_lines(LINES, "svg") == svg(text)
    assert kinds(text) == ["obfs4", "tor", "webtunnel"]


@pytest.mark.parametrize("form", LIST_FORMS)
def test_nothing_cannot_be_written(form: str) -> None:
    with pytest.raises(CannotWrite):
        write_lines([], form)


@pytest.mark.daemons
@pytest.mark.requires("tor")
def test_tor_takes_the_file(tmp_path: Path) -> None:
    file = tmp_path / "torrc"
    file.write_text(write_lines(LINES, "torrc"), "ascii")
    command = ["tor", "--verify-config", "-f", str(file), "--DataDirectory", str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert "Configuration was valid" in done.stdout
