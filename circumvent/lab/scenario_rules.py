"""Which triggers, actions and rules a scenario may name: everything of that form in the censor's modules.

The word for a class is its name in lower case with hyphens: ``ClientHello`` is ``client-hello``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from dataclasses import is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from circumvent.lab import actions, rules, shaping
from circumvent.lab.blocking import Action, Blocking, Trigger
from circumvent.lab.scenario_build import Choices

if TYPE_CHECKING:
    from types import ModuleType

    from circumvent.lab.rule import Rule
    from circumvent.lab.scenario_build import Place

#: The field of a rule's table that names a rule of another form; without it, it is a :class:`Blocking`.
KIND: Final = "kind"
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@cache
def choices() -> dict[type, Choices]:
    """Return the triggers and actions by their words."""
    return {
        Trigger: Choices("trigger", _with_method("judge")),
        Action: Choices("action", _with_method("act")),
    }


@cache
def rule_kinds() -> Choices:
    """Return the rules by their words."""
    return Choices(KIND, {"blocking": Blocking, **_with_method("see")})


def build_rule(table: dict[str, Any], place: Place = ()) -> Rule:
    """Build one rule from its table.

    :raises BuildError: when it is none.
    """
    rule: Rule = rule_kinds().build({KIND: "blocking", **table}, place, choices())
    return rule


def word_of(cls: type) -> str:
    """Return the word that names a class in a scenario."""
    return _WORD.sub("-", cls.__name__).lower()


def _modules() -> list[ModuleType]:
    names = [one.name for one in pkgutil.iter_modules(rules.__path__)]
    return [actions, shaping, *(importlib.import_module(f"{rules.__name__}.{name}") for name in names)]


def _with_method(method: str) -> dict[str, type]:
    found: dict[str, type] = {}
    for module in _modules():
        classes = [one for _, one in inspect.getmembers(module, inspect.isclass) if is_dataclass(one)]
        for cls in classes:
            own = cls.__module__ == module.__name__ and not cls.__name__.startswith("_")
            if own and len(_parameters(cls, method)) >= _PARAMETERS[method]:
                found[word_of(cls)] = cls
    return found


#: Parameters, ``self`` included: what tells a trigger from other values that judge something.
_PARAMETERS: Final = {"judge": 3, "act": 4, "see": 3}


def _parameters(cls: type, method: str) -> list[str]:
    function = cls.__dict__.get(method)
    return list(inspect.signature(function).parameters) if inspect.isfunction(function) else []
