"""Writes the page of documented behaviours anew from the laboratory's files: ``python docs/write_behaviours.py``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from circumvent.lab.behaviours import behaviours
from circumvent.lab.scenario import find, names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.lab.behaviours import Behaviour

PAGE = Path(__file__).with_name("lab-behaviours.rst")
_HEAD = """\
Documented behaviours of censors
================================

What censors have been seen to do, in the laboratory's own words, with the source of each and the rules that model it (:doc:`lab`).
The rules stand as they stand in a scenario's file (:doc:`lab-scenarios`), with names and addresses of the laboratory's world; ``circumvent
lab rules ID`` prints them. Each is tried on constructed packets, over IPv4 and IPv6: it does to a client what is documented, and leaves
alone what is like it (``tests/lab_engine/test_behaviours.py``). What a source leaves open a model must choose; "differs" says what was
chosen. This page is made from ``circumvent/lab/behaviours``.
"""


def text() -> str:
    """Return the page."""
    parts = [_HEAD]
    scenarios = {name: find(name).behaviours for name in names()}
    for one in behaviours().values():
        imitated_by = [name for name, imitated in scenarios.items() if one.id in imitated]
        parts.append("\n".join(_entry(one, imitated_by)))
    return "\n".join(parts)


def _entry(one: Behaviour, scenarios: list[str]) -> Iterator[str]:
    yield from (one.id, "-" * len(one.id), "")
    yield f"{one.country}, since {one.since}" + (f" to {one.until}" if one.until else "") + "."
    yield ""
    said = {
        "trigger": one.trigger,
        "action": one.action,
        "scope": one.scope,
        "a client sees": one.sees,
        "not certain": one.certainty,
        "sources": "; ".join(one.source),
        "scenarios": ", ".join(scenarios),
        "differs": one.differs,
        "no model": one.absent,
    }
    yield from (f":{name}: {value}" for name, value in said.items() if value)
    yield ""
    if one.rule:
        yield from (".. code-block:: toml", "")
        yield from (f"   {line}".rstrip() for line in one.text().splitlines())
        yield ""


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
