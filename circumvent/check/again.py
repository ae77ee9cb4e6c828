"""A report judged anew from its own observations, by the rules of the version that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from circumvent.diagnose.conclude import conclude
from circumvent.model.report import Report, ReportError
from circumvent.model.words import Redaction
from circumvent.rank import advise
from circumvent.say.reasons import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.report import Network, OptionReport


def judge_again(report: Report) -> Report:
    """Return the report with new verdicts, findings, state, ranking and advice; what was observed stays as it is.

    Judged by the version that wrote it, a report comes back as it was. Targets keep what was said of them.

    :raises ReportError: for a redacted report: addresses that a resolver gave are part of what shows that it lies, and
        without them it would look honest.
    """
    if report.redaction is not Redaction.NONE:
        raise ReportError(
            "this report was redacted, and what verdicts rest on with it: it can only be read, not judged again"
        )
    short = report.settings.long_list
    return msgspec.structs.replace(
        report,
        **_judged(report.options, report.network, short=short),
        links=tuple(
            link
            if link.network is None
            else msgspec.structs.replace(link, **_judged(link.options, link.network, short=short))
            for link in report.links
        ),
    )


def _judged(options: Sequence[OptionReport], before: Network, *, short: bool) -> dict[str, Any]:
    """Return what is concluded of options over one link, by the field that holds it."""
    concluded = conclude(options, before)
    proxied = bool(concluded.network.facts.get("tcp_proxied"))
    ranked = advise.ranking(concluded.options, without_connect=proxied, short=short)
    places = {one.id: one.place for one in concluded.options if one.place is not None}
    return {
        "network": concluded.network,
        "options": tuple(msgspec.structs.replace(one, text=text_of(one)) for one in concluded.options),
        "ranking": ranked,
        "recommendations": advise.recommendations(concluded.options, ranked, places),
    }
