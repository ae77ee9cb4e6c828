"""What can't be used is said before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
