"""The whole catalogue is walked: every row is valid, dated, public, and named once."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from importlib import resources
from typing import Any

import pytest

from circumvent import catalog
from circumvent.ids import LETTERS, canonical
from circumvent.inputs.hosts import clean_host
from circumvent.inputs.private import refuse_private
from circumvent.model.kinds import KINDS
from circumvent.model.option import DnscryptSettings, OdohSettings, WebSettings, is_address
from circumvent.model.words import Exposure, Scope
from circumvent.net.address import is_public

DATA = resources.files("circumvent.catalog").joinpath("data")
NAMES = sorted(entry.name for entry in DATA.iterdir() if entry.name.endswith(".toml"))
OURS = ["anchors", "connectivity", "controls", "countries", "domestic", "pages", "resolvers", "tor", "voice"]


def documents() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{name}.toml {table} {number}", row)
        for name in OURS
        for table, items in tomllib.loads(DATA.joinpath(f"{name}.toml").read_text("utf-8")).items()
        for number, row in enumerate(items)
    ]


def test_every_row_says_where_and_when() -> None:
    for place, row in documents():
        assert row["source"], place
        assert dt.date(2020, 1, 1) < row["date"] <= dt.date(2026, 11, 22), place
        assert ("recalled" in row["source"]) == (row.get("verified") is False), place


def test_slugs_are_unique_and_no_keyed_id_can_look_like_one() -> None:
    slugs = [option.id for option in catalog.options()]
    assert len(slugs) == len(set(slugs))
    for slug in slugs:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug), slug
        assert not any(re.fullmatch(rf"{kind}-[a-z2-7]{{8}}", slug) for kind in KINDS), slug


@pytest.mark.parametrize(
    "slug", ["quad9-doh", "cloudflare-doh3", "google-dot", "adguard-unfiltered-doq", "quad9-dnscrypt",
             "cloudflare-odoh", "he-dns-udp", "nextcloud-stun", "cloudflare-https", "google-h3"],
)  # fmt: skip
def test_slugs_that_people_may_have_written_down_stay(slug: str) -> None:
    assert slug in {option.id for option in catalog.options()}


def test_every_option_is_public_and_well_formed() -> None:
    for option in catalog.options():
        refuse_private(option)
        assert not option.held_by_user
        assert option.label
        assert option.operator
        host = option.endpoint.host
        assert clean_host(f"[{host}]" if ":" in host else host) == host, option.id
        if isinstance(option.settings, WebSettings):
            assert option.settings.url.startswith("https://")
        if isinstance(option.settings, DnscryptSettings):
            assert len(option.settings.public_key) == 32
        if isinstance(option.settings, OdohSettings) and option.settings.relay:
            assert host in option.settings.relay


def test_no_option_stands_there_twice() -> None:
    forms = [canonical(option) for option in catalog.options()]
    assert len(forms) == len(set(forms))


def test_every_kind_of_this_version_that_needs_no_account_is_there() -> None:
    """Proxies, TURN servers and VPNs are the user's own; some bridges are handed out (``docs/catalogue.rst``)."""
    ours = {option.kind for option in catalog.options()}
    held = {kind.name for kind in KINDS.values() if kind.family in {"proxy", "vpn", "satellite"}} | {
        "turn",
        "webtunnel",
        "dnstt",
        "conjure",
    }
    assert ours == set(KINDS) - held


def test_small_operators_are_notable_and_large_ones_ordinary() -> None:
    exposure = {option.id: option.exposure for option in catalog.options()}
    assert exposure["quad9-doh"] is Exposure.ORDINARY
    assert exposure["njalla-doh"] is Exposure.NOTABLE
    assert exposure["quad9-doq"] is Exposure.NOTABLE


def test_what_tor_publishes_is_marking() -> None:
    ours = [option for option in catalog.options() if option.traits.family == "tor"]
    assert {option.kind for option in ours} == {"tor", "obfs4", "meek", "snowflake"}
    assert {option.exposure for option in ours} == {Exposure.MARKING}
    assert all(getattr(option.settings, "fingerprint", None) for option in ours if option.kind != "meek")


def test_baseline_rows_are_pages_and_only_those() -> None:
    for option in catalog.options():
        assert option.baseline == (option.scope is Scope.DIRECT)


def test_facts_of_every_option_are_known() -> None:
    facts = catalog.facts()
    assert set(facts) == {option.id for option in catalog.options()}
    assert facts["quad9-doh"].verified
    assert not facts["google-h3"].verified


def test_controls_have_several_operators_and_state_what_must_come_back() -> None:
    usable = [control for control in catalog.controls() if control.exposure is not Exposure.MARKING]
    assert len({control.operator for control in usable}) >= 4
    for control in catalog.controls():
        assert control.secure
        assert control.expect.stated
        assert not control.by_hand
    assert any(resource.up for resource in catalog.bulk())


def test_anchors_are_enough_for_the_rules_of_the_state() -> None:
    anchors = catalog.anchors()
    assert len({anchor.host for anchor in anchors}) == len(anchors) >= 12
    assert len({anchor.network for anchor in anchors}) >= 8
    classes = {anchor.cls for anchor in anchors}
    assert {"cdn", "updates", "cloud", "academic", "resolver"} <= classes
    known = [anchor for anchor in anchors if anchor.addresses]
    assert len({anchor.network for anchor in known}) >= 6  # also where nothing resolves names
    for anchor in anchors:
        assert not anchor.domestic
        assert all(is_address(address) and is_public(address) for address in anchor.addresses)


@pytest.mark.parametrize("country", ["IR", "RU", "CN", "IQ", "MA", "TM", "BY", "MM", "TR", "EG", "PK", "VE"])
def test_each_country_has_three_domestic_hosts(country: str) -> None:
    hosts = catalog.domestic(country)
    assert len(hosts) >= 3
    assert all(host.domestic and host.country == country for host in hosts)
    assert catalog.domestic(country.lower()) == hosts


def test_canaries_are_those_of_the_country_or_the_mix() -> None:
    assert 3 <= len(catalog.canaries("ir")) <= 5
    assert catalog.canaries("XX") == catalog.canaries(None) == catalog.canaries("*")


def test_connectivity_checks_are_plain_http_and_of_several_operators() -> None:
    checks = catalog.connectivity_checks()
    assert len({check.operator for check in checks}) >= 4
    assert all(check.url.startswith("http://") for check in checks)


def test_how_long_a_filter_punishes_is_of_its_country() -> None:
    assert catalog.residual_seconds("cn") == 180
    assert catalog.residual_seconds("IR") == 60
    assert catalog.residual_seconds("XX") is catalog.residual_seconds(None) is None


def test_laws_are_facts_with_source_and_date() -> None:
    (law,) = catalog.laws("ir")
    assert law.applies_to == ("satellite",)
    assert law.source
    assert catalog.laws("XX") == catalog.laws(None) == ()


def test_values_are_made_once() -> None:
    assert catalog.options() is catalog.options()
    assert catalog.anchors() is catalog.anchors()


def test_no_file_speaks_of_where_it_was_written() -> None:
    for name in NAMES:
        text = DATA.joinpath(name).read_text("utf-8")
        assert "/work" not in text
        assert "shared/" not in text


def test_no_slug_looks_like_an_id_that_is_made() -> None:
    made = re.compile(f"({'|'.join(KINDS)})-[a-z2-7]{{{LETTERS}}}")
    assert [option.id for option in catalog.options() if made.fullmatch(option.id)] == []


def test_nothing_that_is_built_in_is_a_login() -> None:
    assert not [option.id for option in catalog.options() if option.traits.account]
