"""circumvent: what gets you out of the network you are on.

The main entry points, each with one keyword per option of ``circumvent check``::

    report = circumvent.check(["bridges.txt"], deadline=20)
    report = await circumvent.acheck()
    async for event in circumvent.stream():
        ...

Names are imported when first used, so that ``import circumvent`` costs next to nothing.
"""

from __future__ import annotations

import importlib

#: Known to type checkers by its name; ``typing`` itself would take longer than everything else in ``--help``.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from circumvent.check.again import judge_again as judge_again
    from circumvent.check.api import acheck as acheck
    from circumvent.check.api import check as check
    from circumvent.check.api import stream as stream
    from circumvent.check.events import AttemptFinished as AttemptFinished
    from circumvent.check.events import AttemptStarted as AttemptStarted
    from circumvent.check.events import Event as Event
    from circumvent.check.events import FindingSeen as FindingSeen
    from circumvent.check.events import Finished as Finished
    from circumvent.check.events import OptionDecided as OptionDecided
    from circumvent.check.events import Started as Started
    from circumvent.check.events import StateDecided as StateDecided
    from circumvent.check.events import TorSeen as TorSeen
    from circumvent.model.report import Report as Report
    from circumvent.model.report import ReportError as ReportError

__version__ = "0.1.0"

_HOMES = {
    "AttemptFinished": "circumvent.check.events",
    "AttemptStarted": "circumvent.check.events",
    "Event": "circumvent.check.events",
    "FindingSeen": "circumvent.check.events",
    "Finished": "circumvent.check.events",
    "OptionDecided": "circumvent.check.events",
    "Report": "circumvent.model.report",
    "ReportError": "circumvent.model.report",
    "Started": "circumvent.check.events",
    "StateDecided": "circumvent.check.events",
    "TorSeen": "circumvent.check.events",
    "acheck": "circumvent.check.api",
    "check": "circumvent.check.api",
    "judge_again": "circumvent.check.again",
    "stream": "circumvent.check.api",
}

__all__ = ["__version__", *sorted(_HOMES)]  # noqa: PLE0604 - plain strings, from the table above


def __getattr__(name: str) -> object:
    if name in _HOMES:
        value: object = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
