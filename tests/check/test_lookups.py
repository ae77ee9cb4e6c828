"""Names during a check: who may be asked for which, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from circumvent.check.lookups import CheckNames, encrypted
from circumvent.check.schedule import Entry
from circumvent.model.option import Endpoint
from circumvent.model.words import Proof
from circumvent.net.resolve import NamesInOrder
from circumvent.net.slots import Slots
from tests.check.fakes import make, virtual
from tests.diagnose.build import attempt

if TYPE_CHECKING:
    from circumvent.model.record import Attempt

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual()


def names(*, share_private: bool = False) -> tuple[CheckNames, NamesInOrder]:
    def never(*_: object) -> Any:
        raise AssertionError("nobody is looked up here")

    inner = NamesInOrder(share_private=share_private)
    return CheckNames(inner, never, Slots(), share_private=share_private), inner


def carried(word: str = "proved") -> Attempt:
    return attempt(step="carry", detail={"dnssec": word})


async def waits(service: CheckNames, *, private: bool = True, host: str = "mine.example") -> bool:
    with anyio.move_on_after(100) as scope:
        await service.ready(host, private=private)
    return scope.cancelled_caught


async def test_only_names_of_the_users_wait() -> None:
    service, _ = names()
    assert await waits(service)
    assert not await waits(service, private=False)
    assert not await waits(service, host="198.51.100.1")
    shared, _ = names(share_private=True)
    assert not await waits(shared)


async def test_until_a_resolver_is_proven_over_an_encrypted_channel() -> None:
    service, inner = names()
    for option, made in (
        (make("plain", "dns-udp"), carried()),
        (make("stripping", "dot"), carried("stripped")),
        (make("failed", "dot"), attempt(Proof.HANDSHAKEN, "eof_error")),
        (make("proxy", "socks5"), attempt()),
    ):
        service.take(option, made)
    assert await waits(service)
    assert inner.encrypted is None
    service.take(make("good", "dot"), carried())
    assert not await waits(service)
    assert inner.encrypted is not None


async def test_with_dnssec_switched_off_the_control_name_is_the_proof() -> None:
    service, _ = names()
    service.take(make("good", "doh"), carried("off"))
    assert not await waits(service)


async def test_one_that_was_shown_to_lie_is_asked_no_more() -> None:
    service, inner = names()
    service.take(make("liar", "dot"), carried())
    service.distrust(frozenset({"liar"}))
    assert inner.encrypted is None
    assert await waits(service)
    service.take(make("liar", "dot"), carried())
    assert inner.encrypted is None


async def test_it_is_hopeless_when_none_is_left_that_could_be_proven() -> None:
    service, _ = names()
    entry = Entry(make("resolver", "dot"))
    service.look_at([entry])
    assert await waits(service)
    entry.settled = True
    service.look_at([entry, Entry(make("proxy", "socks5"))])
    assert not await waits(service)


async def test_a_resolver_that_waits_for_its_own_name_is_no_hope() -> None:
    service, _ = names()
    option = replace(make("named", "dot"), endpoint=Endpoint(host="dns.mine.example", port=853))
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: service.ready("dns.mine.example", private=True))
        await anyio.sleep(1)
        service.look_at([Entry(option)])


async def test_a_plain_resolver_that_carried_is_kept_for_udp_relays() -> None:
    service, _ = names()
    assert service.plain is None
    service.take(make("own", "dns-udp", baseline=True), carried())
    assert service.plain is None
    option = make("plain", "dns-udp", port=53)
    service.take(option, carried())
    assert service.plain == option.endpoint


def test_what_is_encrypted() -> None:
    assert encrypted(make("a", "dot"))
    assert not encrypted(make("b", "dns-tcp"))
    assert not encrypted(make("c", "socks5"))
