"""Packets through an IKE SA in memory."""

from __future__ import annotations

import ipaddress

import anyio
import pytest

from circumvent.net.errors import PeerError
from circumvent.transports.ikev2_link import MARKER, Conversation, IkeLink
from circumvent.transports.ikev2_tunnel import MTU, Ikev2Tunnel, tunnel_facts
from circumvent.vpn.ikev2.authenticate import Established
from circumvent.vpn.ikev2.message import Payload
from circumvent.vpn.ikev2.numbers import Exchange, Kind
from circumvent.vpn.ikev2.payloads import EVERYTHING, Configuration, Selector, pack_delete_ike
from tests.transports.test_ikev2_link import Datagrams, trace
from tests.vpn.ikev2.responder import agreed
from tests.vpn.ikev2.test_esp import PACKET, both

pytestmark = pytest.mark.anyio

HOST = ipaddress.ip_address("10.1.2.9")


def established(
    *addresses: str, resolvers: tuple[str, ...] = (), selectors: tuple[Selector, ...] = EVERYTHING
) -> Established:
    configuration = Configuration(addresses, resolvers)
    return Established(esp=both()[0], configuration=configuration, selectors=selectors)


async def test_packets_go_both_ways_and_what_is_not_ours_is_counted() -> None:
    sa, responder = agreed()
    datagrams = Datagrams()
    ours, theirs = both()
    done = Established(esp=ours, configuration=Configuration(("10.1.2.3",)), selectors=EVERYTHING)
    tunnel = Ikev2Tunnel(Conversation(IkeLink(datagrams, 4500), sa, trace()), done)
    await tunnel.send(PACKET)
    assert theirs.open(datagrams.sent[0]) == PACKET
    answer = theirs.seal(PACKET)
    alive = responder.seal([], exchange=Exchange.INFORMATIONAL, flags=0, message_id=0)[0]
    datagrams.waiting.extend([b"\1nonsense", MARKER + b"nonsense", MARKER + alive, b"\xff", answer, answer])
    assert (await tunnel.receive()).data == PACKET
    assert (tunnel.ignored, len(datagrams.sent)) == (2, 2)
    with anyio.move_on_after(0.05):
        await tunnel.receive()
        pytest.fail("a packet came twice")
    assert tunnel.ignored == 3


async def test_the_end_of_the_sa_is_the_end_of_the_tunnel() -> None:
    sa, responder = agreed()
    datagrams = Datagrams()
    tunnel = Ikev2Tunnel(Conversation(IkeLink(datagrams, 4500), sa, trace()), established("10.1.2.3"))
    delete = [Payload(Kind.DELETE, pack_delete_ike())]
    (data,) = responder.seal(delete, exchange=Exchange.INFORMATIONAL, flags=0, message_id=0)
    datagrams.waiting.append(MARKER + data)
    with pytest.raises(anyio.EndOfStream):
        await tunnel.receive()
    await tunnel.aclose()
    assert (len(datagrams.sent), datagrams.closed) == (1, True)


async def test_closing_deletes_the_sa() -> None:
    sa, responder = agreed()
    datagrams = Datagrams()
    conversation = Conversation(IkeLink(datagrams, 4500), sa, trace())
    conversation.established = True
    await Ikev2Tunnel(conversation, established("10.1.2.3")).aclose()
    assert [payload.kind for payload in responder.open(datagrams.sent[0][4:])] == [Kind.DELETE]
    assert datagrams.closed


def test_the_inside_is_what_the_server_says_as_far_as_it_can_be() -> None:
    facts = tunnel_facts(
        established(
            "10.1.2.3", "0.0.0.0", "fd00::7", "127.0.0.1", "ff02::1", resolvers=("10.1.2.1", "224.0.0.1")
        )
    )
    assert (facts.addresses, facts.resolvers) == (("10.1.2.3", "fd00::7"), ("10.1.2.1",))
    assert (facts.mtu, facts.gateways) == (MTU, ())


def test_a_server_without_a_pool_says_our_address_by_its_selectors() -> None:
    assert tunnel_facts(established(selectors=(Selector(HOST, HOST),))).addresses == ("10.1.2.9",)
    with pytest.raises(PeerError, match="no address"):
        tunnel_facts(established())
