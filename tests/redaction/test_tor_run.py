"""A run of tor in a dump: numbers and words of closed lists, nothing that names anybody."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.tor_run import TorOutcome, TorPhase, TorRun
from circumvent.redaction.tor_run import public_run

RUN = TorRun(
    outcome=TorOutcome.STALLED,
    percent=14,
    tag="handshake",
    reason="IDENTITY",
    detail="bridge.example.org",
    t0=3.0,
    t=9.5,
    phases=(TorPhase(percent=5, tag="conn", t=3.1), TorPhase(percent=14, tag="handshake", t=3.2)),
    sent=1000,
    received=2000,
    version="0.4.9.11",
)


def test_what_stays_and_what_goes() -> None:
    kept = public_run(msgspec.to_builtins(RUN))
    assert kept is not None
    assert msgspec.convert(kept, TorRun) == msgspec.structs.replace(RUN, detail=None, version=None)


def test_words_of_others_go() -> None:
    kept = public_run({"outcome": "done", "tag": "secret_host", "reason": "198.51.100.1", "percent": True})
    assert kept is not None
    assert (kept["tag"], kept["reason"], kept["percent"]) == (None, None, 0)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.fixed_dictionaries(
        {"outcome": st.sampled_from([*TorOutcome, "other"]) | _JSON},
        optional=dict.fromkeys(["percent", "tag", "reason", "detail", "t0", "t", "phases", "version"], _JSON),
    )
    | _JSON
)
def test_anything_becomes_a_run_or_nothing(value: Any) -> None:
    kept = public_run(value)
    if kept is not None:
        msgspec.convert(kept, TorRun)
