"""The command line under a wrong clock."""

from __future__ import annotations

import subprocess
import sys


def test_only_the_time_of_day_moves() -> None:
    script = (
        "import sys, time; before = time.monotonic(); true = time.time();"
        "import circumvent.cli.app as app; app.main = lambda words: print(round(time.time() - true), words) or 0;"
        "from circumvent.lab.scenario_client import main; sys.exit(main(['3600', '-', 'circumvent.cli.app:main', 'check', '-']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3600 ['check', '-']"
