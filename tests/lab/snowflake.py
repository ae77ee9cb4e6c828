"""A snowflake bridge: its authors' broker, proxy, probe and server (``nox -s servers`` builds them) before a real tor.

Debian's nginx is the front: it passes on what names the broker's host, and does an AMP cache's part for it. Debian's coturn is
the STUN server, of a second address too, by which clients find out about their NAT (RFC 5780).
"""

from __future__ import annotations

import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.lab.daemon import LOOK_AGAIN, START_TIMEOUT, Daemon, DaemonFailed, Ready, start
from tests.lab.nginx import HEAD
from tests.lab.voice import BINDING_REQUEST

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.pki import Credentials
    from tests.lab.tor import Bridge

#: What is needed to start one, beside the bridge behind it.
PROGRAMS: Final = (
    "snowflake-broker", "snowflake-probetest", "snowflake-proxy-go", "snowflake-server", "nginx", "turnserver",
)  # fmt: skip
#: The broker's own name, which nothing resolves, and that of the cache.
BROKER: Final = "broker.snowflake.example"
CACHE: Final = "cache.snowflake.example"
#: The label of the broker's host below the cache's name.
LABEL: Final = "broker-snowflake-example"
#: A host behind the front that is down.
DEAD: Final = "dead.snowflake.example"
#: A bridge that the broker knows, and that leads to the same one: its fingerprint is another's.
ANOTHER: Final = "A" * 40
_BROKER_PORT: Final = 8080
_SERVER_PORT: Final = 8081
#: A broker that no proxy asks, and what tells the proxy about its NAT.
_EMPTY_PORT: Final = 8082
_PROBE_PORT: Final = 8083

_NGINX: Final = (
    HEAD
    + """\
  server_names_hash_bucket_size 128;
  ssl_certificate {chain};
  ssl_certificate_key {key};
  server {{
    listen {address}:443 ssl http2 default_server;
    server_name {name};
    location / {{ return 404; }}
  }}
  server {{
    listen {address}:443 ssl http2;
    server_name {broker};
    location / {{ proxy_pass http://{address}:{port}; }}
  }}
  server {{
    listen {address}:443 ssl http2;
    server_name {label}.{cache};
    location /c/s/{broker}/ {{ proxy_pass http://{address}:{port}/; }}
  }}
  server {{
    listen {address}:443 ssl http2;
    server_name {dead};
    location / {{ proxy_pass http://{address}:9; }}
  }}
}}
"""
)
_TURNSERVER: Final = """\
listening-ip={address}
listening-ip={other}
relay-ip={address}
listening-port=3478
alt-listening-port=3479
no-tls
no-dtls
no-cli
relay-threads=1
pidfile={directory}/turnserver.pid
userdb={directory}/turnserver.db
log-file=stdout
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snowflake:
    """A running bridge, and all that leads to it. ``stun`` is the first address of the STUN server."""

    proxy: Daemon
    others: tuple[Daemon, ...]
    bridge: Bridge
    address: str
    name: str
    stun: str
    ca_file: Path

    @property
    def broker_url(self) -> str:
        """The broker without a front."""
        return f"http://{self.address}:{_BROKER_PORT}/"

    @property
    def empty_url(self) -> str:
        """A broker without proxies."""
        return f"http://{self.address}:{_EMPTY_PORT}/"

    def line(self, **changed: str) -> str:
        """Return its bridge line; ``changed`` are other arguments, an empty one is left out."""
        arguments = {
            "fingerprint": self.bridge.fingerprint,
            "url": f"https://{BROKER}/",
            "fronts": self.name,
            "ice": f"stun:{self.stun}:3478",
            **changed,
        }
        words = [f"{name}={value}" for name, value in arguments.items() if value]
        return " ".join(["snowflake", "192.0.2.3:80", self.bridge.fingerprint, *words])

    def wait_for_proxy(self) -> None:
        """Wait until the broker has a proxy to give away."""
        limit = time.monotonic() + START_TIMEOUT
        while time.monotonic() < limit:
            with urllib.request.urlopen(f"{self.broker_url}debug", timeout=5) as answer:
                if not answer.read().startswith(b"current snowflakes available: 0"):
                    return
            time.sleep(LOOK_AGAIN)
        raise DaemonFailed(f"no proxy asks the broker:\n{self.proxy.log_tail()}")


def start_snowflake(
    directory: Path,
    *,
    address: str,
    name: str,
    bridge: Bridge,
    stun: tuple[str, str],
    credentials: Credentials,
    ca_file: Path,
) -> Snowflake:
    """Start server, broker, STUN server (at two addresses), proxy and front, in this order."""
    running: list[Daemon] = []
    try:
        running.append(_start_server(directory, address, bridge))
        running.append(_start_broker(directory, address, _BROKER_PORT, bridge))
        running.append(_start_broker(directory, address, _EMPTY_PORT, bridge))
        running.append(_start_stun(directory, *stun))
        running.append(_start_probe(directory, address, stun[0]))
        running.append(_start_front(directory, address, name, credentials))
        running.append(_start_proxy(directory, address, stun[0]))
    except BaseException:
        for daemon in reversed(running):
            daemon.stop()
        raise
    *others, proxy = running
    return Snowflake(
        proxy=proxy,
        others=tuple(others),
        bridge=bridge,
        address=address,
        name=name,
        stun=stun[0],
        ca_file=ca_file,
    )


def _start_server(directory: Path, address: str, bridge: Bridge) -> Daemon:
    """Start the server as tor would (pt-spec, section 3.2)."""
    (directory / "server").mkdir(mode=0o700)
    return start(
        ["snowflake-server", "-disable-tls", "-unsafe-logging", "-log", str(directory / "server" / "log")],
        directory=directory,
        ready=[Ready(address=address, port=_SERVER_PORT)],
        environment={
            "TOR_PT_MANAGED_TRANSPORT_VER": "1",
            "TOR_PT_STATE_LOCATION": str(directory / "server"),
            "TOR_PT_SERVER_TRANSPORTS": "snowflake",
            "TOR_PT_SERVER_BINDADDR": f"snowflake-{address}:{_SERVER_PORT}",
            "TOR_PT_ORPORT": f"{bridge.address}:{bridge.port}",
        },
    )


def _start_broker(directory: Path, address: str, port: int, bridge: Bridge) -> Daemon:
    bridges = directory / "bridges.jsonl"
    bridges.write_text(
        "".join(
            f'{{"displayName":"lab","webSocketAddress":"ws://{address}:{_SERVER_PORT}/","fingerprint":"{mark}"}}\n'
            for mark in (bridge.fingerprint, ANOTHER)
        ),
        encoding="ascii",
    )
    pattern = f"^{address}$"
    return start(
        [
            "snowflake-broker",
            "-disable-tls",
            "-disable-geoip",
            "-unsafe-logging",
            *("-addr", f"{address}:{port}", "-bridge-list-path", str(bridges)),
            *("-allowed-relay-pattern", pattern, "-default-relay-pattern", pattern),
        ],
        directory=directory,
        ready=[Ready(address=address, port=port)],
        name=f"broker-{port}",
    )


def _start_stun(directory: Path, address: str, other: str) -> Daemon:
    configuration = directory / "turnserver.conf"
    configuration.write_text(
        _TURNSERVER.format(address=address, other=other, directory=directory), encoding="ascii"
    )
    return start(
        ["turnserver", "-c", str(configuration)],
        directory=directory,
        ready=[
            Ready(address=one, port=port, probe=BINDING_REQUEST)
            for one in (address, other)
            for port in (3478, 3479)
        ],
        name="coturn-snowflake",
    )


def _start_probe(directory: Path, address: str, stun: str) -> Daemon:
    """Start what a proxy learns from that its NAT lets everybody in; else it is given to few clients only."""
    return start(
        [
            "snowflake-probetest",
            *("-disable-tls", "-unsafe-logging"),
            *("-addr", f"{address}:{_PROBE_PORT}", "-stun", f"stun:{stun}:3478"),
        ],
        directory=directory,
        ready=[Ready(address=address, port=_PROBE_PORT)],
    )


def _start_proxy(directory: Path, address: str, stun: str) -> Daemon:
    return start(
        [
            "snowflake-proxy-go",
            *("-broker", f"http://{address}:{_BROKER_PORT}/", "-relay", f"ws://{address}:{_SERVER_PORT}/"),
            *("-stun", f"stun:{stun}:3478", "-nat-probe-server", f"http://{address}:{_PROBE_PORT}/probe"),
            *("-allowed-relay-hostname-pattern", f"^{address}$", "-poll-interval", "2s"),
            "-allow-non-tls-relay",
            "-allow-proxying-to-private-addresses",
            "-keep-local-addresses",
            "-unsafe-logging",
            "-verbose",
        ],
        directory=directory,
    )


def _start_front(directory: Path, address: str, name: str, credentials: Credentials) -> Daemon:
    configuration = directory / "nginx.conf"
    configuration.write_text(
        _NGINX.format(
            directory=directory,
            address=address,
            name=name,
            chain=credentials.chain,
            key=credentials.key,
            broker=BROKER,
            label=LABEL,
            cache=CACHE,
            dead=DEAD,
            port=_BROKER_PORT,
        ),
        encoding="ascii",
    )
    return start(
        ["nginx", "-p", str(directory), "-c", str(configuration), "-e", "stderr"],
        directory=directory,
        ready=[Ready(address=address, port=443)],
        name="nginx-snowflake",
    )
