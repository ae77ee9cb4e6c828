"""Oblivious DoH: a client made of pyhpke and the words of RFC 9230, against our target and relay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.message
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from circumvent.lab.world.answers import Responder, Zone
from circumvent.lab.world.http import Answer, Request
from circumvent.lab.world.oblivious import Relay, Target
from tests.lab_world.clients import curl

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.lab.world.prepare import Prepared
    from circumvent.lab.world.process import WorldProcess

MEDIA_TYPE = "application/oblivious-dns-message"
SUITE = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES128_GCM)
QUERY = dns.message.make_query("social.example", "A")


def prefixed(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def extract(salt: bytes, material: bytes) -> bytes:
    mac = HMAC(salt or bytes(32), SHA256())
    mac.update(material)
    return mac.finalize()


def expand(key: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(SHA256(), length, info).derive(key)


class Client:
    """One question, as RFC 9230, section 6, has it."""

    def __init__(self, configurations: bytes) -> None:
        length = int.from_bytes(configurations[:2], "big")
        assert length == len(configurations) - 2
        contents = configurations[6:]
        assert configurations[2:6] == b"\0\1" + len(contents).to_bytes(2, "big")
        assert contents[:6] == bytes.fromhex("0020 0001 0001")
        key = KEMKey.from_pyca_cryptography_key(X25519PublicKey.from_public_bytes(contents[8:]))
        self.head = b"\1" + prefixed(expand(extract(b"", contents), b"odoh key id", 32))
        self.encapsulated, self.context = SUITE.create_sender_context(key, info=b"odoh query")
        self.plaintext = prefixed(QUERY.to_wire()) + prefixed(bytes(10))

    @property
    def sealed(self) -> bytes:
        return self.head + prefixed(self.encapsulated + self.context.seal(self.plaintext, aad=self.head))

    def open(self, answer: bytes) -> dns.message.Message:
        size = int.from_bytes(answer[1:3], "big")
        nonce, box = answer[1 : 3 + size], answer[5 + size :]
        prk = extract(self.plaintext + nonce, self.context.export(b"odoh response", 16))
        opened = AESGCM(expand(prk, b"odoh key", 16)).decrypt(
            expand(prk, b"odoh nonce", 12), box, b"\2" + nonce
        )
        return dns.message.from_wire(opened[2 : 2 + int.from_bytes(opened[:2], "big")])


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
    client = Client((await ask(target, "GET", "/.well-known/odohconfigs")).body)
    answer = await ask(target, "POST", "/dns-query", client.sealed)
    assert (answer.status, answer.media_type) == (200, MEDIA_TYPE)
    assert QUERY.is_response(client.open(answer.body))


@pytest.mark.anyio
async def test_what_is_not_for_this_target_is_refused(prepared_world: Prepared) -> None:
    target, stranger = target_of(prepared_world), target_of(prepared_world)
    theirs = Client((await ask(stranger, "GET", "/.well-known/odohconfigs")).body)
    ours = Client((await ask(target, "GET", "/.well-known/odohconfigs")).body)
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
    client = Client(configurations.read_bytes())
    question, answer = tmp_path / "question", tmp_path / "answer"
    question.write_bytes(client.sealed)
    curl(
        *trust, *place, "-H", f"content-type: {MEDIA_TYPE}", "--data-binary", f"@{question}", "-o", answer,
        f"https://{relay.name}/proxy?targethost={target.name}&targetpath=/dns-query",
    )  # fmt: skip
    assert QUERY.is_response(client.open(answer.read_bytes()))
