"""Which hosts may be contacted.

A list from a stranger must not probe the reader's own network, so whatever is not one host of the public internet
is refused unless the user allows it.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from circumvent.inputs.problem import LineError
from circumvent.inputs.uri import split_link
from circumvent.model.openvpn import OpenvpnSettings
from circumvent.model.option import DnscryptSettings, OdohSettings, is_address
from circumvent.net.address import is_public

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.model.option import Option

#: Names that never leave the local network: RFC 6761, 6762, 8375, 9476 and the habits of home routers.
_LOCAL_ENDINGS: Final = (
    "localhost",
    "local",
    "internal",
    "home.arpa",
    "lan",
    "home",
    "intranet",
    "private",
    "corp",
    "alt",
)

#: What the ranges are called that belong to nobody in particular (IANA special-purpose registries).
_RANGES: Final = tuple(
    (ipaddress.ip_network(text), words)
    for text, words in (
        ("10.0.0.0/8", "a private network"),
        ("172.16.0.0/12", "a private network"),
        ("192.168.0.0/16", "a private network"),
        ("100.64.0.0/10", "a provider's inner network"),
        ("127.0.0.0/8", "this device itself"),
        ("169.254.0.0/16", "the local link"),
        ("192.0.2.0/24", "a range for examples"),
        ("198.51.100.0/24", "a range for examples"),
        ("203.0.113.0/24", "a range for examples"),
        ("198.18.0.0/15", "a range for laboratories"),
        ("0.0.0.0/8", "this device itself"),
        ("224.0.0.0/4", "a group of hosts"),
        ("240.0.0.0/4", "a reserved range"),
        ("::1/128", "this device itself"),
        ("::/128", "this device itself"),
        ("fc00::/7", "a private network"),
        ("fec0::/10", "a private network"),
        ("fe80::/10", "the local link"),
        ("ff00::/8", "a group of hosts"),
        ("2001:db8::/32", "a range for examples"),
        ("3fff::/20", "a range for examples"),
        ("100::/64", "a range that leads nowhere"),
    )
)


def range_of(address: str) -> tuple[str, str] | None:
    """Return the range that makes ``address`` unfit and what it is called; ``None`` for a public one."""
    if is_public(address):
        return None
    parsed = ipaddress.ip_address(address)
    inner = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None)
    for candidate in (inner, parsed):
        for network, words in _RANGES:
            if candidate is not None and candidate.version == network.version and candidate in network:
                return words, str(network)
    return "a reserved range", ""


def refuse_private(option: Option) -> None:
    """Refuse an option that points into a private or local network.

    :raises PrivateAddressError: when its endpoint or its relay does.
    """
    for host in _hosts(option):
        found = range_of(host) if is_address(host) else _local_name(host)
        if found is not None:
            named = option.label if option.label != option.endpoint.host else None
            raise PrivateAddressError(*found, label=named)


class PrivateAddressError(LineError):
    """An option points into a private or local network; ``sentences`` say so with the range and without."""

    def __init__(self, words: str, network: str, *, label: str | None) -> None:
        def sentence(name: str, of: str) -> str:
            return (
                f"{name} points into {words}{of} and is left out: a list from someone else must not probe your "
                "own network. If it is yours, add --allow-private."
            )

        of = f" ({network})" if network else ""
        name = f'option "{label}"' if label else "this option"
        self.sentences = tuple(
            dict.fromkeys((sentence(name, of), sentence(name, ""), sentence("this option", "")))
        )
        super().__init__(self.sentences[0], label=label)


def _local_name(host: str) -> tuple[str, str] | None:
    if "." not in host or any(host == ending or host.endswith(f".{ending}") for ending in _LOCAL_ENDINGS):
        return "a local network (by its name)", ""
    return None


def _hosts(option: Option) -> Iterator[str]:
    yield option.endpoint.host
    yield from option.endpoint.addresses
    if isinstance(option.settings, DnscryptSettings) and option.settings.relay is not None:
        yield option.settings.relay.host
        yield from option.settings.relay.addresses
    if isinstance(option.settings, OpenvpnSettings):
        for remote in option.settings.remotes:
            yield remote.endpoint.host
            if remote.proxy is not None:
                yield remote.proxy.endpoint.host
    if isinstance(option.settings, OdohSettings):
        yield from (split_link(url).host for url in (option.settings.url, option.settings.relay) if url)
