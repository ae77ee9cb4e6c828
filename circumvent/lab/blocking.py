"""The common form of a rule: a scope, a trigger that condemns, an action on what is condemned, a residual penalty.

Nearly every documented censor behaviour is of this form, and most differ in their trigger or their action alone. So
triggers (:mod:`circumvent.lab.rules`) and actions (:mod:`circumvent.lab.actions`) are made apart and put together
here::

    Blocking(
        name="sni-reset",
        scope=Scope(protocols=("tcp",), ports=(443,)),
        when=Sni(names=("blocked.example",)),
        then=Reset(to_server=True),
        residual=Residual(key=ResidualKey.CLIENT_SERVER_PORT, seconds=(90, 90)),
    )
"""

from __future__ import annotations

import enum
import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from circumvent.lab.scope import Scope, Window

if TYPE_CHECKING:
    from collections.abc import Hashable

    from circumvent.lab.flow import Flow
    from circumvent.lab.rule import Memory, Sight, Verdict


class Judgement(enum.Enum):
    """What a trigger says of a packet: it condemns, it does not, or this flow never will be condemned."""

    YES = "yes"
    NO = "no"
    NEVER = "never"


class Trigger(Protocol):
    """What makes a censor act."""

    def judge(self, sight: Sight, memory: Memory) -> Judgement:
        """Look at a packet of a flow that is not condemned. ``NEVER`` spares it all further looks."""


class Action(Protocol):
    """What a censor does."""

    def act(self, sight: Sight, memory: Memory, count: int) -> Verdict | None:
        """Act on a packet of a condemned flow; ``None`` lets it pass.

        ``count`` is how many packets of the flow came since it was condemned, 0 for the one that did it; a flow under
        a residual penalty has :data:`LONG_CONDEMNED`.
        """


#: The count of a flow that was condemned before its first packet.
LONG_CONDEMNED: Final = sys.maxsize


class ResidualKey(enum.Enum):
    """What is punished after an offence, beside the flow itself."""

    CLIENT = "client"
    CLIENT_SERVER = "client-server"  # 2-tuple
    CLIENT_SERVER_PORT = "client-server-port"  # 3-tuple
    FOUR_TUPLE = "4-tuple"
    SERVER_PORT = "server-port"  # of any client
    SERVER = "server"

    def of(self, flow: Flow) -> Hashable:
        """Return what of ``flow`` is punished."""
        key = flow.key
        match self:
            case ResidualKey.CLIENT:
                return (key.client,)
            case ResidualKey.CLIENT_SERVER:
                return key.client, key.server
            case ResidualKey.CLIENT_SERVER_PORT:
                return key.protocol, key.client, key.server, key.server_port
            case ResidualKey.SERVER_PORT:
                return key.protocol, key.server, key.server_port
            case ResidualKey.SERVER:
                return (key.server,)
            case _:
                return key


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """A penalty after an offence: everything with this key is acted upon for a while.

    ``seconds`` is drawn evenly between the two; ``then`` is another action than the rule's own; ``scope`` is what is
    punished, the rule's own scope if ``None``; ``probability`` is that of a penalty after an offence; ``renew`` begins
    it again with each packet that is hit.
    """

    key: ResidualKey
    seconds: tuple[float, float]
    then: Action | None = None
    scope: Scope | None = None
    probability: float = 1.0
    renew: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.seconds[0] <= self.seconds[1]:
            raise ValueError("a penalty lasts for some time, the shorter bound first")


#: A scope without restrictions.
EVERYTHING: Final = Scope()


class _Status(enum.Enum):
    OUTSIDE = enum.auto()
    WATCHED = enum.auto()
    CONDEMNED = enum.auto()
    SPARED = enum.auto()


@dataclass(slots=True)
class _State:
    status: _Status
    punishable: bool
    until: float = 0.0
    count: int = 0
    done: bool = False  # nothing can happen to this flow any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocking:
    """A rule of scope, trigger and action.

    ``lasts`` is for how many seconds a flow stays condemned; 0 means this packet alone, and the trigger looks at every
    packet. ``renew`` begins that again with each packet that is hit. ``probability`` is drawn once for a flow (for a
    packet if ``lasts`` is 0). ``windows`` are the times at which the rule is in force, always if empty.
    """

    name: str
    when: Trigger
    then: Action
    scope: Scope = EVERYTHING
    residual: Residual | None = None
    probability: float = 1.0
    lasts: float = math.inf
    renew: bool = False
    windows: tuple[Window, ...] = ()

    def see(self, sight: Sight, memory: Memory) -> Verdict | None:
        """Judge the packet, or act on it."""
        state = sight.flow.states.get(self.name)
        if state is None:
            state = sight.flow.states[self.name] = self._meet(sight.flow)
        if state.done:
            return None
        if self.windows and not any(window.holds(sight.now) for window in self.windows):
            return None
        if state.status is _Status.CONDEMNED:
            if sight.now < state.until:
                return self._again(state, sight, memory)
            state.status = _Status.WATCHED
        if self._punished(state, sight, memory):
            assert self.residual is not None  # noqa: S101 - what _punished says
            return (self.residual.then or self.then).act(sight, memory, LONG_CONDEMNED)
        if state.status is not _Status.WATCHED or not self.scope.allows_marks(sight.flow):
            return None
        judgement = self.when.judge(sight, memory)
        if judgement is Judgement.YES:
            return self._condemn(state, sight, memory)
        if judgement is Judgement.NEVER:
            self._spare(state)
        return None

    def _meet(self, flow: Flow) -> _State:
        covered = self.scope.covers(flow)
        punishable = False
        if self.residual is not None:
            punishable = covered if self.residual.scope is None else self.residual.scope.covers(flow)
        status = _Status.WATCHED if covered else _Status.OUTSIDE
        return _State(status, punishable, done=not covered and not punishable)

    def _spare(self, state: _State) -> None:
        state.status = _Status.SPARED
        state.done = not state.punishable

    def _condemn(self, state: _State, sight: Sight, memory: Memory) -> Verdict | None:
        if self.probability < 1.0 and memory.random.random() >= self.probability:
            if self.lasts > 0:
                self._spare(state)
            return None
        if self.lasts > 0:
            state.status = _Status.CONDEMNED
            state.until = sight.now + self.lasts
            state.count = 0
        residual = self.residual
        if residual is not None and memory.random.random() < residual.probability:
            until = sight.now + memory.random.uniform(*residual.seconds)
            memory.penalties.punish(residual.key.of(sight.flow), until)
        return self.then.act(sight, memory, 0)

    def _again(self, state: _State, sight: Sight, memory: Memory) -> Verdict | None:
        state.count += 1
        verdict = self.then.act(sight, memory, state.count)
        if verdict is not None and self.renew:
            state.until = sight.now + self.lasts
        return verdict

    def _punished(self, state: _State, sight: Sight, memory: Memory) -> bool:
        residual = self.residual
        if residual is None or not state.punishable or not memory.penalties:
            return False
        key = residual.key.of(sight.flow)
        if not memory.penalties.holds(key, sight.now):
            return False
        if residual.renew:
            memory.penalties.punish(key, sight.now + memory.random.uniform(*residual.seconds))
        return True
