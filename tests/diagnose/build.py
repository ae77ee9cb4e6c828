"""Short ways to write observations."""

from __future__ import annotations

from itertools import count
from typing import Any

from circumvent.model.kinds import KINDS
from circumvent.model.record import Attempt, Failure, Fidelity, Step
from circumvent.model.report import OptionReport
from circumvent.model.words import Proof, Status

_numbers = count(1)


def attempt(
    proof: Proof = Proof.CARRIED,
    error: str | None = None,
    *,
    step: str = "connect",
    detail: dict[str, Any] | None = None,
    **fields: Any,
) -> Attempt:
    """An attempt that got to ``proof`` and, if ``error`` is given, failed in ``step``."""
    failure = Failure(step=step, error=error) if error is not None else None
    steps = (Step(name=step, t0=0.0, t=0.1, failure=failure, detail=detail or {}),)
    defaults: dict[str, Any] = {
        "id": f"a{next(_numbers)}",
        "t0": 0.0,
        "t": 0.2,
        "latency_ms": 100.0 if proof.at_least(Proof.CARRIED) else None,
        "bytes_received": 0 if proof is Proof.NONE else 100,
        "family": "ipv4",
        "steps": steps,
    }
    return Attempt(proof=proof, failure=failure, **{**defaults, **fields})


def silence(step: str = "connect", **fields: Any) -> Attempt:
    """Our time limit ran out and not one byte had come."""
    return attempt(Proof.NONE, "generic_timeout_error", step=step, **fields)


def refused(*, authenticated: bool) -> Attempt:
    """A peer said no in its protocol's own words."""
    return attempt(
        Proof.HANDSHAKEN,
        "auth_rejected",
        step="proxy_handshake",
        detail={"refusal": {"authenticated": authenticated}},
    )


def option(name: str, kind: str = "dot", *attempts: Attempt, **fields: Any) -> OptionReport:
    """An option with its attempts and no verdict yet."""
    traits = KINDS[kind]
    defaults: dict[str, Any] = {
        "label": name,
        "endpoint": f"{name}:{traits.port}",
        "status": Status.NOT_RUN,
        "place": f"place of {name}",
    }
    return OptionReport(
        id=name,
        kind=kind,
        scope=traits.scope,
        exposure=traits.exposure,
        attempts=attempts,
        **{**defaults, **fields},
    )


def tls(step: str = "tls_handshake") -> Fidelity:
    """Our ClientHello went out."""
    del step
    return Fidelity(tls="openssl", ja4="t13d1812h1_85036bcba153_d41ae481755e")
