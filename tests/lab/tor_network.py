"""A small Tor network: one directory authority, three relays that are exits, and a bridge with obfs4 in each ``iat-mode``.

One authority is a majority of one: it signs a consensus ten seconds after its start, and a client needs a bridge, a
middle and an exit. All are the installed tor, on addresses of the tests' own network, with no way out.
"""

from __future__ import annotations

import stat
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.lab.daemon import LOOK_AGAIN, Daemon, DaemonFailed, Ready, find_program, start
from tests.lab.tor import Bridge, start_bridge

if TYPE_CHECKING:
    from pathlib import Path

AUTHORITY: Final = "198.51.102.30"
RELAYS: Final = ("198.51.102.31", "198.51.102.32", "198.51.102.35")
BRIDGE: Final = "198.51.102.33"
#: An address of this network at which nobody listens.
NOBODY_THERE: Final = "198.51.102.34"
_OR_PORT: Final = 5000
_DIR_PORT: Final = 7000
#: Seconds until a bridge of a new network has built its first circuit: 10 to 15 on two cores that others use too.
_BOOTSTRAP: Final = 120.0
#: Seconds from the start to the first consensus, which is voted on four seconds earlier; and from one to the next.
_FIRST_CONSENSUS: Final = 10
_INTERVAL: Final = 20
#: Seconds within which a relay that begins has told the authority of itself: one or two.
_TELLS: Final = 8.0
_DONE: Final = "Bootstrapped 100%"

#: What all of a network have in common. Nothing is waited for where it may be asked for at once. No circuit is begun before
#: all relays are known: what is missing by then would be asked for minutes later.
_NETWORK: Final = """\
TestingTorNetwork 1
DirAuthority authority orport={or_port} no-v2 v3ident={identity} {address}:{dir_port} {fingerprint}
EnforceDistinctSubnets 0
ConfluxEnabled 0
PathsNeededToBuildCircuits 0.9
TestingBridgeDownloadInitialDelay 0
TestingClientDownloadInitialDelay 0
TestingServerDownloadInitialDelay 0
TestingClientConsensusDownloadInitialDelay 0
TestingServerConsensusDownloadInitialDelay 0"""
_RELAY: Final = """\
DataDirectory {directory}/data
Log notice stdout
SocksPort 0
ORPort {address}:{or_port}
Address {address}
AssumeReachable 1
ShutdownWaitLength 0
Nickname {name}
ContactInfo lab@example.invalid
{network}
"""
_EXIT: Final = """\
ExitRelay 1
ExitPolicy accept *:*
"""
#: When votes are counted is set by the clock, and by an offset to it: ten seconds after the start, and again every twenty.
_VOTES: Final = """\
ExitPolicy reject *:*
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
DirPort {address}:{dir_port}
TestingV3AuthInitialVotingInterval {interval}
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
TestingV3AuthVotingStartOffset {offset}
V3AuthVotingInterval {interval}
V3AuthVoteDelay 2
V3AuthDistDelay 2
V3AuthNIntervalsValid 100
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
TestingMinExitFlagThreshold 0
"""
#: A tor that belongs to the network whatever its settings say, for programs that look for ``tor`` on their PATH.
_WRAPPER: Final = """\
#!/bin/sh
exec {tor} "$@" --TestingTorNetwork 1 --DirAuthority "{authority}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TorNetwork:
    """A running network. ``client`` is a folder whose ``tor`` is a client of it; ``settings`` makes any tor one."""

    daemons: tuple[Daemon, ...]
    bridge: Bridge
    client: Path
    settings: str
    seconds: float


def start_network(directory: Path, *, obfs4proxy: str) -> TorNetwork:
    """Start the network and wait until its bridge has built a circuit."""
    began = time.monotonic()
    daemons: list[Daemon] = []
    try:
        network = _prepare_authority(directory / "authority")
        offset = int(time.time() + _FIRST_CONSENSUS) % _INTERVAL
        votes = _VOTES.format(address=AUTHORITY, dir_port=_DIR_PORT, interval=_INTERVAL, offset=offset)
        # It goes first: relays tell it of themselves once, a second after they began.
        daemons.append(_start(directory / "authority", AUTHORITY, "authority", network, votes))
        known = directory / "authority" / "data" / "cached-descriptors.new"
        daemons += [_start_relay(directory, number, network) for number in range(len(RELAYS))]
        for number in range(len(RELAYS)):
            if not _is_known(known, number):  # what it told was lost, and it would not say it again
                daemons[1 + number].stop()
                daemons[1 + number] = _start_relay(directory, number, network)
        place = directory / "bridge"
        place.mkdir()
        bridge = start_bridge(place, address=BRIDGE, obfs4proxy=obfs4proxy, network=network)
        daemons += [bridge.daemon, *(proxy.daemon for mode, proxy in bridge.obfs4.items() if mode)]
        _wait_for_circuit(bridge.daemon)
    except BaseException:
        for daemon in daemons:
            daemon.stop()
        raise
    return TorNetwork(
        daemons=tuple(daemons),
        bridge=bridge,
        client=_write_client(directory / "client", network),
        settings=network,
        seconds=time.monotonic() - began,
    )


def _prepare_authority(directory: Path) -> str:
    """Make the keys of the authority; return what the settings of all others say of it."""
    data = directory / "data"
    keys = data / "keys"
    keys.mkdir(parents=True)
    data.chmod(0o700)
    keys.chmod(0o700)
    _run(
        [
            "tor-gencert",
            "--create-identity-key",
            "-m",
            "12",
            "-a",
            f"{AUTHORITY}:{_DIR_PORT}",
            "--passphrase-fd",
            "0",
        ],
        keys,
        "an example\n",
    )
    certificate = (keys / "authority_certificate").read_text(encoding="ascii").splitlines()
    (identity,) = (line.split()[1] for line in certificate if line.startswith("fingerprint "))
    # tor makes the keys of the relay when it is asked for their fingerprint.
    nobody = _network("0" * 39 + "1", "0" * 39 + "2")
    torrc = _RELAY.format(
        directory=directory, address=AUTHORITY, or_port=_OR_PORT, name="authority", network=nobody
    )
    _run(["tor", "--list-fingerprint", "--quiet", "-f", "-"], directory, torrc)
    _, *fingerprint = (data / "fingerprint").read_text(encoding="ascii").split()
    return _network(identity, "".join(fingerprint))


def _network(identity: str, fingerprint: str) -> str:
    return _NETWORK.format(
        or_port=_OR_PORT,
        dir_port=_DIR_PORT,
        address=AUTHORITY,
        identity=identity,
        fingerprint=fingerprint,
    )


def _run(command: list[str], directory: Path, given: str) -> None:
    program = find_program(command[0])
    assert program is not None
    done = subprocess.run(
        [program, *command[1:]], cwd=directory, input=given, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DaemonFailed(f"{command[0]} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")


def _start(directory: Path, address: str, name: str, network: str, more: str) -> Daemon:
    (directory / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
    torrc = directory / "torrc"
    settings = _RELAY.format(
        directory=directory, address=address, or_port=_OR_PORT, name=name, network=network
    )
    torrc.write_text(settings + more, encoding="ascii")
    return start(
        ["tor", "-f", str(torrc)],
        directory=directory,
        ready=[Ready(address=address, port=_OR_PORT)],
        name=f"tor-{name}",
    )


def _start_relay(directory: Path, number: int, network: str) -> Daemon:
    return _start(directory / f"relay{number}", RELAYS[number], f"relay{number}", network, _EXIT)


def _is_known(descriptors: Path, number: int) -> bool:
    """Wait a moment until the authority has heard of a relay; tell whether it has."""
    limit = time.monotonic() + _TELLS
    while time.monotonic() < limit:
        if descriptors.exists() and f"router relay{number} " in descriptors.read_text(errors="replace"):
            return True
        time.sleep(LOOK_AGAIN)
    return False


def _wait_for_circuit(daemon: Daemon) -> None:
    limit = time.monotonic() + _BOOTSTRAP
    while _DONE not in daemon.log.read_text(encoding="utf-8", errors="replace"):
        if time.monotonic() > limit:
            raise DaemonFailed(f"the bridge finds no way into the network:\n{daemon.log_tail()}")
        time.sleep(LOOK_AGAIN)


def _write_client(directory: Path, network: str) -> Path:
    directory.mkdir()
    (authority,) = (
        line.partition(" ")[2] for line in network.splitlines() if line.startswith("DirAuthority ")
    )
    wrapper = directory / "tor"
    wrapper.write_text(_WRAPPER.format(tor=find_program("tor"), authority=authority), encoding="ascii")
    wrapper.chmod(stat.S_IRWXU)
    return directory
