"""How proxies reach the rest of the world: names by a resolver of the world, connections from their own address."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

#: Seconds that one connect may take.
PATIENCE: Final = 10.0


class NoSuchHostError(OSError):
    """The name has no address that we could use."""


class NotAllowedError(OSError):
    """The address is one of this machine's own."""


@dataclass(frozen=True, slots=True)
class Outward:
    """``resolve`` gives the addresses of a name; ``sources`` are the proxy's own addresses, one a family at most."""

    resolve: Callable[[str], Sequence[str]]
    sources: Sequence[str]

    def source(self, address: str) -> str | None:
        """Return our address for the family of ``address``."""
        return next((own for own in self.sources if (":" in own) == (":" in address)), None)

    def addresses(self, host: str) -> list[str]:
        """Return the addresses of a host that we can reach.

        :raises NoSuchHostError: when there is none.
        :raises NotAllowedError: when they are loopback's.
        """
        try:
            found = [str(ip_address(host.strip("[]")))]
        except ValueError:
            found = list(self.resolve(host))
        usable = [address for address in found if self.source(address) is not None]
        if not usable:
            raise NoSuchHostError(host)
        if any(ip_address(address).is_loopback for address in usable):
            raise NotAllowedError(host)
        return usable

    async def connect(self, host: str, port: int) -> Streams:
        """Open a connection to a host.

        :raises OSError: when it cannot be had; the two above are of that kind.
        :raises TimeoutError: when nobody answered.
        """
        failure: OSError | None = None
        for address in self.addresses(host):
            try:
                async with asyncio.timeout(PATIENCE):
                    return await asyncio.open_connection(address, port, local_addr=(self.source(address), 0))
            except OSError as exc:
                failure = exc
        raise failure or NoSuchHostError(host)
