"""What may stay of a run of tor (``--with-tor``) in a dump: numbers and words of closed lists. Rebuilt, never copied."""

from __future__ import annotations

from typing import Any, Final

from circumvent.model.tor_run import TorOutcome
from circumvent.model.words import Reason

#: Phases of tor's bootstrap (control-spec, section 5.6).
TAGS: Final = frozenset({
    "starting", "conn_pt", "conn_done_pt", "conn_proxy", "conn_done_proxy", "conn", "conn_done", "handshake",
    "handshake_done", "onehop_create", "requesting_status", "loading_status", "loading_keys", "requesting_descriptors",
    "loading_descriptors", "enough_dirinfo", "ap_conn_pt", "ap_conn_done_pt", "ap_conn_proxy", "ap_conn_done_proxy",
    "ap_conn", "ap_conn_done", "ap_handshake", "ap_handshake_done", "circuit_create", "done",
})  # fmt: skip
#: What tor meets on the way (control-spec, section 4.1.10.1).
OBSTACLES: Final = frozenset({
    "MISC", "DONE", "CONNECTREFUSED", "IDENTITY", "CONNECTRESET", "TIMEOUT", "NOROUTE", "IOERROR", "RESOURCELIMIT",
    "PT_MISSING", "TLS_ERROR",
})  # fmt: skip
_REASONS: Final = OBSTACLES | {reason.value for reason in Reason}
_COUNTS: Final = ("percent", "sent", "received")
_TIMES: Final = ("t0", "t")
_MOST_PHASES: Final = 40
_LARGEST: Final = 10**12


def public_run(run: Any) -> dict[str, Any] | None:
    """Return what may stay of a run of tor, ``None`` for what is none."""
    if not isinstance(run, dict) or not _is_one_of(run.get("outcome"), frozenset(TorOutcome)):
        return None
    phases = run.get("phases")
    return {
        "outcome": run["outcome"],
        **{name: int(_number(run.get(name))) for name in _COUNTS},
        **{name: _number(run.get(name)) for name in _TIMES},
        "tag": run["tag"] if _is_one_of(run.get("tag"), TAGS) else None,
        "reason": run["reason"] if _is_one_of(run.get("reason"), _REASONS) else None,
        "detail": None,
        "version": None,
        "phases": [
            {"percent": int(_number(one.get("percent"))), "tag": one["tag"], "t": _number(one.get("t"))}
            for one in (phases if isinstance(phases, list | tuple) else ())[:_MOST_PHASES]
            if isinstance(one, dict) and _is_one_of(one.get("tag"), TAGS)
        ],
    }


def _is_one_of(value: Any, words: frozenset[str]) -> bool:
    return isinstance(value, str) and value in words


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return value if 0 <= value < _LARGEST else 0
