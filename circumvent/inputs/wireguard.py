"""WireGuard and AmneziaWG: files of wg-quick (``.conf``), and links that hold the same.

``PreUp``, ``PostUp``, ``PreDown`` and ``PostDown`` are passed over, never run. A file with several peers is one option
each. Of names that are not known nothing is said: clients write what they like into these files.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from circumvent.inputs.draft import clean_label
from circumvent.inputs.hosts import clean_host
from circumvent.inputs.problem import LineError
from circumvent.inputs.uri import percent_decode
from circumvent.inputs.wireguard_fields import AMNEZIA, LATER, Value, wireguard_option
from circumvent.model.option import is_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.inputs.toml_fields import Fields
    from circumvent.inputs.uri import Link
    from circumvent.model.option import Option

MOST_LINES: Final = 4096
MOST_PEERS: Final = 64
LONGEST_LINE: Final = 32_768

_INTERFACE: Final = re.compile(r"^\s*\[\s*Interface\s*\]\s*(?:[#;].*)?$", re.IGNORECASE | re.MULTILINE)
_SECTION: Final = re.compile(r"\[\s*([A-Za-z]+)\s*\]")
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
#: Fields that may stand in several lines.
_LISTS: Final = frozenset({"address", "dns", "allowedips"})
#: What links call the fields.
_ALIASES: Final = {
    "publickey": "publickey", "peerpublickey": "publickey", "peer_public_key": "publickey", "public_key": "publickey",
    "pk": "publickey", "presharedkey": "presharedkey", "preshared_key": "presharedkey", "pre_shared_key": "presharedkey",
    "psk": "presharedkey", "privatekey": "privatekey", "private_key": "privatekey", "secretkey": "privatekey",
    "address": "address", "addresses": "address", "ip": "address", "local_address": "address", "dns": "dns",
    "mtu": "mtu", "reserved": "reserved", "keepalive": "persistentkeepalive",
    "persistentkeepalive": "persistentkeepalive", "persistent_keepalive": "persistentkeepalive",
}  # fmt: skip

_OF_EVERY_TABLE: Final = frozenset({"kind", "label", "via", "host", "port", "address"})

#: What a section gave: its line, and an option or what is wrong.
Outcome = tuple[int, "Option | LineError"]


def is_wireguard(text: str) -> bool:
    """Tell whether a file is one of wg-quick or AmneziaWG."""
    return _INTERFACE.search(text) is not None


def read_wireguard(text: str) -> Iterator[Outcome]:
    """Read a file: one option for each ``[Peer]``."""
    try:
        interface, peers = _sections(text)
    except LineError as exc:
        yield exc.where or 1, exc
        return
    if not peers:
        yield 1, LineError("there is no [Peer] in this file. It may have been cut when it was copied.")
    for line, peer in peers:
        try:
            yield line, wireguard_option({**interface, **peer})
        except LineError as exc:
            yield exc.where or line, exc


def _sections(text: str) -> tuple[dict[str, Value], list[tuple[int, dict[str, Value]]]]:
    interface: dict[str, Value] = {}
    peers: list[tuple[int, dict[str, Value]]] = []
    section: dict[str, Value] | None = None
    for number, raw in enumerate(_LINE_END.split(text), start=1):
        if number > MOST_LINES or len(raw) > LONGEST_LINE:
            raise LineError("this file is longer than any profile is.", where=number)
        line = raw.strip().removeprefix("\ufeff")
        if not line or line[0] in "#;":
            continue
        if (match := _SECTION.match(line)) is not None:
            word = match[1].lower()
            if word == "peer" and len(peers) >= MOST_PEERS:
                raise LineError(f"this file has more than {MOST_PEERS} peers.", where=number)
            section = interface if word == "interface" else {} if word != "peer" else None
            if section is None:
                section = {}
                peers.append((number, section))
            continue
        name, equals, value = line.partition("=")
        if not equals or section is None:
            raise LineError(
                "this line is no field of a profile, such as Address = 10.0.0.2/32.", where=number
            )
        _put(section, name.strip().lower(), Value(_uncommented(value), number))
    return interface, peers


def _uncommented(value: str) -> str:
    """Cut a comment behind a value; a signature packet has no # in it either."""
    return value.partition("#")[0].strip()


def _put(section: dict[str, Value], name: str, value: Value) -> None:
    before = section.get(name)
    if before is None or not before.text:
        section[name] = value
    elif name in _LISTS:
        section[name] = Value(f"{before.text},{value.text}", before.line)
    else:
        section[name] = value  # as wg does: the last one counts


def parse_wireguard(link: Link) -> Option:
    """Read ``wireguard://``, ``wg://`` and ``awg://``: a private key, a peer, and fields as parameters; or a whole file.

    :raises LineError: when a part does not fit.
    """
    if link.userinfo is None and link.query is None:
        return _whole_file(link)
    values: dict[str, Value] = {}
    for name, text in link.parameters().items():
        known = _ALIASES.get(name, name)
        if known in _ALIASES.values() or known in AMNEZIA | LATER:
            values.setdefault(known, Value(text.strip()))
    account = link.user_and_password
    if account is not None:
        values["privatekey"] = Value(account[0])
    host, port = link.host, link.port(51820)
    values["endpoint"] = Value(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    return wireguard_option(values, label=link.label)


def wireguard_of_table(fields: Fields) -> Option:
    """Read the fields of a TOML table of kind ``wireguard`` or ``amneziawg``.

    :raises LineError: with the line of the field that can't be used.
    """
    names = [name for name in fields.names() if name not in _OF_EVERY_TABLE]
    values = {
        _ALIASES.get(name, name): Value(fields.written(name).strip(), place)
        for place, name in enumerate(names)
    }
    if not fields.has("endpoint") and fields.has("host"):
        host, port = fields.written("host"), fields.written("port") or "51820"
        values["endpoint"] = Value(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    addresses = tuple(fields.checked_each("address", clean_host))
    if not all(map(is_address, addresses)):
        raise fields.error("address", "only IP addresses stand here. A name belongs into host.")
    try:
        option = wireguard_option(values)
    except LineError as exc:
        if exc.where is None:
            raise LineError(exc.sentence, label=fields.label) from exc
        raise fields.error(names[exc.where], exc.sentence) from exc
    if addresses and not option.endpoint.literal:
        option = replace(option, endpoint=replace(option.endpoint, addresses=addresses))
    return option


def _whole_file(link: Link) -> Option:
    text = percent_decode(link.authority + link.path).rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, ValueError) as exc:
        raise LineError("this link has neither a key nor a whole profile in it. Copy it again.") from exc
    outcomes = [outcome for _, outcome in read_wireguard(decoded)] if is_wireguard(decoded) else []
    options = [outcome for outcome in outcomes if not isinstance(outcome, LineError)]
    if not options:
        wrong = next((outcome for outcome in outcomes if isinstance(outcome, LineError)), None)
        raise LineError(wrong.sentence if wrong else "there is no profile in this link. Copy it again.")
    return replace(options[0], label=clean_label(link.label) or options[0].label)
