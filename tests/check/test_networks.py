"""What must not be called working, and what must not be called blocked: whole checks against servers that fail."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack, asynccontextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

import circumvent
from circumvent.check import baseline, schedule, services
from circumvent.diagnose.conclude import conclude
from circumvent.model.option import Endpoint
from circumvent.model.report import Report
from circumvent.model.words import FindingKind, NetworkState, Proof, Status
from circumvent.net import timeouts
from circumvent.net.clock import Clock
from tests.faults import proxy, tls
from tests.faults.dns import Honest, another_id, another_question, garbage, lying, refusing, silent, stripping
from tests.faults.resolvers import dot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from circumvent.model.report import OptionReport
    from tests.lab.pki import Credentials, Pki

pytestmark = pytest.mark.anyio
HONEST = Honest("nsec")
DAY = 86400.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """On loopback nothing takes long: time limits are tested where they are made."""
    monkeypatch.setattr(timeouts, "SHORTEST", 0.4)
    monkeypatch.setattr(schedule, "SECOND_TRY", 0.5)
    monkeypatch.setattr(baseline, "NOBODY_SECONDS", 0.1)


def around(pki: Pki, folder: Path, **changes: Any) -> dict[str, Any]:
    """Settings of a check that asks nobody but what is named."""
    anchor = folder / "root.anchor"
    anchor.write_text(HONEST.anchor, "ascii")
    given = {
        "anchors": "none",
        "allow_private": True,
        "fast": True,
        "deadline": 20,
        "ca": [str(pki.ca_file)],
        "trust_anchor": str(anchor),
        "dns_control": ["lab.example=198.51.100.16"],
        "control": ["https://127.0.0.1:9/#status=204"],
    }
    return {**given, **changes}


@asynccontextmanager
async def resolvers(
    pki: Pki, behaviours: dict[str, tuple[tls.Behaviour, Credentials | None]]
) -> AsyncIterator[dict[str, str]]:
    """DoT servers, each behaving in its way; gives name to endpoint."""
    async with AsyncExitStack() as stack:
        served = {}
        for name, (behave, credentials) in behaviours.items():
            context = tls.context_for(credentials or pki.good, alpn=("dot",))
            server = await stack.enter_async_context(tls.serve(behave, context))
            served[name] = f"127.0.0.1:{server.port}"
        yield served


async def check_resolvers(
    pki: Pki, folder: Path, behaviours: dict[str, tuple[tls.Behaviour, Credentials | None]], **changes: Any
) -> tuple[Report, dict[str, OptionReport]]:
    async with resolvers(pki, behaviours) as served:
        report = await circumvent.acheck(
            [f"tls://{where}" for where in served.values()], **around(pki, folder, **changes)
        )
    by_endpoint = {one.endpoint: one for one in report.options if not one.baseline}
    return report, {name: by_endpoint[where] for name, where in served.items()}


def error(option: OptionReport) -> str | None:
    return None if option.failure is None else option.failure.error


async def test_none_of_these_resolvers_works_and_none_is_blocked(pki: Pki, tmp_path: Path) -> None:
    faults: dict[str, tuple[tls.Behaviour, Credentials | None]] = {
        "stall": (tls.stall_after_handshake, None),
        "stall_on_hello": (tls.stall_on_hello, None),
        "half_hello": (tls.half_hello_then_stall, None),
        "reset": (tls.reset_on_hello, None),
        "garbage_tls": (tls.garbage, None),
        "http": (tls.plain_http, None),
        "broken_record": (tls.broken_record, None),
        "hangs_up": (tls.fin_after_handshake, None),
        "garbage_dns": (dot(garbage), None),
        "another_id": (dot(another_id(HONEST)), None),
        "another_question": (dot(another_question(HONEST)), None),
        "no_answer": (dot(silent), None),
        "refusing": (dot(refusing("REFUSED")), None),
        "truncated": (dot(HONEST, stop_after=300), None),
        "expired": (dot(HONEST), pki.expired),
        "not_yet": (dot(HONEST), pki.not_yet_valid),
        "self_signed": (dot(HONEST), pki.self_signed),
        "unknown": (dot(HONEST), pki.unknown_authority),
        "wrong_name": (dot(HONEST), pki.wrong_name),
    }
    report, found = await check_resolvers(pki, tmp_path, faults)
    verdicts = {name: option.status for name, option in found.items()}
    assert {name for name, status in verdicts.items() if status is Status.WORKS} == set()
    assert {name for name, status in verdicts.items() if status is Status.BLOCKED} == set()
    assert all(option.failure is not None for option in found.values())
    for name, word in (
        ("expired", "ssl_expired"),
        ("not_yet", "ssl_not_yet_valid"),
        ("self_signed", "ssl_unknown_authority"),
        ("unknown", "ssl_unknown_authority"),
        ("wrong_name", "ssl_invalid_hostname"),
    ):
        assert (error(found[name]), found[name].success.trials) == (word, 1)
    assert report.ranking == ()
    again = conclude(report.options, report.network)
    assert (again.options, again.network) == (report.options, report.network)


async def test_a_state_root_in_the_store_of_the_system_proves_nothing(
    pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.stranger.pem_file))
    _, found = await check_resolvers(pki, tmp_path, {"a": (dot(HONEST), pki.unknown_authority)})
    assert (found["a"].status, error(found["a"])) == (Status.UNREACHABLE, "ssl_unknown_authority")


async def test_an_honest_one_works_beside_them(pki: Pki, tmp_path: Path) -> None:
    faults: dict[str, tuple[tls.Behaviour, Credentials | None]] = {
        "honest": (dot(HONEST), None),
        "stripping": (dot(stripping(HONEST)), None),
        "liar": (dot(lying(HONEST, "lab.example.", "10.10.34.36")), None),
        "silent": (tls.silent, None),
    }
    report, found = await check_resolvers(pki, tmp_path, faults)
    assert found["honest"].status is Status.WORKS
    assert found["stripping"].status is Status.WORKS
    assert found["liar"].status is not Status.WORKS
    assert found["silent"].status is Status.UNREACHABLE
    recommended = {one.id for one in report.recommendations} | {one.backup for one in report.recommendations}
    assert found["liar"].id not in recommended | {one.id for one in report.ranking}


@pytest.mark.parametrize("control", ["https", "http"])
async def test_proxies_that_do_not_carry(pki: Pki, tmp_path: Path, control: str) -> None:
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(proxy.control_web(pki.good if control == "https" else None))
        portal = await stack.enter_async_context(proxy.control_web(None, portal=True))
        behaviours = {
            "never_forwards": proxy.socks5(proxy.forwards_nothing),
            "portal_behind": proxy.socks5(proxy.redirects(portal)),
            "silent": proxy.silent,
            "hangs_up": proxy.hangs_up,
            "refuses": proxy.socks5(reply=2),
            "wants_password": proxy.socks5(password=("user", "secret")),
            "works": proxy.socks5(),
        }
        ports = {}
        for name, behave in behaviours.items():
            ports[name] = (await stack.enter_async_context(proxy.serving(behave))).port
        settings = around(pki, tmp_path, control=[f"{control}://127.0.0.1:{web}/nonce/{{nonce}}"])
        report = await circumvent.acheck(
            [f"socks5://127.0.0.1:{port}" for port in ports.values()], **settings
        )
    by_endpoint = {one.endpoint: one for one in report.options if not one.baseline}
    found = {name: by_endpoint[f"127.0.0.1:{port}"] for name, port in ports.items()}
    assert {name for name, one in found.items() if one.status is Status.WORKS} == {"works"}
    assert found["wants_password"].status is Status.REFUSED
    assert found["refuses"].status is Status.REFUSED or error(found["refuses"]) is not None
    assert not any(one.status is Status.BLOCKED for one in found.values())


def dated(seconds: float) -> tls.Behaviour:
    """A web server whose clock shows this time."""
    date = formatdate(seconds, usegmt=True)
    return tls.says(f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n".encode())


@pytest.mark.parametrize("days", [2, -2, 730, -730])
async def test_a_clock_that_is_days_or_years_off_is_told_and_put_right(
    pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """Every certificate looks expired (or not yet valid) then: two operators tell the time, and it goes on with that."""
    true = time.time()

    def wrong(**fields: Any) -> Clock:
        return Clock(started_wall=true + days * DAY, **fields)

    monkeypatch.setattr(services, "Clock", wrong)
    context = tls.context_for(pki.good, alpn=("http/1.1",))
    async with (
        tls.serve(dated(true), context) as first,
        tls.serve(dated(true), context) as second,
        resolvers(pki, {"a": (dot(HONEST), None)}) as served,
    ):
        anchors = tmp_path / "anchors.toml"
        anchors.write_text(
            "".join(
                f'[[anchor]]\nhost = "127.0.0.1"\nport = {port}\nnetwork = "{network}"\nclass = "cdn"\n'
                for network, port in (("A", first.port), ("B", second.port))
            ),
            "ascii",
        )
        settings = around(pki, tmp_path, anchors=str(anchors), trust_anchor="none")
        report = await circumvent.acheck(f"tls://{served['a']}", **settings)
    (option,) = [one for one in report.options if not one.baseline]
    assert FindingKind.CLOCK_SKEW in {one.kind for one in report.network.findings}
    assert report.network.clock_skew_s == pytest.approx(days * DAY, abs=5)
    assert option.status is Status.WORKS
    uncounted = {attempt.why for attempt in option.attempts if not attempt.counted}
    # A machine that takes five seconds over this has looked at the line meanwhile, or found itself too busy.
    assert uncounted <= {"this device's clock was wrong", "sentinel", "this machine was busy"}


async def test_one_wrong_clock_of_a_server_is_not_ours(pki: Pki, tmp_path: Path) -> None:
    true = time.time()
    context = tls.context_for(pki.good, alpn=("http/1.1",))
    async with tls.serve(dated(true - 40 * DAY), context) as liar, tls.serve(dated(true), context) as honest:
        anchors = tmp_path / "anchors.toml"
        anchors.write_text(
            "".join(
                f'[[anchor]]\nhost = "127.0.0.1"\nport = {port}\nnetwork = "{network}"\nclass = "cdn"\n'
                for network, port in (("A", liar.port), ("B", honest.port))
            ),
            "ascii",
        )
        settings = around(pki, tmp_path, anchors=str(anchors))
        report = await circumvent.acheck("socks5://127.0.0.1:9", **settings)
    assert FindingKind.CLOCK_SKEW not in {one.kind for one in report.network.findings}
    assert report.network.clock_skew_s is None


async def test_a_middlebox_that_answers_every_connect_proves_nothing(
    pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxy.serving(proxy.silent) as middlebox:
        monkeypatch.setattr(baseline, "NOBODY", Endpoint(host="127.0.0.1", port=middlebox.port))
        anchors = tmp_path / "anchors.toml"
        anchors.write_text(
            f'[[anchor]]\nhost = "127.0.0.1"\nport = {middlebox.port}\nnetwork = "A"\nclass = "cdn"\n',
            "ascii",
        )
        # A resolver that is not there: whether the machine's own answers is another story.
        settings = around(pki, tmp_path, anchors=str(anchors), resolver="127.0.0.1:9")
        report = await circumvent.acheck(
            [f"{kind}://127.0.0.1:{middlebox.port}" for kind in ("socks5", "tls", "socks4a")], **settings
        )
    assert FindingKind.TCP_PROXIED in {one.kind for one in report.network.findings}
    assert {one.id: one.proof for one in report.options if one.proof is not Proof.NONE} == {}
    assert {one.status for one in report.options} == {Status.UNREACHABLE}
    assert report.network.state is NetworkState.UNKNOWN


async def test_a_control_that_fails_directly_and_through_nothing_is_no_open_network(
    pki: Pki, tmp_path: Path
) -> None:
    settings = around(pki, tmp_path, anchors=None)
    report = await circumvent.acheck("socks5://127.0.0.1:9", **settings)
    assert report.network.state is not NetworkState.OPEN
    assert Report.from_json(report.to_json()) == report
