"""Real daemons in the places of embedded servers: their configurations, and which services each takes over.

Only programs that can be told which resolver to ask, because ``/etc/resolv.conf`` belongs to the whole machine. What a
program does not speak the embedded server goes on serving on the same address: DNS over QUIC beside unbound and dnsdist.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from circumvent.lab.world.bridges import BRIDGE_COMMANDS
from circumvent.lab.world.crypt import provider_name
from circumvent.lab.world.daemons import Command, find_program
from circumvent.lab.world.description import (
    Character,
    Connect,
    Dnscrypt,
    Names,
    Server,
    Socks,
    Sort,
    Voice,
    Web,
    World,
)
from circumvent.lab.world.pages import TEXT
from circumvent.lab.world.prepare import zone_of

if TYPE_CHECKING:
    from circumvent.lab.world.description import Service
    from circumvent.lab.world.prepare import Prepared

#: Sizes in bytes of the files that caddy serves below ``/bytes/``.
SIZES: Final = (1024, 16384, 65536, 131072, 1048576)
#: Protocols of a resolver that a program takes over. (unbound opens UDP on the ports of DoT and DoH, too, where QUIC is.)
_PROTOCOLS: Final = {"unbound": ("udp", "tcp"), "dnsdist": ("dot", "doh")}
#: On so many servers a program stands in: a finding about a class of servers wants three places.
MOST_EACH: Final = 3
_SIGNED: Final = frozenset(
    {
        Character.HONEST,
        Character.HONEST_NSEC,
        Character.STRIPPING,
        Character.FOREIGN,
        Character.EXPIRED,
        Character.FUTURE,
        Character.LYING,
    }
)


def takes(program: str, service: Service) -> bool:
    """Tell whether a program can serve in the place of an embedded server."""
    match program, service:
        case "unbound" | "dnsdist", Names():
            return service.character in _SIGNED
        case ("turnserver", Voice()) | ("v2ray", Socks()) | ("dnsdist", Dnscrypt()):
            return True
        case "caddy", Web():
            return service.pages == "control" and not service.shut_out and service.http3
        case "squid", Connect():
            return service.password is None
        case _:
            return False


def rest(server: Server, service: Service) -> Service | None:
    """Return what the embedded server has to serve beside the daemons of its host; ``None``: nothing."""
    taking = [program for program in server.real if takes(program, service)]
    if isinstance(service, Names):
        taken = {protocol for program in taking for protocol in _PROTOCOLS[program]}
        left = tuple(one for one in service.protocols if one not in taken)
        return msgspec.structs.replace(service, protocols=left) if left else None
    return None if taking else service


def with_daemons(world: World, *, most: int = MOST_EACH) -> World:
    """Return a world in which installed programs serve what they can, each on ``most`` servers at most.

    Servers with something else odd about them stay as they are.
    """
    left = {name: most for name in COMMANDS if find_program(name) is not None}
    for server in world.servers:
        fitting = [
            name
            for name, number in left.items()
            if number
            and server.certificate is Sort.GOOD
            and any(takes(name, service) for service in server.services)
        ]
        for name in fitting:
            left[name] -= 1
        if fitting:
            world = world.with_server(msgspec.structs.replace(server, real=tuple(fitting)))
    return world


def commands(prepared: Prepared, server: Server) -> list[Command]:
    """Write the configurations of a server's daemons and return how they are started."""
    found = []
    for program in server.real:
        folder = Path(prepared.directory) / f"{server.name}.{program}"
        folder.mkdir(exist_ok=True)
        found.append((COMMANDS | BRIDGE_COMMANDS)[program](prepared, server, folder))
    return found


_UNBOUND: Final = """\
server:
  directory: "{folder}"
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  do-daemonize: no
  num-threads: 1
  incoming-num-tcp: 100
  identity: "{name}"
  nsid: "ascii_{name}"
{interfaces}
  access-control: 0.0.0.0/0 allow
  access-control: ::0/0 allow
  module-config: "iterator"
{lies}
auth-zone:
  name: "."
  zonefile: "{zone}"
  for-downstream: yes
  for-upstream: yes
  fallback-enabled: no
remote-control:
  control-enable: no
"""


def _unbound(prepared: Prepared, server: Server, folder: Path) -> Command:
    (names,) = (one for one in server.services if isinstance(one, Names))
    ports = [(address, 53) for address in server.addresses]
    lies = []
    if names.character is Character.LYING:
        for listed in names.listed:
            lies.append(f'  local-zone: "{listed}" redirect')
            lies += [f'  local-data: "{listed} 60 IN {_type(lie)} {lie}"' for lie in names.lies]
    text = _UNBOUND.format(
        folder=folder,
        name=server.name,
        interfaces="\n".join(f"  interface: {address}@{port}" for address, port in ports),
        lies="\n".join(lies),
        zone=prepared.zone(zone_of(names.character)),
    )
    path = _write(folder, "unbound.conf", text)
    return Command(words=("unbound", "-d", "-c", path), folder=folder, ports=tuple(ports))


def _type(address: str) -> str:
    return "AAAA" if ":" in address else "A"


_DNSDIST: Final = """\
setLocal('{address}:5353')
setACL({{'0.0.0.0/0', '::/0'}})
newServer('{upstream}:53')
"""
_DNSCRYPT: Final = """\
generateDNSCryptCertificate('{provider}', '{folder}/resolver.certificate', '{folder}/resolver.key', 1,
  os.time() - 3600, os.time() + 86400, DNSCryptExchangeVersion.VERSION{construction})
"""


def _dnsdist(prepared: Prepared, server: Server, folder: Path) -> Command:
    """Stand before the resolver of the same host, or as a DNSCrypt server before an honest one."""
    (service,) = (one for one in server.services if isinstance(one, Names | Dnscrypt))
    if isinstance(service, Dnscrypt):
        text, numbers = _dnscrypt(prepared, server, service, folder), [service.port]
    else:
        text, numbers = _encrypted(prepared, server, service), [853, 443]
    path = _write(folder, "dnsdist.conf", text)
    return Command(
        words=("dnsdist", "--supervised", "--disable-syslog", "-C", path),
        folder=folder,
        ports=tuple((address, number) for address in server.addresses for number in numbers),
    )


def _encrypted(prepared: Prepared, server: Server, names: Names) -> str:
    pair = prepared.pairs[server.name]
    text = _DNSDIST.format(address=server.ipv4, upstream=server.ipv4)
    for address in server.addresses:
        text += f"addTLSLocal('{_place(address, 853)}', '{pair.chain}', '{pair.key}')\n"
        text += f"addDOHLocal('{_place(address, 443)}', '{pair.chain}', '{pair.key}', '{names.path}')\n"
    return text


def _dnscrypt(prepared: Prepared, server: Server, dnscrypt: Dnscrypt, folder: Path) -> str:
    key = prepared.provider_key(server.name)
    provider = folder / "provider.key"
    provider.touch(mode=0o600)
    provider.write_bytes(key.private_bytes_raw() + key.public_key().public_bytes_raw())  # as libsodium has it
    text = _DNSDIST.format(address=server.ipv4, upstream=_honest(prepared.world))
    text += _DNSCRYPT.format(provider=provider, folder=folder, construction=max(dnscrypt.constructions))
    for address in server.addresses:
        text += f"addDNSCryptBind('{_place(address, dnscrypt.port)}', '{provider_name(server.name)}', "
        text += f"'{folder}/resolver.certificate', '{folder}/resolver.key')\n"
    return text


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


_TURNSERVER: Final = """\
listening-port={port}
tls-listening-port={tls_port}
cert={chain}
pkey={key}
realm={realm}
user={user}:{password}
lt-cred-mech
fingerprint
no-cli
relay-threads=1
pidfile={folder}/turnserver.pid
userdb={folder}/turnserver.db
log-file=stdout
"""


def _turnserver(prepared: Prepared, server: Server, folder: Path) -> Command:
    (voice,) = (one for one in server.services if isinstance(one, Voice))
    text = _TURNSERVER.format(
        port=voice.port,
        tls_port=voice.tls_port,
        chain=prepared.pairs[server.name].chain,
        key=prepared.pairs[server.name].key,
        realm=voice.realm,
        user=voice.user,
        password=voice.password,
        folder=folder,
    )
    for address in server.addresses:
        text += f"listening-ip={address}\nrelay-ip={address}\n"
    path = _write(folder, "turnserver.conf", text)
    ports = tuple((address, port) for address in server.addresses for port in (voice.port, voice.tls_port))
    return Command(words=("turnserver", "-c", path), folder=folder, ports=ports)


_CADDY: Final = """\
{{
  skip_install_trust
  admin off
  auto_https off
  servers {{
    protocols h1 h2 h3
  }}
}}
{sites} {{
  bind {binds}
  tls {chain} {key}
{pages}
}}
http:// {{
  bind {binds}
{pages}
}}
"""
_CADDY_PAGES: Final = """\
  respond / "{text}"
  respond /text "{text}"
  respond /status/204 204
  @nonce path_regexp nonce ^/nonce/(.+)$
  respond @nonce "{{re.nonce.1}}"
  @upload method POST
  respond @upload 200
  root * {folder}/site
  file_server
"""


def _caddy(prepared: Prepared, server: Server, folder: Path) -> Command:
    files = folder / "site" / "bytes"
    files.mkdir(parents=True, exist_ok=True)
    for size in SIZES:
        (files / str(size)).write_bytes(bytes(size))
    text = _CADDY.format(
        sites=", ".join(f"https://{name}" for name in server.names),
        binds=" ".join(server.addresses),
        chain=prepared.pairs[server.name].chain,
        key=prepared.pairs[server.name].key,
        pages=_CADDY_PAGES.format(text=TEXT.decode().strip(), folder=folder),
    )
    path = _write(folder, "Caddyfile", text)
    ports = tuple((address, port) for address in server.addresses for port in (443, 80))
    words = ("caddy", "run", "--config", path, "--adapter", "caddyfile")
    return Command(words=words, folder=folder, ports=ports)


_SQUID: Final = """\
acl all_clients src all
acl CONNECT method CONNECT
http_access allow all_clients
cache deny all
pid_filename {folder}/squid.pid
access_log none
cache_log {folder}/cache.log
coredump_dir {folder}
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


def _squid(prepared: Prepared, server: Server, folder: Path) -> Command:
    pair = prepared.pairs[server.name]
    text, ports = _SQUID.format(folder=folder, resolver=_honest(prepared.world)), []
    for connect in server.services:
        if isinstance(connect, Connect) and takes("squid", connect):
            for address in server.addresses:
                tls = f" tls-cert={pair.chain} tls-key={pair.key}" if connect.tls else ""
                text += f"http{'s' if connect.tls else ''}_port {_place(address, connect.port)}{tls}\n"
                ports.append((address, connect.port))
    path = _write(folder, "squid.conf", text)
    return Command(words=("squid", "-N", "-f", path), folder=folder, ports=tuple(ports))


def _v2ray(prepared: Prepared, server: Server, folder: Path) -> Command:
    (socks,) = (one for one in server.services if isinstance(one, Socks))
    account = (
        {"auth": "noauth"}
        if socks.password is None
        else {"auth": "password", "accounts": [{"user": socks.user, "pass": socks.password}]}
    )
    settings = {
        "log": {"loglevel": "warning"},
        "dns": {"servers": [_honest(prepared.world)]},
        "inbounds": [
            {
                "listen": address,
                "port": socks.port,
                "protocol": "socks",
                "settings": {**account, "udp": socks.udp, "ip": address},
            }
            for address in server.addresses
        ],
        "outbounds": [{"protocol": "freedom", "settings": {"domainStrategy": "UseIP"}}],
    }
    path = _write(folder, "v2ray.json", json.dumps(settings))
    ports = tuple((address, socks.port) for address in server.addresses)
    return Command(words=("v2ray", "-config", path), folder=folder, ports=ports)


def _honest(world: World) -> str:
    """Return the address of a resolver that tells the truth."""
    return next(
        server.ipv4
        for server, names in world.serving(Names)
        if isinstance(names, Names) and names.character is Character.HONEST
    )


def _write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(text, encoding="ascii")
    return str(path)


#: What starts each program.
COMMANDS: Final = {
    "caddy": _caddy,
    "dnsdist": _dnsdist,
    "squid": _squid,
    "turnserver": _turnserver,
    "unbound": _unbound,
    "v2ray": _v2ray,
}
