"""DNS over HTTPS (RFC 8484), whichever HTTP version carries it: one question, one request."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Final

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.net.failure import http_status_failure

if TYPE_CHECKING:
    from circumvent.net.http_types import HttpClient, Response

MEDIA_TYPE: Final = "application/dns-message"
#: The longest DNS message (RFC 1035 section 4.2.2): its length is a number of two bytes.
LONGEST_MESSAGE: Final = 65535
HEADER: Final = 12


class DohSession:
    """A resolver behind an HTTP connection, for :func:`circumvent.names.probe.probe_names`."""

    def __init__(self, http: HttpClient, url: str, *, method: str = "POST") -> None:
        """Ask at ``url`` (without ``{?dns}``), by ``POST`` or ``GET``."""
        self._http = http
        self._url = url.removesuffix("{?dns}")
        self._method = method

    async def query(self, message: bytes) -> bytes:
        """Send one DNS message and return its answer, which is not yet checked.

        The message id travels as 0, so that equal questions make equal requests (RFC 8484 section 4.1), and is put
        back into the answer.

        :raises PeerError: when the answer is no DNS message.
        """
        sent = bytes(2) + message[2:]
        if self._method == "GET":
            response = await self._http.request(
                "GET", self._get_url(sent), headers=(("accept", MEDIA_TYPE),), max_body=LONGEST_MESSAGE
            )
        else:
            headers = (("accept", MEDIA_TYPE), ("content-type", MEDIA_TYPE))
            response = await self._http.request(
                "POST", self._url, headers=headers, body=sent, max_body=LONGEST_MESSAGE
            )
        return message[:2] + read_response(response)[2:]

    def _get_url(self, message: bytes) -> str:
        separator = "&" if "?" in self._url else "?"
        return f"{self._url}{separator}dns={urlsafe_b64encode(message).rstrip(b'=').decode('ascii')}"


def read_response(response: Response) -> bytes:
    """Return the DNS message in a response; its id must be 0.

    :raises PeerError: when there is none: another status, a web page, another question's id.
    """
    if response.status != 200:
        raise PeerError(*http_status_failure(response.status))
    media_type = (response.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        raise PeerError(failures.WRONG_ANSWER, "a page in place of a DNS message")
    if len(response.body) < HEADER or response.body[:2] != bytes(2):
        raise PeerError(failures.WRONG_ANSWER, "no DNS message, or not to this question")
    return response.body
