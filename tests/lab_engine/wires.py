"""Open wires with servers in their world, for tests that bring real programs."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from circumvent.lab import engine
from circumvent.lab.engine import symmetric
from circumvent.lab.names import Names
from circumvent.lab.scope import Scope
from circumvent.lab.wire import Wire, WireConfig, open_wire
from tests.lab.daemon import Daemon, Ready, start
from tests.lab.quic import start_gtlsserver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.pki import Pki

WORLD = ("198.51.100.10", "198.51.100.11", "2001:db8:100::10")
WEB = {4: "198.51.100.10", 6: "2001:db8:100::10"}
PATH = engine.Path(far=symmetric(delay=0.005))
LISTED = Names(suffixes=("blocked.example",))
TLS = Scope(protocols=("tcp",), ports=(443,))


@dataclass
class Lab:
    """One open wire, and the servers of its world."""

    wire: Wire
    directory: Path
    daemons: list[Daemon] = field(default_factory=list)

    def run(self, *command: str, seconds: float = 20) -> subprocess.CompletedProcess[str]:
        """Run a program on the client side."""
        with self.wire.in_client():
            return subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
                stdin=subprocess.DEVNULL,
            )

    def curl(self, url: str, *more: str, family: int = 4, seconds: float = 2) -> tuple[int, str]:
        """Return curl's status and output; every name is the web server's."""
        address = WEB[family] if family == 4 else f"[{WEB[6]}]"
        done = self.run(
            "curl",
            "-sk",
            "--noproxy",
            "*",
            "--max-time",
            str(seconds),
            "--connect-to",
            f"::{address}:",
            *more,
            url,
        )
        return done.returncode, done.stdout

    def start(self, *command: str, ready: Ready) -> None:
        """Start a server in the world."""
        with self.wire.in_world():
            self.daemons.append(start(command, directory=self.directory, ready=[ready]))

    def tls_server(self, pki: Pki, family: int = 4) -> None:
        """openssl s_server, with a page."""
        address = WEB[family]
        accept = address if family == 4 else f"[{address}]"
        self.start(
            "openssl", "s_server", "-accept", f"{accept}:443", "-www", "-cert", str(pki.good.chain),
            "-key", str(pki.good.key), ready=Ready(address=address, port=443),
        )  # fmt: skip

    def quic_server(self, pki: Pki) -> int:
        """ngtcp2's server; return its port."""
        with self.wire.in_world():
            server = start_gtlsserver(
                self.directory, address=WEB[4], name="lab.example", credentials=pki.good, ca_file=pki.ca_file
            )
        self.daemons.append(server.daemon)
        return server.port

    def web_server(self, family: int = 4, port: int = 80) -> None:
        """Python's own web server, with files."""
        (self.directory / "index.html").write_text("the true page")
        (self.directory / "big").write_bytes(bytes(400_000))
        self.start(
            "python3", "-m", "http.server", str(port), "--bind", WEB[family], "--directory", str(self.directory),
            ready=Ready(address=WEB[family], port=port),
        )  # fmt: skip


def labs_below(directory: Path) -> Iterator[Callable[..., Lab]]:
    """Give out a function that opens labs with rules; they are closed afterwards."""
    labs: list[Lab] = []

    def make(*rules: object, path: engine.Path = PATH, **how: object) -> Lab:
        config = WireConfig(rules=rules, world=WORLD, path=path)  # type: ignore[arg-type]  # rules
        folder = directory / str(len(labs))
        folder.mkdir()
        labs.append(Lab(open_wire(replace(config, **how)), folder))  # type: ignore[arg-type]  # fields by name
        return labs[-1]

    yield make
    for each in labs:
        for daemon in each.daemons:
            daemon.stop()
        each.wire.close()
