"""What programs get: every fact with its origin, and nothing claimed where nothing is known."""

from __future__ import annotations

import json

from circumvent.satellite.document import plan_document
from circumvent.satellite.facts import find_cities, sites, systems
from circumvent.satellite.plan import plan_for


def test_every_fact_has_its_source_and_date() -> None:
    place = find_cities("Tehran")[0].place
    plans = [plan_for(place, one, sites(one.slug)) for one in systems()]
    document = json.loads(json.dumps(plan_document("Tehran", place, plans)))
    assert document["near"] == {"name": "Tehran", "latitude": 35.69, "longitude": 51.39}
    by_name = {one["system"]: one for one in document["systems"]}
    starlink = by_name["starlink"]
    rows = [*document["systems"], *starlink["gateways"], *starlink["pops"]]
    assert all(row["source"] and row["date"].startswith("20") for row in rows)
    near = starlink["gateways"][0]
    assert (near["name"], near["within_rule_of_thumb"], starlink["direct"]) == ("Murayjat", False, True)
    assert near["round_trip_ms"] >= starlink["floor_ms"]
    assert by_name["oneweb"]["direct"] is None
    assert by_name["oneweb"]["gateways"] == []
