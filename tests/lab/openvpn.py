"""openvpn: a server with its own network, in every wrapping, over UDP and TCP."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from circumvent.lab.netlink import Netlink
from tests.lab.daemon import Daemon, find_program
from tests.lab.inner import DEVICE_PREFIX, start_inner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.pki import Credentials, Pki

USER: Final = "lab"
PASSWORD: Final = "lab-password"

#: The number of the first server: its device, its addresses (in a prefix of their own), its pool.
_FIRST_NUMBER: Final = 100
#: Checks user name and password, which the server writes into a file that it names. Some users are refused in words of
#: their own: what they are called is what the server then says.
_CHECK: Final = """\
#!/bin/sh
read -r user < "$1"
case "$user" in
  TEMP*|CRV1*|SESSION*) printf '%s' "$user" > "$auth_failed_reason_file"; exit 1 ;;
esac
printf 'lab\\nlab-password\\n' | cmp -s - "$1"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server. ``profile`` is what its users hold, without remotes; ``inside`` is its own address."""

    daemon: Daemon
    address: str
    transport: str
    profile: str
    inside: str
    port: int = 1194
    user: str = USER
    password: str = PASSWORD

    def with_remote(self, *more: str) -> str:
        """Return the profile of this server, with more lines."""
        proto = "udp" if self.transport == "udp" else "tcp-client"
        head = ["client", "dev tun", f"proto {proto}", f"remote {self.address} {self.port}", "nobind"]
        return "\n".join([*head, *more, self.profile])


_CONFIGURATION: Final = """\
local {address}
port {port}
proto {proto}
dev tun
topology subnet
server {pool}.0 255.255.255.0
server-ipv6 fd44:{number}::/64
ca {ca}
cert {chain}
key {key}
dh none
keepalive 5 20
duplicate-cn
disable-dco
verb 3
status-version 1
push "dhcp-option DNS {resolver}"
"""


def inline(tag: str, text: str) -> str:
    """Return an inline block."""
    return f"<{tag}>\n{text.strip()}\n</{tag}>"


def start_openvpn(
    directory: Path,
    *,
    number: int,
    address: str,
    pki: Pki,
    credentials: Credentials,
    client: Credentials,
    resolver: str,
    transport: str = "udp",
    wrapping: str = "plain",
    password: bool = False,
    forward: bool = True,
    port: int = 1194,
    more: tuple[str, ...] = (),
    profile: tuple[str, ...] = (),
) -> Server:
    """Start openvpn as root of an inner network.

    :param number: one for each server: its device and its address pool.
    :param resolver: what it gives its clients, beyond the server.
    :param wrapping: ``plain``, ``tls-auth``, ``tls-crypt`` or ``tls-crypt-v2``.
    :param password: clients log in with user name and password, and show no certificate.
    :param forward: without, clients are connected and nothing passes beyond the server.
    :param more: further lines of its configuration; ``profile``: of its users' profiles.
    """
    pool = f"10.45.{number}"
    proto = ("udp" if transport == "udp" else "tcp-server") + ("6" if ":" in address else "4")
    text = _CONFIGURATION.format(
        address=address,
        proto=proto.replace("tcp-server4", "tcp4-server").replace("tcp-server6", "tcp6-server"),
        port=port,
        pool=pool,
        number=number,
        ca=pki.ca_file,
        chain=credentials.chain,
        key=credentials.key,
        resolver=resolver,
    )
    lines = [inline("ca", pki.ca_file.read_text()), "remote-cert-tls server", *profile]
    if password:
        check = directory / "check"
        check.write_text(_CHECK)
        check.chmod(0o755)
        text += f"script-security 2\nauth-user-pass-verify {check} via-file\nverify-client-cert none\n"
        text += f"tmp-dir {directory}\n"
        lines += [inline("auth-user-pass", f"{USER}\n{PASSWORD}")]
    else:
        lines += [inline("cert", client.certificate.read_text()), inline("key", client.key.read_text())]
    wrap_lines, wrap_profile = _keys(directory, wrapping)
    text += "\n".join([*wrap_lines, *more, ""])
    configuration = directory / "server.conf"
    configuration.write_text(text, encoding="ascii")
    daemon = start_inner(
        ["openvpn", "--config", str(configuration)],
        number=number,
        directory=directory,
        addresses=[address],
        behind=[f"{pool}.0/24", f"fd44:{number}::/64"],
        forward=forward,
    )
    _wait_until_it_runs(daemon)
    if ":" in address:  # to its neighbours only who has an address on the device itself answers
        with Netlink() as netlink:
            netlink.add_address(f"{DEVICE_PREFIX}{number}", f"fd46:{number}::1")
    return Server(
        daemon=daemon,
        address=address,
        transport=transport,
        port=port,
        profile="\n".join([*lines, *wrap_profile]),
        inside=f"{pool}.1",
    )


class Servers:
    """Servers of all sorts, each started when it is asked for first; :meth:`get` takes what :func:`start_openvpn` takes."""

    def __init__(
        self, pki: Pki, resolver: str, directory: Callable[[str], Path], running: list[Daemon]
    ) -> None:
        self._pki = pki
        self._resolver = resolver
        self._directory = directory
        self._daemons = running
        self._servers: dict[str, Server] = {}
        self.server = pki.authority.issue("openvpn", ["openvpn.lab.example"])
        self.client = pki.authority.issue("openvpn-client", ["client.lab.example"])

    def get(self, *, ipv6: bool = False, **more: Any) -> Server:
        """Return a server, which is started if there is none like it."""
        name = repr((ipv6, sorted(more.items(), key=lambda item: item[0])))
        if name not in self._servers:
            number = _FIRST_NUMBER + len(self._servers)
            assert number < 200, "there are more servers than addresses"
            parts: dict[str, Any] = {"credentials": self.server, "client": self.client, **more}
            server = start_openvpn(
                self._directory("openvpn"),
                number=number,
                address=f"2001:db8:101::{number}" if ipv6 else f"198.51.101.{number}",
                pki=self._pki,
                resolver=self._resolver,
                **parts,
            )
            self._daemons.append(server.daemon)
            self._servers[name] = server
        return self._servers[name]


def _wait_until_it_runs(daemon: Daemon) -> None:
    limit = time.monotonic() + 20
    while "Initialization Sequence Completed" not in daemon.log_tail():
        assert time.monotonic() < limit, daemon.log_tail()
        time.sleep(0.02)


def _keys(directory: Path, wrapping: str) -> tuple[list[str], list[str]]:
    """Make the keys of a wrapping; return lines of the server and of its users."""
    key = directory / "wrap.key"
    match wrapping:
        case "tls-auth":
            _openvpn("--genkey", "secret", str(key))
            return [f"tls-auth {key} 0"], ["key-direction 1", inline("tls-auth", key.read_text())]
        case "tls-crypt":
            _openvpn("--genkey", "secret", str(key))
            return [f"tls-crypt {key}"], [inline("tls-crypt", key.read_text())]
        case "tls-crypt-v2":
            users = directory / "users.key"
            _openvpn("--genkey", "tls-crypt-v2-server", str(key))
            _openvpn("--tls-crypt-v2", str(key), "--genkey", "tls-crypt-v2-client", str(users))
            return [f"tls-crypt-v2 {key}"], [inline("tls-crypt-v2", users.read_text())]
        case _:
            return [], []


def _openvpn(*arguments: str) -> None:
    program = find_program("openvpn")
    assert program is not None
    subprocess.run([program, *arguments], check=True, capture_output=True)
