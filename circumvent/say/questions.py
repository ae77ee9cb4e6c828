"""What a resolver lets pass, in a clause: dnstt lines without a key ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from circumvent.say.language import _
from circumvent.say.words import rate

if TYPE_CHECKING:
    from circumvent.model.report import OptionReport

#: Types that are asked for (``docs/transports/dnstt``).
_ALL: Final = frozenset({"TXT", "A", "AAAA", "CNAME", "MX", "NULL", "SRV"})


def passes(option: OptionReport) -> str:
    """Say what came back of the questions that were asked through a resolver; empty where none were."""
    attempt = next((one for one in reversed(option.attempts) if one.step("questions") is not None), None)
    if attempt is None or (questions := attempt.step("questions")) is None:
        return ""
    answers = attempt.step("answers")
    said = [_types(questions.detail.get("types")), _names(questions.detail.get("names"))]
    if answers is not None:
        said += [_sizes(answers.detail.get("sizes")), _rate(answers.detail.get("kbps"))]
    return _("what passes: {what}").format(what=", ".join(filter(None, said)))


def _types(found: Any) -> str:
    types = [one for one in found if one in _ALL] if isinstance(found, list) else []
    if not types:
        return _("no type of record")
    return _("all types of records") if set(types) == _ALL else " ".join(types)


def _names(found: Any) -> str:
    lengths = [one for one in found if isinstance(one, int)] if isinstance(found, list) else []
    return _("names of {count} characters").format(count=max(lengths)) if lengths else _("no long names")


def _sizes(found: Any) -> str:
    whole = [
        one["bytes"]
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, dict) and one.get("state") == "whole" and isinstance(one.get("bytes"), int)
    ]
    return _("answers of {count} bytes").format(count=max(whole)) if whole else ""


def _rate(found: Any) -> str:
    return rate(found) if isinstance(found, int | float) else ""
