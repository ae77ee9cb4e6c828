"""The network itself: routes, a VPN, a portal, a middlebox that answers connects, the clock.

Anchors and the system's resolver are baseline *options* and run with all others; what is no option is looked at here
and kept as facts, so that the state can be decided again from a report.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio

from circumvent.check.runner import Task
from circumvent.check.time_of_day import TimeOfDay
from circumvent.model.option import Endpoint
from circumvent.model.words import Proof
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import CannotTry, StepFailed
from circumvent.net.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.check.plan import Plan
    from circumvent.check.runner import Runner, Services
    from circumvent.control import Control
    from circumvent.model.option import Option
    from circumvent.model.record import Attempt

#: An address where nobody answers (TEST-NET-1, RFC 5737): a connect that succeeds was answered by a middlebox.
NOBODY: Final = Endpoint(host="192.0.2.1", port=443)
#: When nothing else is under way it gets this many seconds or round trips, whichever is more: whoever answers every
#: connect answers within one round trip, and one lost SYN is sent again after a second.
NOBODY_SECONDS: Final = 2.0
NOBODY_ROUND_TRIPS: Final = 6.0
#: The longest page of a portal that is read, in bytes.
MOST_PAGE: Final = 64 * 1024


class Baseline:
    """Looks at the network while the options run; ``facts`` grows as things become known."""

    def __init__(self, plan: Plan, services: Services, watch: Callable[[Trace], None] | None = None) -> None:
        """Begin with what the machine itself tells; ``watch`` is told of each record, whose bytes count like others."""
        self._plan = plan
        self._services = services
        self._watch = watch
        self._time = TimeOfDay(services.clock)
        self._nobody: anyio.CancelScope | None = None
        self._nobody_since = 0.0
        line = plan.line
        self.facts: dict[str, Any] = {
            "routes": {"ipv4": line.ipv4, "ipv6": line.ipv6, "online": line.online, "carrier": line.carrier},
            "vpn": {"on": line.tunnel is not None, "interface": line.interface, "sort": line.tunnel},
            "anchors": {"off": plan.settings.anchors == "none", "by_hand": plan.anchors_by_hand},
        }

    async def run(self, changed: Callable[[], None]) -> None:
        """Look at what no option looks at; call ``changed`` whenever a fact came."""
        async with anyio.create_task_group() as group:
            for look in (self._portal, self._proxied):
                group.start_soon(self._look, look, changed)

    def take(self, option: Option, attempt: Attempt) -> bool:
        """Read the clock of an authenticated server off an attempt; tell whether it put our clock right."""
        self._time.take(option, attempt)
        return self._settle_time()

    async def ask_the_time(self, runner: Runner) -> bool:
        """Ask servers whose certificates fail for their dates alone; tell whether that put our clock right."""
        asked = self._time.to_ask()

        async def ask(option: Option, moment: float) -> None:
            task = Task(option=option, number=2, goal=Proof.CARRIED, judged_at=moment)
            self._time.take_by_its_dates(option, (await runner.run(task)).attempt)

        async with anyio.create_task_group() as group:
            for option, moment in asked:
                group.start_soon(ask, option, moment)
        return self._settle_time()

    def _settle_time(self) -> bool:
        self._services.accounts.learn(self._time.right())
        agreed = self._time.agreed()
        if agreed is not None:
            self.facts["clock"] = {"skew_s": round(agreed[0], 1), "operators": agreed[1]}
        return self._time.correct()

    async def _look(self, look: Callable[[], Any], changed: Callable[[], None]) -> None:
        await look()
        changed()

    async def _portal(self) -> None:
        checks = self._plan.portal_checks
        if not checks:
            return
        pages: list[str | None] = []

        async def fetch(control: Control) -> None:
            answer = await self._fetch(control)
            if answer is not None:
                pages.append(answer)

        async with anyio.create_task_group() as group:
            for control in checks:
                group.start_soon(fetch, control)
        wrong = [page for page in pages if page]
        self.facts["portal"] = {
            "pages": len(wrong),
            "of": len(checks),
            "answered": len(pages),
            "caught": bool(wrong) and len(wrong) == len(pages),
            "where": wrong[0] if wrong else None,
        }

    async def _fetch(self, control: Control) -> str | None:
        """Fetch a page over plain HTTP; return where a wrong one came from, ``""`` for a right one."""
        from circumvent.net.http import open_http  # noqa: PLC0415 - httpx is loaded when packets are under way

        trace = self._trace("portal")
        try:
            stream = await self._dialer().stream(control.endpoint, trace)
            try:
                async with trace.step("carry"):
                    fresh = control.fresh(self._services.random)
                    session = open_http(stream, url=fresh.url, http2=False, trace=trace)
                    answer = await session.request("GET", fresh.url, max_body=MOST_PAGE)
            finally:
                await stream.aclose()
        except (StepFailed, CannotTry):
            return None
        if fresh.judge(answer.status, answer.body) is None:
            return ""
        return trace.address or control.host

    async def _proxied(self) -> None:
        """Connect to an address where nobody is."""
        if self._plan.settings.anchors == "none":
            return
        trace = self._trace("nobody")
        self._nobody_since = anyio.current_time()
        with anyio.CancelScope() as self._nobody:
            try:
                stream = await self._dialer(allow_private=True).stream(NOBODY, trace)
            except CannotTry:
                return
            except StepFailed:
                self.facts["tcp_proxied"] = False
                return
            await stream.aclose()
            self.facts["tcp_proxied"] = True
        if self._nobody.cancelled_caught:
            self.facts["tcp_proxied"] = False

    def last_call(self) -> None:
        """Wait for an answer from nobody no longer than it could take: nothing else is under way."""
        round_trip = self._services.timeouts.round_trip
        if self._nobody is not None and round_trip is not None:
            self._nobody.deadline = self._nobody_since + max(NOBODY_SECONDS, NOBODY_ROUND_TRIPS * round_trip)

    def look_at_gateway(self) -> None:
        """See in the neighbour table whether the router answers; nothing is sent to it."""
        if "gateway" not in self.facts and _in_neighbour_table(self._plan.line.gateways):
            self.facts["gateway"] = {"answers": True}

    def _trace(self, name: str) -> Trace:
        trace = Trace(name, clock=self._services.clock, timeouts=self._services.timeouts)
        if self._watch is not None:
            self._watch(trace)
        return trace

    def _dialer(self, *, allow_private: bool = False) -> DirectDialer:
        policy = Policy(allow_private=allow_private or self._services.allow_private, private_names=False)
        return DirectDialer(self._services.resolver, self._services.source, policy)


def _in_neighbour_table(gateways: tuple[str, ...], path: str = "/proc/net/arp") -> bool:
    """Tell whether a gateway has answered ARP (flag 0x2, complete)."""
    try:
        rows = Path(path).read_text("ascii", "replace").splitlines()[1:1000]
    except OSError:
        return False
    fields = [row.split() for row in rows]
    return any(len(one) >= 3 and one[0] in gateways and one[2] == "0x2" for one in fields)
