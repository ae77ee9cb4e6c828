"""A web site that hands some of its visitors to a Tor bridge: WebTunnel paths, and a front for meek.

Debian's nginx stands in front. Behind it are the servers of these transports' own authors, where they are on PATH
(``nox -s servers`` builds them), and always ours (``webtunnel_server.py``, ``meek_server.py``).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.lab.daemon import Daemon, Ready, find_program, start
from tests.lab.nginx import HEAD

if TYPE_CHECKING:
    from tests.lab.pki import Credentials
    from tests.lab.tor import Bridge

#: The path of WebTunnel by the program behind it.
PATHS: Final = {"webtunnel_server.py": "/5m9yq0j4ghkz0fz7qmuw", "webtunnel-server": "/v2o6h81s0dpt3xne4ykc"}
#: The host behind the front by the program behind it; these have no certificates of their own.
MEEK_HOSTS: Final = {
    "meek_server.py": "meek-behind-the-front.example",
    "meek-server": "meek-of-its-authors.example",
}
#: The ports of all of them, on 127.0.0.1.
_PORTS: Final = {
    "webtunnel_server.py": 9080,
    "meek_server.py": 9081,
    "webtunnel-server": 9082,
    "meek-server": 9083,
}

_NGINX: Final = (
    HEAD
    + """\
  ssl_certificate {chain};
  ssl_certificate_key {key};
  server {{
    listen {address}:443 ssl http2;
    server_name {name};
    location / {{ return 200 "a web site like any other\\n"; }}
{paths}
  }}
{hosts}
}}
"""
)
_PATH: Final = """\
    location = {path} {{
      proxy_pass http://127.0.0.1:{port};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_buffering off;
    }}
"""
_HOST: Final = """\
  server {{
    listen {address}:443 ssl;
    server_name {host};
    location / {{
      proxy_pass http://127.0.0.1:{port};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      client_max_body_size 1m;
    }}
  }}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The web site. ``server`` below is the program behind it; ours always run, the others where they are on PATH."""

    daemon: Daemon
    bridge: Bridge
    address: str
    name: str
    ca_file: Path
    credentials: Credentials

    @property
    def path(self) -> str:
        """The path of our own WebTunnel server."""
        return PATHS["webtunnel_server.py"]

    def line(self, server: str = "webtunnel_server.py", **arguments: str) -> str:
        """Return its bridge line; ``arguments`` are added to it."""
        more = "".join(f" {key}={value}" for key, value in arguments.items())
        url = f"https://{self.name}{PATHS[server]}"
        place = f"{self.address}:443"
        return f"webtunnel 192.0.2.3:1 {self.bridge.fingerprint} url={url} ver=0.0.3 addr={place}{more}"

    def meek_line(self, server: str = "meek_server.py", *, host: str | None = None) -> str:
        """Return the line of the meek bridge behind it; ``host`` is what the requests name."""
        place = f"url=https://{host or MEEK_HOSTS[server]}/ front={self.name}"
        return f"meek_lite 192.0.2.20:80 {self.bridge.fingerprint} {place}"


def start_site(
    directory: Path, *, address: str, name: str, bridge: Bridge, credentials: Credentials, ca_file: Path
) -> tuple[Site, list[Daemon]]:
    """Start nginx and the servers of WebTunnel and meek behind it; return the site, and those."""
    servers: list[Daemon] = []
    configuration = directory / "nginx.conf"
    configuration.write_text(
        _NGINX.format(
            directory=directory,
            address=address,
            name=name,
            chain=credentials.chain,
            key=credentials.key,
            paths="".join(_PATH.format(path=path, port=_PORTS[server]) for server, path in PATHS.items()),
            hosts="".join(
                _HOST.format(address=address, host=host, port=_PORTS[server])
                for server, host in MEEK_HOSTS.items()
            ),
        ),
        encoding="ascii",
    )
    try:
        for server in _PORTS:
            if server.endswith(".py"):
                servers.append(_start_ours(directory, server, bridge))
            elif find_program(server) is not None:
                servers.append(_start_theirs(directory, server, bridge, name))
        daemon = start(
            ["nginx", "-p", str(directory), "-c", str(configuration), "-e", "stderr"],
            directory=directory,
            ready=[Ready(address=address, port=443)],
        )
    except BaseException:
        for started in servers:
            started.stop()
        raise
    site = Site(
        daemon=daemon,
        bridge=bridge,
        address=address,
        name=name,
        ca_file=ca_file,
        credentials=credentials,
    )
    return site, servers


def _start_ours(directory: Path, server: str, bridge: Bridge) -> Daemon:
    return start(
        [
            sys.executable,
            str(Path(__file__).parent / server),
            str(_PORTS[server]),
            bridge.address,
            str(bridge.port),
        ],
        directory=directory,
        ready=[Ready(address="127.0.0.1", port=_PORTS[server])],
        name=server,
    )


def _start_theirs(directory: Path, server: str, bridge: Bridge, name: str) -> Daemon:
    """Start a server as tor would (pt-spec, section 3.2), in clear behind the web server."""
    transport = server.removesuffix("-server")
    options = {"webtunnel": [f"webtunnel:url=https://{name}{PATHS['webtunnel-server']}"], "meek": []}[
        transport
    ]
    state = directory / f"{transport}-state"
    state.mkdir(mode=0o700)
    return start(
        [server, *(["--disable-tls"] if transport == "meek" else [])],
        directory=directory,
        ready=[Ready(address="127.0.0.1", port=_PORTS[server])],
        environment={
            "TOR_PT_MANAGED_TRANSPORT_VER": "1",
            "TOR_PT_STATE_LOCATION": str(state),
            "TOR_PT_SERVER_TRANSPORTS": transport,
            "TOR_PT_SERVER_BINDADDR": f"{transport}-127.0.0.1:{_PORTS[server]}",
            "TOR_PT_SERVER_TRANSPORT_OPTIONS": ";".join(options),
            "TOR_PT_ORPORT": f"{bridge.address}:{bridge.port}",
        },
    )
