"""The root's DNSKEY set, proved once and shared by every resolver of a check.

DNSSEC records are true by whatever way they came, so the first resolver that answers serves all the others.
Nobody waits long for somebody else: a fetch that stalls must not take every other resolver with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from circumvent.names.dnssec import Proved
    from circumvent.names.message import Answer

    Fetch = Callable[[], Awaitable[Answer]]

#: The root's trust anchors as IANA publishes them (https://data.iana.org/root-anchors/): KSK-2017 and KSK-2024.
IANA_ANCHORS: Final = """\
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
"""
#: Seconds to wait for a fetch of another resolver before asking ours as well.
PATIENCE: Final = 0.3


class RootKeys:
    """Holds the proved root keys; see :meth:`get`.

    ``anchors`` is zone-file text with DS or DNSKEY records of the root; ``None`` switches the proof off.
    """

    def __init__(self, anchors: str | None = IANA_ANCHORS) -> None:
        self._anchors = anchors
        self._proved: Proved | None = None
        self._fetching = 0
        self._changed = anyio.Event()

    @property
    def off(self) -> bool:
        """Tell whether the DNSSEC proof is switched off."""
        return self._anchors is None

    def held(self, now: float) -> Proved | None:
        """Return the keys if they are held and still valid at ``now`` (seconds since 1970)."""
        return self._proved if self._proved is not None and now < self._proved.until else None

    async def get(self, fetch: Fetch, now: float) -> Proved:
        """Return the root keys, asking for them by ``fetch`` unless somebody else's answer comes first.

        :raises PeerError: when our answer proves nothing and nobody else's came in time.
        """
        if (held := self.held(now)) is not None:
            return held
        if self._fetching:
            await self._wait(PATIENCE)
            if (held := self.held(now)) is not None:
                return held
        failure: Exception | None = None

        async def ask() -> None:
            nonlocal failure
            try:
                self._keep(self._prove(await fetch(), now))
            except Exception as exc:  # noqa: BLE001 - told below, unless another answer makes it void
                failure = exc
            group.cancel_scope.cancel()

        async def watch() -> None:
            while self.held(now) is None:
                await self._changed.wait()
            group.cancel_scope.cancel()

        self._fetching += 1
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(ask)
                group.start_soon(watch)
        finally:
            self._fetching -= 1
            self._wake()
        while self.held(now) is None and self._fetching and await self._wait(PATIENCE):
            pass
        if (held := self.held(now)) is not None:
            return held
        raise failure or PeerError(failures.WRONG_ANSWER, "no root keys")

    def prove(self, answer: Answer, now: float) -> Proved:
        """Prove an answer to the same question by itself; what is held stays as it is.

        :raises PeerError: when it proves nothing.
        """
        return self._prove(answer, now)

    def save(self) -> bytes:
        """Return what :meth:`load` takes: the DNSKEY answer as it came, or nothing."""
        return b"" if self._proved is None else self._proved.wire

    def load(self, saved: bytes, now: float) -> bool:
        """Take saved keys, which are proved again; tell whether they are good."""
        from circumvent.names import dnssec  # noqa: PLC0415 - dnspython costs 75 ms; nothing may wait for it at start

        if not saved or self._anchors is None:
            return False
        try:
            self._keep(dnssec.prove_saved_keys(saved, self._anchors, now))
        except PeerError:
            return False
        return True

    def _prove(self, answer: Answer, now: float) -> Proved:
        from circumvent.names import dnssec  # noqa: PLC0415 - as above

        return dnssec.prove_root_keys(answer, self._anchors or "", now)

    def _keep(self, proved: Proved) -> None:
        self._proved = proved
        self._wake()

    def _wake(self) -> None:
        """Wake everybody who waits; they look again."""
        self._changed.set()
        self._changed = anyio.Event()

    async def _wait(self, seconds: float) -> bool:
        """Wait for a change, at most ``seconds``; tell whether one came."""
        with anyio.move_on_after(seconds):
            await self._changed.wait()
            return True
        return False
