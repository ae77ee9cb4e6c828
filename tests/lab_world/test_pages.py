"""What web servers answer to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from circumvent.lab.world.description import Web
from circumvent.lab.world.http import Answer, Request
from circumvent.lab.world.pages import BLOCKED, FENCED, LOGIN, TEXT, control, handler_of
from circumvent.net.block_pages import block_page
from tests.lab.namespace import CLIENT
from tests.lab_world.clients import curl

if TYPE_CHECKING:
    from circumvent.lab.world.process import WorldProcess


def request(path: str, method: str = "GET", client: str = "203.0.113.5") -> Request:
    return Request(method=method, path=path, host="a.example", client=client, headers={})


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/", 200, TEXT),
        ("/text?x=1", 200, TEXT),
        ("/nonce/abc", 200, b"abc"),
        ("/nonce/a%20b", 200, b"a b"),
        ("/status/451", 451, b""),
        ("/status/99", 404, b"not here\n"),
        ("/status/x", 404, b"not here\n"),
        ("/bytes/99999999", 404, b"not here\n"),
        ("/login", 200, LOGIN),
        ("//", 404, b"not here\n"),
    ],
)
def test_control_paths(path: str, status: int, body: bytes) -> None:
    answer = control(request(path))
    assert (answer.status, answer.body) == (status, body)


def test_methods() -> None:
    assert control(request("/bytes/12")).length == 12
    assert control(request("/", "POST")).body == b"0"
    assert control(request("/", "DELETE")).status == 405


@pytest.mark.anyio
async def test_portals_and_block_pages_answer_everything() -> None:
    for web, body in ((Web(pages="portal"), LOGIN), (Web(pages="block"), BLOCKED)):
        assert (await handler_of(web)(request("/nonce/abc"))).body == body


@pytest.mark.anyio
@pytest.mark.parametrize("country", ["BY", "IN", "RU", "TH"])
async def test_documented_block_pages_are_known_to_the_check(country: str) -> None:
    answer = await handler_of(Web(pages="block", country=country))(request("/"))
    head = "".join(f"\r\n{name}: {value}" for name, value in answer.headers)
    assert block_page(f"HTTP/1.1 {answer.status} -{head}\r\n\r\n".encode() + answer.body) == country


@pytest.mark.anyio
@pytest.mark.parametrize("client", ["10.1.2.3", "fd77::2"])
async def test_a_fence_looks_at_the_source(client: str) -> None:
    handle = handler_of(Web(shut_out=("10.0.0.0/8", "fd77::/64"), shut_out_status=403))
    inside: Answer = await handle(request("/", client=client))
    assert (inside.status, inside.body) == (403, FENCED)
    assert (await handle(request("/"))).status == 200


@pytest.mark.daemons
@pytest.mark.requires("curl")
@pytest.mark.parametrize("status", ["403", "451"])
def test_a_fence_shuts_us_out_and_lets_a_foreign_exit_in(world: WorldProcess, status: str) -> None:
    name = f"fenced-{status}.krill.example"
    address, exit_ = (world.prepared.world.server(one).ipv4 for one in (name, "proxy.ember.example"))
    asked = ("--cacert", world.prepared.ca, "-o", "/dev/null", "-w", "%{http_code}", f"https://{name}/")
    assert curl("--interface", CLIENT[0], "--resolve", f"{name}:443:{address}", *asked) == status
    assert curl("--socks5-hostname", f"{exit_}:1080", *asked) == "200"
