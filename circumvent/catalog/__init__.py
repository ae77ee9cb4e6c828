"""The built-in catalogue: resolvers, STUN servers, pages, controls, anchors, and facts by country.

Facts stand in ``data/*.toml``, each with its source and date; they are read when first asked for. The values are
frozen and the functions return the same tuple each time.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from circumvent.catalog import rows as _rows
from circumvent.catalog.files import CatalogError as CatalogError
from circumvent.catalog.files import rows as _read
from circumvent.catalog.rows import Anchor as Anchor
from circumvent.catalog.rows import ConnectivityCheck as ConnectivityCheck
from circumvent.catalog.rows import Fact as Fact
from circumvent.catalog.rows import Law as Law
from circumvent.catalog.rows import SettingsApi as SettingsApi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.control import Bulk, Control
    from circumvent.model.option import Option

#: The country of rows that hold everywhere else.
ANYWHERE: Final = "*"


@cache
def options() -> tuple[Option, ...]:
    """Return every built-in option, baseline rows among them (``option.baseline``)."""
    return tuple(option for option, _ in _options_with_facts())


@cache
def facts() -> dict[str, Fact]:
    """Return, by slug, where the facts of each option come from."""
    return {
        option.id: Fact(
            source=row.source, date=row.date, verified=row.verified, note=getattr(row, "note", None)
        )
        for option, row in _options_with_facts()
    }


def _options_with_facts() -> Iterator[tuple[Option, _rows.Row]]:
    from circumvent.catalog import entries  # noqa: PLC0415 - read when the first option is asked for

    for resolver in _read("resolvers", "resolver", _rows.ResolverRow):
        yield from ((option, resolver) for option in entries.resolver_options(resolver))
    for crypt in _read("resolvers", "dnscrypt", _rows.DnscryptRow):
        yield entries.dnscrypt_option(crypt), crypt
    for target in _read("resolvers", "odoh", _rows.OdohRow):
        yield entries.odoh_option(target), target
    for server in _read("voice", "stun", _rows.StunRow):
        yield from ((option, server) for option in entries.stun_options(server))
    for bridge in _read("tor", "bridge", _rows.BridgeRow):
        yield entries.bridge_option(bridge), bridge
    for page in _read("pages", "page", _rows.PageRow):
        yield from ((option, page) for option in entries.page_options(page))


@cache
def controls() -> tuple[Control, ...]:
    """Return the built-in controls, of several operators. Those that are ``marking`` go through options only."""
    from circumvent.control import Control, Expectation  # noqa: PLC0415 - not needed to list options
    from circumvent.model.words import Exposure  # noqa: PLC0415 - as above

    return tuple(
        Control(
            url=row.url,
            expect=Expectation(status=row.status, body=row.body, contains=row.contains),
            operator=row.operator,
            exposure=Exposure(row.exposure),
            never_alone=row.never_alone,
        )
        for row in _read("controls", "control", _rows.ControlRow)
    )


@cache
def bulk() -> tuple[Bulk, ...]:
    """Return the built-in bulk resources."""
    from circumvent.control import Bulk  # noqa: PLC0415 - as above

    return tuple(
        Bulk(down=row.down, up=row.up, by_range=row.by_range, operator=row.operator)
        for row in _read("controls", "bulk", _rows.BulkRow)
    )


@cache
def anchors() -> tuple[Anchor, ...]:
    """Return the international anchors."""
    return tuple(
        Anchor(
            host=row.host,
            cls=row.cls,
            network=row.network,
            port=row.port,
            addresses=row.addresses,
            verified=row.verified,
        )
        for row in _read("anchors", "anchor", _rows.AnchorRow)
    )


@cache
def domestic(country: str | None = None) -> tuple[Anchor, ...]:
    """Return the domestic hosts of a country (ISO code), or of all countries."""
    return tuple(
        Anchor(
            host=row.host,
            cls="domestic",
            network=row.host,
            port=row.port,
            domestic=True,
            country=row.country,
            verified=row.verified and row.hosted_there,
        )
        for row in _read("domestic", "domestic", _rows.DomesticRow)
        if country is None or row.country == country.upper()
    )


def canaries(country: str | None = None) -> tuple[str, ...]:
    """Return names whose answers are compared between resolvers: the country's, else the international mix."""
    by_country = {row.country: row.names for row in _read("countries", "canary", _rows.CanaryRow)}
    return by_country.get((country or ANYWHERE).upper()) or by_country[ANYWHERE]


@cache
def settings_apis() -> tuple[SettingsApi, ...]:
    """Return where Tor's recommendations can be asked for, one a front."""
    return tuple(
        SettingsApi(url=row.url, reflector=row.reflector, front=row.front)
        for row in _read("tor", "settings_api", _rows.SettingsApiRow)
    )


@cache
def connectivity_checks() -> tuple[ConnectivityCheck, ...]:
    """Return the connectivity checks of operating systems; they serve only to notice a sign-in page."""
    return tuple(
        ConnectivityCheck(url=row.url, operator=row.operator, status=row.status, body=row.body)
        for row in _read("connectivity", "check", _rows.CheckRow)
    )


def laws(country: str | None) -> tuple[Law, ...]:
    """Return facts of law of a country (ISO code), each with source and date."""
    if country is None:
        return ()
    return tuple(
        Law(country=row.country, text=row.text, applies_to=row.applies_to, source=row.source, date=row.date)
        for row in _read("countries", "law", _rows.LawRow)
        if row.country == country.upper()
    )


def residual_seconds(country: str | None) -> float | None:
    """Return for how long a country's filters go on punishing what set them off, ``None`` if nothing is documented."""
    by_country = {row.country: row.seconds for row in _read("countries", "residual", _rows.ResidualRow)}
    return None if country is None else by_country.get(country.upper())


def read_anchors(path: str) -> tuple[Anchor, ...]:
    """Read the user's own anchors and domestic hosts (``--anchors FILE``).

    :raises AnchorFileError: with a sentence that names file, line and fault.
    """
    from circumvent.catalog.anchor_file import read  # noqa: PLC0415 - most runs have no such file

    return read(path)
