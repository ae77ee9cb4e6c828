"""Whether a path outlasts a pause: a control, a while without a byte, and a control again on the same connection.

Address translators and filters forget what is idle. The far end may close it too, which is its right: that is
``eof_error``, inside verified TLS a goodbye of the control's own server. So what this step shows changes no verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from circumvent.net.errors import PeerError
from circumvent.transports.inside import GLANCE, fetch_control, open_inside

if TYPE_CHECKING:
    from circumvent.control import Control
    from circumvent.net.http import HttpSession
    from circumvent.net.http_types import Response
    from circumvent.net.stream import Dialer
    from circumvent.transport import Context


async def idle_through(dialer: Dialer, context: Context, seconds: float) -> None:
    """Fetch a control through ``dialer``, stay idle for ``seconds``, and fetch it again in a step ``idle``.

    Detail: ``seconds``; ``unavailable`` where the control's server keeps no connection open.

    :raises StepFailed: when the control was not right, before the pause (``control_http``) or after it (``idle``).
    :raises CannotTry: when nothing was sent.
    """
    control, trace = context.controls.at_once[0], context.trace
    limit = trace.timeouts.limit if trace.limit is None else trace.limit
    stream = await dialer.stream(control.endpoint, trace)
    session = await open_inside(stream, control.fresh(context.random).url, context, step="control_tls")
    try:
        async with trace.step("control_http") as step:
            step.detail["host"] = control.host
            response = await _fetch(session, control, context)
        async with trace.step("idle", limit=seconds + limit) as step:
            step.detail["seconds"] = seconds
            if not _stays(response):
                step.detail["unavailable"] = "the control keeps no connection open"
                return
            await anyio.sleep(seconds)
            await _fetch(session, control, context)
    finally:
        await session.aclose()


async def _fetch(session: HttpSession, control: Control, context: Context) -> Response:
    """Fetch a control anew; raise what is wrong with the answer."""
    fresh = control.fresh(context.random)
    response = await fetch_control(session, fresh)
    wrong = fresh.judge(response.status, response.body)
    if wrong is not None:
        raise PeerError(wrong, f"status {response.status}")
    return response


def _stays(response: Response) -> bool:
    """Tell whether the connection may serve another request."""
    if len(response.body) >= GLANCE:  # a long page, of which the rest was left
        return False
    return response.version != "HTTP/1.0" and response.header("connection") != "close"
