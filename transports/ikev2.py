"""IKEv2 (RFC 7296): the two first exchanges, then packets of ours in ESP in UDP.

How the first one finds the server: :mod:`circumvent.transports.ikev2_first`; who the server must be:
:mod:`circumvent.transports.ikev2_login`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry
from circumvent.net.gate import crypto
from circumvent.transports.ikev2_first import agree
from circumvent.transports.ikev2_link import Conversation
from circumvent.transports.ikev2_login import make_login, settings_of
from circumvent.transports.ikev2_tunnel import Ikev2Tunnel
from circumvent.transports.ikev2_words import explain, suite_word
from circumvent.transports.tunnel_proof import prove_tunnel
from circumvent.vpn.ikev2.authenticate import Authentication, Established, Login
from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.numbers import Exchange
from circumvent.vpn.ikev2.sa import IkeSa
from circumvent.vpn.ikev2.suites import Offer, esp_offer, ike_offer

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.net.trace import OpenStep, Trace
    from circumvent.transport import Context

#: A login by EAP takes so many exchanges, each within the limit of a handshake step.
EXCHANGES: Final = 6


class Ikev2Transport:
    """Steps: ``connect``, ``tunnel_handshake``, (``connect``,) ``authenticate``, then those of every tunnel."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Agree on keys, log in once, and prove what the tunnel carries."""
        ike, esp = offers(option)
        login = make_login(option, context)
        trace = context.trace
        first = await agree(option, context, ike, fragments=settings_of(option).fragmentation)
        conversation = Conversation(first.link, IkeSa(first.secured), trace)
        try:
            if login is None:
                await _stop(trace)
                return
            conversation.link = await first.after(option, context)
            tunnel = await _authenticate(conversation, login, esp, trace)
            await prove_tunnel(tunnel, option, context)
        finally:
            if login is not None:
                await conversation.goodbye()
            await conversation.link.aclose()


def offers(option: Option) -> tuple[Offer, Offer]:
    """Return what to offer, for IKE and for ESP.

    :raises CannotTry: when the profile wants algorithms that are not spoken here.
    """
    settings = settings_of(option)
    try:
        return ike_offer(settings.proposals), esp_offer(settings.esp_proposals)
    except IkeError as exc:
        raise CannotTry(Reason.UNSUPPORTED, f"a proposal of the profile can't be used: {exc}") from exc


async def _stop(trace: Trace) -> None:
    """Say that the try ends here: nothing more can be proved without credentials."""
    async with trace.step("authenticate") as step:
        step.detail["credentials"] = False


async def _authenticate(conversation: Conversation, login: Login, offer: Offer, trace: Trace) -> Ikev2Tunnel:
    """Run the ``authenticate`` step: one login."""
    limit = trace.timeouts.limit if trace.limit is None else trace.limit
    exchanges = EXCHANGES if login.eap is not None else 1
    async with trace.step("authenticate", limit=limit * exchanges if exchanges > 1 else None) as step:
        run = Authentication(conversation.sa, login, offer)
        step.detail["credentials"] = True
        try:
            established = await _exchanges(conversation, run, step, trace)
        except IkeError as exc:
            raise explain(exc, authenticated=run.authenticated, step=step) from exc
        finally:
            conversation.established = run.complete
            step.detail["server_authenticated"] = run.authenticated
            if run.method is not None:
                step.detail["method"] = run.method
            if run.authenticated:
                trace.prove(Proof.HANDSHAKEN)
        suite = established.esp.suite
        step.detail["esp"] = suite_word(suite.encr, suite.key_length)
        return Ikev2Tunnel(conversation, established)


async def _exchanges(
    conversation: Conversation, run: Authentication, step: OpenStep, trace: Trace
) -> Established:
    payloads = await crypto(trace, run.begin)
    while True:
        answer = await conversation.ask(Exchange.IKE_AUTH, payloads, step)
        result = await crypto(trace, run.take, answer)
        if isinstance(result, Established):
            return result
        payloads = result


TRANSPORT = Ikev2Transport()
