"""``--anchors FILE``: the user's own anchors, and every fault of such a file with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from circumvent import catalog
from circumvent.catalog.anchor_file import AnchorFileError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
[[anchor]]
host = "one.example"
address = "203.0.114.1"
network = "AS64500"
class = "cdn"

[[anchor]]
host = "two.example"
port = 8443
domestic = true
"""


def test_the_users_own_anchors(tmp_path: Path) -> None:
    file = tmp_path / "anchors.toml"
    file.write_text(GOOD)
    one, two = catalog.read_anchors(str(file))
    assert (one.host, one.address, one.network, one.cls, one.domestic) == (
        "one.example", "203.0.114.1", "AS64500", "cdn", False,
    )  # fmt: skip
    assert (two.port, two.cls, two.domestic, two.address) == (8443, "domestic", True, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must hold"),
        ("[[anchor]\n", ":1: this is not TOML"),
        ('[[option]]\nkind = "x"', "must hold"),
        ('[[anchor]]\nhost = "a.example"\n\n[[anchor]]\nport = 1', ":4: an anchor needs a host"),
        ('[[anchor]]\nhost = "a.example"\nhots = 1', 'Did you mean "host"?'),
        ('[[anchor]]\nhost = "a b"', "neither a host name nor an address"),
        ('[[anchor]]\nhost = "a.example"\nport = 0', "from 1 to 65535"),
        ('[[anchor]]\nhost = "a.example"\ndomestic = "yes"', "true or false"),
        ('[[anchor]]\nhost = "a.example"\naddress = ["x"]', "IP address"),
        ('[[anchor]]\nhost = "a.example"\nclass = 3', "short texts"),
    ],
)
def test_a_wrong_anchor_file_names_line_and_fault(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "anchors.toml"
    file.write_text(text)
    with pytest.raises(AnchorFileError) as raised:
        catalog.read_anchors(str(file))
    assert message in str(raised.value)
    assert str(raised.value).startswith(str(file))


def test_a_missing_anchor_file(tmp_path: Path) -> None:
    with pytest.raises(AnchorFileError, match="no such file"):
        catalog.read_anchors(str(tmp_path / "none.toml"))
