"""From an option to how hands are shaken."""

from __future__ import annotations

import dataclasses

import pytest
import trustme

from circumvent.model.words import Proof
from circumvent.transports.quic_option import quic_config
from tests.faults.quic import configuration, dns_over_quic, quic_server
from tests.names.tries import attempt, context, plan
from tests.transports.quic_tries import NAME, failure_of, honest_answer, resolver_option

pytestmark = pytest.mark.anyio


def test_an_option_that_says_nothing_sends_and_verifies_its_own_name() -> None:
    given = context(plan(None))
    config = quic_config(resolver_option("doq", 853), given, "doq")

    assert (config.server_name, config.verify_name, config.alpn) == (NAME, NAME, ("doq",))
    assert config.trust is given.trust
    assert config.certificate_hashes == ()


@pytest.mark.parametrize(("sni", "sent"), [(None, NAME), ("", None), ("front.test", "front.test")])
def test_another_name_or_none_may_be_sent_and_the_own_is_verified(sni: str | None, sent: str | None) -> None:
    option = dataclasses.replace(resolver_option("doq", 853), sni=sni)
    config = quic_config(option, context(plan(None)), "doq")

    assert (config.server_name, config.verify_name) == (sent, NAME)


def test_what_an_option_states_is_used() -> None:
    option = dataclasses.replace(
        resolver_option("doq", 853),
        verify_name="other.test",
        alpn=("doq-i11",),
        certificate_hashes=(bytes(32),),
    )
    config = quic_config(option, context(plan(None)), "doq")

    assert config.verify_name == "other.test"
    assert config.alpn == ("doq-i11",)
    assert config.certificate_hashes == (bytes(32),)


async def test_an_authority_given_for_one_option_is_trusted_for_that_one() -> None:
    authority = trustme.CA()
    pem = authority.cert_pem.bytes().decode()
    settings = configuration(authority.issue_cert(NAME), ("doq",))
    async with quic_server(settings, dns_over_quic(honest_answer)) as served:
        option = resolver_option("doq", served.port)
        with_it = await attempt(dataclasses.replace(option, ca=pem), context(plan(None), goal=Proof.CARRIED))
        without = await attempt(option, context(plan(None)))

    assert with_it.proof is Proof.CARRIED
    assert failure_of(without) == ("quic_handshake", "ssl_unknown_authority")
