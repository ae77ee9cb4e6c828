"""What strongSwan computed (``tests/vectors/strongswan-ikev2.json``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from circumvent.vpn.ikev2.numbers import Encr, Group, Integ, Prf
from circumvent.vpn.ikev2.suites import ChildSuite, IkeSuite

_FILE: Final = Path(__file__).parents[2] / "vectors" / "strongswan-ikev2.json"
RUNS: Final[list[dict[str, Any]]] = json.loads(_FILE.read_text(encoding="ascii"))["runs"]
NAMES: Final = [str(run["name"]) for run in RUNS]


def ike_suite(run: dict[str, Any]) -> IkeSuite:
    """Return the suite of a run."""
    numbers = run["suite"]
    return IkeSuite(
        encr=Encr(numbers["encr"]),
        key_length=numbers["key_length"],
        integ=None if numbers["integ"] is None else Integ(numbers["integ"]),
        prf=Prf(numbers["prf"]),
        group=Group(numbers["group"]),
    )


def child_suite(run: dict[str, Any]) -> ChildSuite:
    """Return the suite of the CHILD SA of a run."""
    numbers = run["child_suite"]
    return ChildSuite(
        encr=Encr(numbers["encr"]),
        key_length=numbers["key_length"],
        integ=None if numbers["integ"] is None else Integ(numbers["integ"]),
    )


def pair(texts: list[str]) -> tuple[bytes, bytes]:
    """Return two hexadecimal texts as bytes."""
    first, second = texts
    return bytes.fromhex(first), bytes.fromhex(second)
