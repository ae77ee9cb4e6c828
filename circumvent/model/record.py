"""What was observed: steps, attempts and why they failed.

Observations hold no verdicts. Status, findings and ranks are computed from these values alone, so that any
report can be diagnosed and ranked again later. Times are seconds from the start of the check, on a monotonic
clock; bytes are counted at the socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from circumvent.model.words import Proof

if TYPE_CHECKING:
    Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
else:  # msgspec cannot decode a recursive alias; JSON itself bounds what comes
    Json = Any


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Why something failed: in which step, with which failure string, and what a person may want to know."""

    step: str
    error: str
    detail: str | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One phase of an attempt, from ``t0`` to ``t`` (seconds).

    ``detail`` holds facts of the step: what the peer presented, kernel facts (``tcp``), answers, counts.
    """

    name: str
    t0: float
    t: float
    failure: Failure | None = None
    detail: dict[str, Json] = {}


class Fidelity(msgspec.Struct, frozen=True, kw_only=True):
    """Which TLS stack spoke and how it looked on the wire.

    ``tls`` is ``openssl`` or ``aioquic`` (``none`` without TLS); ``ja4`` describes our own ClientHello;
    ``like_client`` tells whether that is what the user's own client would send.
    """

    tls: str = "none"
    ja4: str | None = None
    like_client: bool = False


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One timed try of one option.

    ``t0`` and ``t`` span the attempt; ``latency_ms`` runs from its first packet (after name resolution and
    waits of ours) to the first byte of the ``carry`` answer; ``down_kbps``/``up_kbps`` were measured in the
    ``sustain_*`` steps (1000 bit/s); ``cut_bytes`` is how much had come down when the flow was cut;
    ``residual_s`` is quarantine that its failure forced. ``why`` says why an attempt is not counted.
    """

    id: str
    t0: float
    t: float
    counted: bool = True
    why: str | None = None
    poisoned: bool = False
    phase: int = 1
    family: str | None = None
    address: str | None = None
    proof: Proof = Proof.NONE
    failure: Failure | None = None
    bytes_sent: int = 0
    bytes_received: int = 0
    latency_ms: float | None = None
    down_kbps: float | None = None
    up_kbps: float | None = None
    cut_bytes: int | None = None
    residual_s: float = 0.0
    via: str | None = None
    fidelity: Fidelity = Fidelity()
    steps: tuple[Step, ...] = ()

    @property
    def carried(self) -> bool:
        """Tell whether data went out and came back right, also when the flow was cut later."""
        return self.proof.at_least(Proof.CARRIED)

    def step(self, name: str) -> Step | None:
        """Return the last step called ``name``, if the attempt got that far."""
        return next((step for step in reversed(self.steps) if step.name == name), None)
