"""The entry points: :func:`check`, :func:`acheck`, :func:`stream`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import anyio

from circumvent.check.background import Background
from circumvent.check.events import Event, Finished
from circumvent.check.plan import make_plan
from circumvent.check.run import CheckRun
from circumvent.check.services import make_services
from circumvent.check.settings import CheckSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from circumvent.check.plan import Plan
    from circumvent.model.report import Report


class CheckStream:
    """The events of one check, as they happen; an asynchronous iterator that ends after :class:`Finished`.

    Made by :func:`stream`. It can be abandoned at any moment: leave the loop, and :meth:`aclose` (or ``async
    with``) ends the check; :meth:`stop` ends it with a partial report instead.
    """

    def __init__(self, plan: Plan, started_monotonic: float | None = None) -> None:
        self.plan = plan
        self._started_monotonic = started_monotonic
        self._background = Background()
        self._send, self._receive = anyio.create_memory_object_stream[Event](math.inf)
        self._run: CheckRun | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the check now; the last event is a :class:`Finished` with what is known. May be called twice."""
        self._stopped = True
        if self._run is not None:
            self._run.stop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if not self._background.started:
            self._begin()
        try:
            return await self._receive.receive()
        except anyio.EndOfStream:
            if self._background.error is not None:
                raise self._background.error from None
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the check without a report and wait until nothing of it is left."""
        await self._background.stop()
        self._send.close()
        self._receive.close()

    def __del__(self) -> None:
        self._background.cancel()
        self._send.close()
        self._receive.close()

    def _begin(self) -> None:
        services = make_services(self.plan, started_monotonic=self._started_monotonic)
        self._run = run = CheckRun(self.plan, services, self._send.send_nowait)
        if self._stopped:
            run.stop()
        send = self._send

        async def whole() -> None:
            with send:
                await run.run()

        self._background.start(whole)


def stream(named: str | Sequence[str] = (), **settings: Any) -> CheckStream:
    """Begin a check and return its events; one keyword for each option of ``circumvent check``.

    :raises SettingsError: when a setting is unusable or nothing usable was named.
    :raises TypeError: for an unknown keyword.
    """
    return CheckStream(make_plan(CheckSettings.from_keywords({"named": named, **settings})))


async def acheck(named: str | Sequence[str] = (), **settings: Any) -> Report:
    """Run a check and return its report; arguments and errors as for :func:`stream`."""
    async with stream(named, **settings) as events:
        async for event in events:
            if isinstance(event, Finished):
                return event.report
    raise RuntimeError("the check ended without a report")  # pragma: no cover - Finished is always sent


def check(named: str | Sequence[str] = (), **settings: Any) -> Report:
    """Run a check from code that is not asynchronous; arguments and errors as for :func:`stream`."""

    async def run() -> Report:
        return await acheck(named, **settings)

    return anyio.run(run)
