"""What ``--plan`` tells: per family what is contacted, how that looks, and that nothing was sent."""

from __future__ import annotations

from circumvent.check.plan import make_plan
from circumvent.check.settings import CheckSettings
from circumvent.cli.draw import Style, draw
from circumvent.say.exposure import MOST, plan_screen


def said(**settings: object) -> str:
    plan = make_plan(CheckSettings.from_keywords(settings))
    return "\n".join(draw(plan_screen(plan), Style(width=None, plain=True)))


def test_the_built_in_run_by_family() -> None:
    text = said()
    assert "options would be tried. Nothing was sent." in text
    for word in (
        "DNS servers",
        "Calls",
        "ordinary: ",
        "notable: ",
        "seen: these addresses",
        "compared: ",
        "sign-in: ",
    ):
        assert word in text
    assert "Only the ordinary ones: circumvent check --careful" in text


def test_careful_leaves_what_is_ordinary() -> None:
    text = said(careful=True, only=("names",))
    assert "notable: " not in text.partition("The three words")[0]
    assert "--careful" not in text


def test_what_the_user_named_is_marked_too() -> None:
    text = said(named="socks5://192.0.2.7:1080", anchors="none", allow_private=True)
    assert "notable: 192.0.2.7 (SOCKS5, 192.0.2.7:1080)." in text
    assert "compared" not in text


def test_what_a_snowflake_asks_besides_its_broker() -> None:
    line = f"snowflake 192.0.2.3:80 {'A' * 40} url=https://broker.example/ fronts=front.example ice=stun:stun.example:3478"
    text = said(named=line, anchors="none", allow_private=True)
    assert "(snowflake bridge, front.example:443)" in text
    assert "snowflake: STUN servers: stun.example. Then the device of a volunteer, by UDP." in text


def test_a_long_list_is_counted() -> None:
    links = [f"socks5://192.0.2.{n}:1080" for n in range(1, MOST + 6)]
    assert " and 5 more." in said(named=links, anchors="none", allow_private=True)


def test_no_secret_is_shown() -> None:
    assert "hunter2" not in said(named="socks5://me:hunter2@192.0.2.7:1080", allow_private=True)
