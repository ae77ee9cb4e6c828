"""What shows over which links a check was made is taken out: that there was a second one, and what a satellite's looks like.

Links are tried only where satellite terminals were asked for, so that a report has any is a trace of one.
"""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def without_link_traces(document: Document, links: list[Document]) -> Document:
    """Return a redacted report without links.

    Seconds and bytes are those of the first link alone, as if no other had been tried. If a terminal is behind that one,
    everything else in the report went through it too: then its interface goes, and whatever shows its times and rates.
    """
    kept = {**document, "links": []}
    first = next((link for link in links if link.get("default")), None)
    if first is None:
        return kept
    kept["duration_s"] = _number(first.get("duration_s"))
    used = first.get("bytes")
    used = used if isinstance(used, dict) else {}
    kept["bytes"] = {name: int(_number(used.get(name))) for name in ("sent", "received")}
    return _without_times(kept) if first.get("terminals") else kept


def _without_times(document: Document) -> Document:
    network = document.get("network")
    return {
        **document,
        "network": {**network, "interface": None} if isinstance(network, dict) else network,
        "options": [_without_rates(row) for row in document.get("options", [])],
        "targets": [{**row, "attempts": []} for row in document.get("targets", [])],
        "ranking": [{**row, "score_s": 0.0, "why": ""} for row in document.get("ranking", [])],
        "recommendations": [],
    }


def _without_rates(row: Document) -> Document:
    detail = row.get("detail")
    words = {key: value for key, value in detail.items() if isinstance(value, str | bool)} if detail else {}
    gone: Document = {"attempts": [], "latency_ms": None, "throughput_kbps": {}, "text": ""}
    return {**row, **gone, "detail": words}


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
