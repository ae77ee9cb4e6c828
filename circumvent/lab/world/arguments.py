"""What a check has to be told about a world: options, anchors, controls, roots, all as files and keywords."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from circumvent.lab.world import openvpn
from circumvent.lab.world.crypt import provider_name
from circumvent.lab.world.description import (
    Bridge,
    Character,
    Connect,
    Disguise,
    Dnscrypt,
    DnscryptRelay,
    Half,
    Names,
    Odoh,
    Openvpn,
    Socks,
    Sort,
    Voice,
    Web,
    Wireguard,
)
from circumvent.lab.world.oblivious import PROXY_PATH, QUERY_PATH
from circumvent.lab.world.standard import CONTROL_NAME, SITES
from circumvent.lab.world.wireguard import CLIENT, INSIDE
from circumvent.vpn.wireguard.handshake import public_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from circumvent.lab.world.description import Server, World
    from circumvent.lab.world.prepare import Prepared

    Row = dict[str, Any]

#: Protocols of a resolver, and the kinds of option that use them.
_NAME_KINDS: Final = {
    "udp": "dns-udp", "tcp": "dns-tcp", "dot": "dot", "doh": "doh", "doh3": "doh3", "doq": "doq",
}  # fmt: skip
_HONEST: Final = (Character.HONEST, Character.HONEST_NSEC)
#: How many controls a check is given: each of another operator.
CONTROLS: Final = 2


def options(prepared: Prepared, *, kinds: Sequence[str] = (), everything: bool = False) -> str:
    """Return ``[[option]]`` tables for every service of a world that a check can try.

    ``kinds`` leaves other kinds out. Odd resolvers, bad certificates, geo-fences profiles of VPNs and Tor bridges are left
    out unless ``everything`` is set. Labels are ``KIND SERVER`` and what tells services of one server apart: a scenario says
    by them what the truth is.
    """
    rows = [
        row
        for server in prepared.world.servers
        if everything or _plain(server)
        for service in server.services
        for row in _rows(prepared, server, service)
        if not kinds or row["kind"] in kinds
    ]
    return "".join(_table("option", row) for row in rows)


def anchors(world: World) -> str:
    """Return ``[[anchor]]`` tables: every server that is an anchor of its class."""
    return "".join(
        _table(
            "anchor",
            {
                "host": server.name,
                "address": list(server.addresses),
                "network": server.network,
                "class": server.anchor,
                "domestic": world.half(server) is Half.DOMESTIC,
            },
        )
        for server in world.servers
        if server.anchor is not None
    )


def controls(world: World) -> list[str]:
    """Return what ``--control`` takes, once for each of :data:`CONTROLS` operators abroad."""
    found: dict[str, str] = {}
    for server, _ in world.serving(Web, Half.FOREIGN):
        if server.name.startswith("control."):
            found.setdefault(server.network, f"https://{server.name}/nonce/{{nonce}}")
    return list(found.values())[:CONTROLS]


def bulk(world: World) -> str:
    """Return what ``--bulk`` takes: the first control server abroad."""
    return controls(world)[0].replace("/nonce/{nonce}", "/bytes/{bytes}")


def dns_controls(world: World, sites: Sequence[str] = SITES) -> list[str]:
    """Return what ``--dns-control`` takes: a name that nobody touches, and ``sites``."""
    return [f"{name}={','.join(world.server(name).addresses)}" for name in (CONTROL_NAME, *sites)]


def write_files(prepared: Prepared, directory: Path | None = None) -> dict[str, Any]:
    """Write options and anchors, and return the keywords of a check of this world.

    ``named`` are its options; ``ca``, ``trust_anchor``, ``resolver`` and the rest are as the command line has them.
    """
    folder = Path(prepared.directory) if directory is None else directory
    option_file, anchor_file = folder / "options.toml", folder / "anchors.toml"
    option_file.write_text(options(prepared), encoding="utf-8")
    option_file.chmod(0o600)
    anchor_file.write_text(anchors(prepared.world), encoding="utf-8")
    return {
        "named": [str(option_file)],
        "control": controls(prepared.world),
        "bulk": bulk(prepared.world),
        "anchors": str(anchor_file),
        "ca": [prepared.ca],
        "trust_anchor": prepared.anchor,
        "dns_control": dns_controls(prepared.world),
        "resolver": prepared.world.server(prepared.world.resolver).ipv4,
    }


def as_words(keywords: dict[str, Any]) -> list[str]:
    """Return the words of a command line for the keywords of :func:`write_files`."""
    words = [str(name) for name in keywords.get("named", ())]
    for name, value in keywords.items():
        if name != "named":
            for one in value if isinstance(value, list) else [value]:
                words += [f"--{name.replace('_', '-')}", str(one)]
    return words


def _plain(server: Server) -> bool:
    """Tell whether nothing about a server is odd by design, and it is nobody's own VPN or bridge."""
    return server.certificate is Sort.GOOD and not any(
        isinstance(service, Wireguard | Openvpn | Bridge | Disguise)
        or (isinstance(service, Names) and service.character not in _HONEST)
        or (isinstance(service, Web) and (service.shut_out or service.pages != "control"))
        for service in server.services
    )


def _rows(prepared: Prepared, server: Server, service: object) -> Iterator[Row]:
    match service:
        case Names():
            yield from _resolver(server, service)
        case Dnscrypt():
            yield from _dnscrypt(prepared, server, service)
        case Odoh(role="target"):
            yield from _odoh(prepared.world, server)
        case Web():
            yield _row(server, "https", url=f"https://{server.name}/nonce/{{nonce}}")
            if service.http3:
                yield _row(server, "h3", url=f"https://{server.name}/nonce/{{nonce}}")
        case Socks() | Connect():
            yield from _proxy(server, service)
        case Voice():
            yield from _voice(server, service)
        case Wireguard() | Openvpn() | Bridge() | Disguise():
            yield from _own(prepared, server, service)


def _own(
    prepared: Prepared, server: Server, service: Wireguard | Openvpn | Bridge | Disguise
) -> Iterator[Row]:
    """Yield what is somebody's own: profiles and bridge lines."""
    match service:
        case Wireguard():
            yield _wireguard(prepared, server, service)
        case Openvpn():
            yield _openvpn(prepared, server, service)
        case Bridge():
            yield from _bridge(prepared, server, service)
        case Disguise():
            yield from _disguised(prepared, server, service)


def _proxy(server: Server, service: Socks | Connect) -> Iterator[Row]:
    if isinstance(service, Connect):
        note = "tls" if service.tls else ""
        yield _row(server, "http-connect", note=note, port=service.port, tls=service.tls, **_account(service))
        return
    yield _row(server, "socks5", port=service.port, **_account(service))
    if service.password is None:
        yield _row(server, "socks4a", port=service.port)


def _resolver(server: Server, names: Names) -> Iterator[Row]:
    for protocol in names.protocols:
        kind = _NAME_KINDS[protocol]
        url = {"url": f"https://{server.name}{names.path}"} if protocol in ("doh", "doh3") else {}
        yield _row(server, kind, **url)


def _dnscrypt(prepared: Prepared, server: Server, dnscrypt: Dnscrypt) -> Iterator[Row]:
    row = _row(
        server,
        "dnscrypt",
        host=server.ipv4,
        port=dnscrypt.port,
        provider=provider_name(server.name),
        public_key=prepared.providers[server.name],
    )
    del row["address"]
    yield row
    for relay, service in prepared.world.serving(DnscryptRelay):
        if isinstance(service, DnscryptRelay):
            through = {"label": f"{row['label']} by {relay.name}", "relay": f"{relay.ipv4}:{service.port}"}
            yield {**row, **through}
            break


def _odoh(world: World, server: Server) -> Iterator[Row]:
    url = f"https://{server.name}{QUERY_PATH}"
    yield _row(server, "odoh", url=url)
    for relay, service in world.serving(Odoh):
        if isinstance(service, Odoh) and service.role == "relay":
            by = f"https://{relay.name}{PROXY_PATH}"
            row = _row(server, "odoh", note=f"by {relay.name}", url=url, relay=by)
            yield {**row, "address": list(relay.addresses)}  # the relay is what is dialled
            break


def _voice(server: Server, voice: Voice) -> Iterator[Row]:
    for transport in ("udp", "tcp", "tls"):
        port = voice.tls_port if transport == "tls" else voice.port
        for kind in ("stun", "turn"):
            row = _row(server, kind, note=transport, port=port, transport=transport)
            yield row | ({"user": voice.user, "password": voice.password} if kind == "turn" else {})


def _wireguard(prepared: Prepared, server: Server, service: Wireguard) -> Row:
    keys = prepared.tunnels[server.name]
    return {
        "kind": "wireguard",
        "label": f"wireguard {server.name}",
        "endpoint": f"{server.ipv4}:{service.port}",
        "private_key": _base64(bytes.fromhex(keys.client)),
        "public_key": _base64(public_key(bytes.fromhex(keys.server))),
        "addresses": list(CLIENT),
        "dns": list(INSIDE),
    }


def _openvpn(prepared: Prepared, server: Server, service: Openvpn) -> Row:
    lines = [
        "client",
        "dev tun",
        f"remote {server.ipv4} {service.port} udp",
        "auth-user-pass",
        f"verify-x509-name {server.name} name",
        "remote-cert-tls server",
        f"data-ciphers {openvpn.CIPHER}",
        "<ca>",
        Path(prepared.ca).read_text("ascii").strip(),
        "</ca>",
    ]
    return {
        "kind": "openvpn",
        "label": f"openvpn {server.name}",
        "profile": "\n".join(lines) + "\n",
        "user": openvpn.USER,
        "password": openvpn.PASSWORD,
    }


def _bridge(prepared: Prepared, server: Server, bridge: Bridge) -> Iterator[Row]:
    """Yield the lines of a bridge, as its users were told them."""
    keys = prepared.bridges[server.name]
    fingerprint = keys.another_fingerprint if bridge.told == "another-fingerprint" else keys.fingerprint
    cert = keys.another_cert if bridge.told == "another-cert" else keys.cert
    place = f"{server.ipv4}:{bridge.obfs4_port} {fingerprint}"
    yield _line(server, "tor", f"{server.ipv4}:{bridge.port} {fingerprint}")
    yield _line(server, "obfs4", f"obfs4 {place} cert={cert} iat-mode=0")


def _disguised(prepared: Prepared, server: Server, disguise: Disguise) -> Iterator[Row]:
    """Yield the lines of a bridge behind a web site; their addresses mean nothing."""
    fingerprint = prepared.bridges[disguise.bridge].fingerprint
    url = f"https://{server.name}{disguise.path}"
    yield _line(
        server, "webtunnel", f"webtunnel 192.0.2.3:1 {fingerprint} url={url} ver=0.0.3 addr={server.ipv4}:443"
    )
    hidden = f"url=https://{disguise.meek_host}/ front={server.name}"
    yield _line(server, "meek", f"meek_lite 192.0.2.20:80 {fingerprint} {hidden}")


def _line(server: Server, kind: str, line: str) -> Row:
    return {"kind": kind, "label": f"{kind} {server.name}", "line": line}


def _base64(key: bytes) -> str:
    return base64.b64encode(key).decode("ascii")


def _row(server: Server, kind: str, *, note: str = "", **fields: Any) -> Row:
    row: Row = {"kind": kind, "label": f"{kind} {server.name} {note}".rstrip()}
    if "url" not in fields and "host" not in fields:
        row["host"] = server.name
    row["address"] = list(server.addresses)
    return row | {name: value for name, value in fields.items() if value is not None}


def _account(service: Socks | Connect) -> Row:
    return {} if service.password is None else {"user": service.user, "password": service.password}


def _table(name: str, row: Row) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in row.items()]
    return "\n".join([f"[[{name}]]", *lines, "", ""])


def _value(value: Any) -> str:
    """Write a value as TOML, which takes JSON's strings, lists, numbers and booleans (only ASCII stands here)."""
    return json.dumps(value)
