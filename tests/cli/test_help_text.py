"""The text of ``circumvent --help``; that it says what is declared is tried in test_help.py."""

from __future__ import annotations

from circumvent.cli.help_text import HELP


def test_it_fits_a_small_terminal_and_ends_in_what_to_know_before_a_check() -> None:
    lines = HELP.splitlines()
    assert len(lines) <= 24
    assert HELP.isascii()
    assert lines[-1] == "circumvent check --plan"
