"""Facts of law, each with its source and date. Never legal advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.say.language import _
from circumvent.text import sanitise

if TYPE_CHECKING:
    from circumvent.catalog import Law


def law_sentence(law: Law) -> str:
    """Say a fact of law with its source and date."""
    said = _("{text} ({source}, {date:%Y-%m-%d}; not legal advice)")
    return said.format(text=sanitise(law.text, 400), source=sanitise(law.source, 200), date=law.date)
