"""The command line under a wrong clock, and with a catalogue of the laboratory's."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from circumvent.lab.scenario import find
from circumvent.lab.scenario_client import NO_CATALOGUE, command


def test_only_the_time_of_day_moves() -> None:
    script = (
        "import sys, time; before = time.monotonic(); true = time.time();"
        "import circumvent.cli.app as app; app.main = lambda words: print(round(time.time() - true), words) or 0;"
        "from circumvent.lab.scenario_client import main; sys.exit(main(['3600', '-', 'circumvent.cli.app:main', 'check', '-']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3600 ['check', '-']"


def test_the_catalogue_of_the_scenario_stands_in_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "voice.toml").write_text("", "utf-8")
    script = (
        "import sys; import circumvent.cli.app as app; from circumvent import catalog;"
        "app.main = lambda words: print({one.kind for one in catalog.options()} >= {'doh'}, "
        "any(one.kind == 'stun' for one in catalog.options())) or 0;"
        "from circumvent.lab.scenario_client import main; sys.exit(main(['0.0', sys.argv[1], 'circumvent.cli.app:main']))"
    )
    words = [sys.executable, "-c", script]
    ours, theirs = (
        subprocess.run([*words, folder], capture_output=True, text=True, check=True).stdout.split()
        for folder in (NO_CATALOGUE, str(tmp_path))
    )
    assert ours == ["True", "True"]
    assert theirs == ["True", "False"], "the other files stay"


def test_only_scenarios_with_options_there_have_a_catalogue() -> None:
    scenario = find("open")
    assert command(scenario, Path("folder"), "a:b")[3:] == ["0.0", NO_CATALOGUE, "a:b"]
    check = replace(scenario.check, catalogue=("doh *",))
    assert command(replace(scenario, check=check), Path("folder"), "a:b")[3:] == ["0.0", "folder", "a:b"]
