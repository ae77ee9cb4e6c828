"""The conversation with one dish: two questions, by gRPC on its usual port, else by gRPC-Web on 9201; and with its router: one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.option import Endpoint, join_host_port
from circumvent.model.words import Proof
from circumvent.net.errors import PeerError, StepFailed
from circumvent.net.sock import SocketStream
from circumvent.satellite.dish import GET_HISTORY, GET_STATUS, RECENT, is_dish, read_history, read_status
from circumvent.satellite.grpc import LARGEST, GrpcError, UnaryCall, frame, read_web, web_headers
from circumvent.satellite.router import read_router

if TYPE_CHECKING:
    from circumvent.net.stream import ByteStream, Dialer
    from circumvent.net.trace import Trace
    from circumvent.satellite.dish import DishHistory, DishStatus
    from circumvent.satellite.router import RouterStatus

GRPC_PORT: Final = 9200
#: Where a dish's page asks the same by gRPC-Web; some firmware answers there alone.
WEB_PORT: Final = 9201
#: The one method that a dish has: what is asked is in the message.
METHOD: Final = "/SpaceX.API.Device.Device/Handle"


async def call_grpc(stream: ByteStream, endpoint: Endpoint, message: bytes, trace: Trace) -> bytes:
    """Make the one call that Starlink's devices have, over a fresh connection.

    :raises GrpcError: when the other side speaks something else, or says no.
    """
    call = UnaryCall(join_host_port(endpoint.host, endpoint.port), METHOD, message)
    await stream.send(call.start())
    while not call.done:
        data = await stream.receive()
        trace.prove(Proof.REACHED)
        reply = call.feed(data)
        if reply:
            await stream.send(reply)
    await stream.send(call.goodbye())
    return call.result()


async def ask_router(endpoint: Endpoint, dialer: Dialer, trace: Trace) -> tuple[RouterStatus, str | None]:
    """Ask a Starlink router how it is, in the steps ``connect`` and ``terminal``; return that and our own address.

    :raises StepFailed: when nobody answers as one.
    """
    stream = await dialer.stream(endpoint, trace)
    try:
        async with trace.step("terminal") as step:
            step.detail["protocol"] = "grpc"
            try:
                answer = await call_grpc(stream, endpoint, GET_STATUS, trace)
            except GrpcError as exc:
                raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
            status = read_router(answer)
            if status is None:
                raise PeerError(failures.WRONG_ANSWER, "it answers, and not as a router does")
            trace.prove(Proof.HANDSHAKEN)
            return status, stream.local_address if isinstance(stream, SocketStream) else None
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(stream)
    raise AssertionError  # pragma: no cover - a step that fails raises


class DishLink:
    """A dish that is asked. ``local`` is our own address on the way to it, once it has answered; ``web`` how it was asked."""

    def __init__(self, endpoint: Endpoint, dialer: Dialer, trace: Trace) -> None:
        """Ask at ``endpoint``; what happens is written to ``trace``."""
        self._endpoint = endpoint
        self._dialer = dialer
        self._trace = trace
        self.web = False
        self.local: str | None = None

    async def status(self) -> DishStatus:
        """Ask how it is; who answers as a dish is one.

        :raises StepFailed: when nobody does, on either port.
        """
        try:
            answer = await self._ask(GET_STATUS)
        except StepFailed as first:
            self.web = True
            self._trace.another_way()
            try:
                answer = await self._ask(GET_STATUS)
            except StepFailed as second:
                told = second if first.failure.step == "connect" else first  # who answered tells more
                self._trace.failure = told.failure
                raise told from second
        status = read_status(answer)
        if status is None:
            raise AssertionError  # pragma: no cover - _ask looked at it
        self._trace.prove(Proof.HANDSHAKEN)
        return status

    async def history(self, recent: int = RECENT) -> DishHistory | None:
        """Ask what its last seconds were like; a dish that does not say loses nothing by that."""
        try:
            return read_history(await self._ask(GET_HISTORY), recent)
        except StepFailed:
            self._trace.failure = None
            return None

    async def _ask(self, message: bytes) -> bytes:
        """Make one call on a fresh connection, in the steps ``connect`` and ``terminal``.

        :raises StepFailed: when nobody is there, when it speaks something else, or is no dish.
        """
        ours = self._endpoint
        port = WEB_PORT if self.web else ours.port
        endpoint = Endpoint(host=ours.host, port=port, addresses=ours.addresses)
        stream = await self._dialer.stream(endpoint, self._trace)
        try:
            async with self._trace.step("terminal") as step:
                step.detail["protocol"] = "grpc-web" if self.web else "grpc"
                try:
                    if self.web:
                        answer = await self._over_web(stream, endpoint, message)
                    else:
                        answer = await call_grpc(stream, endpoint, message, self._trace)
                except GrpcError as exc:
                    raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
                if message == GET_STATUS and not is_dish(answer):
                    raise PeerError(failures.WRONG_ANSWER, "it answers, and not as a dish does")
                self.local = stream.local_address if isinstance(stream, SocketStream) else None
                return answer
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)
        raise AssertionError  # pragma: no cover - a step that fails raises

    async def _over_web(self, stream: ByteStream, endpoint: Endpoint, message: bytes) -> bytes:
        from circumvent.net.http import open_http  # noqa: PLC0415 - loaded where the first way failed

        url = f"http://{join_host_port(endpoint.host, endpoint.port)}{METHOD}"
        session = open_http(stream, url=url, http2=False, trace=self._trace)
        response = await session.request(
            "POST", url, headers=web_headers(), body=frame(message), max_body=LARGEST
        )
        self._trace.prove(Proof.REACHED)
        if response.status != 200:
            raise PeerError(failures.HTTP_UNEXPECTED_STATUS, f"status {response.status}")
        return read_web(response.body, response.headers)
