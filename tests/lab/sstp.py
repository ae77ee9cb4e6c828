"""SoftEther VPN Server: an SSTP server by others, with its own address pool and translation of addresses."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.lab.daemon import Daemon, DaemonFailed, Ready, find_program
from tests.lab.inner import start_inner

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.pki import Credentials

USER: Final = "lab"
PASSWORD: Final = "lab-password"
#: Where Debian's package keeps configuration, logs and sockets.
_FOLDERS: Final = ("/var/lib/softether", "/var/log/softether", "/run/softether")


@dataclass(frozen=True, slots=True, kw_only=True)
class SstpServer:
    """A running server. ``inside`` is its own address in the tunnel."""

    daemon: Daemon
    address: str
    name: str
    ca_file: Path
    inside: str = "192.168.30.1"
    port: int = 443
    user: str = USER
    password: str = PASSWORD


_PACKAGED: Final = ("/usr/bin/vpnserver", "/bin/vpnserver")
#: What its administrator types; there is no configuration file to write by hand.
_SETUP: Final = """\
ServerCertSet /LOADCERT:{certificate} /LOADKEY:{key}
Hub DEFAULT
UserCreate {user} /GROUP:none /REALNAME:none /NOTE:none
UserPasswordSet {user} /PASSWORD:{password}
SecureNatEnable
DhcpSet /START:192.168.30.10 /END:192.168.30.200 /MASK:255.255.255.0 /EXPIRE:7200 /GW:192.168.30.1 /DNS:{resolver} /DNS2:none /DOMAIN:lab.example /LOG:no
"""
#: Where it speaks OpenVPN over UDP, some time after TCP; and a client's first packet there (a hard reset).
_OPENVPN_PORT: Final = 1194
_RESET: Final = b"\x38" + bytes(range(1, 9)) + bytes(5)
#: Commands that must succeed; the user is there already where a server keeps its settings beside its program.
_NEEDED: Final = len(_SETUP.splitlines()) - 1


def start_softether(
    directory: Path,
    *,
    number: int,
    address: str,
    name: str,
    credentials: Credentials,
    ca_file: Path,
    resolver: str,
    program: str = "vpnserver",
) -> SstpServer:
    """Start SoftEther VPN Server as root of an inner network, and set it up as its administrator would.

    :param number: one for each server, for the name of its device.
    :param credentials: of an RSA key: it loads no other.
    :param resolver: what it gives its clients, beyond its own network.
    :raises DaemonFailed: when it does not come up, or refuses a command.
    """
    daemon = start_inner(
        [program, "execsvc"],
        number=number,
        directory=directory,
        addresses=[address],
        own_folders=_FOLDERS,
        ready=[Ready(address=address, port=443)],
    )
    commands = directory / "setup.txt"
    commands.write_text(
        _SETUP.format(
            certificate=credentials.certificate,
            key=credentials.key,
            user=USER,
            password=PASSWORD,
            resolver=resolver,
        ),
        encoding="ascii",
    )
    administration = find_program("vpncmd")
    assert administration is not None
    done = subprocess.run(
        [administration, f"{address}:443", "/SERVER", f"/IN:{commands}"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode or done.stdout.count("completed successfully") < _NEEDED:
        daemon.stop()
        raise DaemonFailed(f"SoftEther VPN Server refused a command:\n{done.stdout[-3000:]}")
    daemon.wait_until([Ready(address=address, port=_OPENVPN_PORT, probe=_RESET)])
    return SstpServer(daemon=daemon, address=address, name=name, ca_file=ca_file)


def speaks_sstp() -> bool:
    """Tell whether the SoftEther VPN Server on PATH answers SSTP clients.

    That of Debian 12 (5.01.9674, of August 2020) does not: its connection to the SSTP module was broken by the commit
    that it was packaged from, and mended in December 2020. So the packaged one does not count, and a later one does.
    """
    server = find_program("vpnserver")
    return server is not None and find_program("vpncmd") is not None and server not in _PACKAGED
