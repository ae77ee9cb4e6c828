"""Where an OpenVPN profile connects to: ``remote``, ``<connection>``, ``proto``, proxies (``connection-profiles.rst``).

Outside of ``<connection>`` values are for all remotes, wherever they stand; a ``<connection>`` takes over those that stand
before it. Once there is one, remotes outside are passed over, as OpenVPN does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from circumvent.inputs.hosts import clean_host, parse_port
from circumvent.inputs.ovpn_lines import Directive, directives
from circumvent.inputs.problem import LineError
from circumvent.model.openvpn import Proxy, Remote
from circumvent.model.option import Endpoint
from circumvent.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

#: More servers than these are left out.
MOST: Final = 64
_PORT: Final = 1194
_PROTOS: Final = {
    name: transport
    for transport, names in {
        "udp": ("udp", "udp4", "udp6"),
        "tcp": ("tcp", "tcp4", "tcp6", "tcp-client", "tcp4-client", "tcp6-client"),
    }.items()
    for name in names
}


@dataclass(frozen=True, slots=True)
class _Values:
    """What holds for a connection unless it says otherwise."""

    transport: str = "udp"
    port: int = _PORT
    http: Proxy | None = None
    socks: Proxy | None = None
    exit_notify: bool = False
    fragment: bool = False


@dataclass(frozen=True, slots=True)
class _Named:
    """A ``remote`` as it was written."""

    host: str
    port: int | None
    transport: str | None


@dataclass
class Remotes:
    """Collects servers over a profile."""

    shuffled: bool = False
    _values: _Values = field(default_factory=_Values)
    _named: list[_Named] = field(default_factory=list)
    _connections: list[Remote] = field(default_factory=list)
    _account: tuple[Secret | None, Secret | None] = (None, None)

    def take(self, directive: Directive) -> bool:
        """Take in a directive, if it is one about connections; tell whether it is."""
        if directive.name == "remote-random":
            self.shuffled = True
        elif directive.name == "remote":
            if len(self._named) < MOST:
                self._named.append(_named(directive))
        elif directive.name == "connection" and directive.block is not None:
            if len(self._connections) < MOST:
                self._connections.append(self._connection(directive))
        elif directive.name == "http-proxy-user-pass" and directive.block is not None:
            user, _, password = directive.block.strip().partition("\n")
            self._account = Secret(user.strip()), Secret(password.strip())
        elif (read := _READERS.get(directive.name)) is not None:
            self._values = read(self._values, directive)
        else:
            return False
        return True

    def finish(self) -> tuple[Remote, ...]:
        """Return the servers in their order.

        :raises LineError: when there is none.
        """
        found = self._connections or [_remote(named, self._values) for named in self._named]
        if not found:
            raise LineError("this profile names no server (remote).")
        user, password = self._account
        if user is not None:
            found = [
                replace(one, proxy=replace(one.proxy, user=user, password=password))
                if one.proxy is not None and one.proxy.kind == "http-connect"
                else one
                for one in found
            ]
        return tuple(dict.fromkeys(found))

    def _connection(self, directive: Directive) -> Remote:
        values, named = self._values, None
        for inner in directives(directive.block or "", first=directive.line + 1):
            if inner.name == "remote":
                named = _named(inner)
            elif (read := _READERS.get(inner.name)) is not None:
                values = read(values, inner)
        if named is None:
            raise LineError("this <connection> names no server (remote).", where=directive.line)
        return _remote(named, values)


def _remote(named: _Named, values: _Values) -> Remote:
    transport = named.transport or values.transport
    port = values.port if named.port is None else named.port
    return Remote(
        endpoint=Endpoint(host=named.host, port=port),
        transport=transport,
        proxy=values.socks or (values.http if transport == "tcp" else None),
        exit_notify=values.exit_notify,
        fragment=values.fragment and transport == "udp",
    )


def _named(directive: Directive) -> _Named:
    host = _host(directive, directive.word())
    port = directive.word(1)
    proto = directive.word(2)
    return _Named(
        host,
        None if port is None else _port_number(directive, port),
        None if proto is None else _transport(directive, proto),
    )


def _host(directive: Directive, text: str | None) -> str:
    if not text:
        raise LineError("there is no server in this line.", where=directive.line)
    try:
        return clean_host(f"[{text}]" if ":" in text and not text.startswith("[") else text)
    except LineError as exc:
        raise LineError(
            "the server in this line is neither a host name nor an address.", where=directive.line
        ) from exc


def _port_number(directive: Directive, text: str) -> int:
    try:
        return parse_port(text)
    except LineError as exc:
        raise LineError(
            "the port in this line does not exist. Ports go from 1 to 65535.", where=directive.line
        ) from exc


def _transport(directive: Directive, text: str) -> str:
    transport = _PROTOS.get(text.lower())
    if transport is None:
        raise LineError(
            "the protocol in this line is neither UDP nor TCP as a client speaks it.", where=directive.line
        )
    return transport


def _proto(values: _Values, directive: Directive) -> _Values:
    return replace(values, transport=_transport(directive, directive.word() or ""))


def _port(values: _Values, directive: Directive) -> _Values:
    return replace(values, port=_port_number(directive, directive.word() or ""))


def _http_proxy(values: _Values, directive: Directive) -> _Values:
    port = _port_number(directive, directive.word(1) or "8080")
    return replace(
        values,
        http=Proxy(
            kind="http-connect", endpoint=Endpoint(host=_host(directive, directive.word()), port=port)
        ),
    )


def _socks_proxy(values: _Values, directive: Directive) -> _Values:
    port = _port_number(directive, directive.word(1) or "1080")
    return replace(
        values,
        socks=Proxy(kind="socks5", endpoint=Endpoint(host=_host(directive, directive.word()), port=port)),
    )


def _exit_notify(values: _Values, directive: Directive) -> _Values:
    return replace(values, exit_notify=directive.word() != "0")


def _fragment(values: _Values, directive: Directive) -> _Values:
    return replace(values, fragment=directive.word() != "0")


_READERS: Final[dict[str, Callable[[_Values, Directive], _Values]]] = {
    "proto": _proto,
    "port": _port,
    "rport": _port,
    "http-proxy": _http_proxy,
    "socks-proxy": _socks_proxy,
    "explicit-exit-notify": _exit_notify,
    "fragment": _fragment,
}
