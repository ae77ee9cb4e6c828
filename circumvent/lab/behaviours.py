"""What censors have been seen to do: 71 documented behaviours, each with the rules that model it.

They lie in ``behaviours/*.toml``, written as a scenario writes its rules, so that one can be pasted into another. A
behaviour without rules says why it has none (``absent``); where a model differs from what was documented, ``differs``
says in what.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from circumvent.lab.scenario import expanded
from circumvent.lab.scenario_build import build
from circumvent.lab.scenario_rules import build_rule

if TYPE_CHECKING:
    from circumvent.lab.rule import Rule
    from circumvent.lab.world.description import World

#: The files, in the order in which they are listed.
FILES: Final = ("china", "iran", "russia", "elsewhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One behaviour.

    ``trigger``, ``action`` and ``scope`` are what was documented, ``sees`` is what it looks like from a client, ``source``
    where to read of it; ``certainty`` says what is not certain of that. ``rule`` are the tables of its rules.
    """

    id: str
    country: str
    since: str
    trigger: str
    action: str
    scope: str
    sees: str
    source: tuple[str, ...]
    until: str | None = None
    certainty: str | None = None
    differs: str | None = None
    absent: str | None = None
    rule: tuple[dict[str, Any], ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        if bool(self.rule) is (self.absent is not None):
            raise ValueError(f"{self.id} has rules, or says why it has none")

    def rules(self, world: World) -> tuple[Rule, ...]:
        """Return its rules, with the addresses of ``world``.

        :raises circumvent.lab.scenario_build.BuildError: when one is none.
        """
        return tuple(
            build_rule(expanded(table, world), ("rule", number)) for number, table in enumerate(self.rule)
        )

    def text(self) -> str:
        """Return its rules as they stand in a scenario's file."""
        return "\n".join(
            "[[rule]]\n" + "".join(f"{name} = {_inline(value)}\n" for name, value in table.items())
            for table in self.rule
        )


@cache
def behaviours() -> dict[str, Behaviour]:
    """Return all behaviours by their ids."""
    folder = resources.files("circumvent.lab").joinpath("behaviours")
    found: dict[str, Behaviour] = {}
    for name in FILES:
        tables = tomllib.loads(folder.joinpath(f"{name}.toml").read_text("utf-8"))["behaviour"]
        found |= {table["id"]: build(Behaviour, table) for table in tables}
    return found


def _inline(value: Any) -> str:
    """Write a value as TOML does on one line."""
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{name} = {_inline(one)}" for name, one in value.items()) + " }"
            if value
            else "{}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)  # strings, numbers and truth values are alike in both
