"""Resolvers: unbound (in several characters), dnsdist with DNSCrypt, Knot Resolver."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.lab.daemon import Daemon, Ready, start

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.lab.pki import Credentials
    from tests.lab.zone import SignedZone

#: ``. IN SOA?`` with id 0x4c41: what a resolver is asked to see that it runs.
SOA_QUERY: Final = bytes.fromhex("4c41 0100 0001 0000 0000 0000 00 0006 0001")


class Character(enum.Enum):
    """What sort of resolver it is: one honest, the others with exactly one fault."""

    HONEST = "honest"  # signed root, NSEC3
    HONEST_NSEC = "honest-nsec"  # signed root, NSEC
    LYING = "lying"  # the honest root, but false answers for blocked.example and the canaries
    STRIPPING = "stripping"  # the same names without any signature
    FOREIGN = "foreign"  # everything signed, by keys that are not the trusted ones
    EXPIRED = "expired"  # signatures that ran out two days ago
    FUTURE = "future"  # signatures that begin in two days


#: What the lying resolver says: one bogon for unrelated names, and for everything below them.
LIE: Final = "10.10.34.34"
LISTED: Final = ("blocked.example", "canary-one.example", "canary-two.example", "canary-three.example")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """A running resolver. ``None`` for a port means that it does not speak that protocol."""

    daemon: Daemon
    address: str
    address_ipv6: str | None
    name: str
    ca_file: Path
    anchor: str
    port: int = 53
    dot_port: int = 853
    doh_port: int = 443
    doh_path: str = "/dns-query"

    @property
    def doh_url(self) -> str:
        """The DoH address with the resolver's name."""
        return f"https://{self.name}:{self.doh_port}{self.doh_path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dnsdist(Resolver):
    """A dnsdist in front of another resolver, with DNSCrypt besides."""

    dnscrypt_port: int
    dnscrypt_provider: str
    dnscrypt_public_key: bytes


_UNBOUND: Final = """\
server:
  directory: "{directory}"
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  do-daemonize: no
  num-threads: 1
  msg-cache-size: 1m
  rrset-cache-size: 1m
  incoming-num-tcp: {connections}
  identity: "{identity}"
  version: "laboratory"
  nsid: "ascii_{identity}"
{interfaces}
  access-control: 0.0.0.0/0 allow
  access-control: ::0/0 allow
  tls-port: 853
  https-port: 443
  tls-service-key: "{key}"
  tls-service-pem: "{chain}"
  module-config: "iterator"
{lies}
auth-zone:
  name: "."
  zonefile: "{zone}"
  for-downstream: yes
  for-upstream: yes
  fallback-enabled: no
remote-control:
  control-enable: no
"""


def start_unbound(
    directory: Path,
    *,
    character: Character,
    zone: SignedZone,
    anchor: str,
    addresses: Sequence[str],
    name: str,
    credentials: Credentials,
    ca_file: Path,
) -> Resolver:
    """Start one unbound on ports 53, 853 and 443 of ``addresses`` (IPv4 first, then perhaps IPv6)."""
    zone_file = zone.write(directory, character.value)
    interfaces = [f"  interface: {address}@{port}" for address in addresses for port in (53, 853, 443)]
    lies = []
    if character is Character.LYING:
        for listed in LISTED:
            lies += [f'  local-zone: "{listed}" redirect', f'  local-data: "{listed} 60 IN A {LIE}"']
    configuration = directory / f"{character.value}.conf"
    configuration.write_text(
        _UNBOUND.format(
            directory=directory,
            identity=name,
            interfaces="\n".join(interfaces),
            # Each listener reserves descriptors for all its connections. The default of 10 shuts healthy clients out.
            connections=max(20, min(200, 3000 // len(interfaces))),
            key=credentials.key,
            chain=credentials.chain,
            lies="\n".join(lies),
            zone=zone_file,
        ),
        encoding="ascii",
    )
    ready = [Ready(address=address, port=port) for address in addresses for port in (53, 853, 443)]
    ready.append(Ready(address=addresses[0], port=53, probe=SOA_QUERY))
    daemon = start(
        ["unbound", "-d", "-c", str(configuration)],
        directory=directory,
        ready=ready,
        name=f"unbound-{character.value}",
    )
    return Resolver(
        daemon=daemon,
        address=addresses[0],
        address_ipv6=addresses[1] if len(addresses) > 1 else None,
        name=name,
        ca_file=ca_file,
        anchor=anchor,
    )


_DNSDIST: Final = """\
setLocal('{address}:53')
setACL({{'0.0.0.0/0', '::/0'}})
newServer('{upstream}:53')
addTLSLocal('{address}:853', '{chain}', '{key}')
addDOHLocal('{address}:443', '{chain}', '{key}', '/dns-query')
generateDNSCryptProviderKeys('{directory}/provider.public', '{directory}/provider.key')
generateDNSCryptCertificate('{directory}/provider.key', '{directory}/resolver.certificate',
  '{directory}/resolver.key', 1, os.time() - 3600, os.time() + 86400 * 30, DNSCryptExchangeVersion.VERSION1)
addDNSCryptBind('{address}:8443', '{provider}', '{directory}/resolver.certificate', '{directory}/resolver.key')
"""


def start_dnsdist(
    directory: Path, *, address: str, upstream: Resolver, name: str, credentials: Credentials
) -> Dnsdist:
    """Start a dnsdist that forwards to ``upstream``."""
    provider = f"2.dnscrypt-cert.{name}"
    configuration = directory / "dnsdist.conf"
    configuration.write_text(
        _DNSDIST.format(
            address=address,
            upstream=upstream.address,
            directory=directory,
            chain=credentials.chain,
            key=credentials.key,
            provider=provider,
        ),
        encoding="ascii",
    )
    ready = [Ready(address=address, port=port) for port in (53, 853, 443, 8443)]
    ready.append(Ready(address=address, port=53, probe=SOA_QUERY))
    daemon = start(
        ["dnsdist", "--supervised", "--disable-syslog", "-C", str(configuration)],
        directory=directory,
        ready=ready,
    )
    return Dnsdist(
        daemon=daemon,
        address=address,
        address_ipv6=None,
        name=name,
        ca_file=upstream.ca_file,
        anchor=upstream.anchor,
        dnscrypt_port=8443,
        dnscrypt_provider=provider,
        dnscrypt_public_key=(directory / "provider.public").read_bytes(),
    )


_KRESD: Final = """\
net.listen('{address}', 53, {{ kind = 'dns' }})
net.listen('{address}', 853, {{ kind = 'tls' }})
net.listen('{address}', 443, {{ kind = 'doh2' }})
net.tls('{chain}', '{key}')
modules = {{ 'policy', 'hints' }}
trust_anchors.remove('.')
policy.add(policy.all(policy.FORWARD({{'{upstream}'}})))
"""


def start_kresd(
    directory: Path, *, address: str, upstream: Resolver, name: str, credentials: Credentials
) -> Resolver:
    """Start a Knot Resolver that forwards to ``upstream``."""
    configuration = directory / "kresd.conf"
    configuration.write_text(
        _KRESD.format(
            address=address, upstream=upstream.address, chain=credentials.chain, key=credentials.key
        ),
        encoding="ascii",
    )
    (directory / "cache").mkdir()
    ready = [Ready(address=address, port=port) for port in (53, 853, 443)]
    ready.append(Ready(address=address, port=53, probe=SOA_QUERY))
    daemon = start(
        ["kresd", "-n", "-c", str(configuration), str(directory / "cache")], directory=directory, ready=ready
    )
    return Resolver(
        daemon=daemon,
        address=address,
        address_ipv6=None,
        name=name,
        ca_file=upstream.ca_file,
        anchor=upstream.anchor,
    )
