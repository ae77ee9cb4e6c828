"""Tunnel protocols without input and output: bytes in, bytes and values out, time as an argument.

One package a protocol, laid out beside the specification that it follows. Sockets, steps and proofs are in
``circumvent.transports``.
"""
