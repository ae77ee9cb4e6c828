"""Questions to a conjure registrar, and which answers are its own (recorded: ``vectors/conjure-registrar.json``)."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from circumvent.model.bridge import ConjureSettings
from circumvent.net.http_types import Response
from circumvent.tor.conjure import is_registrar, question

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors/conjure-registrar.json").read_text(encoding="utf-8")
)


def settings(url: str, *, amp_cache: str = "") -> ConjureSettings:
    return ConjureSettings(
        url=url,
        registrar="ampcache" if amp_cache else "bdapi",
        phantom="min",
        bridge="192.0.2.1:80",
        amp_cache=amp_cache,
    )


@pytest.mark.parametrize("end", ["", "/", "/api", "/api/"])
def test_lines_of_all_ages_lead_to_the_same_place(end: str) -> None:
    asked = question(settings(f"https://registrar.example{end}"), Random(1))
    assert (asked.method, asked.url) == ("POST", "https://registrar.example/api/register-bidirectional")


def test_through_an_amp_cache_no_two_questions_are_alike() -> None:
    held, chance = settings("https://amp.example", amp_cache="https://cache.example/"), Random(1)
    first, second = question(held, chance), question(held, chance)
    place = "https://amp-example.cache.example/c/s/amp.example/amp/register-bidirectional/0"
    assert first.method == "GET"
    assert first.url.startswith(place)
    assert first.url.endswith("/AA")
    assert first.url != second.url


@pytest.mark.parametrize("row", VECTORS["answers"], ids=lambda row: row["asked"])
def test_what_a_registrar_answered(row: dict[str, Any]) -> None:
    body = row["body"].encode()
    answer = Response(status=row["status"], headers=(), body=body, version="HTTP/1.1", first_byte=0.0)
    assert is_registrar(answer) is row["too_short"]
