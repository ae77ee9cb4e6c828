"""What Tor recommends for people: how it was asked, what it named, what of that can't be tried, what to do."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from circumvent.recommend.answer import Nothing
from circumvent.say.blocks import Block, Heading, Point, Points, Sentence, Space, Steps
from circumvent.say.end import Ending, end_screen
from circumvent.say.language import _, later
from circumvent.say.reasons import failure_clause
from circumvent.say.words import reason_sentence
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.catalog import SettingsApi
    from circumvent.model.report import Report
    from circumvent.recommend.answer import Recommendation, Recommended
    from circumvent.recommend.ask import Advice, Asked

_NOTHING: Final = {
    Nothing.NOT_NEEDED: later(
        "Tor recommends nothing in particular for {place}: as far as it knows, Tor is reached from there without a bridge"
    ),
    Nothing.NO_TRANSPORT: later("Tor knows no bridge for {place} of a kind that was asked for"),
    Nothing.NO_COUNTRY: later("Tor's service can't tell which country this is (--country CC says it)"),
}
#: The same where the user said which country it is.
_OF_A_COUNTRY: Final = {Nothing.NO_COUNTRY: later("Tor's service knows no country {place}")}
#: Kinds of bridges, as people read them; others stand as they are.
_KINDS: Final = {"meek_lite": "meek", "vanilla": "plain"}
#: Where a bridge is put, in the words of Tor Browser.
ADD: Final = later("Add them in Tor Browser, under Settings, Connection, Add bridges")


def opening(advice: Advice) -> tuple[Block, ...]:
    """Return what Tor said, and how it was asked."""
    found = advice.recommendation
    blocks: list[Block] = [Sentence(_answer(advice), strong=True)]
    if found is not None and advice.country is None and found.country is not None:
        said = _("The country is the service's guess from the address it saw. To say another: --country CC")
        blocks.append(Sentence(said))
    blocks += [Space(), Heading(_("How it was asked")), Points(tuple(map(_asked, advice.asked)))]
    if found is not None and (unusable := _unusable(found)):
        blocks += [Space(), Heading(_("What it named and can't be tried")), Points(unusable)]
    return tuple(blocks)


def bridges_screen(
    advice: Advice, report: Report | None, ending: Ending, *, working: int, shown: bool
) -> tuple[Block, ...]:
    """Return all that is to be said; ``shown``: the lines of the ``working`` bridges follow on the same screen."""
    blocks = list(opening(advice))
    if report is None:
        return (*blocks, Space(), Heading(_("Do this now")), Steps(tuple(_instead(advice))))
    blocks += [Space(), *end_screen(report, ending)]
    if working and shown:
        blocks += [
            Space(),
            Heading(_("Bridges that work from here, best first")),
            Sentence("  " + _(ADD) + "."),
            Sentence(
                "  " + _("They are yours alone now: whoever sees this screen can use them, or block them.")
            ),
        ]
    return tuple(blocks)


def plan_blocks(apis: Sequence[SettingsApi], *, fronted: bool, country: str | None) -> tuple[Block, ...]:
    """Return what would be contacted and what can be seen of it. Nothing is sent."""
    fronts = ", ".join(sanitise(api.front, 60) for api in apis)
    direct = _("{host} directly, then through {fronts} if that fails").format(
        host=_host(apis[0]), fronts=fronts
    )
    through = _("only {fronts}, as a front of {host}").format(host=_host(apis[0]), fronts=fronts)
    said = (
        _("that this is {country}").format(country=country.upper())
        if country
        else _("no country: it guesses one")
    )
    return (
        Sentence(_("Tor would be asked which bridges it recommends. Nothing was sent."), strong=True),
        Space(),
        Points(
            (
                Point(_("asked"), (through if fronted else direct) + "."),
                Point(_("told"), said + "."),
                Point(_("seen"), _(_SEEN_FRONT if fronted else _SEEN_DIRECT) + "."),
                Point(_("tried"), _(_TRIED) + "."),
                Point(_("seen"), _(_SEEN_BRIDGES) + "."),
            )
        ),
    )


_SEEN_DIRECT: Final = later("marking: the name of Tor's bridge service, by whoever runs this network")
_SEEN_FRONT: Final = later(
    "notable: a connection to a web site like any other, and requests to it in a steady pace"
)
_TRIED: Final = later(
    "then the bridges that it names, until three work where there are more than five (--all: every one)"
)
_SEEN_BRIDGES: Final = later(
    "the addresses of those bridges. A network that knows one for a bridge learns that you use Tor"
)


def what_is_seen(api: SettingsApi) -> tuple[str, ...]:
    """Return what an observer of the line can see, for the question before a run."""
    return (
        _("Whoever runs this network can see which addresses this device contacts, and when."),
        _("Direct: that it asks {host}, Tor's bridge service; if that fails, the front too.").format(
            host=_host(api)
        ),
        _("Front: a connection to {front}, a web site like any other, and no more.").format(
            front=sanitise(api.front, 60)
        ),
        _("Either way the bridges are tried then: a network that knows one learns that you use Tor."),
    )


def in_one_line(api: SettingsApi) -> str:
    """Return what a script's log should say."""
    return _(
        "circumvent: the network can see that {host} is asked and that bridges are tried; "
        "--fronted shows less of it, --plan says it first."
    ).format(host=_host(api))


def _host(api: SettingsApi) -> str:
    return sanitise(api.url.partition("://")[2].partition("/")[0], 60)


def _answer(advice: Advice) -> str:
    found = advice.recommendation
    if found is None:
        return _("Tor's bridge service could not be asked from this network.")
    place = found.country or (advice.country.upper() if advice.country else None)
    if found.nothing is None:
        where = _("for {place}").format(place=place) if place else _("for where you are")
        return _("Tor recommends {bridges} {where}: {kinds}.").format(
            bridges=_count(len(found.bridges)), where=where, kinds=_by_kind(found.bridges)
        )
    known = _NOTHING if advice.country is None else _NOTHING | _OF_A_COUNTRY
    said = _(known[found.nothing]).format(place=place or _("where you are"))
    if not found.bridges:
        return f"{said}."
    return said + _(". Its usual {bridges}: {kinds}.").format(
        bridges=_count(len(found.bridges)), kinds=_by_kind(found.bridges)
    )


def _count(count: int) -> str:
    return _("1 bridge") if count == 1 else _("{n} bridges").format(n=count)


def _by_kind(bridges: Sequence[Recommended]) -> str:
    kinds = Counter(_KINDS.get(one.transport, one.transport) for one in bridges)
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or _("none")


def _asked(asked: Asked) -> Point:
    lead = _("through a front") if asked.fronted else _("directly")
    where = sanitise(asked.host, 60)
    if asked.cannot is not None:
        why = sanitise(asked.cannot.detail or "", 80) or reason_sentence(asked.cannot.reason)
        return Point(lead, _("{host}: not asked, {why}").format(host=where, why=why))
    if asked.failure is not None:
        why = failure_clause(asked.failure, asked.step)
        return Point(lead, _("{host}: {why}").format(host=where, why=why))
    return Point(lead, _("{host}: it answered").format(host=where))


def _unusable(found: Recommendation) -> tuple[Point, ...]:
    """Return why lines can't be tried, and how many for each reason; the lines themselves are nobody's business."""
    reasons = Counter((one.transport, one.problem) for one in found.bridges if one.problem is not None)
    points = [
        Point(f"{count} {_KINDS.get(kind, kind)}", sanitise(problem, 200))
        for (kind, problem), count in reasons.items()
    ]
    if found.left_out:
        points.append(Point(f"{found.left_out}", _("more than are read from one answer.")))
    if found.to_look_up:
        points.append(Point(", ".join(found.to_look_up), _("named without a line.")))
    return tuple(points)


def _instead(advice: Advice) -> list[str]:
    """Say what to do where there is nothing to try."""
    built_in = _("Try the bridges that are built in: circumvent check --only tor")
    if advice.recommendation is None:
        return [
            built_in,
            _(
                "Ask for bridges another way: Tor Browser, Settings, Connection, Request a bridge; or somebody elsewhere whom you "
                "trust. Then: circumvent check -"
            ),
        ]
    if advice.recommendation.nothing is Nothing.NO_COUNTRY and advice.country is None:
        return [_("Say which country this is: circumvent bridges --country CC"), built_in]
    return [built_in]
