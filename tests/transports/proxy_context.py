"""Options and contexts for tries of proxies on this machine."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

from circumvent.control import Bulk, Control, ControlPlan, plan_for_try
from circumvent.model.option import Endpoint, Option, Origin, ProxySettings
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

    from circumvent.model.record import Attempt, Step
    from circumvent.net.stream import Dialer


def proxy(
    kind: str,
    port: int,
    *,
    address: str = "127.0.0.1",
    user: str | None = None,
    password: str | None = None,
    tls: bool = False,
    **more: Any,
) -> Option:
    """Return an option for a proxy."""
    return Option(
        id=f"{kind}-test",
        kind=kind,
        label="test",
        endpoint=more.pop("endpoint", Endpoint(host=address, port=port)),
        origin=Origin(source="argument"),
        settings=ProxySettings(tls=tls) if kind == "http-connect" else None,
        user=None if user is None else Secret(user),
        password=None if password is None else Secret(password),
        **more,
    )


def by_hand(*urls: str, bulk: str | None = None) -> ControlPlan:
    """Return the plan of any try when the user named these controls."""
    return ControlPlan(
        at_once=tuple(Control.parse(url) for url in urls),
        by_hand=True,
        bulk=None if bulk is None else Bulk.parse(bulk),
    )


def built_in(*urls: str, number: int = 1, random: Random) -> ControlPlan:
    """Return the plan of a try with built-in controls, each of an operator of its own."""
    controls = [
        Control(url=given.url, expect=given.expect, operator=f"operator {index}")
        for index, given in enumerate(Control.parse(url) for url in urls)
    ]
    return plan_for_try(controls, (), number, random)


class NoNames:
    """Every proxy here has an address; the names of controls are the proxy's to resolve."""

    async def resolve(self, host: str, trace: Trace, *, private: bool) -> Sequence[str]:  # noqa: ARG002 - a NameService's
        raise AssertionError(f"nobody should look up {host}")


def context(
    *,
    goal: Proof = Proof.SUSTAINED,
    limit: float | None = None,
    ca_file: Path | None = None,
    controls: ControlPlan,
    dialer: Dialer | None = None,
    idle: float | None = None,
) -> Context:
    """Return what one attempt needs; ``limit`` (seconds) is that of every step."""
    names: Any = None  # no proxy asks a resolver
    extra = () if ca_file is None else (ca_file.read_text(encoding="ascii"),)
    return Context(
        trace=Trace("a1", clock=Clock(), timeouts=Timeouts(), limit=limit),
        dialer=dialer or DirectDialer(NoNames(), policy=Policy(allow_private=True)),
        goal=goal,
        controls=controls,
        names=names,
        trust=TrustStore.mozilla(extra),
        random=Random(),
        idle=idle,
    )


async def try_once(option: Option, context: Context) -> Attempt:
    """Try the option and return the record."""
    with suppress(StepFailed):  # the record has it
        await load(option.kind).attempt(option, context)
    return context.trace.attempt()


def failure_of(attempt: Attempt) -> tuple[str, str] | None:
    """Return the step that failed and the failure string."""
    return None if attempt.failure is None else (attempt.failure.step, attempt.failure.error)


def step_of(attempt: Attempt, name: str) -> Step:
    """Return the last step of that name."""
    step = attempt.step(name)
    assert step is not None, f"no {name} in {[one.name for one in attempt.steps]}"
    return step
