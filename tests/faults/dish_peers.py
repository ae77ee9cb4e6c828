"""gRPC's own client and server, each in a process of its own: their threads must not live in that of the tests.

``python -m tests.faults.dish_peers ask ADDRESS`` prints in hexadecimal what a dish answers; ``serve ADDRESS [STATE]`` is a
dish (that is well), on gRPC's own server, until standard input ends. It prints a line when it serves. ``router ADDRESS`` and
``serve_router ADDRESS`` do the same with a router.
"""

from __future__ import annotations

import sys
from concurrent import futures
from typing import Any

import grpc

from circumvent.satellite.router import ROUTER_PORT
from tests.faults.dish import GRPC_PORT, METHOD, STATES, Dish


def ask(address: str) -> None:
    """Ask for status and history as grpcio does."""
    from tests.satellite.messages import make

    with grpc.insecure_channel(f"{address}:{GRPC_PORT}") as channel:
        call: Any = channel.unary_unary(METHOD)  # type: ignore[call-arg]  # its stubs want what has a default
        for wanted in ("get_status", "get_history"):
            message = make("Request", **{wanted: {}}).SerializeToString()
            _tell(call(message, timeout=10).hex())
        try:
            call(make("Request", reboot={}).SerializeToString(), timeout=10)
        except grpc.RpcError as exc:
            _tell(exc.code().name)


def router(address: str) -> None:
    """Ask a router for its status as grpcio does."""
    from tests.satellite.messages import make

    with grpc.insecure_channel(f"{address}:{ROUTER_PORT}") as channel:
        call: Any = channel.unary_unary(METHOD)  # type: ignore[call-arg]  # as above
        _tell(call(make("Request", get_status={}).SerializeToString(), timeout=10).hex())


def serve_router(address: str) -> None:
    """Be a router that is well."""
    from tests.faults.terminals import ROUTERS

    _serve(Dish(ROUTERS["well"], past=None), f"{address}:{ROUTER_PORT}")


def serve(address: str, state: str = "well") -> None:
    """Be a dish in a state."""
    _serve(Dish(STATES[state], past=None if state != "well" else Dish().past), f"{address}:{GRPC_PORT}")


def _serve(dish: Dish, where: str) -> None:
    service, _, method = METHOD[1:].partition("/")

    def handle(message: bytes, context: grpc.ServicerContext) -> bytes:
        answer = dish.reply(message)
        if answer is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "unknown")
        return answer or b""

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    handlers = {method: grpc.unary_unary_rpc_method_handler(handle)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    server.add_insecure_port(where)
    server.start()
    _tell("ready")
    sys.stdin.read()
    server.stop(None)


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"ask": ask, "serve": serve, "router": router, "serve_router": serve_router}[sys.argv[1]](*sys.argv[2:])
