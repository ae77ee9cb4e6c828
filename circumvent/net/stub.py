"""Our own stub resolver for plain DNS: to the resolvers we are told, bounded, and cancelled without a trace.

UDP with a random id, a new source port and random letter case (draft-vixie-dnsext-dns0x20), TCP after a
truncated answer (RFC 7766). Tries begin one after the other, a second apart, over the resolvers in turn; earlier
ones keep listening, so that a late answer still counts.
"""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.net.failure import rcode_failure
from circumvent.net.sock import ROUTE_PROBES, connect_tcp, connect_udp, route_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.net.name import Resolver
    from circumvent.net.sock import Source
    from circumvent.net.trace import Trace

#: Seconds between two tries, tries in all, and seconds after which nothing is waited for any more.
TRY_INTERVAL: Final = 1.0
MOST_TRIES: Final = 4
LIMIT: Final = 5.0
#: Seconds that the faster family waits for the other (RFC 8305, section 3, *Resolution Delay*).
RESOLUTION_DELAY: Final = 0.05
#: EDNS size that crosses every usual path in one piece.
EDNS_SIZE: Final = 1232
#: Datagrams that answer no question of ours, after which a try gives up; addresses kept of one answer.
_MOST_STRAYS: Final = 32
_MOST_ADDRESSES: Final = 16


@dataclass(slots=True)
class _Outcome:
    """What one question has come to: an answer, or the last thing that went wrong, and who is not asked again."""

    answer: dns.message.Message | None = None
    error: Exception | None = None
    failed: set[Resolver] = field(default_factory=set)


class StubClient:
    """Asks plain resolvers, in the order given."""

    def __init__(self, resolvers: Sequence[Resolver], source: Source | None = None) -> None:
        """Ask ``resolvers`` (at least one) through ``source``."""
        if not resolvers:
            raise ValueError("a stub client needs a resolver")
        self._resolvers = tuple(resolvers)
        self._source = source

    async def lookup(self, host: str, trace: Trace) -> list[str]:
        """Return the addresses of ``host`` (absolute, with its dot), of the families that have a route.

        :raises PeerError: with a ``dns_*`` string when a resolver said so.
        :raises TimeoutError: when none answered.
        :raises OSError: when none could be reached.
        """
        families = [
            family for family, probe in ROUTE_PROBES.items() if route_error(probe, self._source) is None
        ]
        types = [_TYPES[family] for family in families or _TYPES]
        results: dict[dns.rdatatype.RdataType, list[str] | Exception] = {}

        async def ask(rdtype: dns.rdatatype.RdataType) -> None:
            try:
                results[rdtype] = addresses_in(await self.query(host, rdtype, trace))
            except (OSError, PeerError) as exc:
                results[rdtype] = exc
            if any(isinstance(result, list) for result in results.values()) and len(results) < len(types):
                await anyio.sleep(RESOLUTION_DELAY)
                group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for rdtype in types:
                group.start_soon(ask, rdtype)
        found = [address for result in results.values() if isinstance(result, list) for address in result]
        if not found:
            raise next(result for result in results.values() if isinstance(result, Exception))
        return found

    async def query(self, name: str, rdtype: dns.rdatatype.RdataType, trace: Trace) -> dns.message.Message:
        """Return the first answer to a question that says something: a record, or that there is none.

        Errors as for :meth:`lookup`.
        """
        outcome = _Outcome()
        with anyio.move_on_after(LIMIT):
            async with anyio.create_task_group() as group:
                for number in range(MOST_TRIES):
                    resolver = self._resolvers[number % len(self._resolvers)]
                    if resolver in outcome.failed:
                        continue
                    failed = anyio.Event()
                    group.start_soon(
                        self._try, resolver, (name, rdtype), trace, outcome, failed, group.cancel_scope
                    )
                    with anyio.move_on_after(TRY_INTERVAL):
                        await failed.wait()
        if outcome.answer is not None:
            return outcome.answer
        raise outcome.error or TimeoutError("no resolver answered")

    async def _try(
        self,
        resolver: Resolver,
        question: tuple[str, dns.rdatatype.RdataType],
        trace: Trace,
        outcome: _Outcome,
        failed: anyio.Event,
        scope: anyio.CancelScope,
    ) -> None:
        try:
            answer = await self._exchange(resolver, question, trace)
        except (OSError, PeerError, anyio.EndOfStream) as exc:
            outcome.error = exc if isinstance(exc, (OSError, PeerError)) else PeerError(failures.EOF)
            outcome.failed.add(resolver)
            failed.set()
        else:
            if outcome.answer is None:
                outcome.answer = answer
            scope.cancel()

    async def _exchange(
        self, resolver: Resolver, question: tuple[str, dns.rdatatype.RdataType], trace: Trace
    ) -> dns.message.Message:
        query = make_query(*question)
        answer = await self._over_udp(resolver, query, trace)
        if answer is None:
            answer = await self._over_tcp(resolver, query, trace)
        rcode = answer.rcode()
        if rcode not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
            raise PeerError(*rcode_failure(rcode))
        return answer

    async def _over_udp(
        self, resolver: Resolver, query: dns.message.Message, trace: Trace
    ) -> dns.message.Message | None:
        """Return the answer over UDP; ``None`` if TCP must be asked (truncated, or the case was not echoed)."""
        datagrams = await connect_udp(resolver.address, resolver.port, trace=trace, source=self._source)
        try:
            await datagrams.send(query.to_wire())
            for _ in range(_MOST_STRAYS):
                answer = read_answer((await datagrams.receive()).data, query)
                if answer is None:
                    continue
                return None if answer.flags & dns.flags.TC or not echoes_case(answer, query) else answer
        finally:
            datagrams.close()
        raise PeerError(failures.DNS_MISBEHAVING, "only stray datagrams")

    async def _over_tcp(
        self, resolver: Resolver, query: dns.message.Message, trace: Trace
    ) -> dns.message.Message:
        stream = await connect_tcp(resolver.address, resolver.port, trace=trace, source=self._source)
        try:
            wire = query.to_wire()
            await stream.send(len(wire).to_bytes(2) + wire)
            buffered = b""
            while len(buffered) < 2 or len(buffered) < 2 + int.from_bytes(buffered[:2]):
                buffered += await stream.receive(65537 - len(buffered))
        finally:
            stream.close()
        answer = read_answer(buffered[2 : 2 + int.from_bytes(buffered[:2])], query)
        if answer is None:
            raise PeerError(failures.DNS_MISBEHAVING, "an answer to another question")
        return answer


_TYPES: Final = {"ipv4": dns.rdatatype.A, "ipv6": dns.rdatatype.AAAA}


def make_query(name: str, rdtype: dns.rdatatype.RdataType) -> dns.message.Message:
    """Return a question with a random id and random letter case."""
    draw = random.SystemRandom()
    cased = "".join(draw.choice((letter.lower(), letter.upper())) for letter in name)
    return dns.message.make_query(cased, rdtype, use_edns=0, payload=EDNS_SIZE, id=secrets.randbelow(1 << 16))


def read_answer(data: bytes, query: dns.message.Message) -> dns.message.Message | None:
    """Parse ``data``; ``None`` if it is no answer to ``query``."""
    if len(data) < 12 or int.from_bytes(data[:2]) != query.id:
        return None
    try:
        answer = dns.message.from_wire(data, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError):
        return None
    return answer if query.is_response(answer) else None


def echoes_case(answer: dns.message.Message, query: dns.message.Message) -> bool:
    """Tell whether the question came back letter for letter. An error without a question cannot."""
    if not answer.question:
        return answer.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}
    return answer.question[0].name.labels == query.question[0].name.labels


def addresses_in(answer: dns.message.Message) -> list[str]:
    """Return the addresses that ``answer`` gives for its question, along aliases.

    :raises PeerError: when it gives none.
    """
    if answer.rcode() != dns.rcode.NOERROR:
        raise PeerError(*rcode_failure(answer.rcode()))
    try:
        chain = answer.resolve_chaining() if isinstance(answer, dns.message.QueryMessage) else None
    except dns.exception.DNSException as exc:
        raise PeerError(failures.DNS_MISBEHAVING, "aliases that lead nowhere") from exc
    if chain is None or chain.answer is None:
        raise PeerError(failures.DNS_NO_ANSWER)
    return [record.address for record in list(chain.answer)[:_MOST_ADDRESSES]]
