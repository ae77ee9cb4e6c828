"""coturn: STUN and TURN over UDP, TCP and TLS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.lab.daemon import Daemon, Ready, start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.pki import Credentials

USER: Final = "lab"
PASSWORD: Final = "lab-password"
#: A STUN binding request (RFC 8489, section 5) with a fixed transaction id.
BINDING_REQUEST: Final = bytes.fromhex("0001 0000 2112a442") + b"laboratory!!"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A running STUN and TURN server with long-term credentials."""

    daemon: Daemon
    address: str
    name: str
    ca_file: Path
    port: int = 3478
    tls_port: int = 5349
    realm: str = "lab.example"
    user: str = USER
    password: str = PASSWORD


_TURNSERVER: Final = """\
listening-ip={address}
relay-ip={address}
listening-port=3478
tls-listening-port=5349
cert={chain}
pkey={key}
realm=lab.example
user={user}:{password}
lt-cred-mech
fingerprint
no-cli
relay-threads=1
min-port=50000
max-port=50100
pidfile={directory}/turnserver.pid
userdb={directory}/turnserver.db
log-file=stdout
"""


def start_coturn(
    directory: Path, *, address: str, name: str, credentials: Credentials, ca_file: Path
) -> Turn:
    """Start coturn."""
    configuration = directory / "turnserver.conf"
    configuration.write_text(
        _TURNSERVER.format(
            address=address,
            chain=credentials.chain,
            key=credentials.key,
            directory=directory,
            user=USER,
            password=PASSWORD,
        ),
        encoding="ascii",
    )
    daemon = start(
        ["turnserver", "-c", str(configuration)],
        directory=directory,
        ready=[
            Ready(address=address, port=3478),
            Ready(address=address, port=5349),
            Ready(address=address, port=3478, probe=BINDING_REQUEST),
        ],
    )
    return Turn(daemon=daemon, address=address, name=name, ca_file=ca_file)
