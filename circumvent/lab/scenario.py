"""A scenario: a link, a censor, a world with its faults, a client, and what the truth is. TOML, validated, frozen.

See ``docs/lab-scenarios.rst`` for the format, and :mod:`circumvent.lab.scenario_rules` for the words of rules. Names of
the world's servers may stand wherever a rule wants addresses: ``@dns.anvil.example``, ``@network:krill``,
``@foreign``, ``@domestic``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from circumvent.inputs.toml_lines import TomlError, load
from circumvent.lab.link import Handover  # noqa: TC001 - files are read by the types of fields
from circumvent.lab.scenario_apps import App  # noqa: TC001 - as above
from circumvent.lab.scenario_build import BuildError, build, line_of
from circumvent.lab.scenario_helper import ADDRESSES as HELPERS
from circumvent.lab.scenario_rules import build_rule
from circumvent.lab.world.description import Character, Half, Sort
from circumvent.lab.world.dish import State  # noqa: TC001 - as above
from circumvent.model.words import FindingKind, NetworkState, Status  # noqa: TC001 - as above

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.lab.rule import Rule
    from circumvent.lab.world.description import Server, World

#: The longest scenario file, in bytes.
_LARGEST: Final = 256 * 1024


class ScenarioError(ValueError):
    """A scenario can't be used; the message names file, line and fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """One direction of the link; see :class:`circumvent.lab.link.LinkConfig` (seconds, fractions, bytes)."""

    delay: float = 0.025
    jitter: float = 0.0
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    reorder_by: float = 0.01
    rate: float | None = None
    queue: int = 256 * 1024
    handover: Handover | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The way between client and world. It lies beyond the censor, who sits beside the client."""

    up: Direction = Direction()
    down: Direction = Direction()
    mtu: int = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The client's side.

    ``ipv4``, ``ipv6``: has an address and a route of that family. ``clock``: seconds by which its clock is ahead.
    ``trusts_interceptor``: the root of the man in the middle is in its operating system's store. ``device``: the name
    of its network device, where it is not the wire's own. ``app``: programs beside the check, that speak before it begins.
    """

    ipv4: bool = True
    ipv6: bool = True
    clock: float = 0.0
    trusts_interceptor: bool = False
    device: str | None = None
    app: tuple[App, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolvers:
    """Resolvers that answer as another character; ``lies`` are addresses, or ``@`` and a server."""

    servers: tuple[str, ...]
    character: Character
    listed: tuple[str, ...] = ()
    lies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Servers with another certificate."""

    servers: tuple[str, ...]
    sort: Sort


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How the world differs from the standard one. Patterns of server names, or ``@network:NAME`` and the like.

    ``gone``: nobody answers at their addresses. ``closed``: the hosts stand, without services. ``resolver``: the
    server that the client's network gives it. ``clock``: seconds by which the clocks of all servers but Tor bridges,
    whose programs ask the kernel, are ahead.
    """

    gone: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    resolver: str | None = None
    resolvers: tuple[Resolvers, ...] = ()
    certificates: tuple[Certificates, ...] = ()
    shut_out: tuple[str, ...] = ()
    clock: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What is checked: ``options`` are patterns of labels (all that are not odd by design, if empty).

    Those that match ``catalogue`` too are not given by the user: the check finds them in its own catalogue, and knows
    of them what it knows of a catalogue's (:mod:`circumvent.lab.scenario_catalogue`). ``words`` go to the command line
    as they are; ``seconds`` is the deadline; ``portal_check`` adds a control over plain HTTP.
    """

    options: tuple[str, ...] = ()
    catalogue: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    seconds: float = 120.0
    portal_check: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTruth:
    """What an honest observer may say of the options whose labels match: one of ``statuses``, and ``why``."""

    match: tuple[str, ...]
    statuses: tuple[Status, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTruth:
    """What may be said of a target (``--target``), by the name of its host.

    ``direct`` are the statuses that may be given to the direct way. ``ways`` are patterns of labels of options that
    suffice for it; no other may be named, and with ``named`` one must be.
    """

    name: str
    direct: tuple[Status, ...]
    why: str
    ways: tuple[str, ...] = ()
    named: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true here. Of the entries of ``option`` the last that matches a label holds; ``target`` has one a target.

    ``required`` findings must be reported, ``allowed`` ones may be, all others are invented. ``unbuilt`` are words
    of findings that belong here and that the diagnosis does not make yet: they don't count. ``silent`` are rules
    that need not fire.
    """

    state: tuple[NetworkState, ...]
    option: tuple[OptionTruth, ...] = ()
    target: tuple[TargetTruth, ...] = ()
    required: tuple[FindingKind, ...] = ()
    allowed: tuple[FindingKind, ...] = ()
    unbuilt: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()

    def of(self, label: str) -> OptionTruth | None:
        """Return what is true of an option."""
        return next((one for one in reversed(self.option) if matches(label, one.match)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything. ``models`` says what it stands for, ``sources`` where that is documented.

    ``behaviours`` are ids of the documented censor behaviours that its rules imitate. ``helper`` is a program that the
    censor brings in (:mod:`circumvent.lab.scenario_helper`); a ``redirect`` rule sends packets to it. ``dish``: the client's
    gateway is a satellite terminal in that state (:mod:`circumvent.lab.scenario_dish`), which the check is told to look for.
    """

    name: str
    title: str
    models: str
    sources: tuple[str, ...]
    truth: Truth
    behaviours: tuple[str, ...] = ()
    link: Link = Link()
    client: Client = Client()
    world: Changes = Changes()
    check: Check = Check()
    rule: tuple[dict[str, Any], ...] = field(default_factory=tuple)
    helper: Literal["interceptor", "splitter"] | None = None
    dish: State | None = None

    def rules(self, world: World) -> tuple[Rule, ...]:
        """Return the censor's rules, with the addresses of ``world``.

        :raises BuildError: when one is none.
        """
        return tuple(
            build_rule(expanded(table, world), ("rule", number)) for number, table in enumerate(self.rule)
        )


def parse(text: str, *, origin: str) -> Scenario:
    """Read a scenario; ``origin`` is its file's name, for messages.

    :raises ScenarioError: when it is none.
    """
    from circumvent.lab.scenario_world import world_of  # noqa: PLC0415 - it reads this module

    try:
        scenario: Scenario = build(Scenario, load(text))
        world = world_of(scenario)
        scenario.rules(world)
        for number, app in enumerate(scenario.client.app):
            if not servers(world, app.server):
                raise BuildError(
                    ("client", "app", number, "server"), f"{app.server}: there is no such server"
                )
    except TomlError as exc:
        raise ScenarioError(f"{origin}:{exc.line or 1}: {exc.sentence}") from exc
    except BuildError as exc:
        line = line_of(text, exc.place)
        raise ScenarioError(f"{origin}:{line or 1}: {exc}") from exc
    if scenario.name != Path(origin).stem:
        raise ScenarioError(f"{origin}:{line_of(text, ('name',)) or 1}: name: this is not the file's name")
    return scenario


def names() -> tuple[str, ...]:
    """Return the names of the scenarios that ship with the package."""
    folder = resources.files("circumvent.lab").joinpath("scenarios")
    return tuple(
        sorted(one.name.removesuffix(".toml") for one in folder.iterdir() if one.name.endswith(".toml"))
    )


def find(name: str) -> Scenario:
    """Return a scenario by its name, or from a file.

    :raises ScenarioError: when there is none, or it can't be used.
    """
    if name in names():
        text = resources.files("circumvent.lab").joinpath("scenarios", f"{name}.toml").read_text("utf-8")
        return parse(text, origin=f"{name}.toml")
    path = Path(name)
    if path.suffix != ".toml":
        raise ScenarioError(f'there is no scenario "{name[:100]}"; known: {", ".join(names())}')
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST).decode()
    except (OSError, UnicodeDecodeError) as exc:
        raise ScenarioError(f"{path.name}: it can't be read") from exc
    return parse(text, origin=path.name)


def matches(text: str, patterns: Sequence[str]) -> bool:
    """Tell whether a text matches one of the patterns (``*`` and ``?``)."""
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def servers(world: World, pattern: str) -> tuple[Server, ...]:
    """Return the servers that a pattern means: a name, ``*`` and ``?``, or a word after ``@``."""
    word = pattern.removeprefix("@")
    if word in (Half.FOREIGN, Half.DOMESTIC):
        return tuple(one for one in world.servers if world.half(one) == word)
    if word.startswith("network:"):
        return tuple(one for one in world.servers if one.network == word.removeprefix("network:"))
    return tuple(one for one in world.servers if any(fnmatchcase(name, word) for name in one.names))


def addresses(world: World, texts: Sequence[str], place: tuple[str | int, ...] = ()) -> tuple[str, ...]:
    """Return addresses, with those of servers for every word that begins with ``@``.

    :raises BuildError: when a word means no server.
    """
    found: list[str] = []
    for text in texts:
        if not text.startswith("@") or text in HELPERS:
            found.append(HELPERS.get(text, text))
            continue
        meant = [address for one in servers(world, text) for address in one.addresses]
        if not meant:
            raise BuildError(place, f"{text}: there is no such server")
        found += meant
    return tuple(dict.fromkeys(found))


def expanded(value: Any, world: World) -> Any:
    """Return a rule's table with addresses for every word that begins with ``@``.

    :raises BuildError: when a word means no server.
    """
    if isinstance(value, dict):
        return {name: expanded(one, world) for name, one in value.items()}
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return list(addresses(world, value))
    if isinstance(value, list):
        return [expanded(one, world) for one in value]
    if isinstance(value, str) and value.startswith("@"):
        return addresses(world, (value,))[0]
    return value
