"""The network: sockets, TLS, QUIC, HTTP, name look-ups, and the record of what they did.

Nothing here knows of options, scheduling or ranking. Sockets are opened in :mod:`circumvent.net.sock` alone;
exceptions are put into words in :mod:`circumvent.net.failure` alone.
"""
