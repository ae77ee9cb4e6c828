"""Try resolvers on this machine: options, contexts, and one attempt."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from circumvent.check.background import Background
from circumvent.model.option import Endpoint, Option, Origin, WebSettings
from circumvent.model.words import Proof
from circumvent.names.chain import RootKeys
from circumvent.names.plan import ControlName, IdentityProbe, NamesPlan
from circumvent.net.clock import Clock
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import StepFailed
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace
from circumvent.net.verify import TrustStore
from circumvent.transport import Context, Triggering, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from circumvent.model.record import Attempt

#: A control name of the laboratory's root zone, with the address that it has there.
CONTROL = ControlName(name="lab.example", addresses=frozenset({"198.51.100.16"}))
CANARIES = ("canary-one.example", "canary-two.example", "canary-three.example")
IDENTITY = (IdentityProbe(name="id.server", rdclass="CH"),)


class NoNames:
    """Every server here has an address."""

    async def resolve(self, host: str, trace: Trace, *, private: bool) -> Sequence[str]:  # noqa: ARG002 - the protocol's signature
        raise AssertionError(f"nobody should look up {host}")


def plan(anchor: str | None, **more: Any) -> NamesPlan:
    """Return what to ask in the laboratory; ``anchor`` is its root's."""
    parts: dict[str, Any] = {
        "root_keys": RootKeys(anchor),
        "controls": (CONTROL,),
        "canaries": CANARIES,
        "identity": IDENTITY,
        **more,
    }
    return NamesPlan(**parts)


def context(names: NamesPlan, *, goal: Proof = Proof.SUSTAINED, **more: Any) -> Context:
    """Return what one attempt needs: a direct dialer that may contact anything here."""
    ca_file: Path | None = more.pop("ca_file", None)
    limit: float | None = more.pop("limit", None)
    extra = () if ca_file is None else (ca_file.read_text(),)
    parts: dict[str, Any] = {
        "trace": Trace("a1", clock=more.pop("clock", None) or Clock(), timeouts=Timeouts(), limit=limit),
        "dialer": DirectDialer(NoNames(), policy=Policy(allow_private=True)),
        "goal": goal,
        "controls": None,
        "names": names,
        "trust": TrustStore.mozilla(extra),
        "random": random.Random(),
        **more,
    }
    return Context(**parts)


def names_option(
    kind: str,
    address: str,
    port: int,
    *,
    name: str | None = None,
    method: str = "POST",
    path: str = "/dns-query",
) -> Option:
    """Return an option for the resolver at ``address`` (``name`` is what its certificate says)."""
    host = name or address
    settings = WebSettings(url=f"https://{host}:{port}{path}", method=method) if kind == "doh" else None
    return Option(
        id=f"{kind}-1",
        kind=kind,
        label="laboratory",
        endpoint=Endpoint(host=host, port=port, addresses=(address,)),
        origin=Origin(source="argument"),
        settings=settings,
    )


@asynccontextmanager
async def watched(given: Context) -> AsyncIterator[None]:
    """Give steps the time that this machine lost, as a check does: limits are meant for the network."""
    background = Background()
    background.start(given.trace.timeouts.watch)
    try:
        yield
    finally:
        await background.stop()


async def attempt(option: Option, given: Context) -> Attempt:
    """Try ``option`` once and return the record."""
    async with watched(given):
        with suppress(StepFailed):
            await load(option.kind).attempt(option, given)
    return given.trace.attempt()


async def trigger(option: Option, given: Context) -> Attempt:
    """Run the second-phase probe of ``option`` and return the record."""
    transport = load(option.kind)
    assert isinstance(transport, Triggering)
    async with watched(given):
        with suppress(StepFailed):
            await transport.trigger(option, given)
    return given.trace.attempt()


def detail(record: Attempt, step: str) -> dict[str, Any]:
    """Return what a step of the record noted."""
    found = record.step(step)
    assert found is not None, [each.name for each in record.steps]
    return found.detail
