"""OpenVPN against real servers: every wrapping, both transports, all ciphers, and what must not pass for working."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from circumvent.model.openvpn import OpenvpnSettings, Wrapping
from circumvent.model.secret import Secret
from circumvent.model.words import Proof, Reason
from circumvent.net.clock import Clock
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import CannotTry
from circumvent.vpn.openvpn import key_method
from circumvent.vpn.openvpn.packet import Opcode
from tests.faults.line import BadLine, Rebinding
from tests.faults.tcp import block_page, reset_on_hello, serve
from tests.faults.udp import answering, closed_port
from tests.lab.loops import ON_ONE_LOOP
from tests.lab.openvpn import inline
from tests.names import tries
from tests.transports.openvpn_options import locked_key, profile_option
from tests.transports.voice_context import Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.model.option import Option
    from tests.lab.names import Resolver
    from tests.lab.namespace import Network
    from tests.lab.openvpn import Servers
    from tests.lab.pki import Pki
    from tests.lab.proxies import Proxy
    from tests.lab.sstp import SstpServer

pytestmark = [pytest.mark.anyio, pytest.mark.daemons]

WRAPPINGS = pytest.mark.parametrize("wrapping", ["plain", "tls-auth", "tls-crypt", "tls-crypt-v2"])
TRANSPORTS = pytest.mark.parametrize("transport", ["udp", "tcp"])
HANDSHAKE = ["connect", "tunnel_handshake", "tls_handshake", "authenticate"]


async def attempt(option: Option, unbound: Resolver, **more: Any) -> Result:
    """Try the option once and return the record."""
    return Result(await tries.attempt(option, tries.context(tries.plan(unbound.anchor), **more)))


def bad_line(**fates: Callable[[bytes], float | None]) -> BadLine:
    """Return a dialer on a line with something wrong with it."""
    return BadLine(DirectDialer(tries.NoNames(), policy=Policy(allow_private=True)), **fates)


@WRAPPINGS
@TRANSPORTS
async def test_a_tunnel_carries_in_every_wrapping(
    openvpn: Servers, unbound: Resolver, wrapping: str, transport: str
) -> None:
    server = openvpn.get(wrapping=wrapping, transport=transport)
    result = await attempt(profile_option(server.with_remote()), unbound)
    assert (result.failure, result.proof) == (None, Proof.SUSTAINED)
    assert result.steps[:4] == HANDSHAKE
    assert result.detail("tunnel_handshake")["wrapping"] == wrapping
    assert result.detail("tls_handshake")["version"] == "TLSv1.3"
    assert result.detail("authenticate")["data_cipher"] == "AES-256-GCM"
    assert result.detail("authenticate")["key_export"] is True
    assert result.detail("carry")["echo"]["gateway"]["answered"] is True


@TRANSPORTS
async def test_a_server_with_an_ipv6_address(openvpn: Servers, unbound: Resolver, transport: str) -> None:
    server = openvpn.get(ipv6=True, transport=transport)
    result = await attempt(profile_option(server.with_remote()), unbound)
    assert (result.failure, result.proof) == (None, Proof.SUSTAINED)
    assert result.attempt.family == "ipv6"


@TRANSPORTS
async def test_a_server_by_others(softether: SstpServer, unbound: Resolver, transport: str) -> None:
    """SoftEther speaks OpenVPN with code of its own: it takes the cipher from our options, and makes keys by the PRF."""
    port = 1194 if transport == "udp" else softether.port
    place = f"client\nremote {softether.address} {port} {transport}"
    account = inline("auth-user-pass", f"{softether.user}\n{softether.password}")
    ca = inline("ca", softether.ca_file.read_text())
    for lines, cipher in (("", "AES-256-GCM"), ("cipher AES-128-CBC\nauth SHA1", "AES-128-CBC")):
        result = await attempt(profile_option(f"{place}\n{lines}\n{account}\n{ca}"), unbound)
        assert (result.failure, result.proof) == (None, Proof.SUSTAINED)
        assert result.detail("authenticate")["data_cipher"] == cipher
        assert result.detail("authenticate")["key_export"] is False
    wrong = replace(profile_option(f"{place}\n{account}\n{ca}"), password=Secret("wrong"))
    result = await attempt(wrong, unbound)
    assert result.failure == ("authenticate", "auth_rejected")
    assert result.proof is Proof.HANDSHAKEN


@TRANSPORTS
async def test_user_name_and_password(openvpn: Servers, unbound: Resolver, transport: str) -> None:
    server = openvpn.get(transport=transport, password=True)
    result = await attempt(profile_option(server.with_remote()), unbound, goal=Proof.CARRIED)
    assert (result.failure, result.proof) == (None, Proof.CARRIED)


async def test_a_wrong_password_is_a_refusal_by_the_server_itself(
    openvpn: Servers, unbound: Resolver
) -> None:
    server = openvpn.get(password=True)
    option = replace(profile_option(server.with_remote()), password=Secret("wrong"))
    result = await attempt(option, unbound)
    assert result.failure == ("authenticate", "auth_rejected")
    assert result.proof is Proof.HANDSHAKEN
    assert result.detail("authenticate")["refusal"] == {"authenticated": True}
    assert result.detail("authenticate")["denial"] == "rejected"


@pytest.mark.parametrize(
    ("said", "denial"),
    [
        ("TEMP[backoff 42]:later", "temporary"),
        ("CRV1:R,E:state:bGFi:Code?", "challenge"),
        ("SESSION:over", "session"),
    ],
)
async def test_other_ways_to_say_no(openvpn: Servers, unbound: Resolver, said: str, denial: str) -> None:
    option = replace(profile_option(openvpn.get(password=True).with_remote()), user=Secret(said))
    result = await attempt(option, unbound)
    assert result.failure == ("authenticate", "auth_rejected")
    assert result.detail("authenticate")["denial"] == denial


async def test_without_a_password_nobody_is_asked_for_one(openvpn: Servers, unbound: Resolver) -> None:
    server = openvpn.get(password=True)
    before = server.daemon.log.read_text().count("TLS Auth Error")
    option = replace(profile_option(server.with_remote()), password=None)
    result = await attempt(option, unbound)
    assert result.failure is None
    assert result.attempt.proof is Proof.REACHED
    assert result.detail("authenticate")["credentials"] is False
    assert server.daemon.log.read_text().count("TLS Auth Error") == before


@pytest.mark.parametrize(
    "cipher", ["AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305", "AES-256-CBC", "AES-128-CBC"]
)
@pytest.mark.parametrize("export", [True, False])
async def test_ciphers_of_the_data_channel_with_keys_of_both_makings(
    openvpn: Servers, unbound: Resolver, cipher: str, export: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = openvpn.get(more=(f"data-ciphers {cipher}", "auth SHA256"))
    option = profile_option(server.with_remote("auth SHA256"), ciphers=("AES-192-GCM", cipher))
    told = key_method.peer_info
    monkeypatch.setattr(key_method, "peer_info", lambda **kept: told(**{**kept, "export": export}))
    result = await attempt(option, unbound, goal=Proof.CARRIED)
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.detail("authenticate")["data_cipher"] == cipher
    assert result.detail("authenticate")["key_export"] is export


async def test_the_cipher_of_old_servers(openvpn: Servers, unbound: Resolver) -> None:
    server = openvpn.get(more=("providers legacy default", "data-ciphers BF-CBC"))
    result = await attempt(profile_option(server.with_remote("cipher BF-CBC")), unbound, goal=Proof.CARRIED)
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.detail("authenticate")["data_cipher"] == "BF-CBC"


async def test_a_digest_that_is_not_needed_is_not_asked_for(openvpn: Servers, unbound: Resolver) -> None:
    result = await attempt(
        profile_option(openvpn.get().with_remote("auth none")), unbound, goal=Proof.CARRIED
    )
    assert (result.failure, result.proof) == (None, Proof.CARRIED)


@pytest.mark.parametrize("topology", ["net30", "p2p"])
async def test_older_topologies(openvpn: Servers, unbound: Resolver, topology: str) -> None:
    server = openvpn.get(more=(f"topology {topology}",))
    result = await attempt(profile_option(server.with_remote()), unbound, goal=Proof.CARRIED)
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.detail("carry")["echo"]["gateway"]["answered"] is True


async def test_no_cipher_in_common_is_said(openvpn: Servers, unbound: Resolver) -> None:
    server = openvpn.get(more=("data-ciphers AES-128-GCM",))
    option = profile_option(server.with_remote(), ciphers=("AES-256-GCM",))
    result = await attempt(option, unbound)
    assert result.failure == ("authenticate", "auth_rejected")
    assert result.detail("authenticate")["denial"] == "cipher"


@pytest.mark.parametrize(
    "framing",
    ["comp-lzo no", "comp-lzo yes", "compress", "compress lz4", "compress stub-v2", "compress lz4-v2"],
)
async def test_servers_that_frame_packets_for_compression(
    openvpn: Servers, unbound: Resolver, framing: str
) -> None:
    server = openvpn.get(more=(framing, f'push "{framing}"', "allow-compression yes"))
    result = await attempt(profile_option(server.with_remote(framing)), unbound, goal=Proof.CARRIED)
    assert (result.failure, result.proof) == (None, Proof.CARRIED)


async def test_a_server_that_fragments(openvpn: Servers, unbound: Resolver) -> None:
    server = openvpn.get(more=("fragment 1200",))
    result = await attempt(profile_option(server.with_remote("fragment 1200")), unbound)
    assert (result.failure, result.proof) == (None, Proof.SUSTAINED)
    assert result.detail("mtu")["mtu"] == 1500


async def test_a_server_without_state_asks_for_the_wrapped_key_again(
    openvpn: Servers, unbound: Resolver
) -> None:
    sent: list[int] = []

    def note(data: bytes) -> float:
        sent.append(data[0] >> 3)
        return 0.0

    option = profile_option(openvpn.get(wrapping="tls-crypt-v2").with_remote())
    result = await attempt(option, unbound, goal=Proof.CARRIED, dialer=bad_line(out=note))
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert sent[0] == Opcode.RESET_CLIENT_V3
    assert Opcode.CONTROL_WKC in sent


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
async def test_older_tls(openvpn: Servers, unbound: Resolver, version: str) -> None:
    weak = ("tls-version-min 1.0", "tls-cipher DEFAULT:@SECLEVEL=0")
    server = openvpn.get(more=(f"tls-version-max {version}", *weak))
    result = await attempt(profile_option(server.with_remote(*weak)), unbound, goal=Proof.CARRIED)
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.detail("tls_handshake")["version"] == ("TLSv1" if version == "1.0" else f"TLSv{version}")


@ON_ONE_LOOP
async def test_what_a_profile_does_not_say_is_tls_1_2_at_least(openvpn: Servers, unbound: Resolver) -> None:
    weak = ("tls-version-max 1.1", "tls-version-min 1.0", "tls-cipher DEFAULT:@SECLEVEL=0")
    result = await attempt(profile_option(openvpn.get(more=weak).with_remote()), unbound, limit=2.0)
    assert result.failure is not None
    assert result.failure[0] == "tls_handshake"
    assert result.proof is Proof.REACHED


async def test_the_session_is_ended_by_the_protocol(openvpn: Servers, unbound: Resolver) -> None:
    server = openvpn.get(more=("max-clients 30",))
    await attempt(profile_option(server.with_remote()), unbound, goal=Proof.CARRIED)
    limit = time.monotonic() + 5
    while "remote-exit" not in server.daemon.log.read_text():
        assert time.monotonic() < limit, server.daemon.log_tail()
        await anyio.sleep(0.02)


@pytest.mark.parametrize("wrapping", ["tls-auth", "tls-crypt", "tls-crypt-v2"])
async def test_to_a_wrong_key_a_server_is_silent(openvpn: Servers, unbound: Resolver, wrapping: str) -> None:
    server, other = openvpn.get(wrapping=wrapping), openvpn.get(wrapping=wrapping, transport="tcp")
    stranger = profile_option(other.with_remote()).settings
    assert isinstance(stranger, OpenvpnSettings)
    option = profile_option(server.with_remote(), wrap_key=stranger.wrap_key)
    result = await attempt(option, unbound, limit=1.0)
    assert result.failure == ("tunnel_handshake", "generic_timeout_error")
    assert result.proof is Proof.NONE
    option = profile_option(
        other.with_remote(),
        wrap_key=profile_option(server.with_remote()).settings.wrap_key,  # type: ignore[union-attr]  # it is a profile
    )
    result = await attempt(option, unbound, limit=1.0)
    assert result.failure is not None
    assert result.failure[0] == "tunnel_handshake"
    assert result.proof is Proof.NONE


@pytest.mark.parametrize(
    ("credentials", "error"),
    [
        ("expired", "ssl_expired"),
        ("not_yet_valid", "ssl_not_yet_valid"),
        ("unknown_authority", "ssl_unknown_authority"),
        ("self_signed", "ssl_unknown_authority"),
    ],
)
async def test_certificates_that_prove_nothing(
    openvpn: Servers, unbound: Resolver, pki: Pki, credentials: str, error: str
) -> None:
    server = openvpn.get(credentials=getattr(pki, credentials))
    result = await attempt(profile_option(server.with_remote()), unbound)
    assert result.failure == ("tls_handshake", error)
    assert result.proof is Proof.REACHED


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("verify-x509-name another.example name", "ssl_invalid_hostname"),
        ("verify-x509-name open name-prefix", None),
        ("verify-x509-name openvpn name", None),
        ("verify-x509-name CN=openvpn", None),
        ("verify-x509-name CN=another.example", "ssl_invalid_hostname"),
        (f"peer-fingerprint {'00:' * 31}00", "wrong_key"),
        (f"verify-hash {'00:' * 31}00", "wrong_key"),
        ("remote-cert-eku 1.3.6.1.5.5.7.3.4", "ssl_invalid_certificate"),
        ("remote-cert-ku a0", None),
        ("remote-cert-ku 06", "ssl_invalid_certificate"),
    ],
)
async def test_what_a_profile_wants_of_the_server(
    openvpn: Servers, unbound: Resolver, line: str, error: str | None
) -> None:
    result = await attempt(profile_option(openvpn.get().with_remote(line)), unbound, goal=Proof.CARRIED)
    assert result.failure == (None if error is None else ("tls_handshake", error))
    assert result.proof is (Proof.CARRIED if error is None else Proof.REACHED)


async def test_a_fingerprint_stands_in_for_an_authority(
    openvpn: Servers, unbound: Resolver, pki: Pki
) -> None:
    server = openvpn.get(credentials=pki.self_signed)
    rules = profile_option(server.with_remote(f"peer-fingerprint {pki.self_signed.sha256.hex(':')}")).settings
    assert isinstance(rules, OpenvpnSettings)
    option = profile_option(server.with_remote(), rules=replace(rules.rules, ca=None, server_use=False))
    result = await attempt(option, unbound, goal=Proof.CARRIED)
    assert (result.failure, result.proof) == (None, Proof.CARRIED)


@TRANSPORTS
@ON_ONE_LOOP
async def test_a_stranger_s_certificate_is_refused(
    openvpn: Servers, unbound: Resolver, pki: Pki, transport: str
) -> None:
    stranger = pki.stranger.issue("client", ["client.example"])
    option = profile_option(
        openvpn.get(transport=transport).with_remote(),
        certificate=stranger.certificate.read_text(),
        key=Secret(stranger.key.read_text()),
    )
    result = await attempt(option, unbound, limit=2.0)
    assert result.failure is not None
    assert result.failure[0] == "authenticate"
    assert result.proof is Proof.REACHED


@ON_ONE_LOOP
async def test_a_handshake_without_data_is_not_working(openvpn: Servers, unbound: Resolver) -> None:
    dialer = bad_line(out=lambda data: None if data[0] >> 3 in (6, 9) else 0.0)
    result = await attempt(profile_option(openvpn.get().with_remote()), unbound, dialer=dialer, limit=2.0)
    assert result.failure is not None
    assert result.failure[0] == "carry"
    assert result.proof is Proof.HANDSHAKEN


@ON_ONE_LOOP
async def test_a_server_that_passes_nothing_on_is_not_working(openvpn: Servers, unbound: Resolver) -> None:
    server = openvpn.get(forward=False)
    result = await attempt(profile_option(server.with_remote()), unbound, limit=3.0)
    assert result.failure is not None
    assert result.failure[0] == "carry"
    assert result.proof is Proof.HANDSHAKEN


@ON_ONE_LOOP
async def test_a_server_that_is_slow(openvpn: Servers, unbound: Resolver) -> None:
    dialer = bad_line(back=lambda data: 3.0 if data[0] >> 3 not in (6, 9) else 0.0)
    result = await attempt(
        profile_option(openvpn.get().with_remote()), unbound, dialer=dialer, goal=Proof.CARRIED
    )
    assert (result.failure, result.proof) == (None, Proof.CARRIED)


@pytest.mark.parametrize("seed", range(2))
@ON_ONE_LOOP
async def test_a_handshake_on_a_line_that_loses_a_third(
    openvpn: Servers, unbound: Resolver, seed: int
) -> None:
    dice = random.Random(seed)
    lost: Callable[[bytes], float | None] = lambda _: None if dice.random() < 0.3 else 0.02  # noqa: E731 - both ways
    result = await attempt(
        profile_option(openvpn.get().with_remote()),
        unbound,
        dialer=bad_line(out=lost, back=lost),
        goal=Proof.CARRIED,
        limit=15.0,
    )
    assert result.proof.at_least(Proof.HANDSHAKEN)
    assert result.detail("authenticate")["repeated"] > 0


@WRAPPINGS
async def test_a_path_of_1280_bytes(openvpn: Servers, unbound: Resolver, wrapping: str) -> None:
    def narrow(data: bytes) -> float | None:
        return None if len(data) > 1280 - 48 else 0.0

    option = profile_option(openvpn.get(wrapping=wrapping, more=("tls-version-max 1.3",)).with_remote())
    result = await attempt(option, unbound, dialer=bad_line(out=narrow, back=narrow), goal=Proof.SUSTAINED)
    assert result.proof.at_least(Proof.CARRIED)
    assert result.detail("mtu")["mtu"] <= 1240


async def test_a_session_survives_another_port_in_the_middle(openvpn: Servers, unbound: Resolver) -> None:
    dialer = Rebinding(DirectDialer(tries.NoNames(), policy=Policy(allow_private=True)), after=20)
    result = await attempt(profile_option(openvpn.get().with_remote()), unbound, dialer=dialer)
    assert (result.failure, result.proof) == (None, Proof.SUSTAINED)
    assert dialer.ports == 2


@pytest.mark.parametrize("proxy", ["socks-proxy", "http-proxy"])
async def test_through_the_profile_s_proxy(
    openvpn: Servers, unbound: Resolver, microsocks: Proxy, squid: Proxy, proxy: str
) -> None:
    server = openvpn.get(transport="tcp", port=443)
    place = microsocks if proxy == "socks-proxy" else squid
    option = profile_option(server.with_remote(f"{proxy} {place.address} {place.port}"))
    result = await attempt(option, unbound, goal=Proof.CARRIED)
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.steps[:2] == ["connect", "proxy_handshake"]


async def test_a_key_that_is_locked(openvpn: Servers, unbound: Resolver) -> None:
    server = openvpn.get()
    locked = locked_key(server.profile, "correct horse")
    with pytest.raises(CannotTry, match="passphrase"):
        await attempt(profile_option(server.with_remote(), key=locked), unbound)
    option = profile_option(server.with_remote(), key=locked, key_password=Secret("correct horse"))
    result = await attempt(option, unbound, goal=Proof.CARRIED)
    assert (result.failure, result.proof) == (None, Proof.CARRIED)


async def test_a_reset_in_the_handshake(openvpn: Servers, unbound: Resolver) -> None:
    with serve(reset_on_hello) as place:
        text = openvpn.get(transport="tcp").profile
        option = profile_option(f"client\nremote 127.0.0.1 {place.port} tcp\n{text}")
        result = await attempt(option, unbound)
    assert result.failure == ("tunnel_handshake", "connection_reset")
    assert result.proof is Proof.NONE


async def test_a_page_in_place_of_a_server(openvpn: Servers, unbound: Resolver) -> None:
    with serve(block_page) as place:
        text = openvpn.get(transport="tcp").profile
        result = await attempt(profile_option(f"client\nremote 127.0.0.1 {place.port} tcp\n{text}"), unbound)
    assert result.failure == ("tunnel_handshake", "wrong_answer")
    assert result.proof is Proof.NONE


async def test_garbage_is_no_answer(openvpn: Servers, unbound: Resolver) -> None:
    with answering(lambda data: [b"garbage", data, data[::-1], b""]) as port:
        option = profile_option(f"client\nremote 127.0.0.1 {port}\n{openvpn.get().profile}")
        result = await attempt(option, unbound, limit=1.0)
    assert result.failure == ("tunnel_handshake", "generic_timeout_error")
    assert result.proof is Proof.NONE
    assert result.detail("tunnel_handshake")["ignored"] >= 4


@pytest.mark.parametrize("wrapping", ["plain", "tls-crypt"])
async def test_a_clock_that_was_put_right(openvpn: Servers, unbound: Resolver, wrapping: str) -> None:
    option, ahead = profile_option(openvpn.get(wrapping=wrapping).with_remote()), 400 * 86400.0
    wrong = Clock(started_wall=time.time() + ahead)
    result = await attempt(option, unbound, clock=wrong, goal=Proof.CARRIED)
    assert result.failure == ("tls_handshake", "ssl_expired")
    right = Clock(started_wall=time.time() + ahead, skew=ahead)
    result = await attempt(option, unbound, clock=right, goal=Proof.CARRIED)
    assert (result.failure, result.proof) == (None, Proof.CARRIED)


async def test_a_server_that_is_down(openvpn: Servers, unbound: Resolver) -> None:
    option = profile_option(f"client\nremote 127.0.0.1 {closed_port()}\n{openvpn.get().profile}")
    result = await attempt(option, unbound)
    assert result.failure == ("tunnel_handshake", "connection_refused")


async def test_the_first_server_that_answers_decides(openvpn: Servers, unbound: Resolver) -> None:
    server = openvpn.get()
    dead = f"remote 127.0.0.1 {closed_port()}"
    text = f"client\n{dead}\nremote {server.address} {server.port}\n{server.profile}"
    result = await attempt(profile_option(text), unbound, goal=Proof.CARRIED)
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert result.steps[:2] == ["connect", "tunnel_handshake"]
    assert result.attempt.steps[1].failure is not None
    assert result.steps[2:6] == HANDSHAKE


@ON_ONE_LOOP
async def test_many_dead_servers_take_no_longer_than_two(
    openvpn: Servers, unbound: Resolver, network: Network
) -> None:
    server = openvpn.get()
    dead = [
        f"remote {network.dropped[0]} {port} {proto}" for port, proto in ((1, "udp"), (2, "tcp"), (3, "udp"))
    ]
    text = "\n".join(["client", *dead, f"remote {server.address} {server.port}", server.profile])
    began = time.monotonic()
    result = await attempt(profile_option(text), unbound, goal=Proof.CARRIED)
    assert (result.failure, result.proof) == (None, Proof.CARRIED)
    assert time.monotonic() - began < 7.5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"unsupported": "it has a static key"}, "static key"),
        ({"wrapping": Wrapping.TLS_CRYPT, "wrap_key": Secret("none")}, "tls-crypt key"),
        ({"ciphers": ("DES-CBC",)}, "ciphers"),
        ({"key": Secret("none")}, "key can't be read"),
        ({"wrapping": Wrapping.TLS_AUTH, "wrap_key": Secret("none"), "digest": "WHIRLPOOL"}, "digest"),
    ],
)
async def test_what_is_not_spoken_is_not_tried(
    openvpn: Servers, unbound: Resolver, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(CannotTry, match=words) as raised:
        await attempt(profile_option(openvpn.get().with_remote(), **settings), unbound)
    assert raised.value.reason is Reason.UNSUPPORTED


async def test_an_attempt_is_cheap(openvpn: Servers, unbound: Resolver) -> None:
    option = profile_option(openvpn.get(wrapping="tls-crypt").with_remote())
    await attempt(option, unbound, goal=Proof.CARRIED)
    times = []
    for _ in range(5):
        before = time.process_time()
        await attempt(option, unbound, goal=Proof.CARRIED)
        times.append(time.process_time() - before)
    assert min(times) < 0.040
