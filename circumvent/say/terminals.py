"""A satellite terminal for people: which link of the chain holds, what may be the cause, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.say.blocks import Block, Heading, Point, Points, Sentence, Space, Steps
from circumvent.say.language import _, later
from circumvent.say.reasons import reason
from circumvent.say.words import confidence_word, word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.report import OptionReport
    from circumvent.satellite.find import Surroundings, Terminal
    from circumvent.satellite.judge import Judgement
    from circumvent.satellite.signs import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One terminal: what it says, what follows from that, and what came of fetching something through it.

    ``lost``: the share of its pings that were lost; ``internet`` is ``None`` where that was not tried.
    """

    terminal: Terminal
    judgement: Judgement
    lost: float | None
    internet: OptionReport | None = None

    @property
    def carries(self) -> bool:
        """Tell whether something came back through it."""
        return self.internet is not None and self.internet.proof.value in {"carried", "sustained"}


#: Why a terminal has no connection, in its own word, and what to do about it.
_STATES: Final = {
    "booting": (later("it is starting"), later("Wait some minutes and run it again.")),
    "stowed": (
        later("it is stowed"),
        later("Unstow it in its operator's app; this program changes nothing on it."),
    ),
    "thermal_shutdown": (
        later("it is too hot and has shut down"),
        later("Give it shade and air; it starts again when it is cool."),
    ),
    "no_schedule": (later("it was given no satellite"), later("Wait 15 minutes and run it again.")),
    "no_sats": (later("it finds no satellite"), later("Wait 15 minutes and run it again.")),
    "sky_search": (later("it looks for satellites"), later("Wait 15 minutes and run it again.")),
    "obstructed": (
        later("something hides the sky"),
        later("Find a place from which more of the sky is seen."),
    ),
    "actuator_activity": (later("it is turning"), later("Wait some minutes and run it again.")),
    "cable_test": (later("it tests its cable"), later("Wait some minutes and run it again.")),
    "sleeping": (later("it sleeps"), later("Wake it in its operator's app.")),
    "inhibit_rf": (later("its radio is switched off"), later("Look in its operator's app who did that.")),
}
_CAUSES: Final = {
    "gps_denied": later("GPS is disturbed here: the terminal has no valid fix."),
    "jamming_suspected": later("Jamming: high loss under a clear sky, and the terminal has no GPS fix."),
    "no_service_here": later("The operator does not serve this place: the terminal says so."),
    "account_inactive": later("The operator does not serve this account: the terminal says so."),
    "obstructed": later("Something stands between the terminal and the sky."),
}
_ACCOUNT: Final = later("From another line, ask the operator about the account and this place.")
_WAIT: Final = later("Wait 15 minutes and run it again; an outage usually shows at other terminals too.")
_ASK: Final = later("Ask the provider's status page from another line whether there is an outage.")
_RADIO: Final = later(
    "A terminal sends radio and can be located. Where owning one is punished, moving it or leaving it on is your "
    "decision to weigh."
)


def terminals_screen(found: Sequence[Seen], seconds: float) -> tuple[Block, ...]:
    """Return what was found of each terminal."""
    blocks: list[Block] = []
    for seen in found:
        blocks += [*_terminal(seen), Space()]
    blocks.append(
        Sentence(
            _(
                "{s:.1f} s. The terminal was only asked for its status: no position, no serial number, nothing changed on it. "
                "Nothing of this is kept, and no dump tells of it."
            ).format(s=seconds)
        )
    )
    return tuple(blocks)


def nothing_screen(where: Surroundings, seconds: float) -> tuple[Block, ...]:
    """Return what is to be said where no terminal answered."""
    named = (
        _("{n} networks looked at ({names})")
        if len(where.networks) != 1
        else _("1 network looked at ({names})")
    )
    looked = named.format(n=len(where.networks), names=", ".join(where.networks) or _("none"))
    blocks: list[Block] = [
        Sentence(
            _("No satellite terminal found on this network. {s:.1f} s, {looked}.").format(
                s=seconds, looked=looked
            ),
            strong=True,
        ),
        Sentence(
            _(
                "If you have one behind another router, that router needs a route to 192.168.100.1: circumvent guide "
                "satellite-route"
            )
        ),
    ]
    if where.carrier:
        blocks.append(
            Sentence(
                _(
                    "This device has an address of 100.64.0.0/10, as customers of some satellite operators and of many "
                    "others have. That is a hint and no more."
                )
            )
        )
    return tuple(blocks)


def _terminal(seen: Seen) -> list[Block]:
    blocks: list[Block] = [Sentence(_answer(seen), strong=True), Space(), Points(_chain(seen))]
    causes = [_cause(one) for one in seen.judgement.causes]
    if seen.judgement.broken is not None and seen.judgement.broken.value == "gateway":
        causes.append(
            Point(_("possible"), _("No service in this area, or an outage. This check cannot see which."))
        )
        causes.append(Point(_("ruled out"), _("A stowed terminal, heat, a dead terminal, your router.")))
    if causes:
        blocks += [Space(), Heading(_("What may be the cause")), Points(tuple(causes))]
    blocks += [Space(), Heading(_("Do this now")), Steps(tuple(_advice(seen))), Sentence("  " + _(_RADIO))]
    return blocks


def _answer(seen: Seen) -> str:
    broken = None if seen.judgement.broken is None else seen.judgement.broken.value
    if broken == "sky":
        return _("A Starlink terminal is here, and it has no link to a satellite: {why}.").format(
            why=_why(seen)
        )
    if broken == "gateway":
        return _("A Starlink terminal is here, and it does not reach its ground station.")
    if seen.carries:
        return _("A Starlink terminal works here.")
    if seen.internet is not None:
        return _("A Starlink terminal is here, and nothing came back from the internet through it.")
    return _("A Starlink terminal is here. Whether the internet is behind it was not tried.")


def _why(seen: Seen) -> str:
    state = seen.judgement.reason or ""
    if state in _STATES:
        return _(_STATES[state][0])
    if {one.cause.value for one in seen.judgement.causes} & {"account_inactive", "no_service_here"}:
        return _("its operator does not serve it ({word})").format(word=state.replace("_", " "))
    return state.replace("_", " ") or _("it does not say why")


def _chain(seen: Seen) -> tuple[Point, ...]:
    return (
        Point(_("+  terminal"), _answers(seen)),
        Point(_lead(seen.judgement.sky.value, _("sky")), _sky(seen)),
        Point(_lead(seen.judgement.gateway.value, _("gateway")), _gateway(seen)),
        Point(_internet_lead(seen), _internet(seen)),
    )


def _lead(health: str, name: str) -> str:
    return {"good": "+", "bad": "~", "broken": "?", "unknown": "-"}[health] + "  " + name


def _answers(seen: Seen) -> str:
    said = _("answers: at {address}, in {ms:.0f} ms").format(
        address=seen.terminal.address, ms=max(seen.terminal.milliseconds, 1.0)
    )
    return said + (f" ({seen.terminal.interface})" if seen.terminal.interface else "")


def _sky(seen: Seen) -> str:
    status, health = seen.terminal.status, seen.judgement.sky.value
    if health == "broken":
        return _("no link: {why}").format(why=_why(seen))
    told = [_("clear") if health == "good" else _("not at its best")]
    if status.obstructed is not None:
        hidden = _("{share:.1f} % obstructed").format(share=status.obstructed * 100)
        if status.obstruction_hours is not None:
            hidden += _(" over {hours:.0f} h").format(hours=status.obstruction_hours)
        told.append(hidden)
    told.append(
        _("alerts: {names}").format(names=", ".join(status.alerts).replace("_", " "))
        if status.alerts
        else _("no alerts")
    )
    return told[0] + ": " + "; ".join(told[1:])


def _gateway(seen: Seen) -> str:
    health, history = seen.judgement.gateway.value, seen.terminal.history
    if health == "unknown":
        return (
            _("not known: nothing can pass before the sky is there")
            if seen.judgement.sky.value == "broken"
            else _("not known: the terminal does not say")
        )
    said = {"good": _("answers"), "bad": _("answers badly"), "broken": _("failing")}[health]
    if history is not None and history.seconds:
        said += _(": {lost} of {n} pings to the ground station lost (the terminal's own record)").format(
            lost=history.lost, n=history.seconds
        )
    elif seen.lost is not None:
        said += _(": {share:.0f} % of pings to the ground station lost just now").format(
            share=seen.lost * 100
        )
    latency = seen.terminal.status.latency_ms if history is None else history.latency_ms
    return said if latency is None else said + _(", {ms:.0f} ms").format(ms=latency)


def _internet_lead(seen: Seen) -> str:
    if seen.internet is None:
        return "-  " + _("internet")
    return ("+  " if seen.carries else "?  ") + _("internet")


def _internet(seen: Seen) -> str:
    if seen.internet is None:
        if seen.judgement.broken is not None:
            return _("not tried: nothing can pass before the {link} answers").format(
                link=seen.judgement.broken.value
            )
        return _("not tried: nothing was sent by radio")
    if not seen.carries:
        return _("nothing came back: {why}").format(why=reason(seen.internet))
    told = word(seen.internet)
    if seen.internet.latency_ms is not None:
        told += _(", first data {ms:.0f} ms").format(ms=seen.internet.latency_ms.median)
    return told


def _cause(found: Found) -> Point:
    sure = confidence_word(found.confidence) or _("possible")
    return Point(sure, _(_CAUSES[found.cause.value]))


def _advice(seen: Seen) -> list[str]:
    if seen.judgement.broken is None:
        if seen.carries:
            return [_("Use the network behind it.")]
        if seen.internet is None:
            return [_("To see whether it carries, run it without --quiet-sky.")]
        return [
            _(
                "See by which connection this device reaches the internet; it may be another one than the terminal's."
            ),
            _("If it is the terminal's, try what gets through there: circumvent check"),
        ]
    if seen.judgement.broken.value == "gateway":
        return [_(_WAIT), _(_ASK)]
    state = seen.judgement.reason or ""
    return [_(_STATES[state][1])] if state in _STATES else [_(_ACCOUNT)]
