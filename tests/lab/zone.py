"""The root zone of the tests: their names, signed as :mod:`circumvent.lab.world.zone` signs."""

from __future__ import annotations

from typing import Final

from circumvent.lab.world import zone
from circumvent.lab.world.zone import Denial, SignedZone

__all__ = ["RECORDS", "Denial", "RootKeys", "SignedZone"]

_DAY: Final = 86400.0
_LONG: Final = "0123456789" * 10

#: Everything that the laboratory's root knows, in zone-file form.
RECORDS: Final = f"""
$TTL 60
. 3600 IN SOA a.root.lab. host.lab. 1 1800 900 604800 60
. 3600 IN NS a.root.lab.
a.root.lab. IN A 198.51.100.10
a.root.lab. IN AAAA 2001:db8:100::10
lab.example. IN A 198.51.100.16
lab.example. IN AAAA 2001:db8:100::16
www.lab.example. IN A 198.51.100.16
dns.lab.example. IN A 198.51.100.10
dns.lab.example. IN AAAA 2001:db8:100::10
control.lab.example. IN A 198.51.100.40
control.lab.example. IN AAAA 2001:db8:100::40
control2.lab.example. IN A 198.51.100.41
control2.lab.example. IN AAAA 2001:db8:100::41
caddy.lab.example. IN A 198.51.100.16
portal.lab.example. IN A 198.51.100.42
webtunnel.lab.example. IN A 198.51.100.35
conjure.lab.example. IN A 198.51.102.20
registrar.conjure.lab.example. IN A 198.51.102.20
turn.lab.example. IN A 198.51.100.36
quic.lab.example. IN A 198.51.100.48
moat.lab.example. IN A 198.51.102.40
moat-front.lab.example. IN A 198.51.102.41
moat-forged.lab.example. IN A 198.51.102.42
dropped.lab.example. IN A 192.0.2.1
dropped.lab.example. IN AAAA 2001:db8:dead::1
half.lab.example. IN A 198.51.100.40
half.lab.example. IN AAAA 2001:db8:dead::1
big.lab.example. IN TXT "{_LONG}" "{_LONG}" "{_LONG}"
huge.lab.example. IN TXT {" ".join(f'"{_LONG}"' for _ in range(20))}
alias.lab.example. IN CNAME www.lab.example.
example.com. IN A 198.51.100.16
example.org. IN A 198.51.100.17
blocked.example. IN A 198.51.100.16
www.blocked.example. IN A 198.51.100.16
canary-one.example. IN A 198.51.100.43
canary-two.example. IN A 198.51.100.44
canary-three.example. IN A 198.51.100.45
"""


class RootKeys(zone.RootKeys):
    """Keys of one root, which sign :data:`RECORDS` unless told otherwise."""

    def sign(
        self,
        denial: Denial = "nsec3",
        *,
        records: str = RECORDS,
        begins: float = -3600.0,
        ends: float = 14 * _DAY,
        now: float | None = None,
    ) -> SignedZone:
        """Sign a root zone."""
        return super().sign(denial, records=records, begins=begins, ends=ends, now=now)
