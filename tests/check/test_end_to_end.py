"""The whole check against real servers: given this network, expect this report."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import jsonschema
import pytest

from circumvent.check import baseline
from circumvent.model.report import Report, json_schema
from circumvent.model.words import Evidence, FindingKind, NetworkState, Proof, Reason, Scope, Status
from tests.check.in_lab import Lab, only, tried
from tests.lab.names import Character

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.names import Dnsdist, Resolver
    from tests.lab.namespace import Network
    from tests.lab.proxies import Proxy
    from tests.lab.voice import Turn
    from tests.lab.web import Web

pytestmark = [pytest.mark.daemons, pytest.mark.anyio]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def nobody_answers_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The laboratory is near: whoever answers for nobody does so at once."""
    monkeypatch.setattr(baseline, "NOBODY_SECONDS", 0.1)


@pytest.fixture
def lab(unbound: Resolver, control_web: Web, tmp_path: Path) -> Lab:
    return Lab(unbound, control_web, tmp_path)


async def test_everything_that_works_is_carried_to_the_top_and_ranked(
    lab: Lab,
    dnsdist: Dnsdist,
    microsocks_password: Proxy,
    v2ray: Proxy,
    tinyproxy: Proxy,
    squid: Proxy,
    coturn: Turn,
    caddy: Web,
) -> None:
    key, page = dnsdist.dnscrypt_public_key.hex(), caddy.url("/nonce/{nonce}")
    file = lab.table(f"""
[[option]]
kind = "dnscrypt"
host = "{dnsdist.address}"
port = {dnsdist.dnscrypt_port}
provider = "{dnsdist.dnscrypt_provider}"
public_key = "{key}"
[[option]]
kind = "h3"
url = "{page}"
address = "{caddy.address}"
[[option]]
kind = "https"
url = "{page}"
address = "{caddy.address}"
""")
    resolver, password = lab.resolver, microsocks_password
    report = await lab.check(
        file,
        f"udp://{resolver.address}",
        f"tcp://{resolver.address}",
        f"tls://{resolver.address}",
        f"https://{resolver.address}/dns-query",
        f"socks5://{password.user}:{password.password}@{password.address}:{password.port}",
        f"socks4a://{v2ray.address}:{v2ray.port}",
        f"http://{tinyproxy.address}:{tinyproxy.port}",
        f"https://{squid.address}:{squid.tls_port}",
        f"stun:{coturn.address}:{coturn.port}",
        f"turn:{coturn.user}:{coturn.password}@{coturn.address}:{coturn.port}?transport=tcp",
    )
    verdicts = {option.kind + option.endpoint: (option.status, option.proof) for option in tried(report)}
    assert len(verdicts) == 13
    wrong = {name: verdict for name, verdict in verdicts.items() if verdict[0] is not Status.WORKS}
    assert not wrong, [
        (one.id, one.reason, one.reason_detail, one.failure)
        for one in tried(report)
        if one.status is not Status.WORKS
    ]
    lower = {name for name, verdict in verdicts.items() if verdict[1] is not Proof.SUSTAINED}
    assert {name[:5] for name in lower} <= {"https", "h3" + "contr", "h3cad"} | {
        name[:5] for name in lower if name.startswith("h3")
    }
    assert report.network.state is NetworkState.OPEN
    assert report.network.findings == ()
    scopes = [ranked.scope for ranked in report.ranking]
    assert scopes == sorted(scopes, key=list(Scope).index)
    assert {one.scope for one in report.recommendations} == {Scope.PROXY, Scope.DIRECT, Scope.NAMES}
    jsonschema.validate(report.to_dict(), json_schema())
    assert Report.from_json(report.to_json()) == report


async def test_a_resolver_with_an_honest_root_that_lies_is_degraded_and_never_recommended(
    lab: Lab, resolver: Callable[[Character], Resolver]
) -> None:
    liar = resolver(Character.LYING)
    report = await lab.check(
        f"tls://{liar.address}", dns_control=["lab.example=198.51.100.16", "blocked.example=198.51.100.16"]
    )
    option = only(report)
    assert option.proof.at_least(Proof.CARRIED)
    assert option.status is Status.DEGRADED
    assert option.failure is not None
    assert option.failure.error == "wrong_answer"
    assert report.ranking == ()
    assert report.recommendations == ()


async def test_a_resolver_that_denies_a_name_that_exists_lies(lab: Lab) -> None:
    stated = ["lab.example=198.51.100.16", "nowhere.example=198.51.100.16"]
    option = only(await lab.check(f"tls://{lab.resolver.address}", dns_control=stated, trials=1))
    assert option.status is Status.DEGRADED
    assert option.failure is not None
    assert option.failure.error == "wrong_answer"


async def test_a_resolver_that_strips_dnssec_is_no_liar(
    lab: Lab, resolver: Callable[[Character], Resolver]
) -> None:
    stripping = resolver(Character.STRIPPING)
    option = only(await lab.check(f"tls://{stripping.address}"))
    assert option.status is Status.WORKS
    carry = option.attempts[0].step("carry")
    assert carry is not None
    assert carry.detail["dnssec"] == "stripped"


async def test_a_signed_root_that_nobody_anchored_is_not_believed(
    lab: Lab, resolver: Callable[[Character], Resolver]
) -> None:
    foreign = resolver(Character.FOREIGN)
    option = only(await lab.check(f"tls://{foreign.address}"))
    assert option.status is Status.UNREACHABLE
    assert option.failure is not None
    assert option.failure.error == "wrong_answer"


async def test_a_dropped_address_is_no_answer_and_never_blocked(lab: Lab, network: Network) -> None:
    dropped = network.dropped[0]
    report = await lab.check(f"tls://{dropped}", f"socks5://{dropped}:1080", f"udp://{dropped}")
    assert {option.status for option in tried(report)} == {Status.UNREACHABLE}
    assert all(option.success.trials == 2 for option in tried(report))
    assert report.duration_s < 3 * 10


async def test_a_wrong_password_is_refused_and_tried_once(lab: Lab, microsocks_password: Proxy) -> None:
    proxy = microsocks_password
    option = only(await lab.check(f"socks5://{proxy.user}:wrong@{proxy.address}:{proxy.port}"))
    assert option.status is Status.REFUSED
    assert option.detail["authenticated"] is False
    assert option.success.trials == 1


async def test_a_proxy_that_wants_a_password_we_lack_is_refused(lab: Lab, tinyproxy_password: Proxy) -> None:
    option = only(await lab.check(f"http://{tinyproxy_password.address}:{tinyproxy_password.port}"))
    assert option.status is Status.REFUSED
    assert option.failure is not None
    assert option.failure.error == "auth_rejected"


async def test_a_closed_port_is_unreachable(lab: Lab, network: Network) -> None:
    option = only(await lab.check(f"tls://{network.servers_ipv4[-1]}:9"))
    assert option.status is Status.UNREACHABLE
    assert option.failure is not None
    assert option.failure.error == "connection_refused"


async def test_without_its_ca_a_server_is_not_trusted(lab: Lab) -> None:
    option = only(await lab.check(f"tls://{lab.resolver.address}", ca=[]))
    assert option.status is Status.UNREACHABLE
    assert option.failure is not None
    assert option.failure.error == "ssl_unknown_authority"
    assert option.success.trials == 1


async def test_options_chain_through_others(lab: Lab, microsocks: Proxy, squid: Proxy) -> None:
    file = lab.table(f"""
[[option]]
kind = "http-connect"
label = "outer"
host = "{squid.address}"
port = {squid.port}
[[option]]
kind = "socks5"
label = "inner"
host = "{microsocks.address}"
port = {microsocks.port}
via = "outer"
""")
    report = await lab.check(file)
    inner = only(report, "socks5")
    assert inner.via == only(report, "http-connect").id
    assert inner.status is Status.WORKS


async def test_a_second_vantage_shows_a_block(lab: Lab, danted: Proxy, shunning: str) -> None:
    """A resolver that is silent to us and answers somebody else on this machine: dead it is not."""
    file = lab.table(f"""
[[option]]
kind = "dot"
label = "shunned"
host = "{lab.resolver.name}"
address = "{shunning}"
""")
    socks = f"socks5://{danted.address}:{danted.port}"
    report = await lab.check(file, socks, cross_check=True)
    shunned = only(report, "dot")
    assert shunned.status is Status.BLOCKED
    assert shunned.evidence is Evidence.SECOND_VANTAGE


async def test_private_names_wait_for_a_proven_resolver(lab: Lab) -> None:
    report = await lab.check(
        f"tls://{lab.resolver.address}", "socks5://nowhere.lab.example:1", system_dns=False
    )
    named = only(report, "socks5")
    assert named.status is Status.UNREACHABLE
    assert named.failure is not None
    assert named.failure.step == "resolve"


async def test_without_one_they_are_not_tried(lab: Lab) -> None:
    report = await lab.check("socks5://microsocks.lab.example:1080", system_dns=False, anchors="none")
    named = only(report)
    assert (named.status, named.reason) == (Status.NOT_RUN, Reason.NAME_PRIVATE)


async def test_a_captive_portal_is_called_one(lab: Lab, captive_portal: Web) -> None:
    page = f"http://{captive_portal.address}/#body=fine"
    report = await lab.check(f"socks5://{captive_portal.address}:1080", control=[page, page], bulk=None)
    assert report.network.state is NetworkState.CAPTIVE_PORTAL
    assert [one.kind for one in report.network.findings] == [FindingKind.CAPTIVE_PORTAL]


async def test_a_target_that_answers_needs_nothing(lab: Lab) -> None:
    report = await lab.check(f"tls://{lab.resolver.address}", target=[lab.web.url("/text")])
    (target,) = report.targets
    assert target.direct is Status.WORKS
    assert target.least_sufficient == ()


async def test_a_target_without_the_page_is_reached_and_one_that_shuts_us_out_is_not(lab: Lab) -> None:
    gone, shut = lab.web.url("/missing"), lab.web.url("/status/403")
    report = await lab.check(f"tls://{lab.resolver.address}", target=[gone, shut], trials=1)
    assert [target.direct is Status.WORKS for target in report.targets] == [True, False]


async def test_a_base64_list_is_read(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "subscription.txt"
    path.write_bytes(base64.b64encode(f"tls://{lab.resolver.address}\n".encode()))
    assert only(await lab.check(str(path))).status is Status.WORKS


async def test_a_documented_block_page_in_the_place_of_tls_is_a_block(lab: Lab, block_page: str) -> None:
    option = only(await lab.check(f"tls://{block_page}"))
    assert (option.status, option.evidence) == (Status.BLOCKED, Evidence.FORGED)
    assert option.failure is not None
    assert option.failure.error == "wrong_answer"
