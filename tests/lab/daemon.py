"""Server programs as children: started in a process group of their own, awaited, and surely ended."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from circumvent.lab.world.children import GUARD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Seconds that a server may take to answer its port on a busy machine.
START_TIMEOUT: Final = 30.0
#: Seconds between two looks at a server that is starting.
LOOK_AGAIN: Final = 0.02
_STOP_TIMEOUT: Final = 3.0
_SYSTEM_PATHS: Final = "/usr/local/sbin:/usr/sbin:/sbin:/usr/lib/ipsec"

#: Which Debian package brings a program, for the sentence that says what is missing.
PACKAGES: Final = {
    "caddy": "caddy",
    "charon": "strongswan-charon",
    "curl": "curl",
    "danted": "dante-server",
    "delv": "bind9-dnsutils",
    "dig": "bind9-dnsutils",
    "dnsdist": "dnsdist",
    "gtlsserver": "ngtcp2-server",
    "gtlsclient": "ngtcp2-client",
    "kdig": "knot-dnsutils",
    "kresd": "knot-resolver",
    "ldns-verify-zone": "ldnsutils",
    "microsocks": "microsocks",
    "nginx": "nginx-light",
    "obfs4proxy": "obfs4proxy",
    "ocpasswd": "ocserv",
    "ocserv": "ocserv",
    "openconnect": "openconnect",
    "openssl": "openssl",
    "openvpn": "openvpn",
    "snowflake-client": "snowflake-client",
    "squid": "squid-openssl",
    "ssh": "openssh-client",
    "stunnel4": "stunnel4",
    "swanctl": "strongswan-swanctl",
    "tinyproxy": "tinyproxy",
    "tor": "tor",
    "turnserver": "coturn",
    "turnutils_stunclient": "coturn",
    "turnutils_uclient": "coturn",
    "unbound": "unbound",
    "v2ray": "v2ray",
    "vpncmd": "softether-vpncmd",
    "vpnserver": "softether-vpnserver",
    "wireguard-go": "wireguard-go",
    "xl2tpd": "xl2tpd",
}


class DaemonFailed(Exception):
    """A server ended, or did not open its port in time; the message has the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What must answer before a server counts as started.

    ``probe`` is a datagram that the server answers; without one, a TCP connection is made.
    """

    address: str
    port: int
    probe: bytes | None = None

    def answers(self) -> bool:
        """Try once."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        kind = socket.SOCK_STREAM if self.probe is None else socket.SOCK_DGRAM
        with socket.socket(family, kind) as attempt:
            attempt.settimeout(1.0 if self.probe is None else 0.2)
            try:
                attempt.connect((self.address, self.port))
                if self.probe is not None:
                    attempt.send(self.probe)
                    attempt.recv(2048)
            except OSError:
                return False
        return True


def find_program(name: str) -> str | None:
    """Return the path of a program, also where administrators' programs live; ``None`` if there is none."""
    return shutil.which(name, path=os.environ.get("PATH", os.defpath) + os.pathsep + _SYSTEM_PATHS)


class Daemon:
    """One running server. Made by :func:`start`, ended by :meth:`stop`; its log stays in the directory."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @property
    def pid(self) -> int:
        """The process id, which is the id of its process group too."""
        return self._process.pid

    def wait_until(self, ready: Sequence[Ready]) -> None:
        """Wait until every port answers.

        :raises DaemonFailed: when the server ended, or took longer than :data:`START_TIMEOUT`.
        """
        limit = time.monotonic() + START_TIMEOUT
        for port in ready:
            while not port.answers():
                code = self._process.poll()
                if code is not None:
                    raise DaemonFailed(f"{self.name} ended with status {code}:\n{self.log_tail()}")
                if time.monotonic() > limit:
                    raise DaemonFailed(f"{self.name} does not answer at {port}:\n{self.log_tail()}")
                time.sleep(LOOK_AGAIN)

    def log_tail(self) -> str:
        """The last 3000 characters of what it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def pause(self) -> None:
        """Freeze the whole group: connections are still accepted by the kernel, nothing is answered."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Undo :meth:`pause`."""
        os.killpg(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End the process group: SIGTERM, and SIGKILL for what is left. Its ports are free afterwards."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
            os.killpg(self.pid, signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_TIMEOUT)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        # The guard is waited for, what it started is init's: a port is free when the kernel has ended that too.
        limit = time.monotonic() + _STOP_TIMEOUT
        while _group_lives(self.pid) and time.monotonic() < limit:
            time.sleep(LOOK_AGAIN)


def _group_lives(group: int) -> bool:
    """Whether a process of the group still holds anything; zombies that nobody collected hold nothing."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of_group, *_ = stat.read_text(errors="replace").rpartition(")")[2].split()
            if int(of_group) == group and state not in "ZX":
                return True
    return False


def start(
    command: Sequence[str],
    *,
    directory: Path,
    ready: Sequence[Ready] = (),
    environment: Mapping[str, str] | None = None,
    name: str | None = None,
) -> Daemon:
    """Start a server and wait until every port in ``ready`` answers.

    It runs in ``directory``, which is its home too; its output goes to a log file there.

    :raises DaemonFailed: when it does not come up; it is ended then.
    """
    title = name or Path(command[0]).name
    log = directory / f"{title}.log"
    surroundings = {
        "PATH": os.environ.get("PATH", os.defpath) + os.pathsep + _SYSTEM_PATHS,
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "LANG": "C.UTF-8",
        **(environment or {}),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", *command],
            cwd=directory,
            env=surroundings,
            stdin=subprocess.PIPE,  # the guard ends the group when this end is closed, whatever closed it
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    daemon = Daemon(title, process, log)
    try:
        daemon.wait_until(ready)
    except BaseException:
        daemon.stop()
        raise
    return daemon
