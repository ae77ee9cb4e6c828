"""conjure's registrar: behind fronts of our own, and behind a real nginx."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry
from circumvent.transports.conjure import FRONT_REACHED, REACHED, REGISTERED_BY_DNS
from tests.faults import proxy as faults
from tests.transports.tor_context import bridge, context, detail_of, failure_of, try_once

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.model.record import Attempt
    from tests.lab.conjure import Registrar

pytestmark = pytest.mark.anyio

TOO_SHORT = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 18\r\n\r\nPayload too small\n"


def line(port: int, more: str = "front=127.0.0.1") -> str:
    return f"conjure 192.0.2.20:80 url=http://host.example:{port}/api {more}"


async def stopped(option: Option, limit: float | None = None) -> tuple[str, Attempt]:
    """Try what can't be carried through; return what is said about it, and the record."""
    given = context(limit=limit)
    with pytest.raises(CannotTry) as raised:
        await try_once(option, given)
    assert raised.value.reason is Reason.UNSUPPORTED
    return raised.value.detail or "", given.trace.attempt()


class TestFronts:
    async def test_a_registrar_in_clear(self) -> None:
        """It says the right words; without TLS anybody could."""

        async def front(link: faults.Link) -> None:
            request = await link.stream.receive()
            assert request.startswith(b"POST /api/register-bidirectional HTTP/1.1\r\n")
            assert b"\r\nhost: host.example:" in request.lower()
            assert b"\r\ncontent-length: 0\r\n" in request.lower()
            assert request.endswith(b"\r\n\r\n")
            await link.send(TOO_SHORT)

        async with faults.serving(front) as served:
            said, attempt = await stopped(bridge(line(served.port)))
        assert said == REACHED
        assert (attempt.proof, attempt.failure) == (Proof.REACHED, None)
        assert detail_of(attempt, "registrar") == {"registrar": "bdapi", "status": 400}
        assert served.connections == 1

    @pytest.mark.parametrize(
        ("answer", "error", "proof"),
        [
            (
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                "http_unexpected_status_code",
                Proof.REACHED,
            ),
            (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "origin_down", Proof.REACHED),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "http_unexpected_status_code", Proof.REACHED),
            (
                b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad",
                "http_unexpected_status_code",
                Proof.REACHED,
            ),
            (b"SSH-2.0-OpenSSH_9\r\n\r\n", "wrong_answer", Proof.NONE),
            (b"", "eof_error", Proof.NONE),
        ],
    )
    async def test_a_front_behind_which_there_is_none(self, answer: bytes, error: str, proof: Proof) -> None:
        async def front(link: faults.Link) -> None:
            await link.stream.receive()
            await link.send(answer)

        async with faults.serving(front) as served:
            attempt = await try_once(bridge(line(served.port)), context(limit=2.0))
        assert failure_of(attempt) == ("registrar", error)
        assert attempt.proof is proof

    async def test_a_front_that_says_nothing(self) -> None:
        async with faults.serving(faults.silent) as served:
            attempt = await try_once(bridge(line(served.port)), context(limit=0.5))
        assert failure_of(attempt) == ("registrar", "generic_timeout_error")
        assert attempt.proof is Proof.NONE

    async def test_the_next_front_is_tried(self) -> None:
        """Nothing listens at the first two."""

        async def front(link: faults.Link) -> None:
            await link.stream.receive()
            await link.send(TOO_SHORT)

        async with faults.serving(front) as served:
            fronts = "fronts=127.0.0.7,127.0.0.8,127.0.0.1,127.0.0.9"
            said, attempt = await stopped(bridge(line(served.port, fronts)))
        assert said == REACHED
        assert attempt.failure is None
        assert [step.name for step in attempt.steps] == ["connect", "connect", "connect", "registrar"]

    async def test_no_more_than_three_are(self) -> None:
        fronts = "fronts=127.0.0.7,127.0.0.8,127.0.0.9,127.0.0.1"
        async with faults.serving(faults.silent) as served:
            attempt = await try_once(bridge(line(served.port, fronts)), context())
        assert failure_of(attempt) == ("connect", "connection_refused")
        assert [step.name for step in attempt.steps] == ["connect"] * 3

    async def test_an_amp_cache_that_shows_a_page_of_its_own(self) -> None:
        """What a cache makes of an answer that is no page, only it knows."""

        async def front(link: faults.Link) -> None:
            request = await link.stream.receive()
            assert request.startswith(b"GET /c/host.example/amp/register-bidirectional/0")
            assert b"\r\nhost: host-example.cache.example:" in request.lower()
            await link.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

        async with faults.serving(front) as served:
            text = line(served.port, "").replace(f":{served.port}/api", "")
            cache = f"registrar=ampcache ampcache=http://cache.example:{served.port} front=127.0.0.1"
            said, attempt = await stopped(bridge(text + cache))
        assert said == FRONT_REACHED
        assert attempt.proof is Proof.REACHED

    async def test_by_dns_nothing_is_sent(self) -> None:
        said, attempt = await stopped(bridge("conjure 192.0.2.20:80 registrar=dns"))
        assert said == REGISTERED_BY_DNS
        assert attempt.steps == ()


@pytest.mark.requires("nginx")
class TestNginx:
    def option(self, registrar: Registrar, text: str) -> Option:
        option = bridge(text)
        place = replace(option.endpoint, addresses=(registrar.address,))
        return replace(option, endpoint=place, ca=registrar.ca_file.read_text(encoding="ascii"))

    @pytest.mark.parametrize("fronted", [True, False])
    async def test_the_registrar_answers(self, conjure_registrar: Registrar, fronted: bool) -> None:
        text = conjure_registrar.line(front=conjure_registrar.name if fronted else None)
        said, attempt = await stopped(self.option(conjure_registrar, text))
        assert said == REACHED
        assert (attempt.proof, attempt.failure) == (Proof.HANDSHAKEN, None)
        assert [step.name for step in attempt.steps] == ["connect", "tls_handshake", "registrar"]
        assert conjure_registrar.registrations() == 0

    async def test_through_an_amp_cache_that_passes_answers_on(self, conjure_registrar: Registrar) -> None:
        said, attempt = await stopped(self.option(conjure_registrar, conjure_registrar.amp_line()))
        assert said == REACHED
        assert attempt.proof is Proof.HANDSHAKEN

    async def test_a_front_that_does_not_front(self, conjure_registrar: Registrar) -> None:
        """It serves its own site instead."""
        text = conjure_registrar.line(front=conjure_registrar.name, host=conjure_registrar.name)
        attempt = await try_once(self.option(conjure_registrar, text), context())
        assert failure_of(attempt) == ("registrar", "http_unexpected_status_code")
        assert attempt.proof is Proof.REACHED

    async def test_a_registrar_that_is_down(self, conjure_registrar: Registrar) -> None:
        text = conjure_registrar.line(front=conjure_registrar.name, host=conjure_registrar.dead_host)
        attempt = await try_once(self.option(conjure_registrar, text), context())
        assert failure_of(attempt) == ("registrar", "origin_down")

    async def test_the_certificate_is_that_of_the_front(self, conjure_registrar: Registrar) -> None:
        attempt = await try_once(
            self.option(conjure_registrar, conjure_registrar.line(front="another.example")), context()
        )
        assert failure_of(attempt) == ("tls_handshake", "ssl_invalid_hostname")
        assert not attempt.proof.at_least(Proof.HANDSHAKEN)
