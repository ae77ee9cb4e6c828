"""Writing options back: as files, links and pictures that other programs, and this one, read.

What is written holds keys and passwords on purpose, so that a way out that works can be handed on. Whatever is written
is read again before it is shown: a form that can't say all that an option is, is refused and not abridged.
"""

from __future__ import annotations

from circumvent.convert.problem import CannotWrite as CannotWrite
from circumvent.convert.write import FORMS as FORMS
from circumvent.convert.write import write as write
