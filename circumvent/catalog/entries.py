"""From rows of the catalogue to options. A slug is the row's name and the kind: ``quad9-doh``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from circumvent.inputs.bridge_lines import parse_bridge
from circumvent.model.option import (
    DnscryptSettings,
    Endpoint,
    OdohSettings,
    Option,
    Origin,
    VoiceSettings,
    WebSettings,
    is_address,
)
from circumvent.model.words import Exposure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.catalog.rows import BridgeRow, DnscryptRow, OdohRow, PageRow, ResolverRow, StunRow

CATALOGUE: Final = Origin(source="catalogue")
#: Kinds that are ordinary with a large operator only.
_ORDINARY_IF_LARGE: Final = frozenset({"doh", "doh3", "dot"})


def resolver_options(row: ResolverRow) -> Iterator[Option]:
    """Return an option for each protocol of a resolver."""
    if row.doh is not None:
        place = _url_endpoint(row.doh, row.addresses)
        yield _resolver(row, "doh", place, settings=WebSettings(url=row.doh))
        if row.doh3:
            yield _resolver(row, "doh3", place, settings=WebSettings(url=row.doh))
    if row.dot is not None:
        yield _resolver(row, "dot", Endpoint(host=row.dot, port=853, addresses=row.addresses))
    if row.doq is not None:
        yield _resolver(row, "doq", Endpoint(host=row.doq, port=853, addresses=row.addresses))
    if row.plain is not None:
        for kind in ("dns-udp", "dns-tcp"):
            yield _resolver(row, kind, Endpoint(host=row.plain, port=53))


def dnscrypt_option(row: DnscryptRow) -> Option:
    """Return the option of a DNSCrypt server."""
    return _option(
        row,
        "dnscrypt",
        Endpoint(host=row.address, port=row.port),
        filtering=row.filtering,
        settings=DnscryptSettings(provider=row.provider, public_key=bytes.fromhex(row.public_key)),
    )


def odoh_option(row: OdohRow) -> Option:
    """Return the option of an ODoH target; packets go to its relay, if it has one."""
    settings = OdohSettings(url=row.url, relay=row.relay)
    return _option(row, "odoh", _url_endpoint(row.relay or row.url), cdn=row.cdn, settings=settings)


def stun_options(row: StunRow) -> Iterator[Option]:
    """Return an option for each transport of a STUN server."""
    for transport in row.transports:
        slug = f"{row.slug}-stun" if transport == "udp" else f"{row.slug}-stun-{transport}"
        place = Endpoint(host=row.host, port=row.port)
        yield _option(row, "stun", place, slug=slug, settings=VoiceSettings(transport=transport))


def bridge_option(row: BridgeRow) -> Option:
    """Return the option of a public bridge: whoever watches the line knows it for one."""
    found = parse_bridge(row.line)
    return replace(
        found,
        id=f"{row.slug}-{found.kind}",
        label=row.label,
        origin=CATALOGUE,
        operator=row.operator,
        exposure_override=None,
    )


def page_options(row: PageRow) -> Iterator[Option]:
    """Return the baseline options of a page."""
    settings = WebSettings(url=row.url, method="GET")
    for kind in row.kinds:
        yield _option(row, kind, _url_endpoint(row.url), cdn=row.cdn, baseline=True, settings=settings)


def _resolver(row: ResolverRow, kind: str, endpoint: Endpoint, **fields: Any) -> Option:
    notable = not row.large and kind in _ORDINARY_IF_LARGE
    return _option(
        row,
        kind,
        endpoint,
        filtering=row.filtering,
        exposure_override=Exposure.NOTABLE if notable else None,
        **fields,
    )


def _option(
    row: ResolverRow | DnscryptRow | OdohRow | StunRow | PageRow,
    kind: str,
    endpoint: Endpoint,
    *,
    slug: str | None = None,
    **fields: Any,
) -> Option:
    return Option(
        id=slug or f"{row.slug}-{kind}",
        kind=kind,
        label=row.label,
        endpoint=endpoint,
        origin=CATALOGUE,
        operator=row.operator,
        **fields,
    )


def _url_endpoint(url: str, addresses: tuple[str, ...] = ()) -> Endpoint:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return Endpoint(host=host, port=parts.port or 443, addresses=() if is_address(host) else addresses)
