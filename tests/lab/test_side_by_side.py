"""Several processes of pytest look like one: nothing is left out, nothing runs twice, and one failure fails all."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.side_by_side import ALONE, ROOT, SECONDS, closing, counted, files, parts, run

if TYPE_CHECKING:
    from pathlib import Path


def test_every_file_with_tests_is_run() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "tests/**/test_*.py", "tests/test_*.py"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert listed.returncode or listed.stdout
    assert {name for name in listed.stdout.splitlines() if (ROOT / name).exists()} <= set(files())


def test_what_takes_long_is_there() -> None:
    assert set(SECONDS) <= set(files())
    assert all(any(name.startswith(place) for name in files()) for place in ALONE)


@given(st.sets(st.sampled_from([*SECONDS, "tests/a.py", "tests/b.py"]), min_size=1), st.integers(1, 6))
def test_each_file_is_in_one_part(names: set[str], count: int) -> None:
    shares = parts(names, count)
    assert Counter(name for share in shares for name in share) == Counter(names)
    assert all(shares)


def test_parts_take_about_as_long() -> None:
    taken = [sum(SECONDS.get(name, 1.0) for name in share) for share in parts(SECONDS, 3)]
    assert max(taken) < 1.2 * min(taken)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("=== 3 passed in 0.10s ===", {"passed": 3}),
        (
            "x\n\x1b[32m===== \x1b[1m1 failed\x1b[0m, 20 passed, 1 rerun in 75.00s (0:01:15) ====\x1b[0m\n",
            {"failed": 1, "passed": 20, "rerun": 1},
        ),
        ("4 passed, 13 deselected in 0.24s", {"passed": 4, "deselected": 13}),
        ("=== no tests ran in 0.01s ===", {}),
        ("Killed", None),
    ],
)
def test_the_closing_line_is_read(text: str, counts: dict[str, int] | None) -> None:
    assert counted(text) == (None if counts is None else Counter(counts))


def test_sums_are_told_as_pytest_tells_them() -> None:
    told = closing([Counter(passed=2, rerun=1), None, Counter(passed=3)], 61.5)
    assert told == "=== 5 passed, 1 rerun, 1 error in 61.50s ==="


@pytest.mark.timeout(180)  # four times pytest, on a busy machine
def test_a_failure_in_one_part_fails_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad, none = (tmp_path / f"test_{name}.py" for name in ("good", "bad", "none"))
    good.write_text("def test_it(): pass\n", encoding="ascii")
    bad.write_text("def test_it(): assert 0\n", encoding="ascii")
    none.write_text("", encoding="ascii")
    more = ["-p", "no:cacheprovider", "--reruns=0", "--confcutdir", str(tmp_path)]
    assert run([[[str(good)], [str(none)]], [[str(good)]]], more) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("=== 2 passed in ")
    assert run([[[str(good)], [str(bad)]], [[str(good)]]], more) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("=== 2 passed, 1 failed in ")


def test_it_is_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.side_by_side", "-h"], capture_output=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0
