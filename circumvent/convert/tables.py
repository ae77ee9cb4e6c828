"""Options as the project's own TOML: the one form that has words for every kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from circumvent.convert.bridges import bridge_line
from circumvent.convert.links import stamp_of
from circumvent.convert.ovpn import write_ovpn
from circumvent.convert.problem import CannotWrite
from circumvent.convert.vpn_tables import vpn_fields
from circumvent.model.kinds import KINDS
from circumvent.model.openvpn import OpenvpnSettings
from circumvent.model.option import (
    DnscryptSettings,
    OdohSettings,
    ProxySettings,
    VoiceSettings,
    WebSettings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from circumvent.model.option import Option

#: What a basic string can't hold as it is (TOML 1.0, *String*).
_ESCAPED: Final = re.compile(r'[\x00-\x1f"\\\x7f]')
_SHORT: Final = {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r", '"': r"\"", "\\": r"\\"}
#: A port that a kind uses where its TLS is on.
_TLS_VOICE_PORT: Final = 5349
#: Kinds whose place is a URL.
_BY_URL: Final = frozenset({"doh", "doh3", "odoh", "https", "h3"})


def write_tables(options: Sequence[Option]) -> str:
    """Return ``[[option]]`` tables, one an option. Carriers must be among the options, and called by names of their own.

    :raises CannotWrite: where TOML has no words for one.
    """
    labels = {option.id: option.label for option in options}
    return "\n".join(_table(fields_of(option, labels)) for option in options)


def fields_of(option: Option, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the fields of the table of ``option``; ``labels`` are those of the options that may carry it, by id.

    :raises CannotWrite: where TOML has no words for it.
    """
    fields: dict[str, Any] = {"kind": option.kind}
    if option.label != option.endpoint.host:
        fields["label"] = option.label
    fields |= _whole(option) or _by_fields(option)
    fields["via"] = _carrier(option, labels or {})
    return {name: value for name, value in fields.items() if value is not None}


def _whole(option: Option) -> dict[str, Any]:
    """Return the one field that says all of an option, for kinds that have such; else nothing."""
    line = bridge_line(option)
    if line is not None:
        return {"line": line, "ca": option.ca}
    return {"profile": write_ovpn(option)} if isinstance(option.settings, OpenvpnSettings) else {}


def _by_fields(option: Option) -> dict[str, Any]:
    settings = option.settings
    fields = _place(option)
    match settings:
        case DnscryptSettings() if "stamp" not in fields:
            fields |= {"provider": settings.provider, "public_key": settings.public_key.hex()}
            if settings.relay is not None:
                fields["relay"] = str(settings.relay)
        case ProxySettings(tls=True):
            fields["tls"] = True
        case VoiceSettings() if settings.transport != "udp":
            fields["transport"] = settings.transport
        case _:
            fields |= vpn_fields(settings)
    fields |= {"sni": option.sni, "alpn": list(option.alpn) or None, "ca": option.ca}
    for name, secret in (("user", option.user), ("password", option.password)):
        fields[name] = secret.reveal() if secret is not None else None
    return fields


def _carrier(option: Option, labels: Mapping[str, str]) -> str | None:
    if option.via is None:
        return None
    label = labels.get(option.via)
    if label is None or list(labels.values()).count(label) != 1:
        raise CannotWrite(
            "it goes through another option, which must be written with it and have a name of its own"
        )
    return label


def _place(option: Option) -> dict[str, Any]:
    """Return the fields that say where packets go."""
    if option.certificate_hashes:
        return {"stamp": stamp_of(option)}
    addresses = list(option.endpoint.addresses) or None
    settings = option.settings
    if isinstance(settings, OdohSettings):
        return {"url": settings.url, "relay": settings.relay, "address": addresses}
    if isinstance(settings, WebSettings) and option.kind in _BY_URL:
        method = settings.method if option.kind in ("doh", "doh3") and settings.method != "POST" else None
        return {"url": settings.url, "method": method, "address": addresses}
    usual = KINDS[option.kind].port
    if isinstance(settings, VoiceSettings) and settings.transport == "tls":
        usual = _TLS_VOICE_PORT
    port = option.endpoint.port
    return {"host": option.endpoint.host, "port": port if port != usual else None, "address": addresses}


def _table(fields: Mapping[str, Any]) -> str:
    return "\n".join(["[[option]]", *(f"{name} = {value_text(value)}" for name, value in fields.items()), ""])


def value_text(value: Any) -> str:
    r"""Return a value as TOML writes it.

    >>> print(value_text(["a", 'b"']), value_text(True), value_text(5))
    ["a", "b\""] true 5
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    return f"[{', '.join(map(value_text, value))}]"


def _text(value: str) -> str:
    if "\n" in value.strip("\n"):  # certificates stay readable
        lines = (_ESCAPED.sub(_escape, line) for line in value.split("\n"))
        return '"""\n' + "\n".join(lines) + '"""'
    return f'"{_ESCAPED.sub(_escape, value)}"'


def _escape(match: re.Match[str]) -> str:
    return _SHORT.get(match[0]) or f"\\u{ord(match[0]):04x}"
