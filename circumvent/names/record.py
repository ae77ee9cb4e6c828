"""The ``honesty`` step: what the resolver says about canary names, and who it says it is.

Only recorded here. Whether it is true is decided by comparison (:mod:`circumvent.names.honesty`), because
content networks answer everybody differently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.model import failure as failures
from circumvent.names.ask import Asker, Question, Reply
from circumvent.names.plan import CLEAR_KINDS, fresh_label
from circumvent.net.errors import NetError

if TYPE_CHECKING:
    from circumvent.model.record import Json

#: Strings of one identity answer that are kept.
MOST_TEXTS: Final = 3
#: Addresses of one answer that are kept.
MOST_ADDRESSES: Final = 16


async def honesty(asker: Asker) -> None:
    """Ask identity probes and canary names, all at once; no step if there is nothing to ask.

    :raises StepFailed: when not one question was answered.
    """
    plan, option = asker.context.names, asker.option
    identity = [
        Question(name=probe.name, rdtype=probe.rdtype, rdclass=probe.rdclass, nsid=True)
        for probe in plan.identity_for(option.operator)
    ]
    canaries = _canary_questions(asker)
    if not identity and not canaries:
        return
    async with asker.trace.step("honesty") as step:
        replies = await asker.all([*identity, *canaries], limit=asker.patience)
        about, listed = replies[: len(identity)], replies[len(identity) :]
        step.detail["clear"] = option.kind in CLEAR_KINDS
        step.detail["identity"] = [_identity(reply) for reply in about]
        step.detail["canaries"] = [_canary(reply) for reply in listed]
        if all(reply.answer is None for reply in replies):
            raise replies[0].failure or NetError(failures.GENERIC_TIMEOUT)


def _canary_questions(asker: Asker) -> list[Question]:
    """Return A of every canary name, AAAA of the first, and A of a fresh label below the first."""
    names = asker.context.names.canaries_for(asker.option.kind)
    if not names:
        return []
    below = f"{fresh_label(asker.context.random)}.{names[0]}"
    return [
        *(Question(name=name) for name in names),
        Question(name=names[0], rdtype="AAAA"),
        Question(name=below),
    ]


def _canary(reply: Reply) -> dict[str, Json]:
    question = reply.question
    addresses: list[Json] = list(reply.answer.addresses[:MOST_ADDRESSES]) if reply.answer else []
    return {"name": question.name, "type": question.rdtype, "rcode": reply.word, "addresses": addresses}


def _identity(reply: Reply) -> dict[str, Json]:
    """Keep addresses and texts of an identity answer.

    Texts that repeat the client's own network (``edns0-client-subnet``) are left out: who asked is not what
    was asked.
    """
    question, answer = reply.question, reply.answer
    said: list[Json] = []
    if answer is not None:
        said.extend(answer.addresses[:MOST_ADDRESSES])
        said.extend(text for text in answer.texts[:MOST_TEXTS] if "client-subnet" not in text.lower())
    return {
        "name": question.name,
        "type": question.rdtype,
        "class": question.rdclass,
        "rcode": reply.word,
        "said": said,
        "nsid": answer.nsid if answer else None,
    }
