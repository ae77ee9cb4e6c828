"""What a check is asked to do: one field per option of ``circumvent check``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from circumvent.model.words import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

DEADLINE: Final = 30.0
PATIENT_DEADLINE: Final = 300.0
#: tor needs some ten to thirty seconds of its own.
WITH_TOR_DEADLINE: Final = 90.0
TRIALS: Final = 3
MAX_BYTES: Final = 20_000_000


class SettingsError(ValueError):
    """A setting is unusable. The message is a sentence: place, fault, remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings:
    """The settings of one check.

    ``named`` are files, links and ``-``; ``builtin`` whether the catalogue is tried too (``None``: only when
    nothing was named). ``deadline`` in seconds (``None``: 30, with ``with_tor`` 90, with ``patient`` 300),
    ``max_bytes`` in bytes.
    File names are read when the check is planned. See ``docs/contract.rst``.
    """

    named: tuple[str, ...] = ()
    builtin: bool | None = None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    careful: bool = False
    control: tuple[str, ...] = ()
    bulk: str | None = None
    anchors: str | None = None
    ca: tuple[str, ...] = ()
    trust_anchor: str | None = None
    dns_control: tuple[str, ...] = ()
    resolver: str | None = None
    system_dns: bool = False
    interface: str | None = None
    ask_public_address: bool = False
    anyway: bool = False
    id_key: str | None = None
    trials: int = TRIALS
    deadline: float | None = None
    patient: bool = False
    max_bytes: int = MAX_BYTES
    all: bool = False
    fast: bool = False
    target: tuple[str, ...] = ()
    country: str | None = None
    need: str | None = None
    cross_check: bool = False
    allow_private: bool = False
    with_tor: bool = False
    save: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.trials <= 100:
            raise SettingsError(f"--trials: {self.trials} is not between 1 and 100. Example: --trials 3")
        if self.deadline is not None and not 0.1 <= self.deadline <= 86400:
            raise SettingsError("--deadline: give seconds between 0.1 and 86400. Example: --deadline 20")
        if self.max_bytes < 1000:
            raise SettingsError("--max-bytes: less than 1000 bytes tells nothing. Example: --max-bytes 5MB")
        if self.need is not None and self.need not in {scope.value for scope in Scope}:
            raise SettingsError(f"--need: the scopes are {', '.join(Scope)}. Example: --need proxy")
        if self.country is not None and not (
            len(self.country) == 2 and self.country.isascii() and self.country.isalpha()
        ):
            raise SettingsError("--country: give two letters. Example: --country IR")

    @property
    def seconds(self) -> float:
        """Return the deadline in seconds."""
        if self.deadline is not None:
            return self.deadline
        if self.patient:
            return PATIENT_DEADLINE
        return WITH_TOR_DEADLINE if self.with_tor else DEADLINE

    @property
    def wants_builtin(self) -> bool:
        """Tell whether the catalogue is tried."""
        return not self.named and not self.target if self.builtin is None else self.builtin

    @classmethod
    def from_keywords(cls, keywords: Mapping[str, Any]) -> CheckSettings:
        """Make settings from keywords as users write them: lists for tuples, a single text for a list of one.

        :raises TypeError: for a keyword that is not an option.
        :raises SettingsError: for an unusable value.
        """
        known = {field.name: field for field in fields(cls)}
        values: dict[str, Any] = {}
        for name, value in keywords.items():
            if name not in known:
                raise TypeError(f"check() got an unexpected keyword argument {name!r}")
            if str(known[name].type).startswith("tuple"):
                values[name] = (value,) if isinstance(value, str) else tuple(str(one) for one in value)
            else:
                values[name] = value
        return cls(**values)
