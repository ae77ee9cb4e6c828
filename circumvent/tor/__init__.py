"""Tor's own protocols, without I/O: cells, certificates, circuits, directory documents, and obfs4 around them.

Laid out beside the specification (spec.torproject.org, "tor-spec", "cert-spec", "dir-spec"). Bytes and the time go in,
bytes and typed values come out; whatever comes from a peer is bounded, and a broken piece raises
:class:`circumvent.tor.errors.TorError`, nothing else. The attempt that drives all this is
:mod:`circumvent.transports.tor_link`.
"""
