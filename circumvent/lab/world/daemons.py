"""Real server programs: which the laboratory can use, which Debian package brings each, which are installed.

The embedded servers of this package need none of them. A real daemon is another implementation of a protocol, and
so the better witness; scenarios may ask for them, and tests of the transports use them.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

#: Where administrators' programs live, beside what PATH says.
_SYSTEM_PATHS: Final = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True)
class Program:
    """A server program: its name, the Debian package that brings it, what it serves."""

    name: str
    package: str
    serves: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How a daemon is started: the words, and the TCP ports (address, port) that it opens.

    It serves once they are open and, where there are such words, its log has ``says``.
    """

    words: tuple[str, ...]
    folder: Path
    ports: tuple[tuple[str, int], ...]
    says: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A program, and where it is; ``path`` is ``None`` where it is not installed."""

    program: Program
    path: str | None

    @property
    def sentence(self) -> str:
        """Return a line for the screen."""
        if self.path is None:
            return (
                f"{self.program.name}: missing, Debian package {self.program.package} ({self.program.serves})"
            )
        return f"{self.program.name}: {self.path} ({self.program.serves})"


PROGRAMS: Final = (
    Program("unbound", "unbound", "DNS, DNS over TLS, DNS over HTTPS"),
    Program("dnsdist", "dnsdist", "DNS over TLS, DNS over HTTPS, DNSCrypt"),
    Program("kresd", "knot-resolver", "DNS over TLS, DNS over HTTPS"),
    Program("caddy", "caddy", "HTTP/1.1, HTTP/2, HTTP/3"),
    Program("nginx", "nginx-light", "web sites before WebTunnel and meek bridges"),
    Program("gtlsserver", "ngtcp2-server", "HTTP/3"),
    Program("stunnel4", "stunnel4", "TLS in front of other servers"),
    Program("danted", "dante-server", "SOCKS 4 and 5, with UDP"),
    Program("microsocks", "microsocks", "SOCKS 5"),
    Program("v2ray", "v2ray", "SOCKS 4a and 5, VMess, Shadowsocks"),
    Program("tinyproxy", "tinyproxy", "HTTP CONNECT"),
    Program("squid", "squid-openssl", "HTTP CONNECT, in clear and over TLS"),
    Program("turnserver", "coturn", "STUN and TURN"),
    Program("openvpn", "openvpn", "OpenVPN"),
    Program("wireguard-go", "wireguard-go", "WireGuard"),
    Program("ocserv", "ocserv", "OpenConnect"),
    Program("ipsec", "strongswan-starter", "IKEv2"),
    Program("tor", "tor", "Tor relays, bridges and authorities"),
    Program("obfs4proxy", "obfs4proxy", "obfs4 and meek bridges"),
    Program("snowflake-proxy", "snowflake-proxy", "Snowflake proxies"),
    Program("ss-server", "shadowsocks-libev", "Shadowsocks"),
    Program("trojan", "trojan", "Trojan"),
    Program("sshd", "openssh-server", "SSH tunnels"),
)


def find_program(name: str) -> str | None:
    """Return the path of a program, also where administrators' programs live; ``None`` if there is none."""
    return shutil.which(name, path=os.environ.get("PATH", os.defpath) + os.pathsep + _SYSTEM_PATHS)


def doctor() -> tuple[Found, ...]:
    """Return every program of :data:`PROGRAMS`, and where it is."""
    return tuple(Found(program, find_program(program.name)) for program in PROGRAMS)


def install_command(found: tuple[Found, ...]) -> str | None:
    """Return what installs all that is missing on Debian, ``None`` if nothing is."""
    packages = sorted({one.program.package for one in found if one.path is None})
    return f"apt-get install --no-install-recommends {' '.join(packages)}" if packages else None
