"""gtlsserver of ngtcp2: HTTP/3 by a QUIC stack that is not ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.lab.daemon import Daemon, Ready, start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.pki import Credentials

#: A long header with a version that nobody speaks (RFC 9000, section 6): any server answers with Version Negotiation.
VERSION_PROBE: Final = bytes.fromhex("c0 1a2a3a4a 08 0001020304050607 08 0706050403020100") + bytes(1200)
#: What ``/text`` answers.
TEXT: Final = "an independent QUIC server\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuicServer:
    """A running HTTP/3 server; ``/text`` and ``/bytes/65536`` are files."""

    daemon: Daemon
    address: str
    name: str
    ca_file: Path
    port: int = 4433


def start_gtlsserver(
    directory: Path, *, address: str, name: str, credentials: Credentials, ca_file: Path
) -> QuicServer:
    """Start gtlsserver."""
    site = directory / "site"
    (site / "bytes").mkdir(parents=True)
    (site / "text").write_text(TEXT, encoding="ascii")
    (site / "bytes" / "65536").write_bytes(bytes(65536))
    daemon = start(
        ["gtlsserver", "-q", "-d", str(site), address, "4433", str(credentials.key), str(credentials.chain)],
        directory=directory,
        ready=[Ready(address=address, port=4433, probe=VERSION_PROBE)],
    )
    return QuicServer(daemon=daemon, address=address, name=name, ca_file=ca_file)
