"""Words for tunnels: which app switches one on, what can be seen of it, and what its silence may mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.model import failure as failures
from circumvent.model.kinds import KINDS
from circumvent.model.words import Proof, Status
from circumvent.say.language import _, later

if TYPE_CHECKING:
    from circumvent.model.report import OptionReport

#: Where a profile of each kind is switched on.
_APP: Final = {
    "wireguard": later("the WireGuard app"),
    "amneziawg": later("the AmneziaWG or AmneziaVPN app"),
    "openvpn": later("the OpenVPN app"),
    "ikev2": later("this device's VPN settings, or the strongSwan app"),
    "l2tp": later("this device's VPN settings"),
    "openconnect": later("the OpenConnect or Cisco Secure Client app"),
    "sstp": later("this device's VPN settings (Windows), or an SSTP app"),
    "starlink": later("the terminal's own network"),
    "satellite-terminal": later("the terminal's own network"),
}
_VISIBLE: Final = {
    "wireguard": later("a WireGuard VPN to one server: it is easy to recognise"),
    "amneziawg": later("random-looking UDP to one server"),
    "openvpn": later("an OpenVPN connection to one server: it is easy to recognise"),
    "ikev2": later("an IPsec VPN to one server: it is easy to recognise"),
    "l2tp": later("an IPsec VPN to one server: it is easy to recognise"),
    "openconnect": later("long HTTPS connections to one server, and only their volume"),
    "sstp": later("a long HTTPS connection to one server, and only its volume"),
    "starlink": later("radio that can be located; the operator sees which sites"),
    "satellite-terminal": later("radio that can be located; the operator sees which sites"),
}
#: Kinds whose servers answer nobody without the right key.
_SILENT: Final = frozenset({"wireguard", "amneziawg"})
#: How a control channel is wrapped so that a server answers nobody without the key (OpenVPN).
_WRAPPED: Final = frozenset({"tls-auth", "tls-crypt", "tls-crypt-v2"})


def is_tunnel(option: OptionReport) -> bool:
    """Tell whether an option is a VPN; of kinds of another version nothing is known."""
    kind = KINDS.get(option.kind)
    return kind is not None and kind.family == "vpn"


def app(kind: str) -> str:
    """Return where a profile of this kind is switched on."""
    return _(_APP[kind]) if kind in _APP else _("its app")


def visible(kind: str) -> str | None:
    """Say what an observer of the line sees of a VPN; ``None`` for other kinds."""
    return _(_VISIBLE[kind]) if kind in _VISIBLE else None


def silent_to_strangers(option: OptionReport) -> bool:
    """Tell whether silence may mean a wrong key: its server says nothing to whom it does not know."""
    nothing = option.status is Status.UNREACHABLE and option.proof is Proof.NONE
    timed_out = option.failure is not None and option.failure.error in failures.TIMEOUT_FAILURES
    keyed = option.kind in _SILENT or option.detail.get("wrapping") in _WRAPPED
    return nothing and timed_out and keyed


def stopped(option: OptionReport) -> str | None:
    """Say why a try ended well, and short of the tunnel's end; ``None`` for others."""
    last = option.failure
    if not is_tunnel(option) or last is None or not option.proof.at_least(Proof.REACHED):
        return None
    if (last.error, last.detail) != (failures.UNKNOWN, None):
        return None
    if last.step == "authenticate":
        return _("it answered, and nothing more can be tried without a key or password")
    return _("it answered, and this kind is tried no further") if option.kind == "l2tp" else None


def passes_nothing(option: OptionReport) -> bool:
    """Tell whether it connects and nothing passes through it, which is the most frequent complaint about VPNs."""
    return (
        is_tunnel(option)
        and option.status is Status.UNREACHABLE
        and option.proof is Proof.HANDSHAKEN
        and option.failure is not None
        and option.failure.step == "carry"
    )
