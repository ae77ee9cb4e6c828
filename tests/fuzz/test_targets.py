"""Every fuzz target holds for bytes that hypothesis makes up, and for what users hold; ``nox -s fuzz`` looks deeper."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS
from tests.secrets.held import ALL


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes(name: str, data: bytes) -> None:
    TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_what_users_hold_cut_short(name: str) -> None:
    for held in ALL:
        data = held.text.encode()
        for part in range(1, 6):
            TARGETS[name](data[: len(data) * part // 5])
