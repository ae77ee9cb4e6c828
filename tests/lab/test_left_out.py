"""A run says which tests it left out and why, and fails where completeness was asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.left_out import COMPLETE, missing

ROOT = Path(__file__).parent.parent.parent

_TESTS = """
import pytest
from tests.lab.left_out import LeftOut, leave_out, requires

def test_that_runs(): pass
def test_that_needs_a_program(): requires("no-such-program")
def test_that_needs_a_daemon(monkeypatch): monkeypatch.setenv("PATH", "/nowhere"); leave_out("the moon is full")
@pytest.mark.xfail
def test_that_is_known_to_fail(): assert False
"""
_CONFTEST = """
from tests.lab.left_out import LeftOut
def pytest_configure(config): config.pluginmanager.register(LeftOut())
"""


@pytest.fixture
def story(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(_CONFTEST, encoding="ascii")
    (tmp_path / "test_story.py").write_text(_TESTS, encoding="ascii")
    return tmp_path


def _pytest(where: Path, complete: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(where), str(where)],
        capture_output=True,
        text=True,
        cwd=where,
        env={**os.environ, "PYTHONPATH": str(ROOT), COMPLETE: complete},
        timeout=60,
        check=False,
    )


def test_what_was_left_out_is_named_with_its_reason(story: Path) -> None:
    done = _pytest(story, "")
    assert done.returncode == 0, done.stdout
    assert "left out: 2" in done.stdout
    assert (
        "because no-such-program is not on PATH:\n  test_story.py::test_that_needs_a_program" in done.stdout
    )
    assert "because the moon is full:\n  test_story.py::test_that_needs_a_daemon" in done.stdout


def test_leaving_out_fails_a_run_that_must_be_complete(story: Path) -> None:
    done = _pytest(story, "1")
    assert done.returncode == 1
    assert "leaving tests out is a failure" in done.stdout


def test_a_missing_server_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.lab.left_out.find_program", lambda _: None)
    assert missing(["danted"]) == "danted is not installed (Debian package dante-server)"
    assert missing([]) is None


def test_a_program_that_nobody_packages_does_not_make_a_run_incomplete(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(_CONFTEST, encoding="ascii")
    (tmp_path / "test_story.py").write_text(
        "from tests.lab.left_out import requires\n"
        "def test_it(monkeypatch): monkeypatch.setenv('PATH', '/nowhere'); requires('amneziawg-go')\n",
        encoding="ascii",
    )
    done = _pytest(tmp_path, "1")
    assert done.returncode == 0, done.stdout
    assert "because amneziawg-go is not on PATH (no package has it)" in done.stdout
    assert "is a failure" not in done.stdout
