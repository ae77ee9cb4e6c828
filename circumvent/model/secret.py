"""A value that must never be printed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """A password or key that shows itself only when asked by name.

    >>> Secret("hunter2")
    Secret()
    >>> f"{Secret('hunter2')}"
    '***'
    """

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Return the value. The caller puts it on the wire and nowhere else."""
        return self._value

    def __str__(self) -> str:
        return "***"
