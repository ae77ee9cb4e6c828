"""IKEv2 against strongSwan: every login, every refusal, and lines with something wrong with them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from circumvent.model.ikev2 import Ikev2Settings
from circumvent.model.secret import Secret
from circumvent.model.words import Proof, Reason
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import CannotTry
from circumvent.transports.ikev2 import offers
from tests.faults.line import BadLine
from tests.faults.udp import answering, closed_port
from tests.lab.ikev2 import require_strongswan, start_strongswan
from tests.names.tries import NoNames
from tests.transports.ikev2_tries import attempt, context, ikev2_option, option_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.ikev2 import StrongSwan
    from tests.lab.names import Resolver
    from tests.lab.namespace import Network
    from tests.lab.pki import Pki

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """One loop is enough for most: a daemon sees no difference, and lines that are slow take their time."""
    return "asyncio"


WHOLE = [
    "connect",
    "tunnel_handshake",
    "connect",
    "authenticate",
    "carry",
    "mtu",
    "sustain_down",
    "sustain_up",
]
MARKER = bytes(4)


def bad_line(**fates: Callable[[bytes], float | None]) -> BadLine:
    """Return a dialer whose datagrams meet these fates."""
    return BadLine(DirectDialer(NoNames(), policy=Policy(allow_private=True)), **fates)


def is_esp(data: bytes) -> bool:
    """Tell whether a datagram on port 4500 is ESP; on port 500 an IKE header begins with a random SPI."""
    return not data.startswith(MARKER) and data[17:18] != b"\x20"


# What works


@pytest.mark.daemons
@pytest.mark.parametrize(
    ("login", "method", "esp"),
    [
        ("psk", "psk", "aes256gcm16"),
        ("certificate", "signature", "aes256gcm16"),
        ("eap", "signature", "aes256gcm16"),
        ("eap-only", "eap", "aes256gcm16"),
        ("cbc", "signature", "aes128"),
        ("modp", "psk", "aes256"),
        ("rare", "psk", "chacha20poly1305"),
    ],
)
async def test_every_login_carries_and_lasts(
    strongswan: StrongSwan, unbound: Resolver, login: str, method: str, esp: str
) -> None:
    result = await attempt(option_for(strongswan, login), context(unbound))
    assert (result.failure, result.proof, result.steps) == (None, Proof.SUSTAINED, WHOLE)
    found = result.detail("authenticate")
    assert (found["method"], found["esp"], found["server_authenticated"]) == (method, esp, True)
    assert result.detail("carry")["dnssec"] == "proved"
    assert result.detail("carry")["resolver"] == unbound.address


@pytest.mark.daemons
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_on_trio_too(strongswan: StrongSwan, unbound: Resolver) -> None:
    result = await attempt(option_for(strongswan, "psk"), context(unbound))
    assert (result.failure, result.proof) == (None, Proof.SUSTAINED)


@pytest.mark.daemons
async def test_an_rsa_certificate_makes_messages_that_go_in_fragments(
    strongswan: StrongSwan, unbound: Resolver
) -> None:
    client = strongswan.client_rsa
    credentials = {"certificate": client.chain.read_text(), "private_key": Secret(client.key.read_text())}
    option = option_for(strongswan, "certificate", **credentials)
    result = await attempt(option, context(unbound, goal=Proof.CARRIED))
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.detail("authenticate")["fragments_sent"] == 2
    assert result.detail("tunnel_handshake")["fragmentation"] is True


@pytest.mark.daemons
async def test_without_fragments_the_same_login_goes_in_one_piece(
    strongswan: StrongSwan, unbound: Resolver
) -> None:
    option = option_for(strongswan, "certificate", fragmentation=False)
    result = await attempt(option, context(unbound, goal=Proof.CARRIED))
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.detail("tunnel_handshake")["fragmentation"] is False
    assert "fragments_sent" not in result.detail("authenticate")


@pytest.mark.daemons
async def test_over_ipv6(strongswan: StrongSwan, unbound: Resolver) -> None:
    option = option_for(strongswan, "psk", host=strongswan.address_ipv6)
    result = await attempt(option, context(unbound))
    assert (result.failure, result.proof, result.attempt.family) == (None, Proof.SUSTAINED, "ipv6")


@pytest.mark.daemons
async def test_another_group_is_asked_for_and_given(strongswan: StrongSwan, unbound: Resolver) -> None:
    result = await attempt(option_for(strongswan, "group"), context(unbound, goal=Proof.CARRIED))
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.detail("tunnel_handshake")["wanted"] == ["group"]
    assert result.detail("tunnel_handshake")["group"] == 20


@pytest.mark.daemons
async def test_a_profile_s_own_proposals_are_what_is_offered(
    strongswan: StrongSwan, unbound: Resolver
) -> None:
    own = {"proposals": ("aes256-sha256-x25519",), "esp_proposals": ("aes256-sha256",)}
    result = await attempt(option_for(strongswan, "psk", **own), context(unbound, goal=Proof.CARRIED))
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.detail("tunnel_handshake")["encryption"] == "aes256"
    assert result.detail("authenticate")["esp"] == "aes256"


@pytest.mark.daemons
@pytest.mark.parametrize("group", ["modp1024", "modp1536", "modp3072", "modp4096"])
async def test_old_and_large_fields_where_a_profile_asks_for_them(
    strongswan: StrongSwan, unbound: Resolver, group: str
) -> None:
    own = {"proposals": (f"aes128-sha1-{group}",), "esp_proposals": ("aes128-sha1",)}
    result = await attempt(option_for(strongswan, "rare", **own), context(unbound, goal=Proof.CARRIED))
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.detail("authenticate")["esp"] == "aes128"


@pytest.mark.daemons
async def test_port_4500_alone_is_enough(strongswan: StrongSwan, unbound: Resolver) -> None:
    option = option_for(strongswan, "psk", port=4500)
    result = await attempt(option, context(unbound, goal=Proof.CARRIED))
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.steps == ["connect", "tunnel_handshake", "authenticate", "carry"]


@pytest.mark.daemons
async def test_where_port_500_is_dropped_4500_is_tried_beside_it(
    strongswan: StrongSwan, unbound: Resolver
) -> None:
    line = bad_line(out=lambda data: None if not data.startswith(MARKER) and not is_esp(data) else 0.0)
    result = await attempt(option_for(strongswan, "psk"), context(unbound, dialer=line, goal=Proof.CARRIED))
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.detail("tunnel_handshake")["port"] == 4500


@pytest.fixture
def careful(pki: Pki, unbound: Resolver, lab_directory: Callable[[str], Path]) -> Iterator[StrongSwan]:
    """A strongSwan that wants cookies as soon as one SA is half open."""
    require_strongswan()
    assert unbound.address
    server = start_strongswan(lab_directory("careful"), pki, number=51, first=90, cookie_threshold=1)
    yield server
    server.daemon.stop()


@pytest.mark.daemons
async def test_a_server_under_load_gets_its_cookie_back(careful: StrongSwan, unbound: Resolver) -> None:
    half_open = await attempt(option_for(careful, "eap", user=None), context(unbound))
    assert half_open.proof is Proof.REACHED
    result = await attempt(option_for(careful, "group"), context(unbound, goal=Proof.CARRIED))
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.detail("tunnel_handshake")["wanted"] == ["cookie", "group"]


@pytest.mark.daemons
async def test_the_session_is_ended_at_the_server(strongswan: StrongSwan, unbound: Resolver) -> None:
    result = await attempt(option_for(strongswan, "psk"), context(unbound, goal=Proof.CARRIED))
    assert result.proof is Proof.CARRIED
    with anyio.fail_after(10):
        while "received DELETE for IKE_SA psk" not in strongswan.daemon.log_tail():  # noqa: ASYNC110 - a log has no events
            await anyio.sleep(0.02)


@pytest.mark.daemons
async def test_signs_of_life_are_answered_while_the_tunnel_is_left_alone(
    strongswan: StrongSwan, unbound: Resolver
) -> None:
    option = option_for(strongswan, "psk")
    result = await attempt(option, context(unbound, goal=Proof.CARRIED, idle=2.5))
    assert (result.failure, result.steps[-1]) == (None, "idle")
    assert "parsed INFORMATIONAL response 0 [ ]" in strongswan.daemon.log_tail()


# Without credentials


@pytest.mark.daemons
async def test_without_credentials_it_stops_at_the_first_exchange_and_says_so(
    strongswan: StrongSwan, unbound: Resolver
) -> None:
    option = option_for(strongswan, "eap", user=None, password=None)
    result = await attempt(option, context(unbound))
    assert (result.failure, result.proof) == (None, Proof.REACHED)
    assert result.steps == ["connect", "tunnel_handshake", "authenticate"]
    assert result.detail("authenticate") == {"credentials": False}


# What is refused


@pytest.mark.daemons
async def test_a_wrong_shared_key_is_refused_by_nobody_in_particular(
    strongswan: StrongSwan, unbound: Resolver
) -> None:
    result = await attempt(option_for(strongswan, "psk", psk=Secret("wrong")), context(unbound))
    assert (result.failure, result.proof) == (("authenticate", "auth_rejected"), Proof.REACHED)
    assert result.detail("authenticate")["refusal"] == {"authenticated": False}
    assert result.detail("authenticate")["sent"] == 1


@pytest.mark.daemons
@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"user": "nobody"}])
async def test_a_wrong_login_is_refused_by_the_server_itself(
    strongswan: StrongSwan, unbound: Resolver, wrong: dict[str, str]
) -> None:
    result = await attempt(option_for(strongswan, "eap", **wrong), context(unbound))
    assert (result.failure, result.proof) == (("authenticate", "auth_rejected"), Proof.HANDSHAKEN)
    assert result.detail("authenticate")["refusal"] == {"authenticated": True}
    assert result.detail("authenticate")["error_code"] == 691


@pytest.mark.daemons
async def test_a_certificate_of_a_stranger_s_is_refused(
    strongswan: StrongSwan, unbound: Resolver, pki: Pki
) -> None:
    client = pki.stranger.issue("stranger-client", ["client.lab.example"])
    credentials = {
        "certificate": client.certificate.read_text(),
        "private_key": Secret(client.key.read_text()),
    }
    result = await attempt(option_for(strongswan, "certificate", **credentials), context(unbound))
    assert (result.failure, result.proof) == (("authenticate", "auth_rejected"), Proof.REACHED)


@pytest.mark.daemons
async def test_no_common_algorithm_is_a_mismatch_that_nobody_signed(
    strongswan: StrongSwan, unbound: Resolver
) -> None:
    result = await attempt(option_for(strongswan, "old"), context(unbound))
    assert result.failure == ("tunnel_handshake", "proxy_protocol_error")
    assert result.proof is Proof.REACHED
    assert result.detail("tunnel_handshake")["refusal"] == {"authenticated": False}
    assert result.detail("tunnel_handshake")["error_code"] == 14
    assert result.attempt.failure is not None
    assert "NO_PROPOSAL_CHOSEN" in (result.attempt.failure.detail or "")


@pytest.mark.daemons
async def test_no_common_algorithm_for_packets_is_said_by_the_server_itself(
    strongswan: StrongSwan, unbound: Resolver
) -> None:
    result = await attempt(option_for(strongswan, "no-child"), context(unbound))
    assert (result.failure, result.proof) == (("authenticate", "proxy_protocol_error"), Proof.HANDSHAKEN)
    assert result.detail("authenticate")["refusal"] == {"authenticated": True}


@pytest.mark.daemons
@pytest.mark.parametrize(
    ("login", "error"), [("expired", "ssl_expired"), ("stranger", "ssl_unknown_authority")]
)
async def test_a_server_with_a_bad_certificate_never_sees_the_password(
    strongswan: StrongSwan, unbound: Resolver, login: str, error: str
) -> None:
    result = await attempt(option_for(strongswan, login), context(unbound))
    assert (result.failure, result.proof) == (("authenticate", error), Proof.REACHED)
    assert result.detail("authenticate")["sent"] == 1
    assert result.detail("authenticate")["server_authenticated"] is False


@pytest.mark.daemons
async def test_the_authority_of_the_profile_is_the_only_one(
    strongswan: StrongSwan, unbound: Resolver, pki: Pki
) -> None:
    option = option_for(strongswan, "eap", ca=pki.stranger.pem)
    result = await attempt(option, context(unbound, ca_file=pki.ca_file))
    assert (result.failure, result.proof) == (("authenticate", "ssl_unknown_authority"), Proof.REACHED)


@pytest.mark.daemons
async def test_without_an_authority_of_its_own_the_usual_ones_count(
    strongswan: StrongSwan, unbound: Resolver, pki: Pki
) -> None:
    option = option_for(strongswan, "eap", ca=None)
    result = await attempt(option, context(unbound, ca_file=pki.ca_file, goal=Proof.CARRIED))
    assert (result.failure, result.proof) == (None, Proof.CARRIED)


@pytest.mark.daemons
@pytest.mark.parametrize("login", ["psk", "eap"])
async def test_a_server_that_is_asked_for_by_another_name_says_no(
    strongswan: StrongSwan, unbound: Resolver, login: str
) -> None:
    result = await attempt(option_for(strongswan, login, remote_id="other.lab.example"), context(unbound))
    assert (result.failure, result.proof) == (("authenticate", "auth_rejected"), Proof.REACHED)


@pytest.mark.daemons
async def test_without_a_name_in_the_profile_the_certificate_must_be_for_the_host(
    strongswan: StrongSwan, unbound: Resolver
) -> None:
    option = option_for(strongswan, "eap", remote_id=None)
    result = await attempt(option, context(unbound))
    assert (result.failure, result.proof) == (("authenticate", "ssl_invalid_hostname"), Proof.REACHED)
    by_name = option_for(
        strongswan, "eap", remote_id=None, host=strongswan.name, address=option.endpoint.host
    )
    result = await attempt(by_name, context(unbound, goal=Proof.CARRIED))
    assert (result.failure, result.proof) == (None, Proof.CARRIED)


# Lines with something wrong with them


@pytest.mark.daemons
async def test_where_packets_are_dropped_behind_the_handshake_it_is_handshaken(
    strongswan: StrongSwan, unbound: Resolver
) -> None:
    line = bad_line(out=lambda data: None if is_esp(data) else 0.0)
    result = await attempt(option_for(strongswan, "psk"), context(unbound, dialer=line, limit=1.0))
    assert (result.failure, result.proof) == (("carry", "generic_timeout_error"), Proof.HANDSHAKEN)


@pytest.mark.daemons
async def test_where_port_4500_is_dropped_only_the_first_exchange_passes(
    strongswan: StrongSwan, unbound: Resolver
) -> None:
    line = bad_line(out=lambda data: None if data.startswith(MARKER) else 0.0)
    result = await attempt(option_for(strongswan, "psk"), context(unbound, dialer=line, limit=1.5))
    assert (result.failure, result.proof) == (("authenticate", "generic_timeout_error"), Proof.REACHED)


@pytest.fixture
def dead_end(pki: Pki, unbound: Resolver, lab_directory: Callable[[str], Path]) -> Iterator[StrongSwan]:
    """A strongSwan that forwards nothing."""
    require_strongswan()
    assert unbound.address
    server = start_strongswan(lab_directory("dead-end"), pki, number=52, first=115, forward=False)
    yield server
    server.daemon.stop()


@pytest.mark.daemons
async def test_connected_and_nothing_passes_is_handshaken(dead_end: StrongSwan, unbound: Resolver) -> None:
    result = await attempt(option_for(dead_end, "psk"), context(unbound, limit=1.0))
    assert result.proof is Proof.HANDSHAKEN
    assert result.attempt.failure is not None
    assert result.attempt.failure.step == "carry"


@pytest.mark.daemons
async def test_a_slow_server_is_waited_for(strongswan: StrongSwan, unbound: Resolver) -> None:
    line = bad_line(back=lambda data: 0.0 if is_esp(data) else 3.0)
    option = option_for(strongswan, "psk")
    result = await attempt(option, context(unbound, dialer=line, goal=Proof.CARRIED))
    assert (result.failure, result.proof) == (None, Proof.CARRIED)


@pytest.mark.daemons
@pytest.mark.parametrize("seed", range(3))
async def test_loss_is_repeated_away(strongswan: StrongSwan, unbound: Resolver, seed: int) -> None:
    dice = random.Random(seed)
    line = bad_line(
        out=lambda _: None if dice.random() < 0.3 else 0.0,
        back=lambda _: None if dice.random() < 0.3 else 0.0,
    )
    option = option_for(strongswan, "eap")
    result = await attempt(option, context(unbound, dialer=line, goal=Proof.CARRIED, limit=12.0))
    assert (result.failure, result.proof) == (None, Proof.CARRIED)


@pytest.mark.daemons
async def test_a_path_of_1280_bytes_takes_fragments_and_smaller_packets(
    strongswan: StrongSwan, unbound: Resolver
) -> None:
    """What is larger with UDP and IPv6 around it vanishes without a word."""
    fits = 1280 - 48
    line = bad_line(
        out=lambda data: None if len(data) > fits else 0.0,
        back=lambda data: None if len(data) > fits else 0.0,
    )
    client = strongswan.client_rsa
    credentials = {"certificate": client.chain.read_text(), "private_key": Secret(client.key.read_text())}
    option = option_for(strongswan, "certificate", **credentials)
    result = await attempt(option, context(unbound, dialer=line))
    assert (result.failure, result.proof) == (None, Proof.SUSTAINED)
    assert result.detail("authenticate")["fragments_sent"] == 2
    assert result.detail("mtu").get("mtu", 0) < fits


@pytest.mark.namespace
async def test_silence_is_silence(network: Network) -> None:
    option = ikev2_option(network.dropped[0], psk=Secret("x"))
    result = await attempt(option, context(limit=1.5))
    assert (result.failure, result.proof) == (("tunnel_handshake", "generic_timeout_error"), Proof.NONE)


async def test_a_closed_port_is_refused_by_the_kernel() -> None:
    option = ikev2_option("127.0.0.1", port=closed_port(), psk=Secret("x"))
    result = await attempt(option, context(limit=5.0))
    assert (result.failure, result.proof) == (("tunnel_handshake", "connection_refused"), Proof.NONE)


@pytest.mark.namespace
async def test_both_ports_are_tried_before_the_kernel_s_no_counts() -> None:
    result = await attempt(ikev2_option("127.0.0.1", psk=Secret("x")), context(limit=5.0))
    assert (result.failure, result.proof) == (("tunnel_handshake", "connection_refused"), Proof.NONE)
    assert result.steps == ["connect", "connect", "tunnel_handshake"]
    assert result.detail("tunnel_handshake")["sent"] == 2


@pytest.mark.parametrize("garbage", [b"", b"x", bytes(4) + b"HTTP/1.1 302 Found\r\n\r\n", bytes(300)])
async def test_garbage_is_no_answer(garbage: bytes) -> None:
    with answering(lambda _: [garbage, garbage]) as port:
        option = ikev2_option("127.0.0.1", port=port, psk=Secret("x"))
        result = await attempt(option, context(limit=0.4))
    assert (result.failure, result.proof) == (("tunnel_handshake", "generic_timeout_error"), Proof.NONE)


async def test_our_own_message_sent_back_is_no_answer() -> None:
    with answering(lambda data: [data]) as port:
        option = ikev2_option("127.0.0.1", port=port, psk=Secret("x"))
        result = await attempt(option, context(limit=0.4))
    assert (result.failure, result.proof) == (("tunnel_handshake", "generic_timeout_error"), Proof.NONE)


def test_algorithms_that_are_not_spoken_are_said_before_anything_is_sent() -> None:
    with pytest.raises(CannotTry) as caught:
        offers(ikev2_option("198.51.100.1", proposals=("3des-sha1-modp1024",)))
    assert caught.value.reason is Reason.UNSUPPORTED


def test_secrets_are_in_no_repr() -> None:
    settings: dict[str, Any] = {
        "psk": Secret("sesame"),
        "private_key": Secret("sesame"),
        "certificate": "sesame",
    }
    assert "sesame" not in repr(ikev2_option("198.51.100.1", ca="sesame", user="sesame", **settings))
    assert "sesame" not in repr(Ikev2Settings(**settings))
