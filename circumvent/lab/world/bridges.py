"""Tor bridges by their own programs: tor, obfs4proxy before it, nginx before what disguises it.

One bridge without a network around it is enough: it makes and signs its own descriptor, and serves it. Its directory
authority does not exist, so that it contacts nobody. No embedded server stands in for these programs, so only the bridges
that a scenario tries are started (:func:`with_bridges`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from circumvent.lab.world.daemons import PROGRAMS, Command, find_program
from circumvent.lab.world.description import Bridge, Disguise, Silent
from circumvent.lab.world.disguises import MEEK_PORT, WEBTUNNEL_PORT, inner

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from circumvent.lab.world.daemons import Program
    from circumvent.lab.world.description import Server, World
    from circumvent.lab.world.prepare import Prepared

#: What tor says when it has signed its descriptor, which is after its ports are open; until then it has none to give.
_SIGNED: Final = "Rebuilding relay descriptor"

_TORRC: Final = """\
DataDirectory {folder}/data
Log info stdout
NumCPUs 1
SocksPort 0
{ports}
Address {address}
AssumeReachable 1
BridgeRelay 1
PublishServerDescriptor 0
BridgeDistribution none
ContactInfo laboratory@example.invalid
Nickname laboratory
DirAuthority nobody orport=5000 v3ident={nobody}1 192.0.2.60:7000 {nobody}2
ExitPolicy reject *:*
"""

_NGINX: Final = """\
daemon off;
master_process off;
user root;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_certificate {chain};
  ssl_certificate_key {key};
  server {{
{listen}
    server_name {name};
    location / {{ return 200 "a web site like any other\\n"; }}
    location = {path} {{
      proxy_pass http://{inner}:{webtunnel};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_buffering off;
    }}
  }}
  server {{
{listen}
    server_name {meek_host};
    location / {{
      proxy_pass http://{inner}:{meek};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      client_max_body_size 1m;
    }}
  }}
}}
"""


def with_bridges(world: World, names: Collection[str]) -> World:
    """Return a world in which the programs of these servers' bridges run; a web site brings its bridge along."""
    wanted = set(names)
    for server in world.servers:
        if server.name in wanted:
            wanted |= {service.bridge for service in server.services if isinstance(service, Disguise)}
    for server in world.servers:
        programs = _programs(server)
        if server.name in wanted and programs:
            world = world.with_server(msgspec.structs.replace(server, real=programs))
    return world


def lacking(world: World) -> tuple[Program, ...]:
    """Return the programs that the bridges of a world want and that are not installed."""
    wanted = {name for server in world.servers for name in server.real if name in BRIDGE_COMMANDS}
    return tuple(one for one in PROGRAMS if one.name in wanted and find_program(one.name) is None)


def _programs(server: Server) -> tuple[str, ...]:
    found: list[str] = []
    if any(isinstance(service, Bridge) for service in server.services):
        silent = any(isinstance(service, Silent) for service in server.services)
        found += ["obfs4proxy"] if silent else ["tor", "obfs4proxy"]
    if any(isinstance(service, Disguise) for service in server.services):
        found.append("nginx")
    return tuple(found)


def _tor(prepared: Prepared, server: Server, folder: Path) -> Command:
    bridge = _bridge(server)
    keys = folder / "data" / "keys"
    for one in (keys.parent, keys):
        one.mkdir(mode=0o700, exist_ok=True)
    _write(keys / "secret_id_key", prepared.bridges[server.name].identity)
    ports = [f"ORPort {_place(one, bridge.port)} IPv{6 if ':' in one else 4}Only" for one in server.addresses]
    text = _TORRC.format(folder=folder, ports="\n".join(ports), address=server.ipv4, nobody="0" * 39)
    return Command(
        words=("tor", "-f", _write(folder / "torrc", text)),
        folder=folder,
        ports=tuple((address, bridge.port) for address in server.addresses),
        says=_SIGNED,
    )


def _obfs4proxy(prepared: Prepared, server: Server, folder: Path) -> Command:
    """Start it as tor would (pt-spec, section 3.2), before the ORPort of the same host."""
    bridge, state = _bridge(server), folder / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    _write(state / "obfs4_state.json", prepared.bridges[server.name].obfs4_state)
    surroundings = {
        "TOR_PT_MANAGED_TRANSPORT_VER": "1",
        "TOR_PT_STATE_LOCATION": state,
        "TOR_PT_SERVER_TRANSPORTS": "obfs4",
        "TOR_PT_SERVER_BINDADDR": f"obfs4-{server.ipv4}:{bridge.obfs4_port}",
        "TOR_PT_SERVER_TRANSPORT_OPTIONS": "obfs4:iat-mode=0",
        "TOR_PT_ORPORT": f"{server.ipv4}:{bridge.port}",
    }
    return Command(
        words=("env", *(f"{name}={value}" for name, value in surroundings.items()), "obfs4proxy"),
        folder=folder,
        ports=((server.ipv4, bridge.obfs4_port),),
    )


def _nginx(prepared: Prepared, server: Server, folder: Path) -> Command:
    (disguise,) = (one for one in server.services if isinstance(one, Disguise))
    pair = prepared.pairs[server.name]
    text = _NGINX.format(
        folder=folder,
        listen="\n".join(f"    listen {_place(one, 443)} ssl http2;" for one in server.addresses),
        name=server.name,
        chain=pair.chain,
        key=pair.key,
        path=disguise.path,
        inner=inner(server),
        webtunnel=WEBTUNNEL_PORT,
        meek_host=disguise.meek_host,
        meek=MEEK_PORT,
    )
    path = _write(folder / "nginx.conf", text)
    return Command(
        words=("nginx", "-p", str(folder), "-c", path, "-e", "stderr"),
        folder=folder,
        ports=tuple((address, 443) for address in server.addresses),
    )


def _bridge(server: Server) -> Bridge:
    (bridge,) = (one for one in server.services if isinstance(one, Bridge))
    return bridge


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _write(path: Path, text: str) -> str:
    path.touch(mode=0o600)
    path.write_text(text, encoding="ascii")
    return str(path)


#: What starts each program.
BRIDGE_COMMANDS: Final = {"nginx": _nginx, "obfs4proxy": _obfs4proxy, "tor": _tor}
