"""What is asked of a web server and what its answers prove, whichever HTTP version carries them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.control import MAX_BODY, Control
from circumvent.model import failure as failures
from circumvent.model.option import WebSettings
from circumvent.model.words import Proof, Reason
from circumvent.net.date import skew_from
from circumvent.net.errors import CannotTry, PeerError, Refusal
from circumvent.net.http_types import BodyTooLong
from circumvent.transports.sustain import sustain_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.control import FreshControl
    from circumvent.model.option import Option
    from circumvent.net.http_types import HttpClient, Response
    from circumvent.net.trace import Trace
    from circumvent.transport import Context
    from circumvent.transports.sustain import Movement

#: How much is read of a page about which nothing is stated, in bytes: enough to see that it comes.
GLANCE: Final = 64 * 1024


def method_of(option: Option) -> str:
    """Return HEAD for an option that asks for it, else GET (a POST is for DNS)."""
    return "HEAD" if isinstance(option.settings, WebSettings) and option.settings.method == "HEAD" else "GET"


def read_option(option: Option) -> Control:
    """Return what an option of kind ``https`` or ``h3`` fetches, and what must come back.

    :raises CannotTry: when its URL is no https URL.
    """
    settings = option.settings
    if not isinstance(settings, WebSettings):
        raise TypeError(f"an option of kind {option.kind} needs WebSettings")
    try:
        control = Control.parse(settings.url)
    except ValueError as exc:
        raise CannotTry(Reason.UNSUPPORTED, str(exc)) from None
    if not control.secure:
        raise CannotTry(Reason.UNSUPPORTED, "without TLS an answer proves nothing")
    return control


async def exchange(
    session: HttpClient,
    control: Control,
    context: Context,
    counted: Movement | None = None,
    *,
    method: str = "GET",
) -> None:
    """Fetch the page and judge it; then, if the goal is ``sustained`` and a bulk resource is at hand, move bytes.

    ``session`` speaks to the verified server, so the first byte of an answer proves ``handshaken``: only now has the
    server said anything after our half of the handshake. ``counted`` counts the bytes of the connection; without
    it (QUIC) those of the attempt are counted. ``method`` is GET, or HEAD where only the server is asked after.
    """
    whole = await _carry(session, control.fresh(context.random), context.trace, method=method)
    bulk = context.controls.bulk
    wanted = context.goal.at_least(Proof.SUSTAINED)
    if wanted and whole and bulk is not None and bulk.secure and bulk.endpoint == control.endpoint:
        await sustain_on(_OfAttempt(context.trace) if counted is None else counted, session, bulk, context)


@dataclass(slots=True)
class _OfAttempt:
    """Counts the bytes of an attempt that has one connection only."""

    trace: Trace
    on_move: Callable[[], None] | None = None

    @property
    def received(self) -> int:
        """Return the bytes that came down."""
        return self.trace.bytes_received

    @property
    def sent(self) -> int:
        """Return the bytes that went up."""
        return self.trace.bytes_sent


async def _carry(session: HttpClient, fresh: FreshControl, trace: Trace, *, method: str) -> bool:
    """Fetch the page; tell whether it came whole, so that the connection is good for more."""
    async with trace.step("carry") as step:
        response, whole = await _fetch(session, fresh, method)
        trace.carry_arrived(response.first_byte)
        step.detail.update(status=response.status, version=response.version, bytes=len(response.body))
        skew = skew_from(response.headers, trace.clock.local(response.first_byte))
        if skew is not None:
            step.detail["clock_skew_s"] = round(skew, 1)
        error = fresh.judge(response.status, response.body)
        if error != failures.ORIGIN_DOWN:  # else only a front answered
            trace.prove(Proof.HANDSHAKEN)
        if error == failures.GEO_REFUSED:
            raise Refusal(error, f"status {response.status}", authenticated=True)
        if error is not None:
            raise PeerError(error, f"status {response.status}")
        trace.prove(Proof.CARRIED)
        return whole
    raise AssertionError  # pragma: no cover - a step that fails raises


async def _fetch(session: HttpClient, fresh: FreshControl, method: str) -> tuple[Response, bool]:
    """Fetch the page, or its beginning if nothing is stated about what it holds."""
    judged_by_body = fresh.expect.of_body or fresh.nonce is not None
    try:
        response = await session.request(method, fresh.url, max_body=MAX_BODY if judged_by_body else GLANCE)
    except BodyTooLong as exc:
        if judged_by_body or exc.response is None:
            raise
        return exc.response, False
    return response, True
