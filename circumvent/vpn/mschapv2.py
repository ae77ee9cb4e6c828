"""MS-CHAP version 2 (RFC 2759) and the keys that come from it (RFC 3079): what SSTP and EAP-MSCHAPv2 share.

Names are those of the two RFCs. Client and server prove to each other that they know the password; neither proof
is strong by today's measure (DES over an MD4 digest), so it is only ever spoken inside a channel that is
authenticated otherwise (TLS, IKEv2). MD4 stands here because OpenSSL 3 no longer offers it; DES is Triple DES
with one key three times.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import ECB

if TYPE_CHECKING:
    from circumvent.model.secret import Secret

CHALLENGE_BYTES: Final = 16
NT_RESPONSE_BYTES: Final = 24
#: Peer challenge, eight reserved bytes, NT response, flags (RFC 2759, section 4).
RESPONSE_VALUE_BYTES: Final = 49
MASTER_KEY_BYTES: Final = 16
#: Longest name and password that are looked at (RFC 2759, section 8.1: 256 characters).
LONGEST: Final = 256

#: ``E=`` of a failure that says that name or password is wrong (RFC 2759, section 6).
ERROR_AUTHENTICATION_FAILURE: Final = 691
#: What each ``E=`` means (RFC 2759, section 6).
ERRORS: Final = {
    646: "logon not allowed at this hour",
    647: "the account is disabled",
    648: "the password has expired",
    649: "the account may not dial in",
    ERROR_AUTHENTICATION_FAILURE: "name or password is wrong",
    709: "the password could not be changed",
}

_MASK: Final = 0xFFFFFFFF
#: Per round of MD4: constant, the order in which words are taken, the four rotations (RFC 1320, section 3.4).
_MD4_ROUNDS: Final = (
    (0x00000000, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), (3, 7, 11, 19)),
    (0x5A827999, (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), (3, 5, 9, 13)),
    (0x6ED9EBA1, (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)),
)
_MAGIC_SERVER_SIGNING: Final = b"Magic server to client signing constant"
_MAGIC_MORE_ITERATIONS: Final = b"Pad to make it do more than one iteration"
_MAGIC_MASTER_KEY: Final = b"This is the MPPE Master Key"
_MAGIC_CLIENT_SENDS: Final = (
    b"On the client side, this is the send key; on the server side, it is the receive key."
)
_MAGIC_SERVER_SENDS: Final = (
    b"On the client side, this is the receive key; on the server side, it is the send key."
)
_SHS_PAD_1: Final = bytes(40)
_SHS_PAD_2: Final = b"\xf2" * 40
_AUTHENTICATOR_RESPONSE: Final = re.compile(rb"\AS=([0-9A-Fa-f]{40})(?:\s|\Z)")
_FAILURE_FIELD: Final = re.compile(rb"(?:\A|\s)([ERCV])=([0-9A-Fa-f]{1,32})(?=\s|\Z)")


def md4(message: bytes) -> bytes:
    """Digest ``message`` (RFC 1320). Broken as a hash; needed because the protocol names it."""
    padding = b"\x80" + bytes((55 - len(message)) % 64) + struct.pack("<Q", len(message) * 8 & (1 << 64) - 1)
    padded = message + padding
    state = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
    for start in range(0, len(padded), 64):
        words = struct.unpack_from("<16I", padded, start)
        after = _md4_block(state, words)
        state = (
            (state[0] + after[0]) & _MASK,
            (state[1] + after[1]) & _MASK,
            (state[2] + after[2]) & _MASK,
            (state[3] + after[3]) & _MASK,
        )
    return struct.pack("<4I", *state)


def _md4_block(state: tuple[int, int, int, int], words: tuple[int, ...]) -> tuple[int, int, int, int]:
    a, b, c, d = state
    for number, (constant, order, rotations) in enumerate(_MD4_ROUNDS):
        for step, word in enumerate(order):
            if number == 0:
                mixed = b & c | ~b & d
            elif number == 1:
                mixed = b & c | b & d | c & d
            else:
                mixed = b ^ c ^ d
            total = (a + mixed + words[word] + constant) & _MASK
            turn = rotations[step % 4]
            a, b, c, d = d, (total << turn | total >> (32 - turn)) & _MASK, b, c
    return a, b, c, d


def nt_password_hash(password: str) -> bytes:
    """``NtPasswordHash``: MD4 over the password in UTF-16, little-endian (section 8.3)."""
    return md4(password.encode("utf-16-le", "surrogatepass"))


def challenge_hash(peer_challenge: bytes, authenticator_challenge: bytes, user: str) -> bytes:
    r"""``ChallengeHash``: eight bytes of both challenges and the name (section 8.2).

    The name goes in as the server knows it: without a domain before a backslash.
    """
    name = user.rpartition("\\")[2].encode("utf-8", "surrogatepass")
    digest = hashlib.sha1(peer_challenge + authenticator_challenge + name)  # noqa: S324 - the protocol names it
    return digest.digest()[:8]


def challenge_response(
    authenticator_challenge: bytes, peer_challenge: bytes, user: str, password: Secret
) -> bytes:
    """``GenerateNTResponse``: the 24 bytes that show that the password is known (section 8.1).

    :raises ValueError: when a challenge has not its 16 bytes, or name or password exceed 256 characters.
    """
    _check(authenticator_challenge, peer_challenge, user, password)
    challenge = challenge_hash(peer_challenge, authenticator_challenge, user)
    padded = nt_password_hash(password.reveal()) + bytes(5)
    return b"".join(_des(padded[start : start + 7], challenge) for start in (0, 7, 14))


def response_value(peer_challenge: bytes, nt_response: bytes) -> bytes:
    """Lay out the value of a Response packet: 49 bytes (section 4)."""
    return peer_challenge + bytes(8) + nt_response + b"\0"


def authenticator_response(
    nt_response: bytes, authenticator_challenge: bytes, peer_challenge: bytes, user: str, password: Secret
) -> bytes:
    """``GenerateAuthenticatorResponse``: the 20 bytes by which the server shows the same (section 8.7).

    The server writes them as ``S=`` and 40 hexadecimal digits: :func:`is_authentic` compares.
    """
    hash_of_hash = md4(nt_password_hash(password.reveal()))
    digest = _sha1(hash_of_hash + nt_response + _MAGIC_SERVER_SIGNING)
    challenge = challenge_hash(peer_challenge, authenticator_challenge, user)
    return _sha1(digest + challenge + _MAGIC_MORE_ITERATIONS)


def is_authentic(message: bytes, expected: bytes) -> bool:
    """Tell whether the message of a Success packet carries the ``expected`` authenticator response."""
    match = _AUTHENTICATOR_RESPONSE.match(message)
    return match is not None and hmac.compare_digest(bytes.fromhex(match[1].decode("ascii")), expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What the message of a Failure packet says: its code, and whether the server would hear another try.

    The server's own words (``M=``) are left out: they are anybody's text.
    """

    code: int
    retry_allowed: bool

    @property
    def meaning(self) -> str:
        """The code in words of ours."""
        return ERRORS.get(self.code, f"error {self.code}")


def parse_failure(message: bytes) -> Failure:
    """Read the message of a Failure packet, ``E=691 R=0 C=… V=3 M=…`` (section 6). Never raises.

    A message without a readable code is a failure all the same, and counts as that of name or password.
    """
    fields = dict(_FAILURE_FIELD.findall(message[:512].partition(b" M=")[0]))
    code: bytes = fields.get(b"E", b"")
    known = code.isdigit() and len(code) <= 10
    return Failure(
        code=int(code) if known else ERROR_AUTHENTICATION_FAILURE, retry_allowed=fields.get(b"R") == b"1"
    )


def master_key(nt_response: bytes, password: Secret) -> bytes:
    """``GetMasterKey``: 16 bytes (RFC 3079, section 3.4)."""
    hash_of_hash = md4(nt_password_hash(password.reveal()))
    return _sha1(hash_of_hash + nt_response + _MAGIC_MASTER_KEY)[:MASTER_KEY_BYTES]


def asymmetric_start_key(key: bytes, length: int = MASTER_KEY_BYTES, *, send: bool, server: bool) -> bytes:
    """``GetAsymmetricStartKey``: the master key of one direction, as one side sees it (RFC 3079, section 3.4).

    :param key: what :func:`master_key` made.
    :param length: 8 or 16 bytes.
    """
    magic = _MAGIC_SERVER_SENDS if send == server else _MAGIC_CLIENT_SENDS
    return _sha1(key + _SHS_PAD_1 + magic + _SHS_PAD_2)[:length]


def session_keys(nt_response: bytes, password: Secret) -> bytes:
    """Return the client's ``MasterSendKey | MasterReceiveKey``, 32 bytes.

    It is SSTP's higher-layer authentication key (MS-SSTP, section 3.2.5.2.4); with 32 zero bytes after it, it is
    the master session key of EAP-MSCHAPv2 (draft-kamath-pppext-eap-mschapv2, section 4).
    """
    key = master_key(nt_response, password)
    return b"".join(asymmetric_start_key(key, send=send, server=False) for send in (True, False))


def _check(authenticator_challenge: bytes, peer_challenge: bytes, user: str, password: Secret) -> None:
    if len(authenticator_challenge) != CHALLENGE_BYTES or len(peer_challenge) != CHALLENGE_BYTES:
        raise ValueError("a challenge of MS-CHAPv2 has 16 bytes")
    if len(user) > LONGEST or len(password.reveal()) > LONGEST:
        raise ValueError("name and password of MS-CHAPv2 have at most 256 characters")


def _des(key: bytes, block: bytes) -> bytes:
    """``DesEncrypt``: seven bytes of key, spread over eight with room for parity bits (section 8.6)."""
    bits = int.from_bytes(key, "big")
    spread = bytes((bits >> shift & 0x7F) << 1 for shift in range(49, -1, -7))
    cipher = Cipher(TripleDES(spread * 3), ECB())  # noqa: S305 - one block, as the protocol says
    return cipher.encryptor().update(block)


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data).digest()  # noqa: S324 - the protocol names it
