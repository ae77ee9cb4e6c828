"""A dnstt bridge: the real dnstt-server before a real tor, reached through a real unbound over UDP, TLS and HTTPS.

dnstt-server is no package of Debian's; tests use one that is on PATH (the command line of its authors' version).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.lab.daemon import Daemon, Ready, start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.pki import Credentials
    from tests.lab.tor import Bridge

DOMAIN: Final = "t.dnstt.example"
#: A domain whose server does not exist, and one that nobody has.
DEAD_DOMAIN: Final = "dead.dnstt.example"
NO_DOMAIN: Final = "no.dnstt.example"
_SERVER_PORT: Final = 5300

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
  interface: {address}@53
  interface: {address}@853
  interface: {address}@443
  access-control: 0.0.0.0/0 allow
  tls-port: 853
  https-port: 443
  tls-service-key: "{key}"
  tls-service-pem: "{chain}"
  module-config: "iterator"
  do-not-query-localhost: no
  local-zone: "{nothing}" static
stub-zone:
  name: "{domain}"
  stub-addr: {address}@{port}
stub-zone:
  name: "{dead}"
  stub-addr: {address}@{closed}
remote-control:
  control-enable: no
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsttBridge:
    """A running bridge, and the resolver that leads to it. ``key`` is the server's public one."""

    server: Daemon
    resolver: Daemon
    bridge: Bridge
    address: str
    name: str
    key: bytes
    ca_file: Path

    def line(self, resolver: str = "udp", *, domain: str = DOMAIN, key: bytes | None = None) -> str:
        """Return its bridge line, by way of ``udp``, ``dot`` or ``doh``; ``direct`` asks its server itself."""
        place = {
            "udp": f"udp={self.address}:53",
            "dot": f"dot={self.name}:853",
            "doh": f"doh=https://{self.name}/dns-query",
            "direct": f"udp={self.address}:{_SERVER_PORT}",
        }[resolver]
        shown = (self.key if key is None else key).hex()
        return f"dnstt 192.0.2.3:80 {self.bridge.fingerprint} {place} pubkey={shown} domain={domain}"


def start_dnstt(
    directory: Path, *, address: str, name: str, bridge: Bridge, credentials: Credentials, ca_file: Path
) -> DnsttBridge:
    """Start dnstt-server before ``bridge``, and an unbound that knows where it is."""
    private = secrets.token_bytes(32)
    server = start(
        [
            "dnstt-server",
            "-udp",
            f"{address}:{_SERVER_PORT}",
            "-privkey",
            private.hex(),
            DOMAIN,
            f"{bridge.address}:{bridge.port}",
        ],
        directory=directory,
        ready=[Ready(address=address, port=_SERVER_PORT, probe=_QUERY)],
    )
    configuration = directory / "unbound.conf"
    configuration.write_text(
        _UNBOUND.format(
            directory=directory,
            address=address,
            key=credentials.key,
            chain=credentials.chain,
            domain=DOMAIN,
            dead=DEAD_DOMAIN,
            nothing=NO_DOMAIN,
            port=_SERVER_PORT,
            closed=_SERVER_PORT + 1,
        ),
        encoding="ascii",
    )
    try:
        resolver = start(
            ["unbound", "-d", "-c", str(configuration)],
            directory=directory,
            ready=[Ready(address=address, port=port) for port in (53, 853, 443)],
            name="unbound-dnstt",
        )
    except BaseException:
        server.stop()
        raise
    return DnsttBridge(
        server=server,
        resolver=resolver,
        bridge=bridge,
        address=address,
        name=name,
        key=X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw(),
        ca_file=ca_file,
    )


#: A question that any DNS server answers somehow: the address of the root.
_QUERY: Final = bytes.fromhex("00010100000100000000000000 00010001")
