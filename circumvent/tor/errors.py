"""The one error of this package."""

from __future__ import annotations


class TorError(ValueError):
    """A peer sent something that the protocol does not allow, or whose signature is wrong.

    The message is a sentence fragment of ours and repeats nothing of what came.
    """


class WrongIdentityError(TorError):
    """The peer proved an identity, and it is another one than it should be."""


class NotValidNowError(TorError):
    """A certificate is good, and its time has passed or is yet to come.

    ``moment`` (seconds since 1970) lies inside its validity or at its nearer end.
    """

    def __init__(self, what: str, moment: float) -> None:
        super().__init__(what)
        self.moment = moment
