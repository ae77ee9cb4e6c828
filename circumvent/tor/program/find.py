"""Which programs are installed: tor, and those that speak the disguises of bridges for it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Where administrators' programs live, which are not always in a user's ``PATH`` (tor is one in Debian).
_MORE_PATHS: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/opt/homebrew/bin")
#: The programs that speak a transport, the one made for it first. A line without a transport needs none.
SPEAKERS: Final[Mapping[str, tuple[str, ...]]] = {
    "obfs4": ("lyrebird", "obfs4proxy"),
    "meek_lite": ("lyrebird", "obfs4proxy"),
    "webtunnel": ("webtunnel-client", "lyrebird"),
    "snowflake": ("snowflake-client", "lyrebird"),
    "conjure": ("conjure-client",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """The path of tor, and of a program for each transport that can be spoken here."""

    tor: str | None = None
    transports: Mapping[str, str] = field(default_factory=dict)


def find_programs() -> Programs:
    """Look for the programs where the shell would, and where administrators' programs are."""
    tor = _which("tor")
    found = {transport: _which(*names) for transport, names in SPEAKERS.items()}
    return Programs(tor=tor, transports={name: path for name, path in found.items() if path is not None})


def _which(*names: str) -> str | None:
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), *_MORE_PATHS))
    for name in names:
        path = shutil.which(name, path=places)
        if path is not None:
            return str(Path(path).absolute())
    return None
