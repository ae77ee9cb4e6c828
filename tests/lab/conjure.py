"""conjure's registrar behind a real nginx, which is a front, the registrar's web server, and an AMP cache.

The registrar itself is ours (``conjure_registrar.py``): the real one needs a station and a library that is no part of it.
As before the real one the web server takes ``/api`` away.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.lab.daemon import Daemon, Ready, start
from tests.lab.nginx import HEAD

if TYPE_CHECKING:
    from tests.lab.pki import Credentials

HOST: Final = "registrar-behind-the-front.example"
DEAD_HOST: Final = "dead-registrar.example"
CACHE: Final = "cache.example"
#: The registrar's name as a label below that of the cache.
LABEL: Final = HOST.replace("-", "--").replace(".", "-")
_PORT, _CLOSED = 18471, 18472
_PROGRAM: Final = Path(__file__).with_name("conjure_registrar.py")

_NGINX: Final = (
    HEAD
    + """\
  server_names_hash_bucket_size 128;
  ssl_certificate {chain};
  ssl_certificate_key {key};
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  server {{
    listen {address}:443 ssl http2 default_server;
    server_name {name};
    location / {{ return 200 "a web site like any other\\n"; }}
    location /api {{ return 404; }}
  }}
  server {{
    listen {address}:443 ssl;
    server_name {host} registrar.{name};
    location /api/ {{ proxy_pass http://127.0.0.1:{port}/; }}
    location /amp/ {{ proxy_pass http://127.0.0.1:{port}; }}
  }}
  server {{
    listen {address}:443 ssl;
    server_name {dead};
    location / {{ proxy_pass http://127.0.0.1:{closed}; }}
  }}
  server {{
    listen {address}:443 ssl;
    server_name {label}.{cache};
    location /c/s/{host}/amp/ {{ proxy_pass http://127.0.0.1:{port}/amp/; }}
  }}
}}
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrar:
    """A running front; ``name`` is what its certificate is for, with one name below it."""

    daemons: tuple[Daemon, ...]
    address: str
    name: str
    ca_file: Path
    count_file: Path
    dead_host: str = DEAD_HOST

    def line(self, *, front: str | None, host: str = HOST) -> str:
        """Return a bridge line; without a front the registrar's own name is connected to."""
        if front is None:
            return f"conjure 192.0.2.20:80 url=https://registrar.{self.name}/api"
        return f"conjure 192.0.2.20:80 url=https://{host}/api fronts={front} transport=prefix"

    def amp_line(self) -> str:
        """Return a bridge line by way of the AMP cache."""
        way = f"registrar=ampcache ampcache=https://{CACHE}/"
        return f"conjure 192.0.2.20:80 url=https://{HOST} {way}"

    def registrations(self) -> int:
        """Return how many registrations were made."""
        return len(self.count_file.read_text(encoding="ascii").splitlines())


def start_registrar(
    directory: Path, *, address: str, name: str, credentials: Credentials, ca_file: Path
) -> Registrar:
    """Start a registrar, and nginx before it."""
    count_file = directory / "registrations"
    count_file.touch()
    server = start(
        [sys.executable, str(_PROGRAM), str(_PORT), str(count_file)],
        directory=directory,
        ready=[Ready(address="127.0.0.1", port=_PORT)],
        name="conjure-registrar",
    )
    configuration = directory / "nginx.conf"
    configuration.write_text(
        _NGINX.format(
            directory=directory,
            address=address,
            name=name,
            chain=credentials.chain,
            key=credentials.key,
            host=HOST,
            dead=DEAD_HOST,
            label=LABEL,
            cache=CACHE,
            port=_PORT,
            closed=_CLOSED,
        ),
        encoding="ascii",
    )
    try:
        nginx = start(
            ["nginx", "-p", str(directory), "-c", str(configuration), "-e", "stderr"],
            directory=directory,
            ready=[Ready(address=address, port=443)],
            name="nginx-conjure",
        )
    except BaseException:
        server.stop()
        raise
    return Registrar(
        daemons=(server, nginx), address=address, name=name, ca_file=ca_file, count_file=count_file
    )
