"""Find a proxy that works now, and stop as soon as one does."""

from __future__ import annotations

import sys
from typing import Any

import anyio

import circumvent


async def first_working(file: str, **settings: Any) -> str | None:
    """Return the endpoint of the first proxy of ``file`` that carries data, ``None`` if none does."""
    async with circumvent.stream(file, only="proxy", **settings) as events:
        async for event in events:
            if isinstance(event, circumvent.OptionDecided) and event.option.status == "works":
                return event.option.endpoint
    return None


if __name__ == "__main__":
    print(anyio.run(first_working, sys.argv[1]))  # noqa: T201 - it is a program
