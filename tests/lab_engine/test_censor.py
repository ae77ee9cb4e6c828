"""The censor: order of rules, what is forged beside what passes, counters, and rules that never fired."""

from __future__ import annotations

import pytest

from circumvent.lab.actions import Drop, Hold, Reset
from circumvent.lab.blocking import Blocking
from circumvent.lab.censor import Censor, summary
from circumvent.lab.packet import SYN
from circumvent.lab.rules.endpoint import AnyPacket
from circumvent.lab.scope import Scope
from tests.lab_engine.talk import Net, Tcp, opened


def rule(name: str, action: object, **scope: object) -> Blocking:
    return Blocking(name=name, when=AnyPacket(), then=action, scope=Scope(**scope))  # type: ignore[arg-type]  # by name


def test_the_first_that_drops_is_the_last_that_sees(family: int) -> None:
    net = Net(rule("one", Reset()), rule("two", Drop()), rule("three", Reset()))
    outcome = Tcp(net, family=family).up(flags=SYN)
    assert len(outcome.to_client) == 1
    assert not outcome.passed
    assert [net.censor.counters[name].seen for name in ("one", "two", "three")] == [1, 1, 0]


def test_delays_add_up(family: int) -> None:
    net = Net(rule("one", Hold(seconds=0.1)), rule("two", Hold(seconds=0.2)))
    assert Tcp(net, family=family).up(flags=SYN).delay == pytest.approx(0.3)


def test_rules_that_never_fired_are_named(family: int) -> None:
    net = Net(rule("used", Hold(seconds=1.0)), rule("idle", Drop(), ports=(1,)))
    Tcp(net, family=family).up(flags=SYN)
    assert net.censor.silent_rules() == ("idle",)
    assert summary(net.censor.counters) == {
        "used": {"seen": 1, "fired": 1, "flows": 1},
        "idle": {"seen": 1, "fired": 0, "flows": 0},
    }


def test_without_rules_everything_passes(family: int) -> None:
    assert opened(Net(), family=family).up(b"anything").untouched


def test_names_are_unique() -> None:
    with pytest.raises(ValueError, match="same name"):
        Censor([rule("x", Drop()), rule("x", Drop())])
