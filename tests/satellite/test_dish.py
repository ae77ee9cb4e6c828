"""What a dish says, in every state that is documented, and with fields that are missing, moved or of another type."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.satellite import dish
from circumvent.satellite.dish import (
    GET_HISTORY,
    GET_STATUS,
    Disabled,
    DishStatus,
    Outage,
    is_dish,
    read_history,
    read_status,
)
from circumvent.satellite.protobuf import write_varint
from tests.satellite import messages


def read(**changes: object) -> DishStatus:
    found = read_status(messages.status(**changes))
    assert found is not None
    return found


def test_a_dish_that_is_well() -> None:
    status = read()
    assert status == DishStatus(
        drop_rate=0.0 if status.drop_rate is not None else None,
        latency_ms=31.5,
        obstructed=pytest.approx(0.003),  # type: ignore[arg-type] # compares as a number does
        obstructed_now=False,
        obstruction_hours=12.0,
        gps_valid=True,
        gps_satellites=14,
        signal=True,
    )


@pytest.mark.parametrize(
    ("cause", "outage"),
    [(2, Outage.STOWED), (3, Outage.THERMAL_SHUTDOWN), (5, Outage.NO_SATS), (8, Outage.NO_PINGS),
     (13, Outage.SKY_SEARCH), (0, Outage.UNKNOWN), (99, Outage.UNKNOWN)],
)  # fmt: skip
def test_outages(cause: int, outage: Outage) -> None:
    assert read(outage={"cause": cause, "duration_ns": 5}).outage is outage


@pytest.mark.parametrize(
    ("code", "disabled"),
    [(0, None), (1, None), (2, Disabled.NO_ACTIVE_ACCOUNT), (6, Disabled.BLOCKED_COUNTRY),
     (16, Disabled.BLOCKED_AREA), (77, Disabled.OTHER)],
)  # fmt: skip
def test_bans(code: int, disabled: Disabled | None) -> None:
    assert read(disablement_code=code).disabled is disabled


def test_a_cell_that_is_switched_off() -> None:
    assert read(is_cell_disabled=True).disabled is Disabled.CELL_DISABLED


def test_alerts_of_health_are_kept_and_where_it_stands_is_not() -> None:
    status = read(alerts={"motors_stuck": True, "unexpected_location": True})
    assert status.alerts == ("motors_stuck",)


def test_nothing_tells_which_dish_it_is_or_where() -> None:
    kept = repr(read())
    for secret in ("ut01000000", "2026.10.1", "IR", "12.5"):
        assert secret not in kept
    names = {field.name for field in fields(DishStatus)}
    assert not names & {"id", "location", "latitude", "longitude", "azimuth", "elevation", "software"}


def test_only_two_things_can_be_asked() -> None:
    requests = [value for name, value in vars(dish).items() if name.startswith("GET_")]
    assert requests == [GET_STATUS, GET_HISTORY]
    assert [messages.requested(one) for one in requests] == ["get_status", "get_history"]


def test_firmware_that_leaves_everything_out_is_still_a_dish() -> None:
    answer = bytes(messages.make("Response", dish_get_status={}).SerializeToString())
    assert is_dish(answer)
    assert read_status(answer) == DishStatus()


def test_firmware_that_changes_types() -> None:
    # Text where a number was, a number where a message was.
    inner = write_varint(1003 << 3 | 2) + b"\x03low" + write_varint(1015 << 3) + b"\x01"
    answer = write_varint(2004 << 3 | 2) + write_varint(len(inner)) + inner
    assert read_status(answer) == DishStatus()


@pytest.mark.parametrize("value", [-0.5, 1.5, 7e9])
def test_shares_that_are_none(value: float) -> None:
    assert read(pop_ping_drop_rate=value).drop_rate is None


@pytest.mark.parametrize("answer", [b"", b"\xff", b"HTTP/1.1 200 OK", messages.history([0.0])])
def test_what_is_no_dish(answer: bytes) -> None:
    assert not is_dish(answer)
    assert read_status(answer) is None


def test_the_last_two_minutes_of_a_ring() -> None:
    # A ring of 900 that was written 1,000 times: the last reading stands at (1000 - 1) % 900.
    ring = [0.0] * 900
    for back in range(100):
        ring[(999 - back) % 900] = 1.0
    found = read_history(messages.history(ring, current=1000))
    assert found is not None
    assert (found.seconds, found.lost) == (120, 100)
    assert found.latency_ms == pytest.approx(30.0)


def test_a_dish_that_was_just_switched_on_has_a_short_history() -> None:
    found = read_history(messages.history([1.0] * 900, current=5))
    assert found is not None
    assert (found.seconds, found.lost) == (5, 5)


def test_pings_that_were_lost_have_no_round_trip() -> None:
    found = read_history(messages.history([0.0, 1.0, 0.0], latencies=[20.0, 0.0, 40.0]))
    assert found is not None
    assert found.latency_ms == pytest.approx(20.0)
    alone = read_history(messages.history([1.0], latencies=[0.0]))
    assert alone is not None
    assert alone.latency_ms is None


@given(st.binary(max_size=400))
def test_any_answer_can_be_read(answer: bytes) -> None:
    status = read_status(answer)
    assert (status is not None) <= is_dish(answer)
    history = read_history(answer)
    assert history is None or 0 <= history.lost <= history.seconds
