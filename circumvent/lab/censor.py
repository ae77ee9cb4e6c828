"""The censor: flows, and the rules that look at them in order. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from circumvent.lab.flow import DOWN, Direction, FlowTable
from circumvent.lab.fragments import Defragmenter
from circumvent.lab.rule import Counter, Memory, Sight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from circumvent.lab.packet import Packet
    from circumvent.lab.rule import Rule


@dataclass(frozen=True, slots=True)
class Ruling:
    """What leaves the censor's place for one packet that came: (direction, packet, seconds held back), in order."""

    onward: tuple[tuple[Direction, Packet, float], ...]
    forged: tuple[tuple[Direction, bytes], ...] = ()


NOTHING = Ruling(())


class Censor:
    """Applies ``rules`` in order; the first that drops a packet is the last to see it.

    ``defragment``: packets that came in fragments are judged whole, and their fragments wait until then. Without it a
    rule sees the first fragment as a packet of its own, and the others without ports.
    """

    def __init__(self, rules: Sequence[Rule], *, seed: int = 0, defragment: bool = True) -> None:
        names = [rule.name for rule in rules]
        if len(set(names)) != len(names):
            raise ValueError("two rules of one censor have the same name")
        self.counters = {name: Counter() for name in names}
        self.flows = FlowTable()
        self._rules = [(rule, Memory.seeded(seed, rule.name), self.counters[rule.name]) for rule in rules]
        self._defragmenter = Defragmenter() if defragment else None

    def judge(self, packet: Packet, direction: Direction, now: float) -> Ruling:
        """Say what becomes of a packet that arrives at ``now``."""
        if packet.fragment is None or self._defragmenter is None:
            return self._judge(packet, direction, now, (packet,))
        whole = self._defragmenter.add(packet, now)
        if whole is None:
            return NOTHING
        return self._judge(whole.packet, direction, now, whole.brought_by)

    def silent_rules(self) -> tuple[str, ...]:
        """Return the names of rules that never fired."""
        return tuple(name for name, counter in self.counters.items() if not counter.fired)

    def _judge(
        self, packet: Packet, direction: Direction, now: float, brought_by: tuple[Packet, ...]
    ) -> Ruling:
        flow = self.flows.find(packet, direction, now)
        sight = Sight(packet, flow, direction, flow.note(packet, direction, now), now)
        delay = 0.0
        forged: list[tuple[Direction, bytes]] = []
        for rule, memory, counter in self._rules:
            counter.seen += 1
            verdict = rule.see(sight, memory)
            if verdict is None:
                continue
            counter.fired += 1
            if rule.name not in flow.fired:
                flow.fired.add(rule.name)
                counter.flows += 1
            forged += [(DOWN, raw) for raw in verdict.to_client]
            forged += [(Direction.UP, raw) for raw in verdict.to_server]
            if verdict.mark is not None:
                flow.marks.add(verdict.mark)
            if verdict.drop:
                return Ruling((), tuple(forged))
            delay += verdict.delay
            if verdict.replace is not None:
                sight.packet = verdict.replace
                brought_by = (verdict.replace,)
        return Ruling(tuple((direction, piece, delay) for piece in brought_by), tuple(forged))


def summary(counters: Mapping[str, Counter]) -> dict[str, dict[str, int]]:
    """Return counters as plain numbers."""
    return {
        name: {"seen": counter.seen, "fired": counter.fired, "flows": counter.flows}
        for name, counter in counters.items()
    }
