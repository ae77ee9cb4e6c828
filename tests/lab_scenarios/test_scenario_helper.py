"""The man in the middle makes a certificate for every name."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from circumvent.lab.scenario_helper import Interceptor, command
from circumvent.lab.world.authority import Authority
from circumvent.lab.world.prepare import INTERCEPTOR

if TYPE_CHECKING:
    from pathlib import Path


def test_a_client_that_trusts_him_believes_any_name(tmp_path: Path) -> None:
    interceptor = Interceptor(tmp_path)
    client = ssl.create_default_context(cafile=str(Authority(tmp_path, INTERCEPTOR).pem_file))
    for name in ("www.social.example", "bank.example"):
        ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
        far = interceptor.context.wrap_bio(ours, theirs, server_side=True)
        near = client.wrap_bio(theirs, ours, server_hostname=name)
        _shake(near, far)
        assert near.getpeercert()["subjectAltName"] == (("DNS", name),)  # type: ignore[index]  # it was verified


def _shake(*sides: ssl.SSLObject) -> None:
    waiting = list(sides)
    for _ in range(10):
        for side in list(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)
        if not waiting:
            return
    raise AssertionError("no handshake")


def test_it_is_started_as_a_child_of_this_process(tmp_path: Path) -> None:
    assert command("splitter", str(tmp_path))[1:3] == ["-m", "circumvent.lab.scenario_helper"]
