"""A censor's rules in words: the tables of a scenario, key by key, so that nothing is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from circumvent.say.blocks import Point
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LONGEST: Final = 400
#: Keys that name what the value is: the value speaks for itself.
_SILENT: Final = frozenset({"trigger", "action"})


def rule_points(rules: Sequence[Mapping[str, Any]]) -> tuple[Point, ...]:
    """Return a point for each rule: its name, and everything that its table says."""
    return tuple(
        Point(
            str(rule.get("name", "")),
            sanitise(
                "; ".join(f"{key}: {_value(value)}" for key, value in rule.items() if key != "name"), _LONGEST
            ),
        )
        for rule in rules
    )


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(_pair(key, one) for key, one in value.items())
    if isinstance(value, list):
        return " ".join(_value(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _pair(key: str, value: Any) -> str:
    return _value(value) if key in _SILENT else f"{key.replace('_', ' ')} {_value(value)}"
