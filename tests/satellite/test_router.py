"""What is read of a Starlink router's answer, written by Google's protobuf library; and what never is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circumvent.satellite.dish import Disabled
from circumvent.satellite.router import RouterStatus, is_router, read_router
from circumvent.satellite.signs import causes
from tests.faults.dish import STATES
from tests.faults.terminals import ROUTERS, router_status


def read(answer: bytes) -> RouterStatus:
    status = read_router(answer)
    assert status is not None
    return status


def test_a_router_with_a_dish_behind_it() -> None:
    status = read(ROUTERS["well"])
    assert (status.dish_ms, status.pop_ms, status.pop_lost, status.disabled) == (1.5, 33.0, 0.0, None)
    assert status.has_dish
    assert causes(status.signs) == ()


def test_identity_and_addresses_are_not_read() -> None:
    assert "ut01000000" not in repr(read(ROUTERS["well"]))
    assert "100.77" not in repr(read(ROUTERS["well"]))


def test_no_dish_is_plugged_in() -> None:
    assert read(ROUTERS["no dish"]).has_dish is False


def test_firmware_that_says_nothing_breaks_nothing() -> None:
    status = read(ROUTERS["nothing but its name"])
    assert status == RouterStatus()
    assert status.has_dish is None


def test_the_operators_no_to_the_dish() -> None:
    status = read(ROUTERS["account inactive"])
    assert status.disabled is Disabled.NO_ACTIVE_ACCOUNT
    assert [found.cause.value for found in causes(status.signs)] == ["account_inactive"]


def test_older_names_of_the_same_fields() -> None:
    status = read(
        router_status(
            pop_ping_drop_rate=None, pop_ping_latency_ms=None, ping_drop_rate=0.25, ping_latency_ms=50.0
        )
    )
    assert (status.pop_lost, status.pop_ms) == (0.25, 50.0)


def test_a_dish_is_no_router_and_a_router_no_dish() -> None:
    assert not is_router(STATES["well"])
    assert is_router(ROUTERS["well"])
    assert read_router(STATES["well"]) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_a_router_or_none(answer: bytes) -> None:
    status = read_router(answer)
    assert (status is not None) or status is None
    assert is_router(answer) or status is None
