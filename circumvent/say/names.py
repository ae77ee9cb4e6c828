"""What options are called on a screen: the label, with more where labels repeat."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from circumvent.model.kinds import KINDS
from circumvent.say.language import _
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from circumvent.model.report import OptionReport

#: The most characters of a label that are shown.
LONGEST: Final = 40
#: Names in one list; the rest is counted.
MOST: Final = 30
_SHORT: Final = {
    "doh": "DoH", "doh3": "DoH over HTTP/3", "dot": "DoT", "doq": "DoQ", "odoh": "ODoH", "dns-udp": "DNS over UDP",
    "dns-tcp": "DNS over TCP", "https": "HTTPS", "h3": "HTTP/3",
}  # fmt: skip


def kind_title(kind: str) -> str:
    """Return what people call a kind; a kind of another version is shown as it is."""
    if kind in {"https", "h3"}:
        return _SHORT[kind]
    return KINDS[kind].title if kind in KINDS else sanitise(kind, 20)


def short_kind(kind: str) -> str:
    """Return the short word for a kind that stands in brackets after a name."""
    return _SHORT.get(kind) or kind_title(kind)


class Names:
    """The names of the options of one report, each different from the others."""

    def __init__(self, options: Iterable[OptionReport]) -> None:
        found = list(options)
        same = Counter((option.label, option.kind) for option in found)
        ported = Counter((option.label, option.kind, _port(option)) for option in found)
        self._name = {}
        for option in found:
            name = _label(option)
            if same[option.label, option.kind] > 1:
                unique = ported[option.label, option.kind, _port(option)] == 1
                name += f":{_port(option)}" if unique and _port(option) else f" [{sanitise(option.id)}]"
            self._name[option.id] = name

    def of(self, option: OptionReport) -> str:
        """Return the name of an option."""
        return self._name.get(option.id) or _label(option)

    def called(self, option_id: str) -> str:
        """Return the name of the option with this id; the id where it has none here."""
        return self._name.get(option_id) or sanitise(option_id, LONGEST)

    def with_kind(self, option: OptionReport) -> str:
        """Return name and kind: ``Quad9 (DoT)``."""
        return f"{self.of(option)} ({short_kind(option.kind)})"

    def listed(self, options: Sequence[OptionReport]) -> str:
        """Return the names in one line, kinds of one name together: ``Quad9 (DoH, DoT), work (SOCKS5)``."""
        kinds: dict[str, list[str]] = {}
        for option in options[:MOST]:
            kinds.setdefault(self.of(option), []).append(short_kind(option.kind))
        said = ", ".join(f"{name} ({', '.join(held)})" for name, held in kinds.items())
        if len(options) > MOST:
            said = _("{names} and {n} more").format(names=said, n=len(options) - MOST)
        return said


def _label(option: OptionReport) -> str:
    return sanitise(option.label, LONGEST) or option.kind


def _port(option: OptionReport) -> str:
    return sanitise(option.endpoint.rpartition(":")[2], 5)
