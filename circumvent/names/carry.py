"""The ``carry`` step of a resolver: a signed denial that can't be scripted, and a control name.

A name that was never asked for before, as a top-level name, must be denied with a proof that ends at the
root's trust anchor. That shows that fresh questions reach the DNS and true answers come back. The control name
shows that the resolver resolves at all: a copy of the root alone (RFC 8806) would do for the denial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.names import dnssec
from circumvent.names.ask import Asker, Question, Reply, gather
from circumvent.names.plan import DENIALS, ControlName, fresh_label
from circumvent.net.errors import NetError, PeerError
from circumvent.net.failure import translate

if TYPE_CHECKING:
    from circumvent.model.record import Json
    from circumvent.names.message import Answer
    from circumvent.net.trace import OpenStep

PROVED: Final = "proved"
STRIPPED: Final = "stripped"
BOGUS: Final = "bogus"
EXPIRED: Final = "expired"
OFF: Final = "off"

ROOT_KEYS: Final = Question(name=".", rdtype="DNSKEY", checking=False)


async def carry(asker: Asker) -> None:
    """Run the ``carry`` step and prove ``carried``.

    :raises StepFailed: when nothing fresh came back right.
    """
    async with asker.trace.step("carry") as step:
        prove_carried(asker, await carry_in(asker, step))


def prove_carried(asker: Asker, arrived: float) -> None:
    """Prove ``carried`` by an answer that came at ``arrived`` (clock seconds)."""
    asker.trace.carry_arrived(arrived)
    asker.trace.prove(Proof.CARRIED)


async def carry_in(asker: Asker, step: OpenStep) -> float:
    """Ask what proves ``carried`` inside a ``step`` that is open, and note in it what was said.

    Return when the answer arrived that proves it; the caller says whether that counts.

    :raises Exception: what the step is to fail with, when nothing fresh came back right.
    """
    name = fresh_label(asker.context.random) + "."
    denial = Question(name=name, checking=False)
    controls = [
        (control, Question(name=control.name, rdtype=rdtype, checking=False))
        for control in asker.context.names.controls
        for rdtype in control.rdtypes
    ]

    async def chain() -> list[Reply]:
        return [await _denial(asker, step, denial)]

    async def others() -> list[Reply]:
        return await asker.all([question for _, question in controls], limit=asker.patience)

    (first,), replies = await gather([chain, others])
    step.detail["by_hand"] = asker.context.names.by_hand
    step.detail["controls"] = [
        _control(control, reply) for (control, _), reply in zip(controls, replies, strict=True)
    ]
    rights = [_right(control, reply) for (control, _), reply in zip(controls, replies, strict=True)]
    return _decide(step, first, replies, rights)


async def _denial(asker: Asker, step: OpenStep, question: Question) -> Reply:
    """Ask for the fresh name and, at the same time, see to the root keys; record ``dnssec``."""
    keys = asker.context.names.root_keys
    now = asker.trace.clock.wall()
    proved: dnssec.Proved | Exception | None = None

    async def root() -> None:
        nonlocal proved
        if keys.off:
            return
        try:
            # Long answers may not come through where short ones do: then it is judged without keys.
            with anyio.move_on_after(asker.patience):
                proved = await keys.get(lambda: _answer(asker, ROOT_KEYS), now)
        except Exception as exc:  # noqa: BLE001 - the denial is judged without keys then, and says so
            proved = exc

    async with anyio.create_task_group() as group:
        group.start_soon(root)
        (reply,) = await asker.all([question], limit=asker.patience)
    step.detail["rcode"] = reply.word
    if reply.answer is None:
        step.detail["dnssec"] = OFF if keys.off else STRIPPED
        return reply
    if keys.off:
        step.detail["dnssec"] = OFF
    elif isinstance(proved, dnssec.Proved):
        step.detail.update(_judge(reply.answer, question.name, proved, now))
    else:
        step.detail.update(_without_keys(proved))
    return reply


async def _answer(asker: Asker, question: Question) -> Answer:
    reply = await asker.ask(question)
    if reply.answer is None:  # pragma: no cover - ask raises instead
        raise PeerError(failures.DNS_NO_ANSWER)
    return reply.answer


def _judge(answer: Answer, name: str, proved: dnssec.Proved, now: float) -> dict[str, Json]:
    try:
        window = dnssec.prove_denial(answer, name, proved, now)
    except dnssec.Stripped as exc:
        return {"dnssec": STRIPPED, "why": exc.detail}
    except dnssec.Expired as exc:
        return {"dnssec": EXPIRED, "signed_from": exc.window.since, "signed_until": exc.window.until}
    except PeerError as exc:
        return {"dnssec": BOGUS, "why": exc.detail}
    if not window.contains(now):
        return {"dnssec": EXPIRED, "signed_from": window.since, "signed_until": window.until}
    return {"dnssec": PROVED}


def _without_keys(problem: Exception | None) -> dict[str, Json]:
    """Say why there are no root keys. A bogus key set is a lie; none at all is no lie."""
    if isinstance(problem, dnssec.Bogus):
        return {"dnssec": BOGUS, "why": problem.detail}
    reason = failures.GENERIC_TIMEOUT if problem is None else translate(problem, "carry").error
    return {"dnssec": STRIPPED, "why": f"no root keys ({reason})"}


def _control(control: ControlName, reply: Reply) -> dict[str, Json]:
    answer = reply.answer
    addresses = list(answer.addresses) if answer else []
    return {
        "name": control.name,
        "rcode": reply.word,
        "addresses": list(addresses),
        "right": _right(control, reply),
    }


def _right(control: ControlName, reply: Reply) -> bool | None:
    """Tell whether a control was answered as it must be; ``None`` without an answer or an expectation.

    That there is no such name, or no such address, is an answer; SERVFAIL and silence are none.
    """
    answer, rdtype = reply.answer, reply.question.rdtype
    if answer is None:
        return None
    if not answer.addresses and answer.rcode in DENIALS and control.addresses and rdtype in control.rdtypes:
        return False
    return control.right(rdtype, answer.addresses)


def _decide(step: OpenStep, denial: Reply, controls: list[Reply], rights: list[bool | None]) -> float:
    """Return when what proves ``carried`` arrived, or raise what is wrong.

    Signed denial and any control answer: carried; a wrong control answer is then a lie of a resolver that
    carries, and is told by its record. Without the proof a control must have the very address it must have.
    """
    if denial.answer is None:
        raise denial.failure or NetError(failures.GENERIC_TIMEOUT)
    state = step.detail["dnssec"]
    if state == BOGUS:
        raise PeerError(failures.WRONG_ANSWER, f"bogus proof: {step.detail['why']}")
    if state != PROVED and denial.answer.message.answer:
        raise PeerError(failures.WRONG_ANSWER, "a name that does not exist was answered")
    answered = [reply for reply in controls if reply.answer is not None and reply.answer.addresses]
    proof: Reply | None = None
    if state == PROVED:
        proof = denial if answered or not controls else None
    elif True in rights:
        proof = controls[rights.index(True)]
    if proof is not None:
        return proof.arrived
    if answered:
        raise PeerError(failures.WRONG_ANSWER, "the control name has another address here")
    raise _no_answer(controls or [denial])


def _no_answer(replies: list[Reply]) -> Exception:
    """Put into words that no control name was answered."""
    reply = replies[0]
    if reply.answer is None:
        return reply.failure or NetError(failures.GENERIC_TIMEOUT)
    return reply.answer.failure() or PeerError(failures.DNS_NO_ANSWER)
