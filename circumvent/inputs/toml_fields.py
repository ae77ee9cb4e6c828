"""The fields of an ``[[option]]`` table, read with the line that each stands in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from circumvent.inputs.draft import clean_label
from circumvent.inputs.problem import LineError, without_echo
from circumvent.inputs.wireguard_fields import AMNEZIA, LATER
from circumvent.model.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from circumvent.model.option import Option

Value = TypeVar("Value")

_COMMON: Final = frozenset({"kind", "label", "host", "port", "address", "via"})
_TLS: Final = frozenset({"sni", "alpn", "ca"})
_ACCOUNT: Final = frozenset({"user", "password"})
#: A bridge is its line.
_BRIDGE: Final = frozenset({"kind", "label", "line", "via"})

_WIREGUARD: Final = frozenset({
    "kind", "label", "host", "port", "address", "endpoint", "via", "private_key", "public_key", "preshared_key", "addresses", "dns",
    "keepalive", "mtu", "reserved",
})  # fmt: skip

#: Kind to the fields that its tables may have.
FIELDS: Final = {
    "doh": _COMMON | _TLS | _ACCOUNT | {"url", "stamp", "method"},
    "doh3": _COMMON | _TLS | _ACCOUNT | {"url", "stamp", "method"},
    "dot": _COMMON | _TLS | {"stamp"},
    "doq": _COMMON | _TLS | {"stamp"},
    "dnscrypt": _COMMON | {"stamp", "relay", "provider", "public_key"},
    "odoh": _COMMON | _TLS | {"url", "stamp", "relay"},
    "dns-udp": _COMMON | {"stamp"},
    "dns-tcp": _COMMON | {"stamp"},
    "https": _COMMON | _TLS | {"url"},
    "h3": _COMMON | _TLS | {"url"},
    "socks5": _COMMON | _ACCOUNT,
    "socks4a": _COMMON | {"user"},
    "http-connect": _COMMON | _TLS | _ACCOUNT | {"tls"},
    "ikev2": _COMMON
    | _ACCOUNT
    | {
        "ca",
        "psk",
        "remote_id",
        "local_id",
        "certificate",
        "private_key",
        "proposals",
        "esp_proposals",
        "eap_only",
        "fragmentation",
    },
    "l2tp": _COMMON | {"ipsec"},
    "openconnect": _COMMON | _ACCOUNT | {"sni", "ca", "path", "group", "pin"},
    "openvpn": _ACCOUNT | {"kind", "label", "profile", "via"},
    "sstp": _COMMON | _ACCOUNT | {"sni", "ca", "pap", "pin"},
    "starlink": _COMMON,
    "satellite-terminal": _COMMON,
    "stun": _COMMON | _TLS | {"tls", "transport"},
    "wireguard": _WIREGUARD,
    "amneziawg": _WIREGUARD | AMNEZIA | LATER,
    "tor": _BRIDGE,
    "obfs4": _BRIDGE,
    "webtunnel": _BRIDGE | {"ca"},
    "meek": _BRIDGE | {"ca"},
    "dnstt": _BRIDGE | {"ca"},
    "conjure": _BRIDGE | {"ca"},
    "snowflake": _BRIDGE | {"ca"},
    "turn": _COMMON | _TLS | _ACCOUNT | {"tls", "transport"},
}
#: Every field of the format, also those of kinds that later versions try.
ALL_FIELDS: Final = frozenset().union(*FIELDS.values()) | {
    "private_key", "preshared_key", "endpoint", "addresses", "mtu", "reserved", "line", "profile",
}  # fmt: skip

if missing := set(KINDS) - set(FIELDS):
    raise AssertionError(f"kinds without fields: {missing}")  # pragma: no cover - a new kind was forgotten

#: Longest value, in characters (a chain of certificates fits), and most items of a list.
_LONGEST: Final = 64 * 1024
_MOST: Final = 32


class Fields:
    """One table. Every error knows the line of its field and repeats nothing of the value."""

    def __init__(self, row: dict[str, Any], lines: dict[str, int]) -> None:
        self._row = row
        self._lines = lines
        label = row.get("label")
        self.label = clean_label(label) if isinstance(label, str) else None

    def __repr__(self) -> str:
        return "Fields()"

    def names(self) -> Iterator[str]:
        """Return the names of the fields, in the order of the file."""
        return iter(self._row)

    def has(self, name: str) -> bool:
        """Tell whether the field is there."""
        return name in self._row

    def error(self, name: str, *sentences: str) -> LineError:
        """Return an error about a field: the first of ``sentences`` that repeats nothing of it."""
        value = self._row.get(name)
        written = f"{name} = {value}"
        return LineError(
            without_echo(written, *sentences, "this field can't be used."),
            label=self.label,
            where=self._lines.get(name),
        )

    def text(self, name: str, *, empty: bool = False) -> str | None:
        """Return a text, ``None`` when absent.

        :raises LineError: when it is no text, empty where it may not be, or too long.
        """
        value = self._row.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.error(name, f"{name} must be a text in quotes.", "this must be a text in quotes.")
        if len(value) > _LONGEST or "\0" in value:
            raise self.error(name, "this text is too long, or is no text.")
        if not value and not empty:
            raise self.error(name, "this text is empty. Fill it or leave the line out.")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, which may be written as one text.

        :raises LineError: when it is neither.
        """
        value = self._row.get(name)
        if value is None:
            return ()
        items = [value] if isinstance(value, str) else value
        if (
            not isinstance(items, list)
            or len(items) > _MOST
            or not all(isinstance(item, str) for item in items)
        ):
            raise self.error(name, "this must be a text in quotes, or a list of them.")
        if not all(0 < len(item) < 256 for item in items):
            raise self.error(name, "a text of this list is empty or too long.")
        return tuple(items)

    def number(self, name: str) -> int | None:
        """Return a whole number, ``None`` when absent.

        :raises LineError: when it is none.
        """
        value = self._row.get(name)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int) or abs(value) > 10**9
        ):
            raise self.error(
                name, f"{name} must be a whole number without quotes.", "this must be a whole number."
            )
        return value

    def flag(self, name: str) -> bool | None:
        """Return ``true`` or ``false``, ``None`` when absent.

        :raises LineError: when it is neither.
        """
        value = self._row.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.error(name, f"{name} must be true or false, without quotes.")
        return value

    def written(self, name: str) -> str:
        """Return a text, a number, true or false, or a list of them as one text with commas; empty when absent.

        :raises LineError: when it is something else, or too long.
        """
        value = self._row.get(name, "")
        items = value if isinstance(value, list) else [value]
        if len(items) > _MOST or not all(isinstance(item, str | int) for item in items):
            raise self.error(name, "this must be a text in quotes, a number, or a list of them.")
        text = ",".join(str(item) for item in items)
        if len(text) > _LONGEST or "\0" in text:
            raise self.error(name, "this text is too long, or is no text.")
        return text

    def checked(
        self, name: str, read: Callable[[str], Value], error: type[ValueError] | tuple[type[ValueError], ...]
    ) -> Value:
        """Return what ``read`` makes of a text; its ``error`` gets the line of the field.

        :raises LineError: when the text is absent or ``read`` refuses it.
        """
        value = self.text(name)
        if value is None:
            raise LineError("a field of this table is missing.", label=self.label)
        try:
            return read(value)
        except error as exc:
            sentence = exc.sentence if isinstance(exc, LineError) else f"{exc}."
            raise self.error(name, sentence) from exc

    def checked_each(self, name: str, read: Callable[[str], Value]) -> list[Value]:
        """Return what ``read`` makes of each text of a list.

        :raises LineError: when ``read`` refuses one.
        """
        try:
            return [
                read(f"[{item}]" if ":" in item and item[:1] != "[" else item) for item in self.texts(name)
            ]
        except LineError as exc:
            raise self.error(name, exc.sentence) from exc

    def replaced(self, option: Option, values: dict[str, Any]) -> Option:
        """Return ``option`` with those of ``values`` that say something.

        :raises LineError: when they contradict it.
        """
        try:
            return replace(
                option, **{name: value for name, value in values.items() if value not in (None, ())}
            )
        except ValueError as exc:
            raise LineError("this option contradicts itself.", label=self.label) from exc
