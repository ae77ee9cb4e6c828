"""Second answers over UDP: who answers a question twice, and differently, is two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.exception
import dns.message

from circumvent.names.message import Answer
from circumvent.names.record import MOST_ADDRESSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.record import Json
    from circumvent.names.exchange import Second
    from circumvent.names.framing import Arrived


def second_answers(seconds: Sequence[Second]) -> dict[str, Json]:
    """Return the second answers that differ from the first, and how many were plain duplicates."""
    differing: list[Json] = []
    duplicates = 0
    for pair in seconds:
        first, second = _said(pair.first), _said(pair.second)
        if first == second:
            duplicates += 1
            continue
        differing.append(
            {
                **_asked(pair.query),
                "first": first,
                "second": second,
                "after_ms": round((pair.second.arrived - pair.first.arrived) * 1000, 1),
            }
        )
    return {"second_answers": differing, "duplicates": duplicates}


def _said(answer: Arrived) -> dict[str, Json]:
    try:
        parsed = Answer(dns.message.from_wire(bytes(answer)), len(answer))
    except (dns.exception.DNSException, ValueError, IndexError, KeyError):
        return {"rcode": None, "addresses": []}
    return {"rcode": parsed.rcode, "addresses": list(parsed.addresses[:MOST_ADDRESSES])}


def _asked(query: bytes) -> dict[str, Json]:
    question = dns.message.from_wire(query).question[0]
    name, _, kind = question.to_text().split(" ")
    return {"name": name, "type": kind}
