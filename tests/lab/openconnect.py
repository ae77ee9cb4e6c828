"""ocserv: an AnyConnect gateway with its own network, address pool and password file."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.lab.daemon import Daemon, Ready, find_program
from tests.lab.inner import start_inner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.pki import Credentials, Pki

USER: Final = "lab"
PASSWORD: Final = "lab-password"
#: Of the inner networks: the number of the first gateway, and the last byte of its address.
FIRST_NUMBER: Final = 60
FIRST_ADDRESS: Final = 140
#: The groups of the list, as value and label; the user is in both.
GROUPS: Final = (("staff", "Staff of the laboratory"), ("guests", "guests"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A running gateway. ``inside`` is its own address in the tunnel."""

    daemon: Daemon
    address: str
    name: str
    ca_file: Path
    inside: str
    port: int = 443
    user: str = USER
    password: str = PASSWORD


_CONFIGURATION: Final = """\
auth = "plain[passwd={directory}/passwd]"
listen-host = {address}
tcp-port = 443
udp-port = 0
socket-file = {directory}/socket
pid-file = {directory}/ocserv.pid
use-occtl = false
server-cert = {chain}
server-key = {key}
isolate-workers = false
max-clients = 64
max-same-clients = {sessions}
max-ban-score = 0
keepalive = 300
dpd = 60
try-mtu-discovery = false
compression = false
auth-timeout = 40
cookie-timeout = 300
persistent-cookies = false
device = vpns
predictable-ips = true
ping-leases = false
ipv4-network = {pool}.0
ipv4-netmask = 255.255.255.0
ipv6-network = fd45:{number}::/64
dns = {resolver}
cisco-client-compat = true
"""


def start_ocserv(
    directory: Path,
    *,
    number: int,
    address: str,
    name: str,
    credentials: Credentials,
    ca_file: Path,
    resolver: str,
    groups: bool = False,
    forward: bool = True,
    sessions: int = 32,
) -> Gateway:
    """Start ocserv as root of an inner network.

    :param number: one for each gateway: its device and its address pool.
    :param resolver: what it gives its clients, beyond the gateway.
    :param groups: offer a list of groups.
    :param forward: without, clients are connected and nothing passes beyond the gateway.
    :param sessions: how many one user may have at once.
    """
    pool = f"10.44.{number}"
    text = _CONFIGURATION.format(
        directory=directory,
        address=address,
        chain=credentials.chain,
        key=credentials.key,
        pool=pool,
        number=number,
        resolver=resolver,
        sessions=sessions,
    )
    member = []
    if groups:
        text += "".join(f"select-group = {value}[{label}]\n" for value, label in GROUPS)
        member = ["-g", ",".join(value for value, _ in GROUPS)]
    configuration = directory / "ocserv.conf"
    configuration.write_text(text, encoding="ascii")
    program = find_program("ocpasswd")
    assert program is not None
    subprocess.run(
        [program, "-c", str(directory / "passwd"), *member, USER],
        input=f"{PASSWORD}\n{PASSWORD}\n".encode(),
        check=True,
        capture_output=True,
    )
    daemon = start_inner(
        ["ocserv", "--foreground", "--debug", "2", "--config", str(configuration)],
        number=number,
        directory=directory,
        addresses=[address],
        behind=[f"{pool}.0/24", f"fd45:{number}::/64"],
        forward=forward,
        ready=[Ready(address=address, port=443)],
    )
    return Gateway(daemon=daemon, address=address, name=name, ca_file=ca_file, inside=f"{pool}.1")


#: What can be asked for: a number each, and how it differs from the plain one.
CHARACTERS: Final[dict[str, dict[str, Any]]] = {
    "plain": {},
    "single": {"sessions": 1},
    "groups": {"groups": True},
    "closed": {"forward": False},
    "expired": {},
    "wrong_name": {},
    "ipv6": {},
}


class Gateways:
    """The gateways of a test run, each started when it is first asked for."""

    def __init__(
        self, pki: Pki, resolver: str, directory: Callable[[str], Path], daemons: list[Daemon]
    ) -> None:
        self._pki = pki
        self._resolver = resolver
        self._directory = directory
        self._daemons = daemons
        self._running: dict[str, Gateway] = {}

    def __call__(self, character: str = "plain") -> Gateway:
        """Return the gateway of a character: one of :data:`CHARACTERS`."""
        if character not in self._running:
            number = list(CHARACTERS).index(character)
            bad = {"expired": self._pki.expired, "wrong_name": self._pki.wrong_name}
            gateway = start_ocserv(
                self._directory(f"ocserv-{character}"),
                number=FIRST_NUMBER + number,
                address=(
                    f"2001:db8:100::{FIRST_ADDRESS + number}"
                    if character == "ipv6"
                    else f"198.51.100.{FIRST_ADDRESS + number}"
                ),
                name="vpn.lab.example",
                credentials=bad.get(character, self._pki.good),
                ca_file=self._pki.ca_file,
                resolver=self._resolver,
                **CHARACTERS[character],
            )
            self._running[character] = gateway
            self._daemons.append(gateway.daemon)
        return self._running[character]
