"""Controls: small resources on the open internet that prove that a path carries.

A control is fetched *through* the path and compared with what it must be; a bulk resource then moves enough bytes
to show that the path lasts. What is fetched in one try of one option is a :class:`ControlPlan`. All of it is pure:
the fetching is done by ``circumvent.transports.carry``. The rules stand in ``docs/controls``.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, unquote, unquote_to_bytes, urlsplit

from circumvent.model import failure as failures
from circumvent.model.option import Endpoint, join_host_port
from circumvent.model.words import Exposure, Proof

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

__all__ = ["Bulk", "Control", "ControlPlan", "Expectation", "FreshControl", "plan_for_try"]

NONCE: Final = "{nonce}"
BYTES: Final = "{bytes}"
#: Letters and digits of a nonce: 16 of 32 letters are 80 bits, and no cache or script has seen them before.
NONCE_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
NONCE_LENGTH: Final = 16
#: What a control may answer at most, in bytes. A control is small; whatever is longer is not it.
MAX_BODY: Final = 1 << 20
#: How much of an unexpected page is searched for a provider's own words, in bytes.
SEARCHED: Final = 1 << 16

#: ``proof sustained`` needs so many bytes down, then so many up, in one connection (``docs/verdicts``).
SUSTAIN_DOWN: Final = 64 * 1024
SUSTAIN_UP: Final = 16 * 1024

#: Answers of a front (RFC 9110 section 15.6, and the 52x of large CDNs) that could not reach its origin.
ORIGIN_STATUSES: Final = frozenset({502, 504, *range(520, 528), 530})
#: RFC 7725: unavailable for legal reasons.
LEGAL_REASONS: Final = 451
#: Words of providers that shut out a whole country. In lower case; they count with status 403 only.
GEO_WORDS: Final = (
    b"block access from your country",
    b"banned the country or region your ip address is in",
    b"not available in your country",
    b"not available in your region",
    b"unsupported_country_region_territory",
)

_UNPRINTABLE: Final = re.compile(r"[\x00-\x20\x7f-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must come back; every part that is not ``None`` must hold.

    ``status`` is the HTTP status; ``body`` the whole body without white space at either end; ``contains`` a
    text in it; ``sha256`` the hexadecimal digest of the body as it came.
    """

    status: int | None = None
    body: str | None = None
    contains: str | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"status {self.status} is no answer of a web server. Use one from 200 to 599.")
        if self.sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ValueError("sha256 needs 64 hexadecimal digits")
        if self.contains is not None and not self.contains:
            raise ValueError("contains needs a text: every body contains the empty one")

    @property
    def stated(self) -> bool:
        """Tell whether anything is stated at all."""
        return any(part is not None for part in (self.status, self.body, self.contains, self.sha256))

    @property
    def of_body(self) -> bool:
        """Tell whether something is stated about the body."""
        return any(part is not None for part in (self.body, self.contains, self.sha256))

    def met_by(self, body: bytes) -> bool:
        """Tell whether ``body`` is what is stated about it."""
        if self.body is not None and body.strip() != self.body.strip().encode():
            return False
        if self.contains is not None and self.contains.encode() not in body:
            return False
        return self.sha256 is None or hashlib.sha256(body).hexdigest() == self.sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A small resource that proves that a path carries, and what it must answer.

    ``url`` has no fragment and may hold ``{nonce}``. ``operator`` is who runs it (two controls prove more when
    two operators answer). ``by_hand``: the user named it. ``exposure``: what asking for it shows to whoever
    sees its name. ``never_alone``: it is known to answer inside some shutdowns.
    """

    url: str
    expect: Expectation = Expectation()
    operator: str = ""
    by_hand: bool = False
    exposure: Exposure = Exposure.ORDINARY
    never_alone: bool = False

    def __post_init__(self) -> None:
        _check_url(self.url, "control", placeholder=NONCE)

    @classmethod
    def parse(cls, text: str) -> Control:
        """Read what ``--control`` was given: a URL with an optional fragment that says what must come back.

        The fragment is ``status=204``, ``sha256=HEX``, ``body=TEXT`` or ``contains=TEXT``, percent-encoded where
        need be. Several are joined by ``&``; a text goes on to the end, so it stands last.

        :raises ValueError: with a sentence that names what is wrong.
        """
        url, _, fragment = text.partition("#")
        expect = _parse_fragment(fragment)
        control = cls(url=url, expect=expect, by_hand=True)
        return replace(control, operator=control.host)

    @property
    def host(self) -> str:
        """Return the host name or address, without brackets."""
        return urlsplit(self.url).hostname or ""

    @property
    def secure(self) -> bool:
        """Tell whether it is fetched inside TLS."""
        return self.url.startswith("https:")

    @property
    def endpoint(self) -> Endpoint:
        """Return where it is served."""
        return _endpoint(self.url)

    @property
    def has_nonce(self) -> bool:
        """Tell whether a fresh token must be echoed."""
        return NONCE in self.url

    @property
    def proof(self) -> Proof:
        """Return what its right answer proves of a path.

        A TLS handshake with the control itself cannot be scripted, nor can a nonce. A stated answer over
        ``http://`` can, by whoever knows the control, so it counts only when the user chose it. Any other
        answer over ``http://`` might be anybody's.
        """
        fresh = self.secure or self.has_nonce or (self.by_hand and self.expect.stated)
        return Proof.CARRIED if fresh else Proof.HANDSHAKEN

    @property
    def public_url(self) -> str:
        """Return the URL without its query, as ``settings.control`` of a report has it."""
        return _without_query(self.url)

    def fresh(self, random: Random) -> FreshControl:
        """Make it ready for one fetch, with a nonce of its own."""
        nonce = "".join(random.choice(NONCE_LETTERS) for _ in range(NONCE_LENGTH)) if self.has_nonce else None
        return FreshControl(control=self, nonce=nonce)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshControl:
    """A control for one fetch; its nonce has never been sent before."""

    control: Control
    nonce: str | None

    @property
    def url(self) -> str:
        """Return the URL to fetch."""
        return self.control.url.replace(NONCE, self.nonce or "")

    @property
    def expect(self) -> Expectation:
        """Return what must come back, with the nonce put in."""
        expect = self.control.expect
        if self.nonce is None:
            return expect
        return replace(
            expect,
            body=expect.body and expect.body.replace(NONCE, self.nonce),
            contains=expect.contains and expect.contains.replace(NONCE, self.nonce),
        )

    @property
    def judges_body(self) -> bool:
        """Tell whether the body matters; if not, a long one need not be read to its end."""
        return self.nonce is not None or self.control.expect.of_body

    def judge(self, status: int, body: bytes) -> str | None:
        """Compare an answer with what it must be: ``None`` if it is right, else a failure string.

        Without a stated status it must be 2xx; a control inside TLS that states nothing may also redirect,
        because it has proved who it is.
        """
        if not self._status_is_right(status):
            return self._unexpected(status, body)
        if not self.expect.met_by(body):
            return failures.WRONG_ANSWER
        if self.nonce is not None and not self._echoes(self.nonce, body):
            return failures.WRONG_ANSWER
        return None

    def _status_is_right(self, status: int) -> bool:
        control = self.control
        if control.expect.status is not None:
            return status == control.expect.status
        may_redirect = control.secure and not control.has_nonce and not control.expect.stated
        return 200 <= status <= (399 if may_redirect else 299)

    def _unexpected(self, status: int, body: bytes) -> str:
        """Name an answer with a wrong status. Over ``http://`` nobody knows whose answer it is."""
        if self.control.secure:
            page = body[:SEARCHED].lower()
            if status == LEGAL_REASONS or (status == 403 and any(words in page for words in GEO_WORDS)):
                return failures.GEO_REFUSED
            if status in ORIGIN_STATUSES:
                return failures.ORIGIN_DOWN
        return failures.HTTP_UNEXPECTED_STATUS

    def _echoes(self, nonce: str, body: bytes) -> bool:
        """Tell whether the nonce came back as an answer.

        Login pages of captive portals and error pages of proxies repeat the URL that was asked for. Over
        ``http://`` a nonce in a web page counts only where it is not part of that URL.
        """
        if nonce.encode() not in body:
            return False
        page = not self.control.secure and body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
        if not page or self.control.expect.of_body:
            return True
        before = self.control.url.partition(NONCE)[0][-1:].encode()
        pieces = body.split(nonce.encode())[:-1]
        return any(not _unquoted_twice(piece[-16:]).endswith(before) for piece in pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """A resource of any length, for ``sustained``: bytes down by GET, bytes up by POST, in one connection.

    ``down`` holds ``{bytes}``, or is a file of which a part is asked for (``by_range``, RFC 9110 section 14).
    ``up`` takes a POST and is served at the same origin; ``None``: it cannot take any.
    """

    down: str
    up: str | None = None
    by_range: bool = False
    operator: str = ""
    by_hand: bool = False

    def __post_init__(self) -> None:
        _check_url(self.down, "bulk resource", placeholder=BYTES)
        if not self.by_range and BYTES not in self.down:
            raise ValueError(
                "a bulk resource needs {bytes} in its URL, where the number of bytes wanted is put"
            )
        if self.up is None:
            return
        _check_url(self.up, "bulk resource", placeholder=BYTES)
        if _origin(self.up) != _origin(self.down):
            raise ValueError("a bulk resource takes bytes at the same scheme, host and port as it gives them")

    @classmethod
    def parse(cls, text: str) -> Bulk:
        """Read what ``--bulk`` was given: GET with ``{bytes}`` replaced, POST with ``{bytes}`` as ``0``.

        :raises ValueError: with a sentence that names what is wrong.
        """
        if "#" in text:
            raise ValueError(
                "a bulk resource has no fragment (what stands after #): its bytes are only counted"
            )
        bulk = cls(down=text, up=text, by_hand=True)
        return replace(bulk, operator=bulk.host)

    @property
    def host(self) -> str:
        """Return the host name or address, without brackets."""
        return urlsplit(self.down).hostname or ""

    @property
    def secure(self) -> bool:
        """Tell whether it is used inside TLS."""
        return self.down.startswith("https:")

    @property
    def endpoint(self) -> Endpoint:
        """Return where it is served."""
        return _endpoint(self.down)

    @property
    def public_url(self) -> str:
        """Return the URL without its query."""
        return _without_query(self.down)

    def down_url(self, count: int) -> str:
        """Return the URL that gives ``count`` bytes."""
        return self.down.replace(BYTES, str(count))

    def down_headers(self, count: int) -> tuple[tuple[str, str], ...]:
        """Return the header fields that ask for ``count`` bytes."""
        return (("Range", f"bytes=0-{count - 1}"),) if self.by_range else ()

    @property
    def up_url(self) -> str | None:
        """Return the URL that takes bytes, if it takes any."""
        return None if self.up is None else self.up.replace(BYTES, "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlan:
    """What one try of one option fetches.

    ``at_once`` are fetched at the same time; ``spare`` only if exactly one of those failed. ``by_hand``: they are
    the user's own, and each that fails is told. ``bulk`` serves ``sustained``. ``resolver`` is whom a question
    goes to through a proxy's UDP relay; without one the relay is not tried.
    """

    at_once: tuple[Control, ...] = ()
    spare: Control | None = None
    by_hand: bool = False
    bulk: Bulk | None = None
    resolver: Endpoint | None = None


def plan_for_try(
    controls: Sequence[Control], bulks: Sequence[Bulk], number: int, random: Random
) -> ControlPlan:
    """Choose what try ``number`` (from 1) of an option fetches.

    Given by hand: all, every time. Built in: the first try fetches two of different operators and has a third in
    hand; later tries fetch one, in turns along ``controls``, which the caller has shuffled once for the run.
    What would mark the user is left out, unless it was given by hand. Who names controls has chosen what may be
    contacted: then no built-in bulk resource is used either.

    :raises ValueError: when ``number`` is not positive.
    """
    if number < 1:
        raise ValueError(f"there is no try {number}: tries count from 1")
    chosen = tuple(control for control in controls if control.by_hand)
    if chosen:
        theirs = [bulk for bulk in bulks if bulk.by_hand]
        return ControlPlan(at_once=chosen, by_hand=True, bulk=_choose_bulk(theirs, random))
    bulk = _choose_bulk(bulks, random)
    usable = [control for control in controls if control.exposure is not Exposure.MARKING]
    if number > 1:
        turns = [control for control in usable if not control.never_alone] or usable
        return ControlPlan(at_once=tuple(turns[(number - 2) % len(turns)] for _ in turns[:1]), bulk=bulk)
    by_operator = _one_of_each_operator(random.sample(usable, len(usable)))
    return ControlPlan(
        at_once=tuple(by_operator[:2]), spare=by_operator[2] if len(by_operator) > 2 else None, bulk=bulk
    )


def _one_of_each_operator(controls: Sequence[Control]) -> list[Control]:
    """Put one control of each operator first, then the others; a host is its own operator if none is named."""
    seen: set[str] = set()
    first: list[Control] = []
    others: list[Control] = []
    for control in controls:
        operator = control.operator or control.host
        (others if operator in seen else first).append(control)
        seen.add(operator)
    return first + others


def _choose_bulk(bulks: Sequence[Bulk], random: Random) -> Bulk | None:
    """Choose a bulk resource: the user's own before ours, one that also takes bytes before one that does not."""
    if not bulks:
        return None
    best = max((bulk.by_hand, bulk.up is not None) for bulk in bulks)
    return random.choice([bulk for bulk in bulks if (bulk.by_hand, bulk.up is not None) == best])


def _parse_fragment(fragment: str) -> Expectation:
    status: int | None = None
    texts: dict[str, str] = {}
    rest = fragment
    while rest:
        name, equals, rest = rest.partition("=")
        if not equals or name not in ("status", "sha256", "body", "contains"):
            raise ValueError(
                "after # a control says what must come back: status=204, body=TEXT or sha256=HEX"
            )
        if name in texts or (name == "status" and status is not None):
            raise ValueError(f"a control says {name}= twice")
        if name in ("body", "contains"):
            texts[name], rest = unquote(rest), ""
            continue
        value, _, rest = rest.partition("&")
        if name == "sha256":
            texts[name] = value.lower()
        elif re.fullmatch(r"[0-9]{3}", value):
            status = int(value)
        else:
            raise ValueError("status needs three digits, as in status=204")
    return Expectation(
        status=status, body=texts.get("body"), contains=texts.get("contains"), sha256=texts.get("sha256")
    )


def _check_url(url: str, what: str, *, placeholder: str) -> None:
    """Refuse a URL that cannot be fetched, or that would mean something else than it seems to.

    :raises ValueError: with a sentence; it does not repeat the URL, which may hold a token.
    """
    if _UNPRINTABLE.search(url):
        raise ValueError(f"a {what} must be written in ASCII, with spaces and other letters percent-encoded")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise ValueError(f"the URL of a {what} cannot be read: {exc}") from None
    if parts.scheme not in ("http", "https") or not url.startswith((f"{parts.scheme}://",)):
        raise ValueError(f"a {what} starts with https:// or http://, in small letters")
    if not parts.hostname:
        raise ValueError(f"the URL of a {what} names no host")
    if port == 0:
        raise ValueError(f"a {what} cannot be at port 0")
    if "@" in parts.netloc:
        raise ValueError(f"the URL of a {what} must not hold a user name or password")
    if "#" in url:
        raise ValueError(f"the URL of a {what} has a fragment (what stands after #)")
    if re.search(r"[{}\\]", parts.netloc):
        raise ValueError(f"the host of a {what} must not hold {placeholder} or a backslash")
    if re.search(r"[{}]", url.replace(placeholder, "")):
        raise ValueError(f"a {what} knows one placeholder, {placeholder}; write other braces as %7B and %7D")


def _unquoted_twice(text: bytes) -> bytes:
    """Undo percent-encoding; a URL inside the query of a URL may have been through it twice."""
    return unquote_to_bytes(unquote_to_bytes(text))


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _origin(url: str) -> tuple[str, str | None, int]:
    """Return scheme, host and port (RFC 6454 section 4)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, _port(parts)


def _endpoint(url: str) -> Endpoint:
    parts = urlsplit(url)
    return Endpoint(host=(parts.hostname or "").rstrip("."), port=_port(parts))


def _without_query(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    place = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{join_host_port(host, parts.port) if parts.port else place}{parts.path}"
