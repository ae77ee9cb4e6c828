"""What a check is told about a world can be read by the check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent import catalog
from circumvent.check.fate import places
from circumvent.check.plan import make_plan
from circumvent.check.settings import CheckSettings
from circumvent.lab.world import arguments
from circumvent.model.kinds import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.lab.world.prepare import Prepared

#: Kinds that everybody may try; profiles and bridges are somebody's own.
OPEN_KINDS = {name for name, kind in KINDS.items() if kind.family not in ("vpn", "tor", "satellite")}


def test_every_option_is_usable_and_every_kind_there(prepared_world: Prepared, tmp_path: Path) -> None:
    keywords = arguments.write_files(prepared_world, tmp_path)
    plan = make_plan(CheckSettings.from_keywords(keywords))
    assert plan.parsed is not None
    assert plan.parsed.problems == ()
    assert {option.kind for option in plan.options} == OPEN_KINDS
    labels = [option.label for option in plan.options]
    assert len(labels) == len(set(labels))


def test_every_kind_is_in_three_places(prepared_world: Prepared, tmp_path: Path) -> None:
    plan = make_plan(CheckSettings.from_keywords(arguments.write_files(prepared_world, tmp_path)))
    place_of = places(plan.options)
    for kind in OPEN_KINDS:
        assert len({place_of[option.id] for option in plan.options if option.kind == kind}) >= 3, kind


def test_kinds_can_be_left_out_and_odd_servers_put_in(prepared_world: Prepared) -> None:
    only = arguments.options(prepared_world, kinds=["doq"])
    assert only.count("[[option]]") == only.count('kind = "doq"') == 6
    everything = arguments.options(prepared_world, everything=True)
    assert 'label = "https expired.larch.example"' in everything
    assert "larch.example" not in arguments.options(prepared_world).replace("www.larch", "")


def test_anchors_are_read(prepared_world: Prepared, tmp_path: Path) -> None:
    keywords = arguments.write_files(prepared_world, tmp_path)
    anchors = catalog.read_anchors(keywords["anchors"])
    assert len(anchors) == 16
    assert sum(anchor.domestic for anchor in anchors) == 4
    assert all(anchor.addresses for anchor in anchors)


def test_controls_are_of_two_operators_abroad(prepared_world: Prepared) -> None:
    first, second = arguments.controls(prepared_world.world)
    assert first.split("/")[2] != second.split("/")[2]
    assert arguments.bulk(prepared_world.world).startswith(first.removesuffix("/nonce/{nonce}"))


def test_the_command_line_says_the_same() -> None:
    words = arguments.as_words({"named": ["a.toml"], "dns_control": ["x=1", "y=2"], "bulk": "u"})
    assert words == ["a.toml", "--dns-control", "x=1", "--dns-control", "y=2", "--bulk", "u"]
