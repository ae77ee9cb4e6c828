"""The report in the documents is one of a real run, and a run of today still has its keys."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jsonschema
import pytest

from circumvent.model.report import Report, json_schema
from tests.check.in_lab import Lab

if TYPE_CHECKING:
    from tests.lab.names import Resolver
    from tests.lab.proxies import Proxy
    from tests.lab.web import Web

EXAMPLE: Final = Path(__file__).parents[2] / "docs" / "examples" / "report.json"
#: Keys whose values are not the same in every run.
OPEN: Final = {"detail", "facts", "findings", "loop_lag_ms"}
#: Set it to write the example anew.
WRITE: Final = "CIRCUMVENT_WRITE_EXAMPLES"


def short(document: dict[str, Any]) -> dict[str, Any]:
    """Keep of a report the first option, its first attempt, and what speaks of it."""
    option = next(one for one in document["options"] if not one["baseline"])
    option["attempts"] = option["attempts"][:1]
    document["options"] = [option]
    document["network"]["not_tested"] = document["network"]["not_tested"][:3]
    return document


def keys(value: Any, path: str = "") -> set[str]:
    """Return the paths of all keys of a document; what stands below ``OPEN`` may differ from run to run."""
    if isinstance(value, list):
        return set().union(*(keys(one, path) for one in value))
    if not isinstance(value, dict) or path.rpartition(".")[2] in OPEN:
        return set()
    return set().union(*({f"{path}.{key}"} | keys(one, f"{path}.{key}") for key, one in value.items()))


def test_the_example_is_a_report_of_the_schema() -> None:
    document = json.loads(EXAMPLE.read_text("utf-8"))
    jsonschema.Draft202012Validator(json_schema()).validate(document)
    report = Report.from_dict(document)
    assert report.to_dict() == document


@pytest.mark.daemons
@pytest.mark.anyio
async def test_a_run_has_the_keys_of_the_example(
    unbound: Resolver, control_web: Web, microsocks: Proxy, tmp_path: Path
) -> None:
    lab = Lab(unbound, control_web, tmp_path)
    report = await lab.check(f"socks5://{microsocks.address}:{microsocks.port}#office")
    document = short(report.to_dict())
    if os.environ.get(WRITE):
        EXAMPLE.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    assert keys(document) == keys(json.loads(EXAMPLE.read_text("utf-8")))
