"""A dump never tells that options were tried over a second link, nor what a satellite's link looks like."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from circumvent.model.report import Bytes, Link, Network, OptionReport, Report
from circumvent.model.words import NetworkState
from circumvent.redaction.report import redact
from tests.redaction.test_report import our_option, report, users_option


def over(*links: Link, options: tuple[OptionReport, ...] = ()) -> dict[str, Any]:
    """What a dump holds of a report with these links."""
    whole = msgspec.structs.replace(
        report(options=options or (our_option(),)),
        links=links,
        duration_s=31.0,
        bytes=Bytes(sent=3_000, received=70_000),
    )
    return redact(msgspec.to_builtins(whole), "default")


WIRE = Link(interface="wlan0", default=True, duration_s=11.0, bytes=Bytes(sent=1_000, received=20_000))
SKY = Link(
    interface="eth0",
    terminals=("starlink-k3v7q2ma",),
    public_address="203.0.113.9",
    duration_s=20.0,
    bytes=Bytes(sent=2_000, received=50_000),
    network=Network(state=NetworkState.OPEN, interface="eth0"),
    options=(users_option(id="starlink-k3v7q2ma", kind="starlink", label="Dish"), our_option()),
)


def test_a_second_link_leaves_no_trace() -> None:
    clean = over(WIRE, SKY)
    alone = redact(msgspec.to_builtins(report(options=(our_option(),))), "default")
    assert (clean["duration_s"], clean["bytes"]) == (11.0, {"sent": 1_000, "received": 20_000})
    for key in ("duration_s", "bytes"):
        del clean[key], alone[key]
    assert clean == alone
    assert clean["links"] == []


def test_what_went_through_a_terminal_keeps_verdicts_and_no_times() -> None:
    sky = msgspec.structs.replace(SKY, default=True, network=None, options=())
    clean = over(sky, options=(our_option(), users_option()))
    said = json.dumps(clean)
    assert [row["status"] for row in clean["options"]] == ["works", "works"]
    assert not any(row["attempts"] or row["latency_ms"] for row in clean["options"])
    assert clean["network"]["interface"] is None
    assert 'kbps": 1' not in said
    assert "203.0.113.9" not in said
    assert clean["links"] == []
    assert Report.from_dict(clean).redaction == "default"


def test_links_that_are_none_break_nothing() -> None:
    document = msgspec.to_builtins(report(options=(our_option(),)))
    for rubbish in (None, "links", [1], [{"default": True, "bytes": 3, "duration_s": "x", "terminals": "y"}]):
        clean = redact({**document, "links": rubbish}, "default")
        assert clean["links"] == []
        assert Report.from_dict(clean).links == ()


def test_a_report_with_links_is_read_again() -> None:
    whole = msgspec.structs.replace(report(options=(our_option(),)), links=(WIRE, SKY))
    assert Report.from_json(whole.to_json()) == whole
