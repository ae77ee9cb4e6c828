"""Options and contexts for tries of STUN and TURN against servers on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from circumvent.model.option import Endpoint, Option, Origin, VoiceSettings
from circumvent.model.secret import Secret
from tests.names import tries

if TYPE_CHECKING:
    from circumvent.model.record import Attempt
    from circumvent.model.words import Proof
    from circumvent.transport import Context


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


async def attempt(option: Option, given: Context) -> Result:
    """Try the option once and return the record."""
    return Result(await tries.attempt(option, given))


def context(**more: Any) -> Context:
    """Return what one attempt needs; nobody asks names here."""
    return tries.context(tries.plan(None), **more)
