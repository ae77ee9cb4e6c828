"""The caps: never exceeded, whatever comes; everybody is served in the end; nothing leaks on cancellation."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circumvent.net.address import network_of
from circumvent.net.slots import Caps, Lease, Ledger, Slots

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def take(ledger: Ledger, now: float, *addresses: str, connections: int = 1, exclusive: bool = False) -> Lease:
    lease = ledger.lease(addresses, connections=connections, exclusive=exclusive)
    assert ledger.wait(lease, now) == 0
    ledger.begin(lease, now)
    return lease


def test_four_to_one_address_and_the_fifth_waits_even_when_fast() -> None:
    ledger = Ledger(Caps(fast=True))
    leases = [take(ledger, 0, "192.0.2.1") for _ in range(4)]
    fifth = ledger.lease(["192.0.2.1"])
    assert ledger.wait(fifth, 0) == math.inf
    ledger.end(leases[0], 1)
    assert ledger.wait(fifth, 1) == 0


def test_eight_to_one_network_and_two_new_ones_a_second() -> None:
    ledger = Ledger(Caps())
    for number in range(8):
        lease = ledger.lease([f"8.8.8.{number}"])
        now = number // 2
        assert ledger.wait(lease, now) == 0
        ledger.begin(lease, now)
        if number == 1:
            assert ledger.wait(ledger.lease(["8.8.8.9"]), 0.25) == 0.75
    assert ledger.wait(ledger.lease(["8.8.8.9"]), 60) == math.inf
    assert ledger.wait(ledger.lease(["8.8.4.4"]), 3) == 0


def test_one_cdn_is_one_place_wherever_its_addresses_are() -> None:
    ledger = Ledger(Caps())
    for address in ("1.1.1.1", "104.16.0.1"):
        lease = ledger.lease([address], group="cloudflare")
        assert ledger.wait(lease, 0) == 0
        ledger.begin(lease, 0)
    assert ledger.wait(ledger.lease(["162.159.0.1"], group="cloudflare"), 0.5) == 0.5
    assert ledger.wait(ledger.lease(["162.159.0.1"], group="fastly"), 0.5) == 0
    assert ledger.open_in("cdn:cloudflare") == 2


def test_pace_is_lifted_by_fast_and_for_private_addresses_where_those_are_allowed() -> None:
    assert not Caps(fast=True).paced("8.8.8.8")
    assert not Caps(allow_private=True).paced("127.0.0.1")
    assert not Caps(allow_private=True).paced("192.0.2.1")  # a documentation prefix
    assert Caps(allow_private=True).paced("8.8.8.8")
    assert Caps().paced("127.0.0.1")


def test_a_lease_knows_whether_it_was_alone() -> None:
    ledger = Ledger(Caps(fast=True))
    first = take(ledger, 0, "192.0.2.1")
    elsewhere = take(ledger, 0, "192.0.2.2")
    assert not first.shared
    second = take(ledger, 1, "192.0.2.1", "2001:db8::1")
    assert (first.shared, second.shared, elsewhere.shared) == (True, True, False)
    assert ledger.open_to("192.0.2.1") == 2


def test_an_exclusive_lease_waits_for_all_and_keeps_all_out() -> None:
    ledger = Ledger(Caps(fast=True))
    other = take(ledger, 0, "192.0.2.1")
    alone = ledger.lease(["192.0.2.1"], exclusive=True)
    assert ledger.wait(alone, 0) == math.inf
    ledger.end(other, 1)
    ledger.begin(alone, 1)
    assert ledger.wait(ledger.lease(["192.0.2.1"]), 1) == math.inf
    assert not alone.shared


def test_a_lease_beyond_every_cap_is_cut_so_that_it_can_be_served() -> None:
    lease = Ledger(Caps(in_all=3)).lease(["192.0.2.1", "192.0.2.2", "192.0.2.3"], connections=99)
    assert (lease.connections, lease.sockets) == (3, 3)


def test_a_race_between_addresses_has_one_socket_more() -> None:
    ledger = Ledger(Caps())
    assert ledger.lease(["192.0.2.1"], connections=2).sockets == 2
    assert ledger.lease(["192.0.2.1", "2001:db8::1", "2001:db8::2"]).sockets == 2


addresses = st.sampled_from(
    ["1.1.1.1", "1.1.1.2", "1.1.2.1", "2606:4700::1", "2606:4700:0:1::1", "127.0.0.1"]
)
wishes = st.lists(
    st.tuples(
        st.lists(addresses, max_size=3),
        st.integers(min_value=1, max_value=5),
        st.sampled_from([None, "cdn-a"]),
        st.booleans(),
        st.floats(min_value=0.01, max_value=3),
    ),
    max_size=25,
)


@dataclass
class Simulation:
    """Slots driven by a made-up clock: every wish holds its lease for a while and gives it back."""

    caps: Caps
    now: float = 0.0

    def run(
        self, wanted: Sequence[tuple[list[str], int, str | None, bool, float]]
    ) -> list[tuple[float, Lease]]:
        ledger = Ledger(self.caps)
        queue = [(ledger.lease(a, connections=n, group=g, exclusive=x), hold) for a, n, g, x, hold in wanted]
        running: list[tuple[float, Lease]] = []
        begun: list[tuple[float, Lease]] = []
        while queue or running:
            waits = [ledger.wait(lease, self.now) for lease, _ in queue]
            ready = next((place for place, wait in enumerate(waits) if wait <= 0), None)
            if ready is not None:
                lease, hold = queue.pop(ready)
                ledger.begin(lease, self.now)
                running.append((self.now + hold, lease))
                begun.append((self.now, lease))
                self._hold_caps(ledger, [lease for _, lease in running])
                continue
            # Nobody may begin: time goes to the next end or to the end of a pause, and one of both exists.
            events = [end for end, _ in running] + [self.now + wait for wait in waits if wait < math.inf]
            assert events, "a wish would never be served"
            self.now = max(min(events), self.now + 1e-9)
            for end, lease in list(running):
                if end <= self.now:
                    running.remove((end, lease))
                    ledger.end(lease, self.now)
        self.now += 2
        assert (ledger.open, len(ledger._addresses)) == (0, 0)
        return begun

    def _hold_caps(self, ledger: Ledger, running: list[Lease]) -> None:
        assert sum(lease.sockets for lease in running) == ledger.open <= self.caps.in_all
        to_address: Counter[str] = Counter()
        to_network: Counter[str] = Counter()
        for lease in running:
            to_address.update(dict.fromkeys(lease.addresses, lease.connections))
            to_network.update(dict.fromkeys(lease.groups, lease.connections))
            others = [other for other in running if other is not lease and other.addresses & lease.addresses]
            assert not (lease.exclusive and others)
            assert lease.shared or not others
        assert all(count <= self.caps.to_address for count in to_address.values())
        assert all(count <= self.caps.to_network for count in to_network.values())


@given(wishes, st.booleans(), st.booleans())
def test_whatever_is_wanted_the_caps_hold_and_everything_is_served(
    wanted: list[tuple[list[str], int, str | None, bool, float]], fast: bool, allow_private: bool
) -> None:
    caps = Caps(in_all=7, fast=fast, allow_private=allow_private)
    begun = Simulation(caps).run(wanted)
    assert len(begun) == len(wanted)
    for group in {name for _, lease in begun for name in lease.groups}:
        starts = [start for start, lease in begun if group in lease.groups for _ in range(lease.connections)]
        for start in starts:
            window = sum(start <= other < start + 0.999 for other in starts)
            largest = max(lease.connections for _, lease in begun)
            assert window <= max(caps.new_per_second, largest)


@given(st.lists(st.tuples(addresses, st.integers(1, 4), st.booleans()), max_size=30))
@settings(deadline=None, max_examples=25)
def test_waiters_are_served_in_their_order_at_each_address(wanted: list[tuple[str, int, bool]]) -> None:
    served: list[tuple[int, str]] = []

    async def main() -> None:
        slots = Slots(Caps(in_all=8, fast=True))

        async def hold(number: int, address: str, connections: int, exclusive: bool) -> None:
            async with slots.lease(address, connections=connections, exclusive=exclusive):
                served.append((number, address))
                await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as group:
            for number, (address, connections, exclusive) in enumerate(wanted):
                group.start_soon(hold, number, address, connections, exclusive)
                await anyio.wait_all_tasks_blocked() if number % 7 == 0 else None
        assert (slots.waiting, slots.ledger.open) == (0, 0)

    anyio.run(main)
    assert sorted(number for number, _ in served) == list(range(len(wanted)))


async def test_the_pace_is_kept_by_waiting_and_a_freed_place_starts_its_clock() -> None:
    slots = Slots(Caps(to_network=2, new_per_second=2))
    begun: list[float] = []

    async def hold(address: str) -> None:
        async with slots.lease(address):
            begun.append(anyio.current_time())
            await anyio.sleep(0.05)

    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(hold, f"8.8.8.{number}")
    # The third and fourth found the network full first, and the pace against them when a place was free.
    assert begun[1] - begun[0] < 0.9
    assert begun[2] - begun[0] >= 0.99
    assert slots.ledger.open == 0


async def test_a_cancelled_waiter_leaves_no_trace_and_lets_the_next_through() -> None:
    slots = Slots(Caps(fast=True))
    order: list[str] = []

    async def hold(name: str, until: anyio.Event, *, exclusive: bool) -> None:
        async with slots.lease("192.0.2.1", exclusive=exclusive):
            order.append(name)
            await until.wait()

    release = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: hold("first", release, exclusive=False))
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0.01):
            await hold("exclusive", release, exclusive=True)
        with anyio.fail_after(1):
            async with slots.lease("192.0.2.1") as lease:
                assert lease.shared
        release.set()
    assert order == ["first"]
    assert (slots.waiting, slots.ledger.open) == (0, 0)


async def test_a_lease_granted_to_somebody_cancelled_meanwhile_is_given_back() -> None:
    slots = Slots(Caps(fast=True))

    async def wait_for_it() -> None:
        async with slots.lease("192.0.2.1", connections=4):
            await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        async with slots.lease("192.0.2.1", connections=4):
            group.start_soon(wait_for_it)
            await anyio.wait_all_tasks_blocked()
        assert slots.waiting == 0  # granted, but its task has not run yet
        group.cancel_scope.cancel()
    assert slots.ledger.open == 0


async def test_small_leases_do_not_starve_a_large_one() -> None:
    slots = Slots(Caps(in_all=4, fast=True))
    served: list[str] = []

    async def hold(address: str, connections: int) -> None:
        async with slots.lease(address, connections=connections):
            served.append(address)
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group, slots.lease("192.0.2.9", connections=2):
        group.start_soon(hold, "192.0.2.1", 4)
        await anyio.wait_all_tasks_blocked()
        for number in range(2, 6):
            group.start_soon(hold, f"192.0.2.{number}", 1)
        await anyio.wait_all_tasks_blocked()
        assert served == []
    assert served[0] == "192.0.2.1"


def test_networks_are_24_bits_of_ipv4_and_48_of_ipv6() -> None:
    assert network_of("192.0.2.77") == "192.0.2.0/24"
    assert network_of("2606:4700:0:1::1") == network_of("2606:4700::2") == "2606:4700::/48"
