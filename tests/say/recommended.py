"""What came of asking Tor, invented: for the screens of ``circumvent bridges``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from circumvent.model.record import Failure
from circumvent.model.words import NetworkState, Status
from circumvent.recommend.answer import Recommendation, Recommended
from circumvent.recommend.ask import Advice, Asked
from tests.say.reports import failed, good, report

if TYPE_CHECKING:
    from circumvent.model.report import Report

SILENT = Asked(
    host="bridges.torproject.org",
    fronted=False,
    failure=Failure(step="tls_handshake", error="connection_reset"),
)
FRONTED = Asked(host="www.phpmyadmin.net", fronted=True)
FOUND = Recommendation(
    country="IR",
    bridges=(
        Recommended("obfs4", "bridgedb", "obfs4 9.9.9.9:443"),
        Recommended("obfs4", "bridgedb", "obfs4 9.9.9.10:443"),
        Recommended("meek_lite", "builtin", "meek_lite 192.0.2.20:80"),
        Recommended(
            "scramblesuit", "builtin", problem='"scramblesuit" bridges are not supported by this version.'
        ),
    ),
)
ADVICE = Advice(asked=(SILENT, FRONTED), country="IR", recommendation=FOUND)
NOBODY = Advice(
    asked=(SILENT, replace(FRONTED, failure=Failure(step="ask", error="wrong_answer"))), country="IR"
)


def bridges_tried() -> Report:
    """A check of three bridges, of which one gave no answer."""
    return report(
        NetworkState.FILTERED,
        [
            good("bridge-7c2a", "obfs4", 310.0, kbps=1900.0),
            good("bridge-e01f", "meek", 480.0, kbps=400.0),
            failed("bridge-55d0", "obfs4", Status.UNREACHABLE, "connect", "generic_timeout_error"),
        ],
    )
