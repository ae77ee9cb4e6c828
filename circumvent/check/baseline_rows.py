"""Baseline rows: options that tell what the network is, tried beside the others, never ranked.

Anchors on the open internet and at home, this network's own resolver, and, for names that the user brought, a few
encrypted resolvers that may see them.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from circumvent import catalog
from circumvent.catalog.select import select
from circumvent.check.lookups import encrypted
from circumvent.check.settings import SettingsError
from circumvent.inputs.links import parse_link
from circumvent.inputs.problem import LineError
from circumvent.model.kinds import KINDS
from circumvent.model.option import Endpoint, Option, Origin, WebSettings, is_address, join_host_port
from circumvent.names import facts
from circumvent.names.chain import IANA_ANCHORS
from circumvent.names.plan import ControlName, IdentityProbe
from circumvent.net.name import Resolver
from circumvent.net.resolve import read_resolv_conf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from circumvent.catalog import Anchor
    from circumvent.check.settings import CheckSettings
    from circumvent.control import Control
    from circumvent.ids import IdMaker

#: Anchors tried in one run: what the counting rule needs, and some that may be dead.
ANCHORS: Final = 14
DOMESTIC: Final = 5
#: Encrypted resolvers that serve for the user's names when none was asked for.
NAME_SERVERS: Final = 3
_CATALOGUE: Final = Origin(source="catalogue")
_ZONE_COUNTRY: Final = {
    "Asia/Tehran": "IR", "Asia/Shanghai": "CN", "Asia/Urumqi": "CN", "Europe/Moscow": "RU", "Asia/Ashgabat": "TM",
    "Europe/Minsk": "BY", "Asia/Yangon": "MM", "Asia/Karachi": "PK", "Asia/Baghdad": "IQ",
    "Africa/Casablanca": "MA", "Africa/Cairo": "EG", "Europe/Istanbul": "TR", "Asia/Kolkata": "IN",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What resolvers are asked: control names, canaries, who they are; ``anchors`` is zone-file text or ``None``."""

    controls: tuple[ControlName, ...]
    canaries: tuple[str, ...]
    identity: tuple[IdentityProbe, ...]
    by_hand: bool
    anchors: str | None


def resolvers(settings: CheckSettings) -> tuple[Resolver, ...]:
    """Return the plain resolvers: the one named by ``--resolver``, else the system's.

    :raises SettingsError: when ``--resolver`` names none.
    """
    if settings.resolver is None:
        return read_resolv_conf()
    if "://" in settings.resolver:
        return ()
    host, port = settings.resolver, 53
    if found := re.fullmatch(r"\[([^\]]+)\]:(\d{1,5})|([^:]+):(\d{1,5})", settings.resolver):
        host, port = found[1] or found[3], int(found[2] or found[4])
    try:
        return (Resolver(host[1:-1] if host[:1] + host[-1:] == "[]" else host, port),)
    except ValueError as exc:
        raise SettingsError(
            "--resolver: give an IP address, with a port if need be, or a tls:// or https:// link. "
            "Example: --resolver 9.9.9.9"
        ) from exc


def rows(
    settings: CheckSettings,
    controls: Sequence[Control],
    plain: Sequence[Resolver],
    *,
    ids: IdMaker,
    random: Random,
    chosen: Sequence[Option],
) -> tuple[tuple[Option, ...], dict[str, dict[str, Any]]]:
    """Return the baseline rows, and the details of their reports (which anchor, whose resolver).

    :raises SettingsError: for a file of anchors or a ``--resolver`` that can't be used.
    """
    found: list[Option] = []
    details: dict[str, dict[str, Any]] = {}
    for anchor, option in _anchors(settings, controls, random):
        found.append(option)
        details[option.id] = {
            "anchor": {"class": anchor.cls, "network": anchor.network, "domestic": anchor.domestic}
        }
    if settings.anchors != "none":
        for number, resolver in enumerate(plain[:1]):
            option = _own_resolver(resolver, number)
            found.append(option)
            details[option.id] = {"system_resolver": True}
    if settings.wants_builtin and settings.anchors is None:
        found.extend(_pages(settings, random))
    found.extend(_name_servers(settings, chosen, random, ids))
    return tuple(found), details


def names(settings: CheckSettings) -> Names:
    """Return what resolvers are asked.

    :raises SettingsError: for a ``--dns-control`` or ``--trust-anchor`` that can't be used.
    """
    by_hand = tuple(_dns_control(text) for text in settings.dns_control)
    anchors = _trust_anchors(settings.trust_anchor)
    if by_hand:
        canaries = tuple(one.name for one in by_hand)
        return Names(controls=by_hand, canaries=canaries, identity=(), by_hand=True, anchors=anchors)
    known = facts.load()
    return Names(
        controls=known.controls,
        canaries=catalog.canaries(country(settings)),
        identity=tuple(one.probe for one in known.identity),
        by_hand=False,
        anchors=anchors,
    )


def country(settings: CheckSettings) -> str | None:
    """Return the country: as given, else guessed from locale and time zone. Nobody is asked."""
    if settings.country is not None:
        return settings.country.upper()
    zone = os.environ.get("TZ", "")
    with suppress(OSError):
        zone = zone or str(Path("/etc/localtime").readlink())
    for name, code in _ZONE_COUNTRY.items():
        if zone.endswith(name):
            return code
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    found = re.match(r"[a-z]{2,3}_([A-Z]{2})\b", locale)
    return found[1] if found and found[1] in _ZONE_COUNTRY.values() else None


def _anchors(
    settings: CheckSettings, controls: Sequence[Control], random: Random
) -> list[tuple[Anchor, Option]]:
    if settings.anchors == "none":
        return []
    if settings.anchors is not None:
        try:
            given = catalog.read_anchors(settings.anchors)
        except ValueError as exc:
            raise SettingsError(f"--anchors: {exc}") from exc
        return [(anchor, _anchor_option(anchor)) for anchor in given]
    if settings.control:
        return [_control_row(control, number) for number, control in enumerate(controls, 1) if control.secure]
    foreign = _counted(random.sample(catalog.anchors(), len(catalog.anchors())))
    home = catalog.domestic(where) if (where := country(settings)) is not None else ()
    chosen = [*foreign, *random.sample(home, min(DOMESTIC, len(home)))]
    return [(anchor, _anchor_option(anchor)) for anchor in chosen]


def _counted(shuffled: Sequence[Anchor]) -> list[Anchor]:
    """Return ANCHORS of them, new classes and networks first."""
    seen: dict[str, int] = {}
    ranked = []
    for anchor in shuffled:
        level = seen.get(anchor.network, 0) + seen.get(anchor.cls, 0)
        seen[anchor.network] = seen.get(anchor.network, 0) + 10
        seen[anchor.cls] = seen.get(anchor.cls, 0) + 1
        ranked.append((level, anchor))
    return [anchor for _, anchor in sorted(ranked, key=lambda one: one[0])[:ANCHORS]]


def _anchor_option(anchor: Anchor) -> Option:
    place = "" if anchor.port == 443 else f"-{anchor.port}"
    host = Endpoint(
        host=anchor.host, port=anchor.port, addresses=() if is_address(anchor.host) else anchor.addresses
    )
    resolver = anchor.port == KINDS["dot"].port
    url = f"https://{join_host_port(anchor.host, anchor.port)}/"
    return Option(
        id=f"anchor-{anchor.host}{place}",
        kind="dot" if resolver else "https",
        label=anchor.host,
        endpoint=host,
        origin=_CATALOGUE,
        operator=anchor.network,
        baseline=True,
        settings=None if resolver else WebSettings(url=url, method="HEAD"),
    )


def _control_row(control: Control, number: int) -> tuple[Anchor, Option]:
    """Return a control that the user gave as an anchor: fetched directly, it tells whether the internet is there."""
    anchor = catalog.Anchor(
        host=control.host, cls="control", network=control.host, port=control.endpoint.port
    )
    option = Option(
        id=f"control-{number}",
        kind="https",
        label=control.host,
        endpoint=control.endpoint,
        origin=Origin(source="argument"),
        baseline=True,
        settings=WebSettings(url=control.url, method="GET"),
    )
    return anchor, option


def _pages(settings: CheckSettings, random: Random) -> list[Option]:
    """Return a few pages of the catalogue, over TCP and over QUIC."""
    pages = select(
        [option for option in catalog.options() if option.baseline],
        random=random,
        careful=settings.careful,
        include=settings.include,
        skip=settings.skip,
    )
    return list(pages)


def _own_resolver(resolver: Resolver, number: int) -> Option:
    return Option(
        id="system-resolver" if number == 0 else f"system-resolver-{number + 1}",
        kind="dns-udp",
        label="this network's resolver",
        endpoint=Endpoint(host=resolver.address, port=resolver.port),
        origin=_CATALOGUE,
        baseline=True,
    )


def _name_servers(
    settings: CheckSettings, chosen: Sequence[Option], random: Random, ids: IdMaker
) -> list[Option]:
    """Return encrypted resolvers for the user's names, when no option of the run would do."""
    if settings.resolver is not None and "://" in settings.resolver:
        try:
            option = parse_link(settings.resolver)
        except LineError as exc:
            raise SettingsError(f"--resolver: {exc}") from exc
        return [replace(ids.named(replace(option, origin=Origin(source="argument"))), baseline=True)]
    private = any(option.held_by_user and not option.endpoint.known_addresses for option in chosen)
    own = any(encrypted(option) and option.endpoint.known_addresses for option in chosen)
    if (
        not private
        or own
        or settings.system_dns
        or settings.resolver is not None
        or settings.anchors == "none"
    ):
        return []
    by_operator: dict[str | None, Option] = {}
    for option in random.sample(catalog.options(), len(catalog.options())):
        if option.kind in {"doh", "dot"} and option.endpoint.known_addresses and not option.filtering:
            by_operator.setdefault(option.operator, option)
    return [replace(option, baseline=True) for option in list(by_operator.values())[:NAME_SERVERS]]


def _dns_control(text: str) -> ControlName:
    name, _, addresses = text.partition("=")
    try:
        known = frozenset(str(ip_address(one.strip())) for one in addresses.split(","))
    except ValueError as exc:
        raise SettingsError(
            "--dns-control: give NAME=ADDRESS[,ADDRESS]. Example: --dns-control www.example.org=192.0.2.7"
        ) from exc
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,253}", name):
        raise SettingsError("--dns-control: what stands before = is no host name")
    return ControlName(name=name.rstrip("."), addresses=known)


def _trust_anchors(given: str | None) -> str | None:
    if given is None:
        return IANA_ANCHORS
    if given == "none":
        return None
    from circumvent.names.dnssec import parse_anchors  # noqa: PLC0415 - dnspython, for this option only

    try:
        text = Path(given).read_text("ascii", "replace")[:65536]
    except OSError as exc:
        raise SettingsError(f"--trust-anchor: the file can't be read ({exc.strerror or 'error'})") from exc
    try:
        parse_anchors(text)
    except ValueError as exc:
        raise SettingsError(f"--trust-anchor: {exc}") from exc
    return text
