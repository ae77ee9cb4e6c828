"""``circumvent show``; of reports in test_report_command.py."""

from __future__ import annotations

from typing import Any

from circumvent.cli.app import main


def test_one_option_with_the_source_of_its_facts(capsys: Any) -> None:
    assert main(["show", "quad9-doh"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Quad9 (quad9-doh)\n")
    for word in ("exposure: ordinary", "URL: https://", "source: ", "date: 20"):
        assert word in said


def test_an_option_that_is_not_there(capsys: Any) -> None:
    assert main(["show", "quad9-dohh"]) == 2
    assert capsys.readouterr().err == (
        'show: there is no built-in option "quad9-dohh". Did you mean quad9-doh? All of them: circumvent list\n'
    )
