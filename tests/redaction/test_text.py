"""Private strings in free texts."""

from __future__ import annotations

import pytest

from circumvent.redaction.text import (
    Needles,
    host_of_url,
    is_plain_address,
    tells_satellite,
    texts_of,
    to_the_hour,
)


def test_needles_are_found_in_any_case_and_the_longest_first() -> None:
    needles = Needles(iter(["host.example", "host.example.org", "ab"]), public=frozenset())
    assert needles.remove("HOST.example.org ab") == "(hidden) ab"


def test_short_needles_are_whole_words_only() -> None:
    needles = Needles(iter(["min"]), public=frozenset())
    assert needles.remove("min of the minutes") == "(hidden) of the minutes"


def test_what_is_public_is_no_needle() -> None:
    assert Needles(iter(["Quad9"]), public=frozenset({"quad9"})).remove("Quad9") == "Quad9"


def test_texts_of_an_endpoint_hold_its_host() -> None:
    assert set(texts_of({"endpoint": "[2001:db8::1]:99"})) == {
        "[2001:db8::1]:99",
        "[2001:db8::1]",
        "2001:db8::1",
    }


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@h.example:8443/x?y#z", "https://h.example:8443"),
        ("http://[2001:db8::1]/x", "http://[2001:db8::1]"),
        ("http://[bad", "hidden"),
        ("http://h.example:99999/", "hidden"),
        ("nonsense", "hidden"),
    ],
)
def test_urls(url: str, shown: str) -> None:
    assert host_of_url(url) == shown


@pytest.mark.parametrize(
    ("time", "hour"),
    [
        ("2026-11-22T10:42:17Z", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:42:17.5+03:30", "2026-11-22T10:00:00+03:30"),
        ("yesterday", ""),
    ],
)
def test_times(time: str, hour: str) -> None:
    assert to_the_hour(time) == hour


def test_resolvers_given_as_addresses() -> None:
    assert is_plain_address("192.168.1.1:53")
    assert is_plain_address("[fe80::1]:53")
    assert is_plain_address("fe80::1")
    assert not is_plain_address("tls://dns.example")


def test_words_of_satellites() -> None:
    assert tells_satellite("Starlink terminal")
    assert not tells_satellite("a dishonest resolver")
