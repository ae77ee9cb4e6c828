"""The catalogue for people: kinds, built-in options, one option in full with the source of its facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.model.option import OdohSettings, VoiceSettings, WebSettings
from circumvent.say.blocks import Block, Heading, Point, Points, Sentence, Space
from circumvent.say.language import _
from circumvent.say.words import scope_heading
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from circumvent.catalog import Fact
    from circumvent.model.kinds import Kind
    from circumvent.model.option import Option

#: The most characters of a name and of a note.
LONGEST = 60
LONGEST_NOTE = 400


def kinds(known: Iterable[Kind]) -> tuple[Block, ...]:
    """Return the kinds that can be tried."""
    found = list(known)
    blocks: list[Block] = [
        Sentence(
            _(
                "{n} kinds of option. Their words, families and exposures serve --only, --skip and --include."
            ).format(n=len(found))
        )
    ]
    for scope in dict.fromkeys(kind.scope for kind in found):
        mine = [kind for kind in found if kind.scope is scope]
        said = _("{title}; family {family}, {exposure}, port {port}")
        points = tuple(
            Point(
                kind.name,
                said.format(
                    title=kind.title, family=kind.family, exposure=kind.exposure.value, port=kind.port
                ),
            )
            for kind in mine
        )
        blocks += [Space(), Heading(scope_heading(scope)), Points(points)]
    return tuple(blocks)


def built_in(options: Sequence[Option], facts: Mapping[str, Fact] | None) -> tuple[Block, ...]:
    """Return the built-in options, kind by kind; with ``facts`` also where each comes from."""
    blocks: list[Block] = [
        Sentence(
            _(
                "{n} built-in options; one run tries a few of each kind. One in full: circumvent show ID"
            ).format(n=len(options))
        )
    ]
    for kind in dict.fromkeys(option.traits for option in options):
        mine = [option for option in options if option.kind == kind.name]
        points = tuple(Point(option.id, _row(option, facts)) for option in mine)
        blocks += [Space(), Heading(f"{kind.title} ({kind.name})"), Points(points)]
    return tuple(blocks)


def in_full(option: Option, fact: Fact | None) -> tuple[Block, ...]:
    """Return one option with all that is known of it, and the source of its facts."""
    points = [
        Point(_("kind"), f"{option.traits.title} ({option.kind})"),
        Point(_("serves"), scope_heading(option.scope)),
        Point(_("exposure"), option.exposure.value),
        Point(_("endpoint"), str(option.endpoint)),
    ]
    if option.endpoint.addresses:
        points.append(Point(_("addresses"), ", ".join(option.endpoint.addresses)))
    match option.settings:
        case WebSettings(url=url):
            points.append(Point("URL", url))
        case OdohSettings(url=url, relay=relay):
            points.append(Point("URL", url))
            points += [Point(_("relay"), relay)] if relay else []
        case VoiceSettings(transport=transport):
            points.append(Point(_("over"), transport))
        case _:
            pass
    points.append(Point(_("operator"), option.operator or _("not known")))
    if option.filtering:
        points.append(Point(_("filters"), _("this operator leaves out some names on purpose")))
    if fact is not None:
        points.append(Point(_("source"), fact.source))
        points.append(Point(_("date"), _date(fact)))
        points += [Point(_("note"), sanitise(fact.note, LONGEST_NOTE))] if fact.note else []
    return (Sentence(f"{option.label} ({option.id})", strong=True), Points(tuple(points)))


def _row(option: Option, facts: Mapping[str, Fact] | None) -> str:
    said = f"{sanitise(option.label, LONGEST)}, {option.endpoint}, {option.exposure.value}"
    if option.filtering:
        said += ", " + _("filters on purpose")
    fact = facts.get(option.id) if facts is not None else None
    return said if fact is None else f"{said}; {fact.source}, {_date(fact)}"


def _date(fact: Fact) -> str:
    return f"{fact.date:%Y-%m-%d}" + ("" if fact.verified else _(" (from general knowledge, not verified)"))
