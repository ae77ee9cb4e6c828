"""Tries of the kinds over QUIC against servers of the tests' own that know a few names."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import dns.message
import dns.rcode
import dns.rrset

from circumvent.model.option import WebSettings
from tests.names.tries import CONTROL, names_option

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.model.record import Attempt

NAME = "resolver.test"
#: Makes answers long enough for 32 KiB to be a matter of a few questions.
FILLER = "x" * 200


def honest(message: bytes) -> bytes:
    """Answer as a resolver without DNSSEC that knows the control name and a long text for all others."""
    query = dns.message.from_wire(message)
    answer = dns.message.make_response(query, recursion_available=True)
    question = query.question[0]
    if question.name == dns.name.from_text(CONTROL.name):
        (address,) = CONTROL.addresses
        answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", address))
    else:
        answer.set_rcode(dns.rcode.NXDOMAIN)
        texts = " ".join(f'"{FILLER}"' for _ in range(5))
        answer.authority.append(dns.rrset.from_text(question.name, 60, "IN", "TXT", texts))
    return answer.to_wire(max_size=65535)


async def honest_answer(message: bytes) -> bytes:
    """Answer as :func:`honest` does."""
    return honest(message)


def resolver_option(kind: str, port: int, *, method: str = "POST", name: str = NAME) -> Option:
    """Return an option for a resolver over QUIC on loopback."""
    option = names_option(kind, "127.0.0.1", port, name=name)
    if kind == "doq":
        return option
    url = f"https://{name}:{port}/dns-query"
    return dataclasses.replace(option, settings=WebSettings(url=url, method=method))


def failure_of(record: Attempt) -> tuple[str, str]:
    """Return the step that failed and the failure string."""
    assert record.failure is not None
    return record.failure.step, record.failure.error
