"""Asking Tor which bridges it recommends: its circumvention-settings API, directly or by meek through a front.

Directly the line shows the API's name. Through a front it shows the front's: inside are meek's requests to a server of the
Tor project's, which passes bytes on to the API, and inside those is TLS with the API itself, so that neither the front nor
the server learns what is asked, or can answer in its place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio

from circumvent.model import failure as failures
from circumvent.model.option import Endpoint
from circumvent.net.errors import PeerError
from circumvent.net.protocol_codes import http_status_failure
from circumvent.recommend.answer import (
    LONGEST_ANSWER,
    AnswerError,
    of_kinds,
    question,
    read_answer,
    read_built_in,
    with_built_in,
)
from circumvent.tor.meek import ALPN, MeekStream, open_front

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from circumvent.catalog import SettingsApi
    from circumvent.net.http import HttpSession
    from circumvent.net.stream import ByteStream, Dialer
    from circumvent.net.trace import Trace
    from circumvent.net.verify import TrustStore
    from circumvent.recommend.answer import Recommendation

#: Seconds that all questions on one connection may take, directly and through a front, where each answer is many requests.
PATIENCE: Final = 10.0
PATIENCE_FRONTED: Final = 20.0
_JSON: Final = (("content-type", "application/vnd.api+json"),)
_OK: Final = 200
_HTTPS: Final = 443


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What asking takes: a record, connections, whom to trust, chance."""

    trace: Trace
    dialer: Dialer
    trust: TrustStore
    random: Random


async def ask_settings(
    api: SettingsApi,
    means: Means,
    *,
    country: str | None,
    transports: Sequence[str] = (),
    fronted: bool,
    allow_private: bool = False,
) -> Recommendation:
    """Ask what is recommended in ``country`` (where the API sees us, if none is given); its defaults where that is nothing.

    Steps: ``resolve``, ``connect``, ``tls_handshake``, ``ask``; through a front ``meek_poll`` and ``inner_tls`` before ``ask``.

    :raises StepFailed: when a step failed.
    :raises CannotTry: when nothing was sent.
    """
    trace = means.trace
    where = _endpoint(api.front if fronted else api.url, api)
    stream = await means.dialer.stream(where, trace)
    try:
        session = await (_through_front if fronted else _directly)(stream, api, means)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(stream)
        raise
    try:
        async with trace.step("ask", limit=PATIENCE_FRONTED if fronted else PATIENCE):
            talk = _Talk(session, api.url, allow_private=allow_private)
            return of_kinds(await talk.ask(country, transports), transports)
        raise AssertionError  # pragma: no cover - a step that fails raises
    finally:
        await session.aclose()


def _endpoint(place: str, api: SettingsApi) -> Endpoint:
    if place == api.front:
        return Endpoint(host=api.front, port=urlsplit(api.reflector).port or _HTTPS)
    url = urlsplit(place)
    return Endpoint(host=url.hostname or "", port=url.port or _HTTPS)


async def _directly(stream: ByteStream, api: SettingsApi, means: Means) -> HttpSession:
    return await _open(stream, api, means, step="tls_handshake")


async def _through_front(stream: ByteStream, api: SettingsApi, means: Means) -> HttpSession:
    """Open meek's stream, then TLS with the API inside it."""
    trace = means.trace
    front = await open_front(stream, front=api.front, url=api.reflector, trust=means.trust, trace=trace)
    inner = MeekStream(front, api.reflector, means.random)
    async with trace.step("meek_poll"):
        await inner.poll()
    return await _open(inner, api, means, step="inner_tls")


async def _open(stream: ByteStream, api: SettingsApi, means: Means, *, step: str) -> HttpSession:
    from circumvent.net.http import open_http  # noqa: PLC0415 - the crypto library is loaded while SYNs fly
    from circumvent.net.tls import TlsConfig, start_tls  # noqa: PLC0415 - as above

    name = urlsplit(api.url).hostname or ""
    config = TlsConfig(server_name=name, verify_name=name, alpn=ALPN, trust=means.trust)
    tls = await start_tls(stream, config, means.trace, step=step)
    return open_http(tls, url=api.url, http2=tls.peer.alpn == "h2", trace=means.trace)


class _Talk:
    """Questions and answers on one connection."""

    def __init__(self, session: HttpSession, url: str, *, allow_private: bool) -> None:
        self._session = session
        self._base = f"{url.rstrip('/')}/circumvention"
        self._allow_private = allow_private

    async def ask(self, country: str | None, transports: Sequence[str]) -> Recommendation:
        """Ask for settings; for defaults if there are none; for built-in lines if those are named.

        :raises PeerError: when the answer is none, or a refusal.
        """
        try:
            found = await self._recommendation("settings", question(country, transports))
            if found.nothing is None:
                return found
            # The defaults are for everywhere: a country that the API does not know must not stand in this question.
            other = await self._recommendation("defaults", question(None, transports))
        except AnswerError as exc:
            raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
        return replace(other, nothing=found.nothing, country=found.country)

    async def _recommendation(self, what: str, body: bytes) -> Recommendation:
        found = read_answer(await self._post(what, body), allow_private=self._allow_private)
        if found.refused is not None and found.nothing is None:
            raise PeerError(*http_status_failure(found.refused))
        if found.to_look_up:
            lines = read_built_in(await self._post("builtin", b"{}"))
            return with_built_in(found, lines, allow_private=self._allow_private)
        return found

    async def _post(self, what: str, body: bytes) -> bytes:
        answer = await self._session.request(
            "POST", f"{self._base}/{what}", headers=_JSON, body=body, max_body=LONGEST_ANSWER
        )
        if answer.status != _OK:
            raise PeerError(*http_status_failure(answer.status))
        return answer.body
