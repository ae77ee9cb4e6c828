"""Web servers: the control server (:mod:`tests.lab.webserver`), a captive portal, caddy, stunnel."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.lab.daemon import Daemon, Ready, start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.lab.pki import Credentials

_SERVER: Final = Path(__file__).with_name("webserver.py")
#: What ``/text`` answers.
TEXT: Final = "the control of the laboratory\n"
#: Sizes in bytes of the files that caddy serves below ``/bytes/``.
SIZES: Final = (1024, 65536, 131072, 1048576)


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """A running web server: HTTPS on ``port``; ``clear_port`` is plain HTTP, ``None`` if not served."""

    daemon: Daemon
    addresses: tuple[str, ...]
    name: str
    ca_file: Path
    port: int = 443
    clear_port: int | None = None

    @property
    def address(self) -> str:
        """The first address."""
        return self.addresses[0]

    def url(self, path: str) -> str:
        """An https URL by name."""
        return f"https://{self.name}{'' if self.port == 443 else f':{self.port}'}{path}"

    @property
    def nonce_url(self) -> str:
        """A control: its ``{nonce}`` must come back in the body."""
        return self.url("/nonce/{nonce}")

    @property
    def status_url(self) -> str:
        """A control: 204."""
        return self.url("/status/204#status=204")

    @property
    def bulk_url(self) -> str:
        """What ``--bulk`` takes: GET brings ``{bytes}`` bytes, POST takes any number."""
        return self.url("/bytes/{bytes}")


def start_control(
    directory: Path,
    *,
    addresses: Sequence[str],
    name: str,
    credentials: Credentials,
    ca_file: Path,
    portal: bool = False,
) -> Web:
    """Start the control server on ports 443 (TLS, HTTP/1.1) and 80; as a ``portal`` it answers all with a login page."""
    command = [sys.executable, str(_SERVER), "--chain", str(credentials.chain), "--key", str(credentials.key)]
    if portal:
        command.append("--portal")
    daemon = start(
        [*command, *addresses],
        directory=directory,
        ready=[Ready(address=address, port=port) for address in addresses for port in (443, 80)],
        name=name,
    )
    return Web(daemon=daemon, addresses=tuple(addresses), name=name, ca_file=ca_file, clear_port=80)


_CADDY: Final = """\
{{
  skip_install_trust
  admin off
  auto_https off
  servers {{
    protocols h1 h2 h3
  }}
}}
https://{name}, https://{address} {{
  bind {binds}
  tls {chain} {key}
  respond /text "{text}"
  respond /status/204 204
  @nonce path_regexp nonce ^/nonce/(.+)$
  respond @nonce "{{re.nonce.1}}"
  @upload method POST
  respond @upload 200
  root * {directory}/site
  file_server
}}
"""


def start_caddy(
    directory: Path, *, addresses: Sequence[str], name: str, credentials: Credentials, ca_file: Path
) -> Web:
    """Start caddy: HTTP/1.1, HTTP/2 and HTTP/3 on port 443, with files of :data:`SIZES` below ``/bytes/``."""
    files = directory / "site" / "bytes"
    files.mkdir(parents=True)
    for size in SIZES:
        (files / str(size)).write_bytes(bytes(size))
    configuration = directory / "Caddyfile"
    configuration.write_text(
        _CADDY.format(
            name=name,
            address=addresses[0],
            binds=" ".join(addresses),
            chain=credentials.chain,
            key=credentials.key,
            text=TEXT.strip(),
            directory=directory,
        ),
        encoding="ascii",
    )
    daemon = start(
        ["caddy", "run", "--config", str(configuration), "--adapter", "caddyfile"],
        directory=directory,
        ready=[Ready(address=address, port=443) for address in addresses],
    )
    return Web(daemon=daemon, addresses=tuple(addresses), name=name, ca_file=ca_file)


_STUNNEL: Final = """\
foreground = yes
pid =
debug = 4
[tunnel]
accept = {address}:443
connect = {target}
cert = {chain}
key = {key}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stunnel:
    """A running stunnel: TLS on ``port``, its plaintext goes to the target it was started with."""

    daemon: Daemon
    address: str
    name: str
    ca_file: Path
    port: int = 443


def start_stunnel(
    directory: Path, *, address: str, target: str, name: str, credentials: Credentials, ca_file: Path
) -> Stunnel:
    """Start stunnel in front of ``target`` (``address:port``)."""
    configuration = directory / "stunnel.conf"
    configuration.write_text(
        _STUNNEL.format(address=address, target=target, chain=credentials.chain, key=credentials.key),
        encoding="ascii",
    )
    daemon = start(
        ["stunnel4", str(configuration)], directory=directory, ready=[Ready(address=address, port=443)]
    )
    return Stunnel(daemon=daemon, address=address, name=name, ca_file=ca_file)
