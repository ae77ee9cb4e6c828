"""Targets: given how a name is treated here, expect what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from circumvent.check.targets import not_tried
from circumvent.model.words import Proof, Reason, Status
from circumvent.net.errors import CannotTry
from tests.check.fakes import Script, carries, fails, make, make_run_plan, play, silent, virtual

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.model.report import Target
    from circumvent.transport import Context

pytestmark = pytest.mark.anyio
URL = "https://127.8.8.8/"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual()


async def only(monkeypatch: pytest.MonkeyPatch, script: Script, *options: Option, **settings: Any) -> Target:
    plan = make_run_plan(*options, target=[URL], targets=(URL,), **settings)
    (target,) = (await play(monkeypatch, script, plan)).targets
    return target


async def test_what_answers_needs_nothing_and_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script()
    target = await only(monkeypatch, script, make("a"))
    assert (target.direct, target.least_sufficient, target.reason) == (Status.WORKS, (), None)
    assert script.tries("target-1") == 1


async def test_targets_come_after_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script()
    await only(monkeypatch, script, make("a"), make("p", "dns-udp", port=53))
    assert script.seen[-1][0] == "target-1"


async def test_a_failure_may_have_set_off_a_penalty_so_it_is_not_tried_again_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script({"target-1": [fails("connection_reset")]})
    target = await only(monkeypatch, script, make("a"))
    assert target.direct is Status.UNREACHABLE
    assert script.tries("target-1") == 1


async def test_with_patience_it_is_tried_again_after_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"target-1": [fails("connection_reset"), carries]})
    target = await only(monkeypatch, script, make("a"), patient=True)
    assert target.direct is Status.UNSTABLE
    first, again = [when for name, _, when in script.seen if name == "target-1"]
    assert again - first >= 180


@pytest.mark.parametrize(("country", "rest"), [("IR", 60), ("UG", 180)])
async def test_the_rest_is_that_of_the_country(
    monkeypatch: pytest.MonkeyPatch, country: str, rest: float
) -> None:
    script = Script({"target-1": [fails("connection_reset"), carries]})
    await only(monkeypatch, script, make("a"), patient=True, country=country)
    first, again = [when for name, _, when in script.seen if name == "target-1"]
    assert rest <= again - first < rest + 20


async def test_where_filters_punish_for_longer_than_a_check_it_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script({"target-1": [fails("connection_reset"), carries]})
    target = await only(monkeypatch, script, make("a"), patient=True, country="RU")
    assert target.direct is Status.UNREACHABLE
    assert script.tries("target-1") == 1


async def test_a_proxy_that_brings_it_is_what_suffices(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"target-1": [fails("connection_reset"), carries]})
    target = await only(monkeypatch, script, make("proxy", "socks5", port=1080))
    assert target.direct is Status.UNREACHABLE
    assert target.least_sufficient == ("proxy",)
    assert [one.counted for one in target.attempts] == [True, False]


async def test_a_poisoned_line_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"target-1": [silent], "a": [carries, carries, carries, silent]})
    target = await only(monkeypatch, script, make("a"))
    assert (target.direct, target.reason) == (Status.NOT_RUN, Reason.POISONED)


async def test_what_could_not_be_tried_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async def cannot(_option: Option, _context: Context) -> None:
        raise CannotTry(Reason.NO_FAMILY)

    target = await only(monkeypatch, Script({"target-1": [cannot]}), make("a"))
    assert (target.direct, target.reason) == (Status.NOT_RUN, Reason.NO_FAMILY)


async def test_the_deadline_leaves_no_target_out_of_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"a": [silent]})
    target = await only(monkeypatch, script, make("a"), deadline=2)
    assert (target.name, target.direct, target.reason) == ("127.8.8.8", Status.NOT_RUN, Reason.DEADLINE)


async def test_goal_is_to_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    goals: list[Proof] = []

    async def note(option: Option, context: Context) -> None:
        goals.append(context.goal)
        await carries(option, context)

    await only(monkeypatch, Script({"target-1": [note]}), make("a"))
    assert goals == [Proof.CARRIED]


def test_one_left_out_is_named_by_its_host() -> None:
    assert not_tried("https://www.example.org/path?secret=1", Reason.DEADLINE).name == "www.example.org"
