"""Every test run lives in a network of its own (:mod:`tests.lab.namespace`); fixtures of real servers."""

from __future__ import annotations

import gc
import os
import signal
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, settings

from tests.lab import namespace
from tests.lab.fixtures import *  # noqa: F403 - pytest finds fixtures by name in this module
from tests.lab.go_servers import SERVERS
from tests.lab.left_out import LeftOut, missing
from tests.lab.somebody import Somebody, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

# A machine that is busy says nothing of what is tested. Where nothing may be left out, a run can be repeated: there the
# same examples are drawn each time, elsewhere new ones.
settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CIRCUMVENT_TESTS_COMPLETE", "") not in {"", "0"},
)
settings.load_profile("house")

if SERVERS.is_dir():  # built by ``nox -s servers``; what stands on PATH already goes before
    os.environ["PATH"] = os.environ.get("PATH", os.defpath) + os.pathsep + str(SERVERS)

#: What this process does when it is told to end.
HEEDED: Final = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
#: Who runs things without rights; fetched before the namespace is entered, in which nobody can become another user.
SOMEBODY = fetch()
#: Why there is no namespace, or ``None``. Entered on import: later, plug-ins may have started threads.
REFUSED = namespace.enter()
if REFUSED is not None:
    namespace.forbid_public()


def pytest_configure(config: pytest.Config) -> None:
    """Register our markers and the summary of what was left out."""
    config.addinivalue_line("markers", "requires(*programs): needs these programs")
    config.addinivalue_line("markers", "namespace: needs the addresses and routes of the test namespace")
    config.pluginmanager.register(LeftOut(), "circumvent-left-out")


def pytest_unconfigure() -> None:
    """Let go of whoever runs things without rights."""
    SOMEBODY.leave()


def pytest_report_header() -> str:
    """Say in which network the tests run."""
    if REFUSED is None:
        return "network: a namespace of its own, no way out"
    return f"network: loopback only, no namespace ({REFUSED})"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what cannot run here."""
    wants_network = any(item.get_closest_marker(name) for name in ("daemons", "namespace"))
    if wants_network and REFUSED is not None:
        pytest.skip(f"there is no network namespace ({REFUSED})")
    programs = [str(name) for marker in item.iter_markers("requires") for name in marker.args]
    reason = missing(programs)
    if reason is not None:
        pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Heed signals again: our program ignores them from its last word to its exit, and here it ran inside this process.

    What is ignored is inherited: a server that is started later would not end when it is told to.
    """
    try:
        return (yield)
    finally:
        for number, handler in HEEDED.items():
            if signal.getsignal(number) is signal.SIG_IGN:
                signal.signal(number, handler)


@pytest.fixture(scope="module", autouse=True)
def collected() -> Iterator[None]:
    """What a file's tests left open is collected at its end: it fails them, and not whichever test runs later."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def network() -> namespace.Network:
    """The prefixes and addresses of the test network; leaves the test out where there is no namespace."""
    if REFUSED is not None:
        pytest.skip(f"there is no network namespace ({REFUSED})")
    return namespace.Network(isolated=REFUSED)


@pytest.fixture(scope="session")
def somebody() -> Somebody:
    """A user without rights."""
    return SOMEBODY
