"""What an HTTP exchange gives, whichever version carried it.

Kept apart from the engines, so that a check without HTTP/1.1 and HTTP/2 never loads httpx and one without HTTP/3
never loads aioquic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Bytes of body that a request takes in unless told otherwise.
MAX_BODY = 1 << 20


@dataclass(frozen=True, slots=True)
class Response:
    """A complete response.

    Header names are in lower case, in the order of arrival; ``version`` is ``HTTP/1.1``, ``HTTP/2`` or ``HTTP/3``;
    ``first_byte`` is the clock second at which the first byte of the response arrived.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    version: str
    first_byte: float

    def header(self, name: str) -> str | None:
        """Return the first header called ``name`` (lower case), or ``None``."""
        return next((value for key, value in self.headers if key == name), None)


class BodyCut(PeerError):
    """The connection ended inside a response body, after ``received`` bytes of it."""

    def __init__(self, received: int) -> None:
        super().__init__(failures.TRUNCATED, f"{received} bytes of the body had arrived")
        self.received = received


class BodyTooLong(PeerError):
    """The body is longer than the caller takes in. ``response`` has its first ``limit`` bytes, where they were kept."""

    def __init__(self, limit: int, response: Response | None = None) -> None:
        super().__init__(failures.WRONG_ANSWER, f"the body is longer than {limit} bytes")
        self.limit = limit
        self.response = response


class HttpClient(Protocol):
    """One connection that answers requests, of any HTTP version."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        max_body: int = MAX_BODY,
        on_bytes: Callable[[int], None] | None = None,
    ) -> Response:
        """Send a request and return the whole response.

        ``on_bytes`` is called at each arrival with the number of new bytes of body.

        :raises BodyCut: when the connection ended inside the body.
        :raises BodyTooLong: when the body is longer than ``max_body``.
        :raises PeerError: when what came back is no HTTP.
        """

    async def aclose(self) -> None:
        """Close the connection; never raises."""
