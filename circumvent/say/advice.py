"""Advice: do this, where; why, in numbers; what if it stops. The verb comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.model.kinds import KINDS, is_satellite
from circumvent.model.words import Scope, Status
from circumvent.say import tunnels
from circumvent.say.language import _, later
from circumvent.say.words import milliseconds, tries, word

if TYPE_CHECKING:
    from circumvent.model.report import OptionReport


#: What is seen of Tor bridges.
_BRIDGES: Final = {
    "tor": later("that you use Tor"),
    "obfs4": later("random-looking traffic to one server"),
    "webtunnel": later("HTTPS to one server"),
    "meek": later("HTTPS to the front, a large service"),
    "dnstt": later("many long questions to a resolver, all below one domain"),
    "conjure": later("HTTPS to the front, a large service"),
    "snowflake": later("HTTPS to the front, a large service; a video call to somebody's device"),
}


def why(option: OptionReport) -> str:
    """Say why an option stands where it stands in the ranking."""
    said = _("{tries} tries just now carried data").format(tries=tries(option))
    if option.latency_ms is not None:
        said += "; " + milliseconds(option.latency_ms.median)
    return said


def what(option: OptionReport) -> str:
    """Say what to do with an option."""
    host, _colon, port = option.endpoint.rpartition(":")
    facts = {
        "name": option.label,
        "host": host.strip("[]"),
        "port": port,
        "why": why(option),
        "app": tunnels.app(option.kind),
        "limit": word(option),
    }
    match option.scope:
        case Scope.SYSTEM:
            said = _for_system(option)
        case Scope.PROXY:
            said = _(
                "Set your app to use {name}: {host} port {port}. Only apps set this way go through it ({why})."
            )
        case Scope.NAMES if option.kind in {"doh", "doh3", "odoh"}:
            said = _(
                "Set secure DNS in your browser or system to {name} ({why}). Names are repaired, traffic is not hidden."
            )
        case Scope.NAMES:
            said = _("Set Private DNS to {name}, {host} ({why}). Names are repaired, traffic is not hidden.")
        case Scope.APP:
            said = _(
                "Give {name} to Tor Browser or Orbot as your own bridge ({why}). Only that app goes through it."
            )
        case Scope.DIRECT:
            said = _("{name} answers without a tunnel ({why}).")
        case Scope.VOICE:
            said = _("Calls can get through by {name} ({why}).")
    return said.format(**facts)


def _for_system(option: OptionReport) -> str:
    if is_satellite(option.kind):
        return _(
            "{name} carries here: use the network behind it ({why}). It sends radio and can be located; weigh that where "
            "owning one is punished."
        )
    if option.status is Status.WORKS:
        return _("Switch on {name} in {app}. It serves all apps ({why}).")
    if option.status is Status.UNSTABLE:
        return _(
            "Switch on {name} in {app}, and try twice before you give up on it. It serves all apps ({why})."
        )
    return _(
        "Switch on {name} in {app}. It serves all apps and has a limit: {limit}. Good for messages, not for calls ({why})."
    )


def next_step(backup: OptionReport | None) -> str:
    """Say what to do when the first choice stops."""
    if backup is None:
        return _("If it stops, run the check again.")
    if backup.scope is Scope.SYSTEM:
        return _("If it stops: {name} in {app}.").format(name=backup.label, app=tunnels.app(backup.kind))
    return _("If it stops: {name} ({kind}).").format(name=backup.label, kind=KINDS[backup.kind].title)


def visible(option: OptionReport) -> str:
    """Say what an observer of the line sees when the option is used."""
    seen = tunnels.visible(option.kind)
    if seen is not None:
        return seen
    if option.kind in _BRIDGES:
        return _(_BRIDGES[option.kind])
    match option.kind:
        case "doh" | "doh3":
            return _("HTTPS to a DNS provider; the sites you visit afterwards")
        case "dot" | "doq" | "dnscrypt" | "odoh":
            return _("that you use encrypted DNS; the sites you visit afterwards")
        case "dns-udp" | "dns-tcp":
            return _("every name you look up; the sites you visit")
        case "https" | "h3":
            return _("the name of the site")
        case "http-connect" if option.detail.get("tls"):
            return _("HTTPS to one server")
        case "socks5" | "socks4a" | "http-connect":
            return _("every site name, and that a proxy is used")
        case "stun" | "turn":
            return _("a call")
        case _:
            return _("traffic to one server")
