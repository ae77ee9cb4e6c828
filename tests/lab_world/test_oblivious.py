"""Oblivious DoH: a client made of pyhpke and the words of RFC 9230, against our target and relay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.message
import pytest

from circumvent.lab.world.answers import Responder, Zone
from circumvent.lab.world.http import Answer, Request
from circumvent.lab.world.oblivious import Relay, Target
from tests.lab_world.clients import curl
from tests.peers.odoh_client import MEDIA_TYPE, Question

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.lab.world.prepare import Prepared
    from circumvent.lab.world.process import WorldProcess

QUERY = dns.message.make_query("social.example", "A")


async def ask(target: Target, method: str, path: str, body: bytes = b"") -> Answer:
    headers = {"content-type": MEDIA_TYPE}
    return await target.handle(
        Request(method=method, path=path, host="", client="", headers=headers, body=body)
    )


def target_of(prepared: Prepared) -> Target:
    zone = Zone(prepared.zone("nsec3").read_text("ascii"))
    return Target(Responder(zone=zone, identity="target"))


@pytest.mark.anyio
async def test_a_sealed_question_is_answered(prepared_world: Prepared) -> None:
    target = target_of(prepared_world)
    client = Question((await ask(target, "GET", "/.well-known/odohconfigs")).body, QUERY)
    answer = await ask(target, "POST", "/dns-query", client.sealed)
    assert (answer.status, answer.media_type) == (200, MEDIA_TYPE)
    assert QUERY.is_response(client.open(answer.body))


@pytest.mark.anyio
async def test_what_is_not_for_this_target_is_refused(prepared_world: Prepared) -> None:
    target, stranger = target_of(prepared_world), target_of(prepared_world)
    theirs = Question((await ask(stranger, "GET", "/.well-known/odohconfigs")).body, QUERY)
    ours = Question((await ask(target, "GET", "/.well-known/odohconfigs")).body, QUERY)
    sealed = ours.sealed
    assert (await ask(target, "POST", "/dns-query", theirs.sealed)).status == 401
    assert (await ask(target, "POST", "/dns-query", sealed[:-1] + b"x")).status == 401
    assert (await ask(target, "POST", "/dns-query", sealed + b"x")).status == 400
    assert (await ask(target, "POST", "/dns-query", b"garbage")).status == 400
    assert (await ask(target, "GET", "/else")).status == 404


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/proxy?targethost=a&targetpath=/", 400),
        ("POST", "/proxy?targethost=a", 400),
        ("POST", "/proxy?targethost=a&targetpath=b", 400),
        ("POST", "/proxy?targethost=a:b&targetpath=/", 400),
        ("POST", "/proxy?targethost=nowhere&targetpath=/", 502),
        ("POST", "/other", 404),
    ],
)
async def test_relays_refuse_what_they_cannot_do(method: str, path: str, status: int) -> None:
    relay = Relay(resolve=lambda _: [], trust="", source="127.0.0.1")
    request = Request(method=method, path=path, host="", client="", headers={})
    assert (await relay.handle(request)).status == status


@pytest.mark.daemons
@pytest.mark.requires("curl")
def test_curl_brings_it_through_the_relay(world: WorldProcess, tmp_path: Path) -> None:
    relay, target = (
        world.prepared.world.server(f"{one}.example") for one in ("odoh-relay.heron", "odoh.delta")
    )
    trust, configurations = ("--cacert", world.prepared.ca), tmp_path / "configurations"
    place = ("--resolve", f"{target.name}:443:{target.ipv4}", "--resolve", f"{relay.name}:443:{relay.ipv4}")
    curl(*trust, *place, "-o", configurations, f"https://{target.name}/.well-known/odohconfigs")
    client = Question(configurations.read_bytes(), QUERY)
    question, answer = tmp_path / "question", tmp_path / "answer"
    question.write_bytes(client.sealed)
    curl(
        *trust, *place, "-H", f"content-type: {MEDIA_TYPE}", "--data-binary", f"@{question}", "-o", answer,
        f"https://{relay.name}/proxy?targethost={target.name}&targetpath=/dns-query",
    )  # fmt: skip
    assert QUERY.is_response(client.open(answer.read_bytes()))
