"""Why an option can't be written in a form."""

from __future__ import annotations


class CannotWrite(ValueError):
    """The form has no words for this option. The message is a clause for people and holds nothing of the option."""
