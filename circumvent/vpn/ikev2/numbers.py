"""Numbers of IKEv2, as assigned by IANA ("Internet Key Exchange Version 2 (IKEv2) Parameters").

Only what is spoken here has a name; anything else stays a number.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final

#: Ports: IKE (RFC 7296), and IKE beside ESP in UDP (RFC 3948).
PORT: Final = 500
NATT_PORT: Final = 4500
#: RFC 7296, section 3.1: version 2.0.
VERSION: Final = 0x20


class Exchange(IntEnum):
    """RFC 7296, section 3.1."""

    IKE_SA_INIT = 34
    IKE_AUTH = 35
    CREATE_CHILD_SA = 36
    INFORMATIONAL = 37


class Flag(IntFlag):
    """RFC 7296, section 3.1."""

    INITIATOR = 0x08
    VERSION = 0x10
    RESPONSE = 0x20


class Kind(IntEnum):
    """Payload types (RFC 7296, section 3.2; RFC 7383, section 2.5)."""

    NONE = 0
    SA = 33
    KE = 34
    IDI = 35
    IDR = 36
    CERT = 37
    CERTREQ = 38
    AUTH = 39
    NONCE = 40
    NOTIFY = 41
    DELETE = 42
    VENDOR = 43
    TSI = 44
    TSR = 45
    SK = 46
    CP = 47
    EAP = 48
    SKF = 53


class Protocol(IntEnum):
    """RFC 7296, section 3.3.1."""

    IKE = 1
    AH = 2
    ESP = 3


class Transform(IntEnum):
    """Transform types (RFC 7296, section 3.3.2)."""

    ENCR = 1
    PRF = 2
    INTEG = 3
    DH = 4
    ESN = 5


class Encr(IntEnum):
    """Encryption (RFC 3602, RFC 4106, RFC 5282, RFC 7634)."""

    AES_CBC = 12
    AES_GCM_16 = 20
    CHACHA20_POLY1305 = 28


#: Encryption that is its own integrity.
COMBINED: Final = frozenset({Encr.AES_GCM_16, Encr.CHACHA20_POLY1305})


class Prf(IntEnum):
    """Pseudo-random functions (RFC 2104, RFC 4868)."""

    HMAC_SHA1 = 2
    HMAC_SHA2_256 = 5
    HMAC_SHA2_384 = 6
    HMAC_SHA2_512 = 7


class Integ(IntEnum):
    """Integrity (RFC 2404, RFC 4868)."""

    HMAC_SHA1_96 = 2
    HMAC_SHA2_256_128 = 12
    HMAC_SHA2_384_192 = 13
    HMAC_SHA2_512_256 = 14


class Group(IntEnum):
    """Diffie-Hellman groups (RFC 7296, appendix B; RFC 3526, RFC 5903, RFC 8031)."""

    MODP_1024 = 2
    MODP_1536 = 5
    MODP_2048 = 14
    MODP_3072 = 15
    MODP_4096 = 16
    ECP_256 = 19
    ECP_384 = 20
    ECP_521 = 21
    CURVE25519 = 31


class Notify(IntEnum):
    """Notifications (RFC 7296, section 3.10.1; RFC 5998, RFC 7383, RFC 7427). Below 16384 they are errors."""

    UNSUPPORTED_CRITICAL_PAYLOAD = 1
    INVALID_IKE_SPI = 4
    INVALID_MAJOR_VERSION = 5
    INVALID_SYNTAX = 7
    NO_PROPOSAL_CHOSEN = 14
    INVALID_KE_PAYLOAD = 17
    AUTHENTICATION_FAILED = 24
    SINGLE_PAIR_REQUIRED = 34
    NO_ADDITIONAL_SAS = 35
    INTERNAL_ADDRESS_FAILURE = 36
    FAILED_CP_REQUIRED = 37
    TS_UNACCEPTABLE = 38
    INVALID_SELECTORS = 39
    TEMPORARY_FAILURE = 43
    NAT_DETECTION_SOURCE_IP = 16388
    NAT_DETECTION_DESTINATION_IP = 16389
    COOKIE = 16390
    EAP_ONLY_AUTHENTICATION = 16417
    FRAGMENTATION_SUPPORTED = 16430
    SIGNATURE_HASH_ALGORITHMS = 16431


#: Notifications from here on are about state; those before are errors (RFC 7296, section 3.10.1).
FIRST_STATUS: Final = 16384


class Id(IntEnum):
    """Kinds of identity (RFC 7296, section 3.5)."""

    IPV4 = 1
    FQDN = 2
    RFC822 = 3
    IPV6 = 5
    DER_DN = 9
    KEY_ID = 11


class Method(IntEnum):
    """Authentication methods (RFC 7296, section 3.8; RFC 4754; RFC 7427)."""

    RSA = 1
    PSK = 2
    ECDSA_256 = 9
    ECDSA_384 = 10
    ECDSA_521 = 11
    SIGNATURE = 14


class Hash(IntEnum):
    """Hashes of digital signatures (RFC 7427, section 7; RFC 8420)."""

    SHA1 = 1
    SHA2_256 = 2
    SHA2_384 = 3
    SHA2_512 = 4
    IDENTITY = 5


class Cfg(IntEnum):
    """Configuration types and attributes share this class (RFC 7296, section 3.15)."""

    REQUEST = 1
    REPLY = 2


class CfgAttribute(IntEnum):
    """RFC 7296, section 3.15.1."""

    IP4_ADDRESS = 1
    IP4_DNS = 3
    IP6_ADDRESS = 8
    IP6_DNS = 10


#: Certificate encoding "X.509 Certificate - Signature" (RFC 7296, section 3.6).
X509: Final = 4
