"""From settings to a plan: which options, in which order, with what to prove them by. Nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Final

from circumvent import catalog
from circumvent.catalog.select import select
from circumvent.check import baseline_rows
from circumvent.check.budget import needs
from circumvent.check.fate import breadth_first, places
from circumvent.check.lookups import encrypted
from circumvent.check.pace import is_bridge
from circumvent.check.settings import SettingsError
from circumvent.check.with_tor import programs_for
from circumvent.control import Bulk, Control, Expectation
from circumvent.ids import IdKeyError, IdMaker, read_key
from circumvent.inputs.read import read_inputs
from circumvent.inputs.suggest import suggest
from circumvent.model.kinds import FAMILIES, KINDS
from circumvent.model.words import Exposure
from circumvent.names.chain import RootKeys
from circumvent.net.address import is_public
from circumvent.net.interfaces import Line, read_line
from circumvent.net.sock import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from circumvent.check.baseline_rows import Names
    from circumvent.check.settings import CheckSettings
    from circumvent.inputs.problem import Parsed
    from circumvent.model.option import Option
    from circumvent.model.words import Reason
    from circumvent.net.name import Resolver
    from circumvent.tor.program.find import Programs

#: Lists longer than this, or with more bridges, stop after ENOUGH working options of a scope.
LONG_LIST: Final = 50
MANY_BRIDGES: Final = 5
ENOUGH: Final = 3
#: The longest file of trust roots or anchors that is read, in bytes.
MOST_PEM: Final = 1024 * 1024


class NothingToCheck(SettingsError):
    """Nothing usable was named; ``sentences`` say what is wrong with each line."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__("\n".join(sentences) or "there is nothing to check")
        self.sentences = tuple(sentences)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that a check will do. ``order`` holds baseline rows first, then options in breadth-first order."""

    settings: CheckSettings
    order: tuple[Option, ...]
    places: Mapping[str, str]
    controls: tuple[Control, ...]
    bulks: tuple[Bulk, ...]
    portal_checks: tuple[Control, ...]
    names: Names
    line: Line
    source: Source | None
    resolvers: tuple[Resolver, ...]
    trust_pem: tuple[str, ...]
    targets: tuple[str, ...]
    random: Random
    anchors_by_hand: bool = False
    enough: int | None = None
    country: str | None = None
    held_back: tuple[tuple[str, Reason, str | None], ...] = ()
    details: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    parsed: Parsed | None = None
    root_keys: RootKeys | None = None
    programs: Programs | None = None  #: tor and its helpers, for ``--with-tor``
    terminals: frozenset[str] = (
        frozenset()
    )  #: ids of satellite terminals found here, whose addresses are private

    @property
    def interface(self) -> str | None:
        """Return the name of the interface that packets leave by."""
        return self.line.interface

    @property
    def resolver_shown(self) -> str | None:
        """Return the address of the resolver that this network gives us."""
        return self.resolvers[0].address if self.resolvers else None

    @property
    def options(self) -> tuple[Option, ...]:
        """Return the options without baseline rows."""
        return tuple(option for option in self.order if not option.baseline)

    @property
    def short(self) -> bool:
        """Tell whether there are so many options that the bytes would not suffice to try each in full once."""
        return self.enough is None and needs(self.options) > self.settings.max_bytes

    def detail_of(self, option_id: str) -> dict[str, Any]:
        """Return what the plan knows of an option for its report."""
        return self.details.get(option_id, {})


def make_plan(
    settings: CheckSettings,
    *,
    stdin: Callable[[int], bytes] | None = None,
    id_key: bytes | None = None,
    found: Sequence[Option] = (),
) -> Plan:
    """Read what was named and decide what will be tried; ``found`` are terminals that this network has, without ids.

    :raises NothingToCheck: when nothing usable is left.
    :raises SettingsError: for a setting that names something unusable.
    """
    _check_words(settings)
    random = SystemRandom()
    ids = IdMaker(_id_key(settings, id_key))
    # Reading the catalogue takes 20 ms, and its slugs never look like ids that are made.
    builtin = catalog.options() if settings.wants_builtin else ()
    ids.reserve(*(option.id for option in builtin))
    parsed = read_inputs(settings.named, ids=ids, stdin=stdin, allow_private=settings.allow_private)
    terminals = tuple(ids.named(option) for option in found)
    chosen = _choose(settings, parsed, (*terminals, *builtin), random)
    programs = programs_for(settings, chosen)
    controls, bulks = _controls(settings)
    source = Source(interface=settings.interface) if settings.interface else None
    line = _line(source, settings)
    resolvers = baseline_rows.resolvers(settings)
    names = baseline_rows.names(settings)
    rows, details = baseline_rows.rows(settings, controls, resolvers, ids=ids, random=random, chosen=chosen)
    order = (*rows, *_resolvers_first(breadth_first(chosen, places(chosen), random)))
    held = [option for option in chosen if option.held_by_user]
    private = settings.allow_private and all(_is_private(option) for option in chosen)
    return Plan(
        settings=settings,
        order=order,
        places=places(order),
        controls=controls,
        bulks=bulks,
        portal_checks=_portal_checks(settings, random),
        names=names,
        root_keys=RootKeys(names.anchors),
        programs=programs,
        line=line,
        source=source,
        resolvers=resolvers,
        trust_pem=tuple(read_pem_file(path) for path in settings.ca),
        targets=settings.target,
        random=random,
        anchors_by_hand=bool(settings.control) and settings.anchors is None,
        enough=ENOUGH if _is_long(held) and not settings.all and not private else None,
        country=settings.country.upper() if settings.country else None,
        details=details,
        parsed=parsed,
        terminals=frozenset(option.id for option in terminals),
    )


def _is_long(held: Sequence[Option]) -> bool:
    """Tell whether trying all that the user named would mark the user, or burn bridges."""
    return len(held) > LONG_LIST or sum(is_bridge(option) for option in held) > MANY_BRIDGES


def _choose(
    settings: CheckSettings, parsed: Parsed, builtin: Sequence[Option], random: Random
) -> tuple[Option, ...]:
    """Return the options to try: what the user named, and a few of the catalogue.

    :raises NothingToCheck: when there are none.
    """
    chosen = select(
        [*parsed.options, *(option for option in builtin if not option.baseline)],
        random=random,
        careful=settings.careful,
        include=settings.include,
        only=settings.only,
        skip=settings.skip,
    )
    chosen = _with_carriers(chosen, parsed.options)
    if not chosen and not settings.target:
        raise NothingToCheck(
            parsed.sentences() or ["nothing is left to check: --only and --skip left every option out"]
        )
    return chosen


def _is_private(option: Option) -> bool:
    """Tell whether an option stays on this machine, in a private network or in a documentation prefix."""
    known = option.endpoint.known_addresses
    return bool(known) and not any(is_public(address) for address in known)


def _check_words(settings: CheckSettings) -> None:
    words = {*KINDS, *FAMILIES, *(exposure.value for exposure in Exposure)}
    for option, given in (
        ("--only", settings.only),
        ("--skip", settings.skip),
        ("--include", settings.include),
    ):
        for word in given:
            if word not in words:
                meant = suggest(word, sorted(words))
                hint = f" Did you mean {meant}?" if meant else ""
                raise SettingsError(
                    f'{option}: there is no kind "{_shown(word)}".{hint} All kinds: circumvent list --kinds'
                )


def _shown(word: str) -> str:
    from circumvent.text import sanitise  # noqa: PLC0415 - for a mistake only

    return sanitise(word, 30)


def _id_key(settings: CheckSettings, saved: bytes | None) -> bytes | None:
    if settings.id_key is None:
        return saved
    try:
        return read_key(settings.id_key)
    except IdKeyError as exc:
        raise SettingsError(f"--id-key: {exc}") from exc


def _with_carriers(chosen: Sequence[Option], parsed: Sequence[Option]) -> tuple[Option, ...]:
    """Add the options that chosen ones go through, if a filter left them out."""
    by_id = {option.id: option for option in parsed}
    kept = {option.id: option for option in chosen}
    waiting = list(chosen)
    while waiting:
        via = waiting.pop().via
        if via is not None and via not in kept:
            kept[via] = by_id[via]
            waiting.append(by_id[via])
    return tuple(kept.values())


def _controls(settings: CheckSettings) -> tuple[tuple[Control, ...], tuple[Bulk, ...]]:
    try:
        controls = tuple(Control.parse(text) for text in settings.control)
    except ValueError as exc:
        raise SettingsError(f"--control: {exc}") from exc
    try:
        bulks = (Bulk.parse(settings.bulk),) if settings.bulk is not None else ()
    except ValueError as exc:
        raise SettingsError(f"--bulk: {exc}") from exc
    return controls or catalog.controls(), bulks or (() if controls else catalog.bulk())


def _portal_checks(settings: CheckSettings, random: Random) -> tuple[Control, ...]:
    """Return what is fetched over plain HTTP to notice a sign-in page: the user's own, else two of other owners."""
    if settings.anchors == "none":
        return ()
    mine = tuple(control for control in map(Control.parse, settings.control) if not control.secure)
    if mine or settings.control or settings.anchors is not None:
        return mine
    by_owner = {
        check.operator: check
        for check in random.sample(catalog.connectivity_checks(), len(catalog.connectivity_checks()))
    }
    return tuple(
        Control(
            url=check.url, expect=Expectation(status=check.status, body=check.body), operator=check.operator
        )
        for check in list(by_owner.values())[:2]
    )


def _line(source: Source | None, settings: CheckSettings) -> Line:
    line = read_line(source)
    if settings.interface is not None and not line.addresses:
        raise SettingsError(
            f'--interface: there is no interface "{_shown(settings.interface)}" with an address here'
        )
    return line


def _resolvers_first(options: Sequence[Option]) -> list[Option]:
    """Put one encrypted resolver of each place first: names that the user brought wait for a proven one."""
    first = [option for option in options if encrypted(option) and option.endpoint.known_addresses]
    names = {option.id for option in first}
    return [*first, *(option for option in options if option.id not in names)]


def read_pem_file(path: str) -> str:
    """Return the text of a file of trust roots (``--ca``).

    :raises SettingsError: when it can't be read or holds none.
    """
    try:
        with Path(path).open("rb") as file:
            text = file.read(MOST_PEM).decode("ascii", "replace")
    except OSError as exc:
        raise SettingsError(f"--ca: {_shown(path)}: it can't be read ({exc.strerror or 'error'})") from exc
    from circumvent.net.verify import read_pem  # noqa: PLC0415 - the crypto library, for this option only

    try:
        read_pem(text)
    except ValueError as exc:
        raise SettingsError(f"--ca: {_shown(path)}: there is no readable PEM certificate in it") from exc
    return text
