"""Options and contexts for tries of STUN and TURN against servers on this machine."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from circumvent.model.option import Endpoint, Option, Origin, VoiceSettings
from circumvent.model.secret import Secret
from circumvent.model.words import Proof
from circumvent.net.clock import Clock
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import StepFailed
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace
from circumvent.net.verify import TrustStore
from circumvent.transport import Context, load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from circumvent.model.record import Attempt


class NoNames:
    """Every server here has an address."""

    async def resolve(self, host: str, trace: Trace, *, private: bool) -> Sequence[str]:
        raise AssertionError(f"nobody should look up {host}")


def context(
    *, goal: Proof = Proof.SUSTAINED, limit: float | None = None, ca_file: Path | None = None, **more: Any
) -> Context:
    """Return what one attempt needs: a direct dialer that may contact anything here."""
    extra = () if ca_file is None else (ca_file.read_text(),)
    parts: dict[str, Any] = {
        "trace": Trace("a1", clock=Clock(), timeouts=Timeouts(), limit=limit),
        "dialer": DirectDialer(NoNames(), policy=Policy(allow_private=True)),
        "goal": goal,
        "controls": None,
        "names": None,
        "trust": TrustStore.mozilla(extra),
        "random": random.Random(),
        **more,
    }
    return Context(**parts)


def voice_option(
    kind: str,
    address: str,
    port: int,
    *,
    transport: str = "udp",
    host: str | None = None,
    user: str | None = None,
    password: str | None = None,
) -> Option:
    return Option(
        id=f"{kind}-test",
        kind=kind,
        label="test",
        endpoint=Endpoint(host=host or address, port=port, addresses=() if host is None else (address,)),
        origin=Origin(source="argument"),
        settings=VoiceSettings(transport=transport),
        user=None if user is None else Secret(user),
        password=None if password is None else Secret(password),
    )


@dataclass(frozen=True, slots=True)
class Result:
    """The record of an attempt."""

    attempt: Attempt

    @property
    def proof(self) -> Proof:
        return self.attempt.proof

    @property
    def failure(self) -> tuple[str, str] | None:
        """Return the step that failed, and the failure string."""
        failure = self.attempt.failure
        return None if failure is None else (failure.step, failure.error)

    @property
    def steps(self) -> list[str]:
        return [step.name for step in self.attempt.steps]

    def detail(self, name: str) -> dict[str, Any]:
        step = self.attempt.step(name)
        assert step is not None, f"no step {name} in {self.steps}"
        return step.detail


async def attempt(option: Option, with_context: Context) -> Result:
    """Try the option once and return the record."""
    try:
        await load(option.kind).attempt(option, with_context)
    except StepFailed as exc:
        assert with_context.trace.failure == exc.failure
    return Result(with_context.trace.attempt())
