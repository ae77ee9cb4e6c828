"""The document of the laboratory names every trigger, action and rule that a scenario may use."""

from __future__ import annotations

from pathlib import Path

from circumvent.lab.blocking import Action, Trigger
from circumvent.lab.scenario_rules import choices, rule_kinds

TEXT = (Path(__file__).parents[2] / "docs" / "lab.rst").read_text(encoding="utf-8")


def test_every_word_is_explained() -> None:
    words = {*choices()[Trigger].classes, *choices()[Action].classes, *rule_kinds().classes} - {"blocking"}
    assert {word for word in words if f"``{word}``" not in TEXT} == set()


def test_every_rule_has_met_a_real_program() -> None:
    folder = Path(__file__).parent
    text = "".join((folder / name).read_text("utf-8") for name in ("test_wire.py", "test_wire_programs.py"))
    kinds = (*choices().values(), rule_kinds())
    classes = {cls.__name__ for each in kinds for cls in each.classes.values()}
    assert {name for name in classes if f"{name}(" not in text} == set()
