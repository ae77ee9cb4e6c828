"""Findings about the line itself: UDP, QUIC, IPv6, cut flows, large packets, a portal, a VPN, the clock."""

from __future__ import annotations

from statistics import median_low
from typing import TYPE_CHECKING, Any, Final

from circumvent.diagnose.findings import NOT_SEEN, Result, finding
from circumvent.diagnose.look import PLACES, best_proof, carried, counted, ids, seen_twice, silent
from circumvent.model.kinds import KINDS
from circumvent.model.words import FindingKind, Proof

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.diagnose.look import Look
    from circumvent.model.record import Attempt
    from circumvent.model.report import OptionReport

#: Datagrams lost, as a part of those sent, that make a line lossy.
LOSSY: Final = 0.1
#: Two cuts are the same size within this part of it.
SAME_SIZE: Final = 0.25
#: A clock is wrong from here on, in seconds.
CLOCK_WRONG: Final = 60.0
#: What must be ruled out before silence over QUIC is the network's doing.
NO_QUIC_THERE: Final = "no QUIC there"
NO_UDP_THERE: Final = "no UDP service there"
#: Silence on so many ports is no block of one port.
UDP_PORTS: Final = 2
#: Datagrams from which a share of lost ones says something of the whole line; of connections half as many will do.
ENOUGH_SENT: Final = 60
#: IPv6 lost the race by so much that it was not just slower (seconds; RFC 8305 gives it a head start of 0.25).
HEAD_START: Final = 0.25


def udp_blocked(look: Look) -> Result:
    """Nothing comes back over UDP, on two ports or more, from three places that answer over TCP.

    One port alone is a block of that port or what speaks there, and a server that answers over TCP need not offer
    anything over UDP: only of those in the catalogue that is known.
    """
    tried = look.where(lambda one: is_datagram(one) and not _nearby(one) and bool(counted(one)))
    if not tried:
        return None
    if any(best_proof(one) is not Proof.NONE for one in tried):
        return NOT_SEEN
    dark = [one for one in tried if silent(one) and seen_twice(one)]
    up = [one for one in dark if look.place_of[one.id] in look.up_over_tcp]
    if len(look.places(up)) < PLACES or len({port_of(one) for one in up}) < UDP_PORTS:
        return None
    places = len(look.places(up))
    return finding(
        FindingKind.UDP_BLOCKED,
        f"Drops UDP (0 of {places} places answered; the same places answer over TCP).",
        evidence=ids(up),
        alternatives={
            "dead servers": True,
            NO_UDP_THERE: _known_at_enough_places(look, up),
            "loss on TCP too": _tcp_is_sound(look),
        },
        detail={"places": places},
    )


def udp_lossy(look: Look) -> Result:
    """Datagrams get lost at three places, at half of those measured, and of all that were sent, while TCP is sound.

    All three: a machine or a server that was busy for a moment loses a few at once, and a line loses everywhere.
    """
    counts = [(one, *_loss(one)) for one in look.options]
    measured = [(one, sent, lost) for one, sent, lost in counts if sent]
    if not measured:
        return None
    lossy = [(one, sent, lost) for one, sent, lost in measured if lost / sent > LOSSY]
    places = look.places(one for one, _, _ in lossy)
    sent, lost = sum(one[1] for one in measured), sum(one[2] for one in measured)
    few = len(places) < PLACES or 2 * len(places) < len(look.places(one for one, _, _ in measured))
    if few or lost / sent <= LOSSY:
        return NOT_SEEN
    return finding(
        FindingKind.UDP_LOSSY,
        f"Loses UDP packets ({lost} of {sent}).",
        evidence=ids(one for one, _, _ in lossy),
        alternatives={"dead servers": True, "loss on TCP too": _tcp_is_sound(look)},
        detail={"sent": sent, "lost": lost},
    )


def quic_blocked(look: Look) -> Result:
    """QUIC to one port gets no answer from three places that answer over TCP, while other UDP passes.

    Ports are looked at apart: what is dropped on port 443 may pass on another.
    """
    tried = look.where(lambda one: KINDS[one.kind].quic and bool(counted(one)))
    if not tried:
        return None
    by_port: dict[str, list[OptionReport]] = {}
    for option in tried:
        by_port.setdefault(port_of(option), []).append(option)
    quiet = {
        port: up for port, options in by_port.items() if (up := _dark_to_quic(look, options)) is not None
    }
    if not quiet:
        return NOT_SEEN if any(best_proof(one) is not Proof.NONE for one in tried) else None
    if isinstance_finding(udp_blocked(look)):
        return None
    up = [option for options in quiet.values() for option in options]
    passes = any(
        best_proof(one) is not Proof.NONE
        for one in look.where(is_datagram)
        if not _nearby(one) and not (KINDS[one.kind].quic and port_of(one) in quiet)
    )
    places, ports = len(look.places(up)), sorted(quiet, key=int)
    elsewhere = f" on port {', '.join(ports)}" if len(quiet) < len(by_port) else ""
    return finding(
        FindingKind.QUIC_BLOCKED,
        f"Drops QUIC{elsewhere} (0 of {places} places answered; TCP to the same places did).",
        evidence=ids(up),
        alternatives={
            "dead servers": True,
            NO_QUIC_THERE: all(_known_at_enough_places(look, options) for options in quiet.values()),
            "all UDP dropped": passes,
        },
        detail={"places": places, "ports": ports},
    )


def _dark_to_quic(look: Look, options: list[OptionReport]) -> list[OptionReport] | None:
    """Return the options of one port at places that are up, if all are silent at enough places."""
    if any(best_proof(one) is not Proof.NONE for one in options):
        return None
    up = [
        one
        for one in options
        if silent(one) and seen_twice(one) and look.place_of[one.id] in look.up_over_tcp
    ]
    return up if len(look.places(up)) >= PLACES else None


def _known_at_enough_places(look: Look, options: list[OptionReport]) -> bool:
    """Tell whether it is known at enough places what is spoken there: of those in the catalogue it is."""
    return len(look.places(one for one in options if one.origin == "catalogue")) >= PLACES


def port_of(option: OptionReport) -> str:
    """Return the port of an option's endpoint, as text."""
    return option.endpoint.rpartition(":")[2]


def ipv6_broken(look: Look) -> Result:
    """IPv6 has a route here and gets nowhere, where IPv4 does."""
    if not look.fact("routes", "ipv6"):
        return None
    if any(
        one.family == "ipv6" and one.proof is not Proof.NONE
        for option in look.options
        for one in option.attempts
    ):
        return NOT_SEEN
    stuck = [option for option in look.options if _beaten_in_ipv6(option) and carried(option)]
    if len(look.places(stuck)) < PLACES:
        return None
    return finding(
        FindingKind.IPV6_BROKEN,
        f"IPv6 is announced and does not work ({len(stuck)} hosts answer over IPv4 alone).",
        evidence=ids(stuck),
        alternatives={"dead servers": True},
    )


def flow_cut(look: Look) -> Result:
    """Flows stop at about the same size at two places, and pass elsewhere."""
    measured = [attempt for option in look.options for attempt in counted(option) if _bulk(attempt)]
    if not measured:
        return None
    # What stands still over UDP where UDP loses packets was not cut.
    lossy = isinstance_finding(udp_lossy(look))
    cut = [
        (option, attempt)
        for option in look.options
        for attempt in counted(option)
        if attempt.cut_bytes and not (lossy and is_datagram(option))
    ]
    if not cut:
        return NOT_SEEN
    size = median_low([attempt.cut_bytes or 0 for _, attempt in cut])
    alike = [(option, one) for option, one in cut if abs((one.cut_bytes or 0) - size) <= SAME_SIZE * size]
    if len(alike) < 2:
        return None
    passes = any(option_passes(option) for option in look.options)
    return finding(
        FindingKind.FLOW_CUT,
        f"Stops downloads after about {round(size / 1000)} kB ({len(alike)} times).",
        evidence=[one.id for _, one in alike],
        alternatives={
            "a limit of the servers": passes,
            "one server alone": len(look.places(option for option, _ in alike)) > 1,
        },
        detail={"bytes": size},
    )


def mtu_trouble(look: Look) -> Result:
    """Large packets get lost: hellos are acknowledged, and nothing large comes back from three places."""
    hellos = [
        (option, attempt)
        for option in look.options
        for attempt in counted(option)
        if attempt.step("tls_handshake") is not None
    ]
    if not hellos or _loses_most(look):
        return None
    stalled = [(option, one) for option, one in hellos if _acknowledged_and_silent(one)]
    if len(look.places(option for option, _ in stalled)) < PLACES:
        return NOT_SEEN
    small = any(carried(one) for one in look.options if is_datagram(one) and not KINDS[one.kind].quic)
    return finding(
        FindingKind.MTU_TROUBLE,
        f"Large packets get lost ({len(stalled)} TLS connections stopped after the hello was acknowledged).",
        evidence=[one.id for _, one in stalled],
        alternatives={
            "servers that stall": len(stalled) == len(hellos),
            "answers dropped by name": not small,
        },
    )


def captive_portal(look: Look) -> Result:
    """A page of this network stands in the place of controls."""
    if look.fact("portal") is None:
        return None
    if not look.fact("portal", "caught"):
        return NOT_SEEN
    where = look.fact("portal", "where")
    return finding(
        FindingKind.CAPTIVE_PORTAL,
        "Asks you to sign in" + (f" (a page from {where} came back)." if where else "."),
        alternatives={"a control that changed": (look.fact("portal", "pages") or 0) > 1},
        detail={"pages": look.fact("portal", "pages")},
    )


def vpn_already_on(look: Look) -> Result:
    """A VPN holds the default route: every result is that of the VPN."""
    if look.fact("vpn") is None:
        return None
    if not look.fact("vpn", "on"):
        return NOT_SEEN
    name = look.fact("vpn", "interface")
    return finding(
        FindingKind.VPN_ALREADY_ON,
        f"A VPN is on ({name}): results are those of the VPN.",
        detail={"interface": name},
    )


def clock_skew(look: Look) -> Result:
    """This device's clock is wrong, say two authenticated sources."""
    skew = look.fact("clock", "skew_s")
    if skew is None:
        return None
    if abs(skew) < CLOCK_WRONG:
        return NOT_SEEN
    return finding(
        FindingKind.CLOCK_SKEW,
        f"This device's clock is wrong by {_duration(abs(skew))} ({'ahead' if skew > 0 else 'behind'}).",
        alternatives={"one source alone": (look.fact("clock", "operators") or 0) >= 2},
        detail={"skew_s": skew},
    )


def tcp_proxied(look: Look) -> Result:
    """A middlebox answers every connect: a connect to an address where nobody is succeeded."""
    proxied = look.fact("tcp_proxied")
    if proxied is None:
        return None
    if not proxied:
        return NOT_SEEN
    return finding(
        FindingKind.TCP_PROXIED, "A middlebox answers every TCP connection; connects prove nothing here."
    )


def national_only(look: Look) -> Result:
    """Only domestic hosts answer; decided with the state."""
    return _by_state(look, "national_only", FindingKind.NATIONAL_ONLY, "Lets only domestic traffic pass.")


def offline(look: Look) -> Result:
    """There is no network; decided with the state."""
    return _by_state(look, "offline", FindingKind.OFFLINE, "No network is connected.")


RULES: Final[dict[FindingKind, Callable[[Look], Result]]] = {
    FindingKind.OFFLINE: offline,
    FindingKind.CAPTIVE_PORTAL: captive_portal,
    FindingKind.NATIONAL_ONLY: national_only,
    FindingKind.VPN_ALREADY_ON: vpn_already_on,
    FindingKind.CLOCK_SKEW: clock_skew,
    FindingKind.UDP_BLOCKED: udp_blocked,
    FindingKind.UDP_LOSSY: udp_lossy,
    FindingKind.QUIC_BLOCKED: quic_blocked,
    FindingKind.IPV6_BROKEN: ipv6_broken,
    FindingKind.TCP_PROXIED: tcp_proxied,
    FindingKind.FLOW_CUT: flow_cut,
    FindingKind.MTU_TROUBLE: mtu_trouble,
}


def isinstance_finding(result: Result) -> bool:
    """Tell whether a rule saw something."""
    return result is not None and result != NOT_SEEN


def is_datagram(option: OptionReport) -> bool:
    """Tell whether an option travels over UDP (STUN and TURN may not)."""
    return KINDS[option.kind].datagram and option.detail.get("transport", "udp") == "udp"


def option_passes(option: OptionReport) -> bool:
    """Tell whether 64 KiB came down through an option."""
    return best_proof(option) is Proof.SUSTAINED


def _by_state(look: Look, state: str, kind: FindingKind, summary: str) -> Result:
    decided = look.fact("state")
    if decided is None:
        return None
    return finding(kind, summary) if decided == state else NOT_SEEN


def _nearby(option: OptionReport) -> bool:
    """Tell whether it is the network's own resolver, which proves nothing about the way out."""
    return bool(option.detail.get("system_resolver"))


def _loss(option: OptionReport) -> tuple[int, int]:
    """Return datagrams sent and lost in the measured steps of an option over UDP."""
    sent = lost = 0
    for attempt in counted(option):
        for step in attempt.steps:
            count = _loss_of(step.detail)
            if count is not None and is_datagram(option):
                sent, lost = sent + count[0], lost + count[1]
    return sent, lost


def _loses_most(look: Look) -> bool:
    """Tell whether so much is lost, of datagrams or of the first packets of connections, that these stall for that alone."""
    counts = [_loss(option) for option in look.options]
    sent, lost = sum(one for one, _ in counts), sum(one for _, one in counts)
    again = [
        count > 0
        for option in look.options
        for attempt in counted(option)
        for step in attempt.steps
        if isinstance(count := step.detail.get("syn_retransmits"), int)
    ]
    return (sent >= ENOUGH_SENT and lost * 2 > sent) or (
        len(again) >= ENOUGH_SENT // 2 and sum(again) * 2 > len(again)
    )


def _loss_of(detail: dict[str, Any]) -> tuple[int, int] | None:
    """Read the loss of a call (``sent``, ``lost``) or of paced questions (``queries``, ``answered``)."""
    sent, lost = detail.get("sent"), detail.get("lost")
    if isinstance(sent, int) and isinstance(lost, int):
        return sent, lost
    asked, answered = detail.get("queries"), detail.get("answered")
    if isinstance(asked, int) and isinstance(answered, int) and "loss" in detail:
        return asked, max(asked - answered, 0)
    return None


def _tcp_is_sound(look: Look) -> bool:
    tcp = [one for one in look.options if not KINDS[one.kind].datagram and counted(one)]
    return bool(tcp) and sum(carried(one) for one in tcp) * 2 >= len(tcp)


def _bulk(attempt: Attempt) -> bool:
    return attempt.step("sustain_down") is not None


def _beaten_in_ipv6(option: OptionReport) -> bool:
    lost = [one for one in option.attempts if one.family == "ipv6" and one.proof is Proof.NONE]
    return any(one.failure is not None or one.t - one.t0 > HEAD_START for one in lost)


def _acknowledged_and_silent(attempt: Attempt) -> bool:
    step = attempt.step("tls_handshake")
    if step is None or step.failure is None or step.failure.error != "generic_timeout_error":
        return False
    tcp: Any = step.detail.get("tcp")
    if not isinstance(tcp, dict):
        return False
    return int(tcp.get("bytes_acked") or 0) > 100 and int(tcp.get("bytes_received") or 0) == 0


def _duration(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
