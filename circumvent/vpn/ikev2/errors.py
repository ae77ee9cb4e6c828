"""Errors of the protocol layers.

::

    IkeError             what came is malformed, or no answer to what was asked
    ├── Notified         the peer sent an error notification
    ├── WrongPeer        the peer could not prove the key or identity that it must have
    └── LoginFailed      the peer did not accept our user name and password
"""

from __future__ import annotations


class IkeError(ValueError):
    """A message can't be used. The text names the fault and quotes nothing of the message."""


class Notified(IkeError):
    """The peer sent an error notification (RFC 7296, section 3.10.1). ``code`` is its number."""

    def __init__(self, code: int) -> None:
        super().__init__(f"error notification {code}")
        self.code = code


class WrongPeer(IkeError):
    """The peer's AUTH payload is not made with the key that it must have, or it calls itself otherwise."""


class LoginFailed(IkeError):
    """EAP ended in a failure. ``code`` is the number of MS-CHAPv2 (RFC 2759, section 6), if one came.

    ``authenticated`` tells whether the server had proved who it is before.
    """

    def __init__(self, code: int | None, *, authenticated: bool) -> None:
        super().__init__("the login failed")
        self.code = code
        self.authenticated = authenticated
