"""The state folder: the answer to the first question, the id key, the DNSSEC chain, the last verdicts.

Each is one file, readable by its owner only and written in place (a temporary file could stay behind). What is
damaged, too large or not ours is ignored with a note: state only saves time, it never decides whether a check runs.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from circumvent.ids import KEY_BYTES

ANSWER: Final = "answer.json"
ID_KEY: Final = "id-key"
CHAIN: Final = "dnssec-chain"
VERDICTS: Final = "verdicts.json"
#: Every file that may lie in the folder, with the largest size that is read (bytes).
FILES: Final = {ANSWER: 1024, ID_KEY: KEY_BYTES, CHAIN: 256 * 1024, VERDICTS: 1024 * 1024}
#: Networks whose last verdicts are kept, and options of each.
MOST_NETWORKS: Final = 32
MOST_VERDICTS: Final = 500

_OWNER_ONLY: Final = 0o600
_FOLDER_MODE: Final = 0o700
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    careful: bool


class _Verdicts(msgspec.Struct, frozen=True, kw_only=True):
    """Networks (keyed hashes of what tells them apart) to option ids to statuses, latest network last."""

    networks: dict[str, dict[str, str]] = {}


def state_folder() -> Path:
    """Return where state lies on this machine; it need not exist."""
    import platformdirs  # noqa: PLC0415 - only runs that keep or wipe state pay for it

    return Path(platformdirs.user_state_dir("circumvent", appauthor=False))


class State:
    """The state in one folder. ``notes`` collects what was ignored, as sentences for people.

    Reading never creates anything. Writing raises :class:`OSError` when the folder can't be written.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = state_folder() if folder is None else folder
        self.notes: list[str] = []

    @property
    def folder(self) -> Path:
        """Return the folder."""
        return self._folder

    def careful(self) -> bool | None:
        """Return the answer to the first question; ``None`` if it was never kept."""
        kept = self._decoded(ANSWER, _Answer)
        return None if kept is None else kept.careful

    def keep_careful(self, careful: bool) -> None:
        """Keep the answer to the first question."""
        self._write(ANSWER, msgspec.json.encode(_Answer(careful=careful)))

    def id_key(self, *, create: bool) -> bytes | None:
        """Return the key of ids; make one and keep it when there is none and ``create`` says so."""
        key = self._read(ID_KEY)
        if key is not None and len(key) == KEY_BYTES:
            return key
        if key is not None:
            self._ignore(ID_KEY)
        if not create:
            return None
        fresh = secrets.token_bytes(KEY_BYTES)
        self._write(ID_KEY, fresh)
        return fresh

    def dnssec_chain(self) -> bytes | None:
        """Return the chain as it was kept. Whoever uses it verifies it as if it had come from the network."""
        return self._read(CHAIN)

    def keep_dnssec_chain(self, chain: bytes) -> None:
        """Keep the chain.

        :raises ValueError: when it is larger than a chain can be.
        """
        if len(chain) > FILES[CHAIN]:
            raise ValueError("this is larger than a DNSSEC chain")
        self._write(CHAIN, chain)

    def verdicts(self, network: str) -> dict[str, str]:
        """Return the last status of each option id on ``network`` (any text that tells networks apart)."""
        key = self.id_key(create=False)
        kept = self._decoded(VERDICTS, _Verdicts)
        return {} if key is None or kept is None else dict(kept.networks.get(_hashed(network, key), {}))

    def keep_verdicts(self, network: str, verdicts: dict[str, str]) -> None:
        """Keep the last status of each option on ``network``. The network's own name is not kept."""
        name = _hashed(network, self.id_key(create=True) or b"")
        kept = self._decoded(VERDICTS, _Verdicts)
        networks = dict(kept.networks) if kept is not None else {}
        networks.pop(name, None)
        networks[name] = dict(list(verdicts.items())[:MOST_VERDICTS])
        latest = dict(list(networks.items())[-MOST_NETWORKS:])
        self._write(VERDICTS, msgspec.json.encode(_Verdicts(networks=latest)))

    def _decoded(self, name: str, kind: type[Any]) -> Any:
        data = self._read(name)
        if data is None:
            return None
        try:
            return msgspec.json.decode(data, type=kind)
        except (msgspec.DecodeError, RecursionError, ValueError):
            self._ignore(name)
            return None

    def _read(self, name: str) -> bytes | None:
        """Return the content of a file; ``None`` when it is missing, not ours, or larger than it can be."""
        limit = FILES[name]
        try:
            descriptor = os.open(self._folder / name, os.O_RDONLY | _NO_FOLLOW | _NO_WAIT)
        except FileNotFoundError:
            return None
        except OSError:
            self._ignore(name)
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not _is_ours(os.fstat(descriptor)):
                self._ignore(name)
                return None
            data = file.read(limit + 1)
        if len(data) > limit:
            self._ignore(name)
            return None
        return data

    def _write(
        self, name: Literal["answer.json", "id-key", "dnssec-chain", "verdicts.json"], data: bytes
    ) -> None:
        self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | _NO_FOLLOW | _NO_WAIT
        descriptor = os.open(self._folder / name, flags, _OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as file:
            # An older file may have other rights; they are set before anything is written.
            if hasattr(os, "fchmod"):
                os.fchmod(descriptor, _OWNER_ONLY)
            file.truncate(0)
            file.write(data)

    def _ignore(self, name: str) -> None:
        note = f"what was kept in {name} is damaged or not yours and was ignored. circumvent wipe deletes it."
        if note not in self.notes:
            self.notes.append(note)


def _hashed(network: str, key: bytes) -> str:
    return hmac.new(key, b"circumvent.network/1\n" + network.encode(), hashlib.sha256).hexdigest()[:32]


def _is_ours(status: os.stat_result) -> bool:
    """Tell whether a file is a regular one that belongs to the user (where the platform knows owners)."""
    return stat.S_ISREG(status.st_mode) and (not hasattr(os, "geteuid") or status.st_uid == os.geteuid())
