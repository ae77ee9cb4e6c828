"""What other people's clients leave open is collected where they ran, and not in the midst of another test.

A socket that nobody closed is a warning when it is collected, and that fails whichever test runs at that moment.
"""

from __future__ import annotations

import gc
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def what_is_left_is_collected() -> Iterator[None]:
    """Let what runs inside leave sockets open: dnspython's client does so with two at each QUIC connection."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            yield
        finally:
            gc.collect()
