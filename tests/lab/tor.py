"""A Tor bridge: tor with a plain ORPort, and obfs4proxy before it in each ``iat-mode``.

One bridge without a network around it is enough: it makes and signs its own descriptor and serves it. Its directory
authority does not exist, so that it contacts nobody. Web sites that lead to it: ``tor_site.py``.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.lab.daemon import LOOK_AGAIN, START_TIMEOUT, Daemon, DaemonFailed, Ready, start

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


OR_PORT: Final = 9001
#: A seed of obfs4's lengths and pauses with which iat-mode 2 carries 90 kB/s.
_SEED: Final = "c76a7ed7a2db6f519eca0ea3473cb501409d71a22cd14430"
#: Port of obfs4proxy by its ``iat-mode``; tor itself manages the first.
OBFS4_PORTS: Final = {0: 8443, 1: 8444, 2: 8445}
#: The same for a second obfs4proxy before the same bridge.
_NEWER_PORTS: Final = {0: 8453, 1: 8454, 2: 8455}
#: The ``iat-mode`` of the one that may listen at every address of its network.
EVERYWHERE: Final = 1

_TORRC: Final = """\
DataDirectory {directory}/data
Log notice stdout
Log info file {directory}/info.log
SocksPort 0
ORPort {address}:{or_port} IPv4Only
{ipv6}
Address {address}
AssumeReachable 1
BridgeRelay 1
PublishServerDescriptor 0
BridgeDistribution none
ExtORPort auto
ServerTransportPlugin obfs4 exec {obfs4proxy}
ServerTransportListenAddr obfs4 {address}:{obfs4_port}
ContactInfo lab@example.invalid
Nickname labbridge
{network}
ExitPolicy reject *:*
"""
#: The network of a bridge that has none around it: its directory authority does not exist.
NOBODY: Final = f"DirAuthority nobody orport=5000 v3ident={'0' * 39}1 198.51.100.60:7000 {'0' * 39}2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Obfs4:
    """An obfs4proxy: where it listens, and the keys of its ``cert``."""

    daemon: Daemon
    port: int
    iat_mode: int
    node_id: bytes
    public_key: bytes
    cert: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """A running bridge. ``fingerprint`` is hexadecimal, as lines have it; ``obfs4`` is keyed by ``iat-mode``.

    ``ipv6`` is a second address of its plain port, if it has one.
    """

    daemon: Daemon
    address: str
    port: int
    fingerprint: str
    obfs4: Mapping[int, Obfs4]
    ipv6: str | None = None

    def line(self, iat_mode: int | None = None) -> str:
        """Return its bridge line: without a disguise, or with obfs4."""
        if iat_mode is None:
            return f"{self.address}:{self.port} {self.fingerprint}"
        proxy = self.obfs4[iat_mode]
        return f"obfs4 {self.address}:{proxy.port} {self.fingerprint} cert={proxy.cert} iat-mode={proxy.iat_mode}"


def start_bridge(
    directory: Path,
    *,
    address: str,
    obfs4proxy: str,
    ipv6: str | None = None,
    everywhere: bool = False,
    network: str = NOBODY,
) -> Bridge:
    """Start tor with obfs4proxy, and obfs4proxy by itself for the other values of ``iat-mode``.

    ``everywhere`` lets the one of :data:`EVERYWHERE` listen at every address, without pauses: for crowds.
    ``network`` are the lines of torrc that say which Tor network it belongs to.
    """
    torrc = directory / "torrc"
    torrc.write_text(
        _TORRC.format(
            directory=directory,
            address=address,
            or_port=OR_PORT,
            ipv6="" if ipv6 is None else f"ORPort [{ipv6}]:{OR_PORT} IPv6Only",
            obfs4proxy=obfs4proxy,
            obfs4_port=OBFS4_PORTS[0],
            network=network,
        ),
        encoding="ascii",
    )
    (directory / "data").mkdir(mode=0o700)
    daemon = start(
        ["tor", "-f", str(torrc)],
        directory=directory,
        ready=[Ready(address=address, port=port) for port in (OR_PORT, OBFS4_PORTS[0])],
    )
    _, fingerprint = (directory / "data" / "fingerprint").read_text(encoding="ascii").split()
    proxies = {0: _obfs4(daemon, directory / "data" / "pt_state", 0, port=OBFS4_PORTS[0])}
    try:
        _wait_for_descriptor(daemon, directory / "info.log")
        for iat_mode in (1, 2):
            crowd = everywhere and iat_mode == EVERYWHERE
            proxies[iat_mode] = _start_obfs4proxy(
                directory,
                "0.0.0.0" if crowd else address,
                obfs4proxy,
                iat_mode,
                or_address=address,
                port=OBFS4_PORTS[iat_mode],
                pauses=not crowd,
            )
    except BaseException:
        for proxy in proxies.values():
            proxy.daemon.stop()
        raise
    return Bridge(
        daemon=daemon, address=address, port=OR_PORT, fingerprint=fingerprint, obfs4=proxies, ipv6=ipv6
    )


def start_newer(directory: Path, bridge: Bridge, *, program: str) -> Bridge:
    """Start another obfs4proxy before the same bridge, at ports of its own, in each ``iat-mode``."""
    proxies: dict[int, Obfs4] = {}
    try:
        for iat_mode, port in _NEWER_PORTS.items():
            proxies[iat_mode] = _start_obfs4proxy(
                directory, bridge.address, program, iat_mode, or_address=bridge.address, port=port
            )
    except BaseException:
        for proxy in proxies.values():
            proxy.daemon.stop()
        raise
    return replace(bridge, obfs4=proxies)


_CLIENT: Final = """\
DataDirectory {directory}/client
Log notice stdout
Log info file {directory}/client.log
SocksPort auto
UseBridges 1
ClientTransportPlugin {transports} exec {program}
Bridge {line}
DirAuthority nobody orport=5000 v3ident={nobody}1 198.51.100.60:7000 {nobody}2
"""
#: What tor says when a bridge has proved itself and given its descriptor, and when another relay answers.
DESCRIPTOR: Final = "new bridge descriptor"
ANOTHER_RELAY: Final = "not as expected"


def ask_tor(
    directory: Path,
    line: str,
    *,
    program: str,
    transports: str = "obfs4",
    ca_file: Path | None = None,
    seconds: float = 20.0,
) -> str | None:
    """Let tor itself use a bridge line; return what it found, :data:`DESCRIPTOR` or :data:`ANOTHER_RELAY`, if anything.

    ``program`` is what speaks ``transports`` (with commas between) for it; one that speaks TLS trusts ``ca_file``.
    """
    torrc = directory / "client.torrc"
    torrc.write_text(
        _CLIENT.format(
            directory=directory,
            program=program,
            transports=transports,
            line=line,
            nobody="0" * 39,
        ),
        encoding="ascii",
    )
    (directory / "client").mkdir(mode=0o700)
    daemon = start(
        ["tor", "-f", str(torrc)],
        directory=directory,
        name="tor-client",
        environment={} if ca_file is None else {"SSL_CERT_FILE": str(ca_file)},
    )
    log, limit = directory / "client.log", time.monotonic() + seconds
    try:
        while time.monotonic() < limit:
            said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
            for word in (DESCRIPTOR, ANOTHER_RELAY):
                if word in said:
                    return word
            time.sleep(LOOK_AGAIN)
    finally:
        daemon.stop()
    return None


def _wait_for_descriptor(daemon: Daemon, log: Path) -> None:
    """Wait until the bridge has signed its descriptor: about a second after its ports are open, 404 until then."""
    limit = time.monotonic() + START_TIMEOUT
    while "Rebuilding relay descriptor" not in log.read_text(encoding="utf-8", errors="replace"):
        if time.monotonic() > limit:
            raise DaemonFailed(f"tor makes no descriptor:\n{daemon.log_tail()}")
        time.sleep(LOOK_AGAIN)


def _start_obfs4proxy(
    directory: Path,
    address: str,
    program: str,
    iat_mode: int,
    *,
    or_address: str,
    port: int,
    pauses: bool = True,
) -> Obfs4:
    """Start obfs4proxy as tor would (pt-spec, section 3.2), before the same ORPort."""
    state = directory / f"obfs4-{iat_mode}"
    state.mkdir(mode=0o700)
    _write_state(state, iat_mode)
    daemon = start(
        [program],
        directory=directory,
        ready=[Ready(address=or_address if address == "0.0.0.0" else address, port=port)],
        name=f"obfs4proxy-{iat_mode}",
        environment={
            "TOR_PT_MANAGED_TRANSPORT_VER": "1",
            "TOR_PT_STATE_LOCATION": str(state),
            "TOR_PT_SERVER_TRANSPORTS": "obfs4",
            "TOR_PT_SERVER_BINDADDR": f"obfs4-{address}:{port}",
            "TOR_PT_SERVER_TRANSPORT_OPTIONS": f"obfs4:iat-mode={iat_mode if pauses else 0}",
            "TOR_PT_ORPORT": f"{or_address}:{OR_PORT}",
        },
    )
    return _obfs4(daemon, state, iat_mode, port=port, pauses=pauses)


def _write_state(directory: Path, iat_mode: int) -> None:
    """Write the keys of an obfs4proxy as it keeps them itself, with a seed that is always the same.

    The seed decides the lengths of segments in iat-mode 2. Left to chance, two of forty servers had a length of zero, at
    which version 0.0.14 ends itself ("BUG: Write(), iat length was 0"), and one lengths so short that it carried 2 kB/s.
    """
    key = X25519PrivateKey.generate()
    state = {
        "node-id": secrets.token_bytes(20).hex(),
        "private-key": key.private_bytes_raw().hex(),
        "public-key": key.public_key().public_bytes_raw().hex(),
        "drbg-seed": _SEED,
        "iat-mode": iat_mode,
    }
    (directory / "obfs4_state.json").write_text(json.dumps(state), encoding="ascii")


def _obfs4(daemon: Daemon, state: Path, iat_mode: int, *, port: int, pauses: bool = True) -> Obfs4:
    keys = json.loads((state / "obfs4_state.json").read_text(encoding="ascii"))
    line = (state / "obfs4_bridgeline.txt").read_text(encoding="ascii")
    (cert,) = (word.removeprefix("cert=") for word in line.split() if word.startswith("cert="))
    return Obfs4(
        daemon=daemon,
        port=port,
        iat_mode=iat_mode if pauses else 0,
        node_id=bytes.fromhex(keys["node-id"]),
        public_key=bytes.fromhex(keys["public-key"]),
        cert=cert,
    )
