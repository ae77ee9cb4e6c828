"""obfs4: a stream of bytes that look like nothing (obfs4-spec, by Yawning Angel). Without I/O, except for the wrapper.

Elligator 2 is written from the mathematics (RFC 9380, section 6.7.1, and Bernstein, Hamburg, Krasnova, Lange,
*Elligator: Elliptic-curve points indistinguishable from uniform random strings*).
"""
