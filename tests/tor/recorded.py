"""A connection to a real tor, as a file says it went (``tests/vectors/tor-link-0.4.9.json``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from circumvent.tor import cells
from circumvent.tor.cells import Certificate, Command, Decoder
from circumvent.tor.certs import Identity

RECORDED: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "tor-link-0.4.9.json").read_text(encoding="ascii")
)
RECEIVED: Final = bytes.fromhex(RECORDED["received"])
NOW: Final = float(RECORDED["now"])
TLS_CERTIFICATE: Final = bytes.fromhex(RECORDED["tls_certificate"])
IDENTITY: Final = Identity(bytes.fromhex(RECORDED["fingerprint"]), bytes.fromhex(RECORDED["ed25519"]))
SENT: Final = bytes.fromhex(RECORDED["create_fast"]["sent"])
ANSWER: Final = bytes.fromhex(RECORDED["create_fast"]["answer"])


def certificates() -> tuple[Certificate, ...]:
    """Return what the CERTS cell held."""
    decoder = Decoder()
    decoder.feed(RECEIVED)
    while (cell := decoder.next_cell()) is not None:
        decoder.protocol = 5
        if cell.command == Command.CERTS:
            return cells.read_certs(cell.payload)
    raise AssertionError
