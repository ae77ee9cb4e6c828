"""The check: baseline, options, second looks, verdicts, ranking, report.

It knows of no protocol; transports are found by the name of a kind. ``schedule`` decides what is tried next and is
pure; ``run`` carries it out; ``baseline`` looks at the network itself; ``assemble`` turns observations into the
report.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circumvent.model.report import Report


class _CallableModule(ModuleType):
    """This package bears the name of the function that people call.

    Importing any module of it makes ``circumvent.check`` the package; calling that runs the check all the same.
    """

    def __call__(self, *named: Any, **settings: Any) -> Report:
        from circumvent.check.api import check  # noqa: PLC0415 - the package itself stays light

        return check(*named, **settings)


sys.modules[__name__].__class__ = _CallableModule
