"""Attempts as they are kept."""

from __future__ import annotations

import msgspec
import pytest

from circumvent.model.record import Attempt, Step
from circumvent.model.words import Proof


def test_a_flow_that_was_cut_later_carried() -> None:
    cut = Attempt(id="a1", t0=0.0, t=1.0, proof=Proof.CARRIED, cut_bytes=16384)
    assert cut.carried
    assert not Attempt(id="a2", t0=0.0, t=1.0, proof=Proof.HANDSHAKEN).carried


def test_of_steps_with_one_name_the_last_counts() -> None:
    steps = tuple(Step(name=name, t0=t0, t=t0 + 1) for t0, name in enumerate(["connect", "carry", "connect"]))
    attempt = Attempt(id="a1", t0=0.0, t=3.0, steps=steps)
    assert attempt.step("connect") is steps[2]
    assert attempt.step("tls_handshake") is None


def test_a_record_is_frozen_and_survives_json() -> None:
    attempt = Attempt(id="a1", t0=0.0, t=1.0, steps=(Step(name="connect", t0=0.0, t=1.0, detail={"k": [1]}),))
    with pytest.raises(AttributeError):
        attempt.counted = False  # type: ignore[misc]  # that it can't be is what is tested
    assert msgspec.json.decode(msgspec.json.encode(attempt), type=Attempt) == attempt
