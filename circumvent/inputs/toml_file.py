"""The project's own format: TOML with one ``[[option]]`` table for each option.

Fields are those of ``docs/inputs``. A field that is unknown, or that the kind has no use for, is an error with its
line: a mistyped ``passwort`` must not become a proxy without one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from circumvent.inputs.bridge_lines import parse_bridge
from circumvent.inputs.dns_links import USUAL_PATH, from_stamp, web_url
from circumvent.inputs.draft import clean_label, draft
from circumvent.inputs.hosts import clean_host, parse_port
from circumvent.inputs.ikev2_fields import ikev2_settings
from circumvent.inputs.ovpn import ovpn_of_table
from circumvent.inputs.problem import LineError
from circumvent.inputs.suggest import suggest
from circumvent.inputs.toml_fields import ALL_FIELDS, FIELDS, Fields
from circumvent.inputs.toml_lines import Table, TomlError, load, tables
from circumvent.inputs.unsupported import KINDS_TO_COME
from circumvent.inputs.uri import split_link
from circumvent.inputs.vpn_fields import openconnect_settings, sstp_settings
from circumvent.inputs.wireguard import wireguard_of_table
from circumvent.model.kinds import KINDS
from circumvent.model.l2tp import L2tpSettings
from circumvent.model.option import (
    DnscryptSettings,
    Endpoint,
    OdohSettings,
    ProxySettings,
    VoiceSettings,
    WebSettings,
    is_address,
)
from circumvent.model.secret import Secret
from circumvent.names.stamps import StampError, StampKind, parse_stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from circumvent.model.option import Option, Settings

_IS_TOML: Final = re.compile(r"^\s*\[\[\s*option\s*\]\]", re.MULTILINE)
_IS_ANCHORS: Final = re.compile(r"^\s*\[\[\s*anchor\s*\]\]", re.MULTILINE)
#: A certificate file named by ``ca`` may have this many bytes.
_LONGEST_CA: Final = 1024 * 1024
_CERTIFICATE: Final = "-----BEGIN CERTIFICATE-----"
_ALL_KINDS: Final = "All kinds: circumvent list --kinds"


def is_toml(name: str, text: str) -> bool:
    """Tell whether a file is in this format, by its content or its ending."""
    return name.lower().endswith(".toml") or _IS_TOML.search(text) is not None


#: What a table gave: its line, and the option with the label of the one that carries it, or what is wrong.
Outcome = tuple[int, "tuple[Option, str | None] | LineError"]


def read_toml(text: str, *, folder: Path) -> Iterator[Outcome]:
    """Read each ``[[option]]``; files named in it are looked for in ``folder``.

    :raises TomlError: when the file is no TOML or holds something else than options.
    """
    document = load(text)
    rows = document.pop("option", None)
    if document:
        raise TomlError(_stray(document), _line_of(text, next(iter(document))))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TomlError("there is no [[option]] table in this file.", None)
    places = tables(text, "option")
    if len(places) != len(rows):  # written inline: option = [{...}, ...]
        places = [Table(_line_of(text, "option") or 1)] * len(rows)
    return _outcomes(rows, places, folder)


def _outcomes(rows: list[dict[str, Any]], places: list[Table], folder: Path) -> Iterator[Outcome]:
    for row, place in zip(rows, places, strict=True):
        try:
            yield place.line, _option(Fields(row, place.keys), folder)
        except LineError as exc:
            yield exc.where or place.line, exc


def _stray(document: dict[str, Any]) -> str:
    if "anchor" in document:
        return "this file holds anchors. Give it with --anchors."
    return "only [[option]] tables stand in this file. A field may have slipped out of its table."


def _line_of(text: str, key: str) -> int | None:
    pattern = re.compile(rf"""\s*(?:\[+\s*)?["']?{re.escape(key)}["']?\s*[\].=]""")
    return next((number for number, line in enumerate(text.split("\n"), 1) if pattern.match(line)), None)


def _option(fields: Fields, folder: Path) -> tuple[Option, str | None]:
    kind = fields.text("kind")
    if kind is None:
        raise LineError('this table has no kind. Add one, as in kind = "socks5".', label=fields.label)
    _check_kind(kind, fields)
    _check_names(kind, fields)
    label = clean_label(fields.text("label") or "")
    if kind == "openvpn":
        option = ovpn_of_table(fields, folder)
        account = {"user": _secret(fields, "user"), "password": _secret(fields, "password")}
        return fields.replaced(option, {"label": label or option.label, **account}), fields.text("via")
    if kind in {"wireguard", "amneziawg"}:
        option = wireguard_of_table(fields)
        return fields.replaced(option, {"label": label or option.label}), fields.text("via")
    option = (
        _by_stamp(fields, kind)
        if fields.has("stamp")
        else _by_line(fields, kind)
        if "line" in FIELDS[kind]
        else _by_fields(fields, kind)
    )
    extra: dict[str, Any] = {
        "settings": ikev2_settings(fields, folder) if kind == "ikev2" else None,
        "label": label or option.label,
        "sni": fields.text("sni", empty=True),
        "alpn": fields.texts("alpn"),
        "ca": _certificate(fields, folder),
        "user": _secret(fields, "user"),
        "password": _secret(fields, "password"),
    }
    return fields.replaced(option, extra), fields.text("via")


def _check_kind(kind: str, fields: Fields) -> None:
    if kind in KINDS:
        return
    if kind in KINDS_TO_COME:
        raise fields.error("kind", "options of this kind are not supported by this version.")
    meant = suggest(kind, KINDS)
    hint = f" Did you mean {meant}?" if meant else ""
    raise fields.error(
        "kind", f"there is no such kind.{hint} {_ALL_KINDS}", f"there is no such kind. {_ALL_KINDS}"
    )


def _check_names(kind: str, fields: Fields) -> None:
    allowed = FIELDS[kind]
    for name in fields.names():
        if name in allowed:
            continue
        if name in ALL_FIELDS:
            raise fields.error(
                name,
                f"options of kind {kind} have no such field. Leave it out.",
                "options of this kind have no such field. Leave it out.",
            )
        meant = suggest(name, allowed)
        plain = "there is no such field. The fields are listed in the documentation, under Inputs."
        raise fields.error(
            name, f'there is no such field. Did you mean "{meant}"?' if meant else plain, plain
        )


def _by_stamp(fields: Fields, kind: str) -> Option:
    for name in ("host", "port", "address", "url", "public_key", "provider"):
        if fields.has(name):
            raise fields.error(name, "the stamp already says this. Leave one of the two out.")
    stamp = fields.checked("stamp", parse_stamp, StampError)
    if fields.has("relay"):
        relay = fields.checked("relay", parse_stamp, StampError)
        text = f"sdns://{relay_text(fields.text('relay'))}/{relay_text(fields.text('stamp'))}"
        del relay
        stamp = fields.checked("relay", lambda _: parse_stamp(text), StampError)
    option = fields.checked("stamp", lambda _: from_stamp(stamp), LineError)
    wanted = {kind, "doh"} if kind == "doh3" else {kind, "dns-udp"} if kind == "dns-tcp" else {kind}
    if option.kind not in wanted:
        raise fields.error("stamp", "the stamp is for another kind of resolver than this table says.")
    return fields.replaced(option, {"kind": kind})


def _by_line(fields: Fields, kind: str) -> Option:
    if not fields.has("line"):
        raise LineError(
            'this table has no line. Add the bridge as you got it: line = "…".', label=fields.label
        )
    option = fields.checked("line", parse_bridge, LineError)
    if option.kind != kind:
        raise fields.error("line", "the line is that of another kind of bridge than this table says.")
    return option


def relay_text(stamp: str | None) -> str:
    """Return a stamp without its scheme."""
    return (stamp or "").strip().partition(":")[2].removeprefix("//")


def _by_fields(fields: Fields, kind: str) -> Option:
    addresses = tuple(fields.checked_each("address", clean_host))
    for address in addresses:
        if not is_address(address):
            raise fields.error("address", "only IP addresses stand here. A name belongs into host.")
    if kind in ("doh", "doh3", "odoh", "https", "h3"):
        return _web(fields, kind, addresses)
    host = fields.checked("host", _host, LineError) if fields.has("host") else next(iter(addresses), None)
    if host is None:
        raise LineError("this table has no host. Add the server's name or address.", label=fields.label)
    settings = _settings(fields, kind)
    port = _port(fields, _usual_port(kind, settings))
    return draft(
        kind, host=host, port=port, addresses=() if is_address(host) else addresses, settings=settings
    )


def _usual_port(kind: str, settings: Settings) -> int:
    if isinstance(settings, VoiceSettings) and settings.transport == "tls":
        return 5349
    if isinstance(settings, L2tpSettings) and not settings.ipsec:
        return 1701
    return KINDS[kind].port


def _host(text: str) -> str:
    return clean_host(f"[{text}]" if ":" in text and not text.startswith("[") else text)


def _port(fields: Fields, default: int) -> int:
    number = fields.number("port")
    if number is None:
        return default
    try:
        return parse_port(str(number))
    except LineError as exc:
        raise fields.error("port", exc.sentence) from exc


def _web(fields: Fields, kind: str, addresses: tuple[str, ...]) -> Option:
    """Options whose place is a URL. DNS over HTTPS may be given by its host alone."""
    if fields.has("url"):
        if fields.has("host") or fields.has("port"):
            raise fields.error("url", "host and port are part of the url already. Leave one of the two out.")
        host, port, url = fields.checked("url", _web_url, LineError)
    elif fields.has("host"):
        host = fields.checked("host", _host, LineError)
        port = _port(fields, 443)
        url = web_url(host, port, "/" if kind in ("https", "h3") else USUAL_PATH)
    else:
        raise LineError('this table has no url. Add one, as in url = "https://…".', label=fields.label)
    literal = is_address(host)
    if kind != "odoh":
        method = (fields.text("method") or "POST").upper()
        if method not in ("GET", "POST"):
            raise fields.error("method", "this must be GET or POST.")
        settings: Settings = WebSettings(url=url, method="GET" if kind in ("https", "h3") else method)
        return draft(kind, host=host, port=port, addresses=() if literal else addresses, settings=settings)
    relay = fields.checked("relay", _web_url, LineError) if fields.has("relay") else None
    if relay is not None:
        host, port, literal = relay[0], relay[1], is_address(relay[0])
    settings = OdohSettings(url=url, relay=relay[2] if relay else None)
    return draft(kind, host=host, port=port, addresses=() if literal else addresses, settings=settings)


def _web_url(text: str) -> tuple[str, int, str]:
    link = split_link(text)
    if link.scheme not in ("https", "h3") or link.userinfo is not None:
        raise LineError("a url here begins with https:// and has no user name in it.")
    host, port = link.host, link.port(443)
    return host, port, web_url(host, port, (link.path or "/") + (f"?{link.query}" if link.query else ""))


def _settings(fields: Fields, kind: str) -> Settings:
    if kind == "http-connect":
        return ProxySettings(tls=bool(fields.flag("tls")))
    if kind in ("stun", "turn"):
        transport = fields.text("transport") or ("tls" if fields.flag("tls") else "udp")
        if transport not in ("udp", "tcp", "tls"):
            raise fields.error("transport", "this must be udp, tcp or tls.")
        return VoiceSettings(transport=transport)
    if kind == "openconnect":
        return openconnect_settings(fields)
    if kind == "sstp":
        return sstp_settings(fields)
    if kind == "l2tp":
        return L2tpSettings(ipsec=fields.flag("ipsec") is not False)
    return _dnscrypt(fields) if kind == "dnscrypt" else None


def _dnscrypt(fields: Fields) -> DnscryptSettings:
    provider, key = fields.text("provider"), fields.text("public_key")
    if provider is None or key is None:
        raise LineError("a dnscrypt table needs a stamp, or provider and public_key.", label=fields.label)
    try:
        public_key = bytes.fromhex(key.replace(":", ""))
    except ValueError:
        public_key = b""
    if len(public_key) != 32:
        raise fields.error("public_key", "the public key has 64 hexadecimal digits.")
    relay = fields.checked("relay", _relay, (LineError, StampError)) if fields.has("relay") else None
    return DnscryptSettings(provider=provider, public_key=public_key, relay=relay)


def _relay(text: str) -> Endpoint:
    """Read a DNSCrypt relay: its stamp, or an address with an optional port."""
    if text.startswith("sdns:"):
        stamp = parse_stamp(text)
        if stamp.kind is not StampKind.DNSCRYPT_RELAY:
            raise LineError("this stamp is not that of a DNSCrypt relay.")
        return Endpoint(host=stamp.address, port=stamp.port)
    link = split_link(f"tcp://{f'[{text}]' if text.count(':') > 1 and text[:1] != '[' else text}")
    return Endpoint(host=link.host, port=link.port(443))


def _secret(fields: Fields, name: str) -> Secret | None:
    value = fields.text(name, empty=True)
    return None if value is None else Secret(value)


def _certificate(fields: Fields, folder: Path) -> str | None:
    """Return the PEM text of ``ca``, which is the text itself or the name of a file."""
    value = fields.text("ca")
    if value is None or _CERTIFICATE in value:
        return value
    try:
        with (folder / value).open("rb") as file:
            text = file.read(_LONGEST_CA + 1).decode("ascii", "replace")
    except (OSError, ValueError) as exc:
        raise fields.error("ca", "the certificate file that ca names can't be read.") from exc
    if _CERTIFICATE not in text or len(text) > _LONGEST_CA:
        raise fields.error("ca", "the file that ca names holds no certificate in PEM form.")
    return text
