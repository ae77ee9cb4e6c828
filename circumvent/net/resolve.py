"""Host names to addresses, by the ways that are permitted for each.

Known addresses first; then a resolver that was proven in this run over an encrypted channel; then, for names
that are no secret, the resolver that the user chose or the system's. The system's is asked in daemon threads of
our own: ``getaddrinfo`` can't be cancelled, and an executor would be waited for at exit, far past the deadline.
"""

from __future__ import annotations

import queue
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import anyio

from circumvent.model.option import is_address
from circumvent.model.words import Reason
from circumvent.net.errors import CannotTry, PeerError
from circumvent.net.name import Resolver, is_localhost, parse_resolv_conf, qualify
from circumvent.net.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from circumvent.net.sock import Source

__all__ = ["Lookup", "NamesInOrder", "Resolver", "SystemResolver", "read_resolv_conf", "system_lookup"]

#: Threads that may wait for the system resolver at once; abandoned ones count until it lets go of them.
MOST_THREADS: Final = 8
_MOST_RESOLV_CONF: Final = 64 * 1024
_MOST_REMEMBERED: Final = 4096


class Lookup(Protocol):
    """One way to turn a name into addresses."""

    async def __call__(self, host: str, trace: Trace) -> Sequence[str]:
        """Return at least one address of ``host``, which ends in a dot.

        :raises PeerError: with a ``dns_*`` string.
        :raises OSError: as the system raises it.
        """


def read_resolv_conf(path: str = "/etc/resolv.conf") -> tuple[Resolver, ...]:
    """Return the system's resolvers; none if the file can't be read (Windows, Android)."""
    try:
        with Path(path).open("rb") as file:
            return parse_resolv_conf(file.read(_MOST_RESOLV_CONF).decode("utf-8", errors="replace"))
    except OSError:
        return ()


class NamesInOrder:
    """The :class:`~circumvent.net.dial.NameService` of a check.

    ``known`` holds addresses from the catalogue. ``encrypted`` is set by the check as soon as a resolver is
    proven. ``chosen`` are the user's plain resolvers and replace the system's. ``share_private`` lets those two
    see names that come from the user.
    """

    def __init__(
        self,
        *,
        known: Mapping[str, Sequence[str]] | None = None,
        chosen: Sequence[Resolver] = (),
        source: Source | None = None,
        share_private: bool = False,
        system: Lookup | None = None,
    ) -> None:
        """Compose the ways; ``system`` stands in for the system's resolver (tests)."""
        self._encrypted: Lookup | None = None
        self._known = {} if known is None else known
        self._chosen = tuple(chosen)
        self._source = source
        self._share_private = share_private
        self._system: Lookup = system_lookup if system is None else system
        self._remembered: dict[str, Sequence[str]] = {}

    @property
    def encrypted(self) -> Lookup | None:
        """The look-up through a resolver proven in this run, once there is one."""
        return self._encrypted

    @encrypted.setter
    def encrypted(self, lookup: Lookup | None) -> None:
        if self._encrypted is None:
            self._remembered.clear()  # answers in clear may be lies; from now on there are better ones
        self._encrypted = lookup

    async def resolve(self, host: str, trace: Trace, *, private: bool) -> Sequence[str]:
        """Return at least one IP address of ``host``; see :class:`~circumvent.net.dial.NameService`."""
        if is_address(host):
            return (host,)
        if is_localhost(host):
            return ("::1", "127.0.0.1")
        known = self._known.get(host) or self._remembered.get(host)
        if known:
            return known
        name = qualify(host)
        with aside(trace) as own_trace:
            found = await self._ask(name, own_trace, private=private)
        if len(self._remembered) < _MOST_REMEMBERED:
            self._remembered[host] = found
        return found

    async def _ask(self, name: str, trace: Trace, *, private: bool) -> Sequence[str]:
        in_clear = not private or self._share_private
        if self._encrypted is not None:
            try:
                return await self._encrypted(name, trace)
            except (OSError, PeerError):
                if not in_clear:
                    raise
        if not in_clear:
            raise CannotTry(
                Reason.NAME_PRIVATE, "would show the name to your provider; --system-dns allows it"
            )
        if self._chosen:
            from circumvent.net.stub import StubClient  # noqa: PLC0415 - a DNS codec that most runs need late

            return await StubClient(self._chosen, self._source).lookup(name, trace)
        return await self._system(name, trace)


@contextmanager
def aside(trace: Trace) -> Iterator[Trace]:
    """Give work beside an attempt a record of its own, so that only its bytes are the attempt's.

    A look-up's first packet is not the attempt's, and its sockets explain no failure of it.
    """
    own = Trace(trace.id, clock=trace.clock, timeouts=trace.timeouts, phase=trace.phase)
    try:
        yield own
    finally:
        trace.bytes_sent += own.bytes_sent
        trace.bytes_received += own.bytes_received


@dataclass(slots=True, eq=False)
class _Job:
    """A name that a thread looks up. It says that it is done by closing ``done``, which wakes any event loop."""

    host: str
    done: socket.socket
    addresses: list[str] = field(default_factory=list)
    error: Exception | None = None
    abandoned: bool = False


class SystemResolver:
    """Asks the operating system (hosts file, split DNS of a VPN) in a bounded number of daemon threads.

    Threads end when nothing is left to ask. One that hangs is abandoned and keeps nobody from leaving.
    """

    def __init__(self, most_threads: int = MOST_THREADS) -> None:
        self._most_threads = most_threads
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0

    async def __call__(self, host: str, trace: Trace) -> list[str]:  # noqa: ARG002 - the trace is for ways that count bytes
        """Return the addresses of ``host``.

        :raises OSError: ``socket.gaierror`` as the system raises it.
        """
        ours, theirs = socket.socketpair()
        job = _Job(host, theirs)
        try:
            ours.setblocking(False)
            self._begin(job)
            await anyio.wait_readable(ours)
        finally:
            job.abandoned = True
            anyio.notify_closing(ours)
            ours.close()
        if job.error is not None:
            raise job.error
        return job.addresses

    def _begin(self, job: _Job) -> None:
        with self._lock:
            self._jobs.put(job)
            if self._threads < self._most_threads:
                self._threads += 1
                threading.Thread(target=self._work, name="system-resolver", daemon=True).start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            with job.done:
                if not job.abandoned:
                    _look_up(job)

    def _next(self) -> _Job | None:
        """Take a job; a thread that finds none is counted out before anybody else can look."""
        with self._lock:
            try:
                return self._jobs.get_nowait()
            except queue.Empty:
                self._threads -= 1
                return None


def _look_up(job: _Job) -> None:
    try:
        found = socket.getaddrinfo(job.host, None, type=socket.SOCK_STREAM)  # noqa: TID251 - this is the thread made for it
        job.addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    except (OSError, UnicodeError) as exc:
        job.error = exc if isinstance(exc, OSError) else PeerError("dns_nxdomain_error")


#: The process's one system resolver.
system_lookup: Final = SystemResolver()
