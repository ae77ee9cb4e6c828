"""Which places rest, and until when."""

from __future__ import annotations

from circumvent.check.quarantine import REST, Quarantine


def test_a_place_rests_after_a_suspected_trigger_and_only_that_one() -> None:
    quarantine = Quarantine()
    quarantine.begin("198.51.100.1", 443, now=10.0)
    assert quarantine.left(["198.51.100.1"], 443, now=20.0) == REST - 10
    assert quarantine.left(["198.51.100.1"], 853, now=20.0) == 0
    assert quarantine.left(["198.51.100.2"], 443, now=20.0) == 0
    assert quarantine.left(["198.51.100.1"], 443, now=10.0 + REST) == 0


def test_of_several_addresses_the_longest_rest_decides() -> None:
    quarantine = Quarantine(rest=60.0)
    quarantine.begin("198.51.100.1", 443, now=0.0)
    quarantine.begin("198.51.100.2", 443, now=30.0)
    assert quarantine.left(["198.51.100.1", "198.51.100.2"], 443, now=30.0) == 60.0


def test_a_second_trigger_never_shortens_the_rest() -> None:
    quarantine = Quarantine(rest=60.0)
    quarantine.begin("198.51.100.1", 443, now=30.0)
    quarantine.begin("198.51.100.1", 443, now=10.0)
    assert quarantine.left(["198.51.100.1"], 443, now=30.0) == 60.0
