"""Start a program that dies with its parent, whatever kills the parent.

Run as ``python -S -E leash.py PARENT PROGRAM ARGUMENT...``. PR_SET_PDEATHSIG (prctl(2)) survives the exec.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2]
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the leash was on
        sys.exit(1)
    os.execvp(program, sys.argv[2:])


if __name__ == "__main__":
    main()
