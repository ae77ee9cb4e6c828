"""Which ways are asked, and in which order: given these that answer, expect this record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from circumvent.catalog import SettingsApi
from circumvent.check.settings import CheckSettings, SettingsError
from circumvent.model.record import Failure
from circumvent.model.words import Reason
from circumvent.net.errors import CannotTry, StepFailed
from circumvent.recommend import ask as module
from circumvent.recommend.answer import Recommendation
from circumvent.recommend.ask import ask, check_resolver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.recommend.settings_api import Means

pytestmark = pytest.mark.anyio

APIS = [
    SettingsApi(
        url="https://moat.example/moat", reflector="https://behind.example/", front=f"front-{one}.example"
    )
    for one in (1, 2)
]
DIRECT = "moat.example"


class Script:
    """What each way does: an answer, or an error."""

    def __init__(self, **ends: Exception | Recommendation) -> None:
        self.ends = {name.replace("_", "-") + ".example": end for name, end in ends.items()}
        self.asked: list[str] = []
        self.given: dict[str, Any] = {}

    async def __call__(
        self, api: SettingsApi, means: Means, *, fronted: bool, **given: Any
    ) -> Recommendation:
        name = api.front if fronted else DIRECT
        self.asked.append(name)
        self.given = given
        end = self.ends[name]
        if isinstance(end, Recommendation):
            return end
        if isinstance(end, StepFailed):
            means.trace.failure = end.failure
        raise end


def silence() -> StepFailed:
    return StepFailed(Failure(step="connect", error="generic_timeout_error"))


async def played(
    monkeypatch: pytest.MonkeyPatch, script: Script, apis: Sequence[SettingsApi] = APIS, **more: Any
) -> Any:
    monkeypatch.setattr(module, "ask_settings", script)
    return await ask(CheckSettings(country="ir"), apis, (), **more)


async def test_who_answers_directly_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(moat=Recommendation(country="IR"))
    found = await played(monkeypatch, script, transports=("obfs4",))
    assert script.asked == [DIRECT]
    assert (script.given["country"], script.given["transports"]) == ("ir", ("obfs4",))
    assert found.recommendation == Recommendation(country="IR")
    assert found.asked[0].answered


async def test_fronts_come_after_it_and_each_failure_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(moat=silence(), front_1=silence(), front_2=silence())
    found = await played(monkeypatch, script)
    assert script.asked[0] == DIRECT
    assert sorted(script.asked[1:]) == [one.front for one in APIS]
    assert found.recommendation is None
    assert [one.fronted for one in found.asked] == [False, True, True]
    assert all(one.failure == Failure(step="connect", error="generic_timeout_error") for one in found.asked)


async def test_it_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(front_1=Recommendation())
    found = await played(monkeypatch, script, APIS[:1], fronted=True)
    assert script.asked == ["front-1.example"]
    assert found.asked[0].fronted


async def test_what_could_not_be_asked_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(moat=CannotTry(Reason.OFFLINE), front_1=CannotTry(Reason.NO_FAMILY, "no IPv6 here"))
    found = await played(monkeypatch, script, APIS[:1])
    assert [one.cannot.reason for one in found.asked] == [Reason.OFFLINE, Reason.NO_FAMILY]
    assert not any(one.answered for one in found.asked)


@pytest.mark.parametrize("resolver", ["tls://dns.example", "https://dns.example/dns-query", "nowhere"])
async def test_whom_to_ask_is_looked_up_by_a_plain_resolver(resolver: str) -> None:
    with pytest.raises(SettingsError, match=r"^--resolver: "):
        check_resolver(CheckSettings(resolver=resolver))
    check_resolver(CheckSettings(resolver="9.9.9.9:53"))
