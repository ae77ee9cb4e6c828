"""A task of our own beside the caller's, on asyncio and trio.

A check outlives the single ``await`` of whoever reads its events, and a cancel scope must be left by the task that
entered it. So the check runs in a task of its own, and an abandoned ``async for`` can't break it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Background:
    """Runs one function in a task of its own; :meth:`stop` cancels it and waits for its end."""

    def __init__(self) -> None:
        self._scope: anyio.CancelScope | None = None
        self._ended: anyio.Event | None = None
        self._task: Any = None
        self.error: BaseException | None = None

    @property
    def started(self) -> bool:
        """Tell whether :meth:`start` was called."""
        return self._ended is not None

    def start(self, function: Callable[[], Awaitable[None]]) -> None:
        """Begin ``function`` in the event loop that runs now."""
        self._ended = anyio.Event()
        self._scope = anyio.CancelScope()
        trio = sys.modules.get("trio")
        if trio is not None and trio.lowlevel.in_trio_run():
            trio.lowlevel.spawn_system_task(self._run, function, self._scope)
        else:
            import asyncio  # noqa: PLC0415 - only where it runs already

            self._task = asyncio.get_running_loop().create_task(self._run(function, self._scope))

    def cancel(self) -> None:
        """Cancel the function without waiting."""
        if self._scope is not None:
            self._scope.cancel()

    async def stop(self) -> None:
        """Cancel the function and wait until it has ended."""
        if self._ended is None:
            return
        self.cancel()
        with anyio.CancelScope(shield=True):
            await self._ended.wait()

    async def _run(self, function: Callable[[], Awaitable[None]], scope: anyio.CancelScope) -> None:
        try:
            with scope:  # cancelled before its first turn, it ends at the first await
                await function()
        except Exception as exc:  # noqa: BLE001 - kept for whoever reads the events; a system task must not raise
            self.error = exc
        finally:
            if self._ended is not None:
                self._ended.set()
