"""SOCKS and HTTP proxies: dante, microsocks, v2ray, tinyproxy, squid."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.lab.daemon import Daemon, Ready, start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.pki import Credentials

USER: Final = "lab"
PASSWORD: Final = "lab-password"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A running proxy; ``tls_port`` is where it speaks TLS, ``None`` if nowhere; ``user`` ``None``: no password."""

    daemon: Daemon
    address: str
    port: int
    name: str
    user: str | None = None
    password: str | None = None
    tls_port: int | None = None
    ca_file: Path | None = None


_DANTED: Final = """\
logoutput: stderr
internal: {address} port = 1080
external: {address}
clientmethod: none
socksmethod: none
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
"""


def start_danted(directory: Path, *, address: str) -> Proxy:
    """Start dante: SOCKS5 with UDP ASSOCIATE, and SOCKS4 (without the "a"), no password."""
    configuration = directory / "danted.conf"
    configuration.write_text(_DANTED.format(address=address), encoding="ascii")
    daemon = start(
        ["danted", "-f", str(configuration), "-p", str(directory / "danted.pid")],
        directory=directory,
        ready=[Ready(address=address, port=1080)],
    )
    return Proxy(daemon=daemon, address=address, port=1080, name="danted.lab.example")


def start_microsocks(directory: Path, *, address: str, password: bool) -> Proxy:
    """Start microsocks: SOCKS5 without UDP, on port 1080, or on 1081 with a password."""
    port = 1081 if password else 1080
    command = ["microsocks", "-i", address, "-p", str(port)]
    if password:
        command += ["-u", USER, "-P", PASSWORD]
    daemon = start(
        command, directory=directory, ready=[Ready(address=address, port=port)], name=f"microsocks-{port}"
    )
    return Proxy(
        daemon=daemon,
        address=address,
        port=port,
        name="microsocks.lab.example",
        user=USER if password else None,
        password=PASSWORD if password else None,
    )


def start_v2ray(directory: Path, *, address: str) -> Proxy:
    """Start the SOCKS inbound of v2ray: SOCKS4a and SOCKS5 with UDP ASSOCIATE, no password."""
    configuration = directory / "v2ray.json"
    settings = {
        "log": {"loglevel": "warning"},
        "inbounds": [
            {
                "listen": address,
                "port": 1080,
                "protocol": "socks",
                "settings": {"udp": True, "ip": address},
            }
        ],
        "outbounds": [{"protocol": "freedom"}],
    }
    configuration.write_text(json.dumps(settings), encoding="ascii")
    daemon = start(
        ["v2ray", "-config", str(configuration)],
        directory=directory,
        ready=[Ready(address=address, port=1080)],
    )
    return Proxy(daemon=daemon, address=address, port=1080, name="v2ray.lab.example")


_TINYPROXY: Final = """\
Port {port}
Listen {address}
Timeout 60
MaxClients 50
LogLevel Info
ConnectPort 443
ConnectPort 853
{authentication}
"""


def start_tinyproxy(directory: Path, *, address: str, password: bool) -> Proxy:
    """Start tinyproxy: HTTP CONNECT to ports 443 and 853, on port 8888, or on 8889 with a password."""
    port = 8889 if password else 8888
    configuration = directory / f"tinyproxy-{port}.conf"
    authentication = f"BasicAuth {USER} {PASSWORD}" if password else ""
    configuration.write_text(
        _TINYPROXY.format(port=port, address=address, authentication=authentication), encoding="ascii"
    )
    daemon = start(
        ["tinyproxy", "-d", "-c", str(configuration)],
        directory=directory,
        ready=[Ready(address=address, port=port)],
        name=f"tinyproxy-{port}",
    )
    return Proxy(
        daemon=daemon,
        address=address,
        port=port,
        name="tinyproxy.lab.example",
        user=USER if password else None,
        password=PASSWORD if password else None,
    )


_SQUID: Final = """\
http_port {address}:3128
https_port {address}:443 tls-cert={chain} tls-key={key}
acl all_clients src all
acl CONNECT method CONNECT
http_access allow all_clients
cache deny all
pid_filename {directory}/squid.pid
access_log none
cache_log {directory}/squid-cache.log
coredump_dir {directory}
netdb_filename none
dns_nameservers {resolver}
shutdown_lifetime 0 seconds
pinger_enable off
logfile_rotate 0
workers 1
memory_pools off
cache_mem 1 MB
max_filedescriptors 1024
"""


def start_squid(
    directory: Path, *, address: str, resolver: str, name: str, credentials: Credentials, ca_file: Path
) -> Proxy:
    """Start squid: HTTP CONNECT in clear on port 3128 and over TLS on port 443."""
    configuration = directory / "squid.conf"
    configuration.write_text(
        _SQUID.format(
            address=address,
            chain=credentials.chain,
            key=credentials.key,
            directory=directory,
            resolver=resolver,
        ),
        encoding="ascii",
    )
    daemon = start(
        ["squid", "-N", "-f", str(configuration)],
        directory=directory,
        ready=[Ready(address=address, port=3128), Ready(address=address, port=443)],
    )
    return Proxy(daemon=daemon, address=address, port=3128, name=name, tls_port=443, ca_file=ca_file)
