"""Asking Tor what it recommends: given this way to its API and this answer, expect that."""

from __future__ import annotations

from contextlib import suppress
from random import SystemRandom
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.net.clock import Clock
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import StepFailed
from circumvent.net.resolve import NamesInOrder
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace
from circumvent.net.verify import TrustStore
from circumvent.recommend.answer import Nothing
from circumvent.recommend.settings_api import Means, ask_settings
from tests.lab.moat import FORGED_NAME, SILENT_NAME, settings

if TYPE_CHECKING:
    from circumvent.catalog import SettingsApi
    from circumvent.recommend.answer import Recommendation
    from tests.lab.moat import Moat

pytestmark = [pytest.mark.anyio, pytest.mark.daemons, pytest.mark.requires("nginx", "unbound")]

CERT = "cert=bjRaMrr1BRiAW8IE9U5z27fQaYgOhX1UCmOpg2pFpoMvo6ZgQMzLsaTzzQNTlm7hNcb+Sg"
LINE = f"obfs4 9.9.9.9:38224 D9A82D2F9C2F65A18407B1D2B764F130847F8B5D {CERT} iat-mode=0"


def means(moat: Moat, *, limit: float | None = None) -> Means:
    return Means(
        trace=Trace("ask", clock=Clock(), timeouts=Timeouts(), limit=limit),
        dialer=DirectDialer(NamesInOrder(), policy=Policy(allow_private=True, private_names=False)),
        trust=TrustStore.mozilla([moat.ca_file.read_text("ascii")]),
        random=SystemRandom(),
    )


async def ask(
    api: SettingsApi, given: Means, *, fronted: bool = False, country: str | None = "IR", **more: Any
) -> Recommendation:
    return await ask_settings(api, given, country=country, fronted=fronted, **more)


async def failure(api: SettingsApi, given: Means, *, fronted: bool = False) -> tuple[str, str]:
    with suppress(StepFailed):
        await ask(api, given, fronted=fronted)
    found = given.trace.attempt().failure
    assert found is not None
    return found.step, found.error


@pytest.mark.parametrize("fronted", [False, True])
async def test_it_is_asked_directly_and_through_a_front(moat: Moat, fronted: bool) -> None:
    moat.answer(settings=settings(("obfs4", [LINE])))
    given = means(moat)
    found = await ask(moat.api(), given, fronted=fronted, transports=("obfs4",))
    assert (found.country, found.lines, found.nothing) == ("IR", (LINE,), None)
    ((request, kind, body),) = moat.asked()
    assert request == "POST /moat/circumvention/settings HTTP/1.1"
    assert kind == "application/vnd.api+json"
    assert body == {"country": "ir", "transports": ["obfs4"]}
    steps = [step.name for step in given.trace.attempt().steps]
    between = ["meek_poll", "inner_tls"] if fronted else []
    assert steps == ["resolve", "connect", "tls_handshake", *between, "ask"]


async def test_without_a_country_none_is_named(moat: Moat) -> None:
    moat.answer(settings=settings(("obfs4", [LINE]), country="tm"))
    found = await ask(moat.api(), means(moat), country=None)
    assert found.country == "TM"
    assert moat.asked()[0][2] == {}


@pytest.mark.parametrize(
    ("answer", "nothing"),
    [
        ({"settings": [], "country": "de"}, Nothing.NOT_NEEDED),
        ({"settings": None}, Nothing.NOT_NEEDED),
        ({"errors": [{"code": 404, "detail": "No provided transport is valid"}]}, Nothing.NO_TRANSPORT),
        ({"errors": [{"code": 406, "detail": "Could not find country code"}]}, Nothing.NO_COUNTRY),
    ],
)
async def test_where_it_has_nothing_to_say_its_defaults_are_asked_for(
    moat: Moat, answer: dict[str, Any], nothing: Nothing
) -> None:
    moat.answer(settings=answer, defaults=settings(("obfs4", [LINE]), country=None))
    found = await ask(moat.api(), means(moat), transports=("obfs4",))
    assert (found.nothing, found.lines) == (nothing, (LINE,))
    assert [body for _, _, body in moat.asked()] == [
        {"country": "ir", "transports": ["obfs4"]},
        {"transports": ["obfs4"]},
    ]


async def test_lines_that_are_only_named_are_looked_up(moat: Moat) -> None:
    moat.answer(settings=settings(("obfs4", None)), builtin={"obfs4": [LINE], "snowflake": ["snowflake 1"]})
    found = await ask(moat.api(), means(moat))
    assert found.lines == (LINE,)
    assert found.bridges[0].source == "builtin"


async def test_kinds_that_were_not_asked_for_are_not_tried(moat: Moat) -> None:
    moat.answer(settings=settings(("obfs4", [LINE]), ("vanilla", ["9.9.9.10:443 " + "A" * 40])))
    found = await ask(moat.api(), means(moat), transports=("vanilla",))
    assert found.lines == ("9.9.9.10:443 " + "A" * 40,)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("<html>not here", "wrong_answer"),
        ("[" * 100_000, "wrong_answer"),
        ('{"settings": 7}', "wrong_answer"),
        (" " * (256 * 1024 + 1), "wrong_answer"),
        ((502, "later"), "origin_down"),
        ((429, "too often"), "http_unexpected_status_code"),
        ('{"errors": [{"code": 429}]}', "http_unexpected_status_code"),
        ('{"errors": [{"code": ' + "9" * 30 + "}]}", "http_unexpected_status_code"),
        ('{"country": "\ud800"}', "wrong_answer"),
    ],
)
async def test_an_answer_that_is_none_is_a_failure_of_the_question(
    moat: Moat, answer: Any, error: str
) -> None:
    moat.answer(settings=answer)
    assert await failure(moat.api(), means(moat)) == ("ask", error)


async def test_two_hundred_lines_through_a_front(moat: Moat) -> None:
    lines = [LINE.replace("9.9.9.9", f"9.9.{number}.9") for number in range(200)]
    moat.answer(settings=settings(("obfs4", lines)))
    assert (await ask(moat.api(), means(moat), fronted=True)).lines == tuple(lines)


async def test_somebody_else_at_its_address_is_not_believed(moat: Moat) -> None:
    moat.answer(settings=settings(("obfs4", [LINE])))
    assert await failure(moat.api(FORGED_NAME), means(moat)) == ("tls_handshake", "ssl_unknown_authority")
    assert moat.asked() == []


async def test_the_front_cannot_answer_in_its_place(moat: Moat) -> None:
    """Behind the front is the API, with a certificate for another name than that of whom we ask."""
    moat.answer(settings=settings(("obfs4", [LINE])))
    found = await failure(moat.api(FORGED_NAME), means(moat), fronted=True)
    assert found == ("inner_tls", "ssl_invalid_hostname")
    assert moat.asked() == []


async def test_a_front_that_does_not_pass_it_on(moat: Moat) -> None:
    api = moat.api(reflector="nobody-behind-it.example")
    assert await failure(api, means(moat), fronted=True) == ("meek_poll", "http_unexpected_status_code")


async def test_silence(moat: Moat) -> None:
    given = means(moat, limit=0.3)
    assert await failure(moat.api(SILENT_NAME), given) == ("connect", "generic_timeout_error")
    assert given.trace.attempt().bytes_received == 0
