"""What can't be used is said before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from circumvent.check.plan import make_plan
from circumvent.check.settings import CheckSettings, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("text", ["", "no certificate", BROKEN, BROKEN.splitlines()[0]])
def test_roots_that_are_none_are_a_mistake_of_one_line(tmp_path: Path, text: str) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_text(text, encoding="ascii")
    settings = CheckSettings(named=("tls://192.0.2.1",), ca=(str(roots),), allow_private=True)
    with pytest.raises(SettingsError, match=r"^--ca: .*no readable PEM certificate"):
        make_plan(settings)


@pytest.mark.parametrize(("count", "all_", "enough"), [(5, False, None), (6, False, 3), (6, True, None)])
def test_more_than_five_bridges_stop_when_enough_work(count: int, all_: bool, enough: int | None) -> None:
    fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567"
    lines = [f"Bridge 9.9.9.{number}:443 {fingerprint}" for number in range(1, count + 1)]
    assert make_plan(CheckSettings(named=tuple(lines), all=all_)).enough == enough


@pytest.mark.parametrize(
    ("count", "more", "short"),
    [
        (200, {"all": True}, True),
        (200, {}, False),  # it ends when enough work
        (50, {"all": True}, False),
        (200, {"all": True, "max_bytes": 60_000_000}, False),
    ],
)
def test_a_list_that_the_data_does_not_suffice_for_is_tried_short(
    count: int, more: dict[str, Any], short: bool
) -> None:
    fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567"
    lines = [f"Bridge 9.9.{number}.1:443 {fingerprint}" for number in range(count)]
    assert make_plan(CheckSettings(named=tuple(lines), **more)).short is short
