"""OpenVPN's client side without input and output.

Laid out as the protocol is described (draft-openvpn-wire-protocol; OpenVPN's ``doc_protocol_overview.h`` and
``doc/tls-crypt-v2.txt``), from the wire upwards::

    packet       control packets, and packets in a stream
    static_key   key files: tls-auth, tls-crypt, tls-crypt-v2
    replay       which packet ids were seen
    wrap         protection of control packets below TLS
    reliability  acknowledgements, order, repetition
    control      the control channel: bytes of TLS in, datagrams out, and back
    tls, certificate   TLS inside of it, and what the server's certificate must be
    key_method   key method 2: randomness, options, peer information, account; key derivation
    push         what the server says then
    data         the data channel
    fragment, framing, decompress   what stands around a packet: pieces, compression, pings, the farewell
"""
