"""What a dnstt line without its server's key can tell: which questions and answers pass the resolver.

With a domain the questions go to dnstt's server: it answers a text that holds a client's message and denies every other,
which no resolver could know by itself. Nothing of a session is sent, so the server keeps none. Without a domain they are for
top-level names that cannot exist: the root's signed denial shows that they went out. No zone is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
import dns.message
import dns.rdatatype

from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.names import dnssec
from circumvent.names.message import Answer, make_query, read_answer
from circumvent.names.plan import fresh_label
from circumvent.net.errors import PeerError
from circumvent.net.protocol_codes import rcode_failure
from circumvent.tor.dnstt.questions import TXT, A, RcodeError, asked, is_good
from circumvent.tor.errors import TorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from circumvent.model.record import Json
    from circumvent.names.message import Query
    from circumvent.tor.dnstt.questions import Encoder
    from circumvent.tor.dnstt.stream import ResolverLink
    from circumvent.transport import Context

TYPES: Final = ("TXT", "A", "AAAA", "CNAME", "MX", "NULL", "SRV")
#: Characters of names that are asked for, and bytes that a datagram of an answer may have (EDNS).
LENGTHS: Final = (100, 150, 200, 250)
SIZES: Final = (512, 1232, 4096)
#: Questions that are open at once, bytes of answers after which the rate is known, and the longest that takes.
AT_ONCE: Final = 16
ENOUGH: Final = 64 * 1024
LONGEST: Final = 3.0
#: Parts of a step's limit for the first and the second time that questions are asked: what never comes back is a result.
WAITS: Final = (0.2, 0.3)
#: Seconds between questions that only keep the server going.
NUDGE: Final = 0.25
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Ask:
    """A question as sent, and what tells what is wrong with an answer to it."""

    wire: bytes
    problem: Callable[[bytes], PeerError | None]


@dataclass(slots=True)
class Came:
    """What came back: the right answer, or what was wrong with the last other one, or nothing."""

    answer: bytes | None = None
    problem: PeerError | None = None


async def bring_back(
    link: ResolverLink, asks: Sequence[Ask], limit: float, nudge: Callable[[], bytes] | None = None
) -> list[Came]:
    """Ask all at once, and once more what does not come back; return what came, in order.

    After a wrong answer the right one may still follow: anybody can send the first. A ``nudge`` goes out now and then:
    dnstt's server keeps a poll for a second, for which resolvers give it up, unless another question comes.
    """
    places = {asked(ask.wire): at for at, ask in enumerate(asks)}
    found = [Came() for _ in asks]
    for part in WAITS:
        for ask, came in zip(asks, found, strict=True):
            if came.answer is None:
                await link.send(ask.wire)
        until = anyio.current_time() + part * limit
        while (left := until - anyio.current_time()) > 0:
            if nudge is not None:
                await link.send(nudge())
            with anyio.move_on_after(left if nudge is None else min(left, NUDGE)):
                await _collect(link, asks, places, found)
                return found
    return found


async def _collect(
    link: ResolverLink, asks: Sequence[Ask], places: Mapping[bytes | None, int], found: list[Came]
) -> None:
    """Take answers until each question has its right one."""
    while any(came.answer is None for came in found):
        message = await _receive(link)
        at = places.get(asked(message))
        if at is not None and found[at].answer is None:
            problem = asks[at].problem(message)
            found[at] = Came(None, problem) if problem is not None else Came(message)


async def _receive(link: ResolverLink) -> bytes:
    """Wait for the next message; a request over HTTP that was turned down is an answer that did not come."""
    while True:
        try:
            return await link.receive()
        except PeerError:
            continue


class ServersZone:
    """The names below the domain of a dnstt server."""

    def __init__(self, encoder: Encoder) -> None:
        """Ask as ``encoder`` does."""
        self._encoder = encoder

    def of_type(self, rdtype: str) -> Ask:
        """Return a poll for a record of that type: only of texts there is one."""
        number = int(dns.rdatatype.from_text(rdtype))
        return Ask(self._encoder.question(rdtype=number), self._poll if number == TXT else self._denied)

    def of_length(self, characters: int) -> Ask | None:
        """Return a poll with a long name."""
        wire = self._encoder.long_poll(characters)
        return None if wire is None else Ask(wire, self._poll)

    def nudge(self) -> bytes:
        """Return a question that the server denies at once."""
        return self._encoder.question(rdtype=A)

    def stranger(self) -> Ask:
        """Return a question that only who answers everything answers."""
        return Ask(self._encoder.stranger(), self._denied)

    def _poll(self, message: bytes) -> PeerError | None:
        """Say what keeps a message from being the server's answer to a client."""
        try:
            self._encoder.packets(message)
        except RcodeError as exc:
            return PeerError(*rcode_failure(exc.rcode))
        except TorError as exc:
            return PeerError(failures.WRONG_ANSWER, str(exc))
        return None

    def _denied(self, message: bytes) -> PeerError | None:
        """Say what keeps a message from being the server's no."""
        problem = self._poll(message)
        if problem is None:
            return PeerError(failures.WRONG_ANSWER, "what the server does not have was answered")
        return None if problem.error == failures.DNS_NXDOMAIN else problem


class RootZone:
    """Top-level names that cannot exist, and the root's word for it."""

    def __init__(self, context: Context) -> None:
        """Ask by the chance of ``context``, and judge by its root keys."""
        self._context = context
        self._keys: dnssec.Proved | None = None
        #: What the first denial was worth, in the words of the names' own ``dnssec``.
        self.word = "off" if context.names.root_keys.off else "stripped"

    async def fetch_keys(self, link: ResolverLink, limit: float) -> None:
        """Ask for the root's keys, unless they are held."""
        keys, now = self._context.names.root_keys, self._context.trace.clock.wall()
        if keys.off:
            return

        async def fetch() -> Answer:
            query = self._query(".", "DNSKEY")
            (came,) = await bring_back(link, [Ask(query.wire, lambda _: None)], limit)
            if came.answer is None:
                raise PeerError(failures.DNS_NO_ANSWER)
            return read_answer(query, came.answer)

        try:
            self._keys = await keys.get(fetch, now)
        except PeerError:
            return  # it is judged without them then
        self.word = "proved"

    def of_type(self, rdtype: str) -> Ask:
        """Return a question for a record of that type."""
        return self._ask(fresh_label(self._context.random), rdtype)

    def of_length(self, characters: int) -> Ask:
        """Return a question with a long name."""
        name = fresh_label(self._context.random)
        while (room := characters - len(name) - 1) > 0:
            label = "".join(self._context.random.choice(_LETTERS) for _ in range(min(room, 63)))
            name = f"{label}.{name}"
        return self._ask(name, "A")

    def _ask(self, name: str, rdtype: str) -> Ask:
        query = self._query(f"{name}.", rdtype)
        return Ask(query.wire, lambda message: self._denied(query, message))

    def _query(self, name: str, rdtype: str) -> Query:
        return make_query(name, rdtype, random=self._context.random, checking=False)

    def _denied(self, query: Query, message: bytes) -> PeerError | None:
        """Say what keeps a message from denying what was asked for, with proof where there are keys to prove it by."""
        try:
            answer = read_answer(query, message)
            if answer.message.answer:
                return PeerError(failures.WRONG_ANSWER, "a name that does not exist was answered")
            if answer.rcode not in ("NXDOMAIN", "NOERROR"):
                return PeerError(*rcode_failure(answer.message.rcode()))
            if self._keys is not None:
                dnssec.prove_denial(answer, query.name, self._keys, self._context.trace.clock.wall())
        except PeerError as exc:
            return exc
        return None


Zone = ServersZone | RootZone


async def recurse_to_root(link: ResolverLink, zone: RootZone, context: Context, limit: float) -> None:
    """Find out whether the resolver passes questions on at all (step ``recursion``)."""
    trace = context.trace
    async with trace.step("recursion", limit=limit) as step:
        began = trace.clock.now()
        await zone.fetch_keys(link, limit)
        (came,) = await bring_back(link, [zone.of_type("TXT")], limit)
        step.detail["dnssec"] = zone.word
        if came.answer is None:
            raise came.problem or TimeoutError
        step.detail["longest_answer"] = len(came.answer)
        trace.round_trip(trace.clock.now() - began)
        trace.prove(Proof.REACHED)


async def measure(link: ResolverLink, zone: Zone, context: Context, limit: float) -> None:
    """Find out what passes: types and lengths (step ``questions``), sizes and how much a second (step ``answers``)."""
    longest = await measure_questions(link, zone, context, limit)
    async with context.trace.step("answers", limit=2 * limit + LONGEST) as step:
        sizes: list[Json] = []
        step.detail["sizes"] = sizes
        for size in SIZES:
            sizes.append(await _size(link, size, context, limit))  # noqa: PERF401 - what is known stays if it fails
        await _rate(link, zone, longest, context, step.detail)


async def measure_questions(link: ResolverLink, zone: Zone, context: Context, limit: float) -> int:
    """Find out which types and lengths pass (step ``questions``); return the longest name that does."""
    async with context.trace.step("questions", limit=2 * limit) as step:
        types: list[Json] = []
        names: list[Json] = []
        step.detail.update(types=types, names=names)
        nudge = None
        if isinstance(zone, ServersZone):
            nudge = zone.nudge
            (stranger,) = await bring_back(link, [zone.stranger()], limit)
            step.detail["denied"] = stranger.answer is not None
            if stranger.problem is not None and stranger.problem.error == failures.WRONG_ANSWER:
                raise stranger.problem
        came = await bring_back(link, [zone.of_type(rdtype) for rdtype in TYPES], limit, nudge)
        types += [rdtype for rdtype, one in zip(TYPES, came, strict=True) if one.answer is not None]
        long = {length: ask for length in LENGTHS if (ask := zone.of_length(length)) is not None}
        came = await bring_back(link, list(long.values()), limit, nudge)
        passed = [length for length, one in zip(long, came, strict=True) if one.answer is not None]
        names += passed
    return passed[-1] if passed else LENGTHS[0]


def _long_question(context: Context, size: int) -> Query:
    """Return a question for the root's keys, the longest signed answer that every resolver has."""
    query = make_query(".", "DNSKEY", random=context.random, checking=False)
    message = dns.message.from_wire(query.wire)
    message.use_edns(0, ednsflags=message.ednsflags, payload=size)
    return type(query)(id=query.id, name=".", rdtype="DNSKEY", rdclass="IN", wire=message.to_wire())


async def _size(link: ResolverLink, size: int, context: Context, limit: float) -> dict[str, Json]:
    query = _long_question(context, size)
    (came,) = await bring_back(link, [Ask(query.wire, lambda _: None)], limit / len(SIZES))
    if came.answer is None:
        return {"limit": size, "state": "none", "bytes": 0}
    keys, state = context.names.root_keys, "wrong"
    try:
        answer = read_answer(query, came.answer)
        if answer.truncated:
            state = "cut"
        elif answer.message.answer:
            if not keys.off:
                keys.prove(answer, context.trace.clock.wall())
            state = "whole"
    except PeerError:
        pass  # somebody changed it on the way
    return {"limit": size, "state": state, "bytes": len(came.answer)}


async def _rate(
    link: ResolverLink, zone: Zone, length: int, context: Context, detail: dict[str, Json]
) -> None:
    """Keep questions open, until enough has come back or the time is over; one more for each that seems lost."""

    def another() -> bytes:
        if isinstance(zone, ServersZone) and (ask := zone.of_length(length)) is not None:
            return ask.wire
        return _long_question(context, SIZES[-1]).wire

    clock = context.trace.clock
    began = last = clock.now()
    sent = answered = received = 0
    with anyio.move_on_after(LONGEST):
        while received < ENOUGH:
            while sent - answered < AT_ONCE:
                await link.send(another())
                sent += 1
            with anyio.move_on_after(NUDGE) as lost:
                message = await _receive(link)
                if is_good(message):
                    answered, received, last = answered + 1, received + len(message), clock.now()
            if lost.cancelled_caught:
                await link.send(another())
                sent += 1
    detail.update(queries=sent, answered=answered, bytes=received)
    if answered:
        detail["kbps"] = round(received * 8 / 1000 / max(last - began, 0.001), 1)
