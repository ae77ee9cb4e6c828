"""What a conjure registrar can be asked without registering anything (refraction-networking/conjure, ``pkg/regserver``).

A registration hands out a phantom address and is told to every station; none is made here. A request that is too short to be
one is told so, in words that no other server has. The client asks at ``/api/register-bidirectional`` with POST; through an
AMP cache at ``/amp/register-bidirectional/`` with GET, the registration being the end of the path.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from circumvent.net.amp import cache_url

if TYPE_CHECKING:
    import random

    from circumvent.model.bridge import ConjureSettings
    from circumvent.net.http_types import Response

# Specification.
API_PATH: Final = "/api/register-bidirectional"
AMP_PATH: Final = "/amp/register-bidirectional"
#: A path of an AMP request begins with its version and bytes of chance, which keep caches from answering themselves.
AMP_VERSION: Final = "0"
CHANCE_BYTES: Final = 9
#: One byte, where a registration has hundreds.
NEARLY_NOTHING: Final = "AA"
TOO_SHORT: Final = (400, b"Payload too small")


@dataclass(frozen=True, slots=True)
class Question:
    """One request; ``url`` is what it names, whatever it is sent to."""

    method: str
    url: str


def question(settings: ConjureSettings, chance: random.Random) -> Question:
    """Return the request that asks the registrar of these settings who it is.

    Lines have their URL with ``/api`` at the end and without: clients before 2023 expected it there, later ones add it.
    """
    parts = urlsplit(settings.url)
    base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/api')}"
    if settings.registrar != "ampcache":
        return Question("POST", base + API_PATH)
    fresh = base64.urlsafe_b64encode(chance.randbytes(CHANCE_BYTES)).decode("ascii")
    return Question(
        "GET", cache_url(f"{base}{AMP_PATH}/{AMP_VERSION}{fresh}/{NEARLY_NOTHING}", settings.amp_cache)
    )


def is_registrar(answer: Response) -> bool:
    """Tell whether an answer is a registrar's, to a request that is too short."""
    return (answer.status, answer.body.strip()) == TOO_SHORT
