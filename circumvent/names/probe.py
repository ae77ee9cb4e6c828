"""Probe a resolver over any session: does it carry, what does it say about canary names, does it keep up.

Writes the steps ``carry``, ``honesty``, ``sustain_down`` and ``idle`` of the attempt. Observations only: whether the
answers are honest is decided later, by comparison (:mod:`circumvent.names.honesty`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.net.errors import NetError

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.names.ask import Asker
    from circumvent.names.plan import Wanted
    from circumvent.names.session import NamesSession
    from circumvent.transport import Context


async def probe_names(session: NamesSession, option: Option, context: Context, *, datagram: bool) -> None:
    """Probe ``session`` up to ``context.goal``.

    ``datagram`` tells that packets may be lost one by one: questions are then repeated, and ``sustained`` is
    a matter of loss. The transport proves ``reached`` itself; the first answer that belongs to its question
    proves ``handshaken``, the ``carry`` step ``carried``.

    :raises StepFailed: when a step failed; the proof so far stands.
    """
    from circumvent.names.ask import Asker  # noqa: PLC0415 - dnspython: loaded while SYNs fly
    from circumvent.names.carry import carry  # noqa: PLC0415 - as above
    from circumvent.names.record import honesty  # noqa: PLC0415 - as above
    from circumvent.names.sustain import idle, sustain  # noqa: PLC0415 - as above

    asker = Asker(session, option, context, datagram=datagram)
    if context.names.wanted is not None:
        await look_up(asker, context.names.wanted)
        return
    await carry(asker)
    await honesty(asker)
    if context.goal.at_least(Proof.SUSTAINED):
        await sustain(asker)
    if context.idle is not None and not datagram:
        await idle(asker, context.idle)


async def probe_canaries(session: NamesSession, option: Option, context: Context, *, datagram: bool) -> None:
    """Ask the canary names over plain DNS: the second-phase probe, a step ``honesty`` alone.

    :raises StepFailed: when nothing at all was answered.
    """
    from circumvent.names.ask import Asker  # noqa: PLC0415 - as above
    from circumvent.names.record import honesty  # noqa: PLC0415 - as above

    await honesty(Asker(session, option, context, datagram=datagram))


async def look_up(asker: Asker, wanted: Wanted) -> None:
    """Ask for the addresses of one name, A and AAAA at once, and write them into ``wanted``.

    :raises StepFailed: when neither question was answered.
    """
    from circumvent.names.ask import Question  # noqa: PLC0415 - as above

    async with asker.trace.step("resolve"):
        questions = [Question(name=wanted.name, rdtype=rdtype) for rdtype in ("A", "AAAA")]
        replies = await asker.all(questions, limit=asker.patience)
        for reply in replies:
            if reply.answer is not None:
                wanted.addresses.extend(reply.answer.addresses)
        if not wanted.addresses:
            said = next((reply.answer.failure() for reply in replies if reply.answer is not None), None)
            wanted.failure = said.error if said is not None else replies[0].word
            if all(reply.answer is None for reply in replies):
                raise replies[0].failure or NetError(failures.GENERIC_TIMEOUT)
