"""WireGuard (J. A. Donenfeld, *WireGuard: Next Generation Kernel Network Tunnel*, NDSS 2017, and its later revision).

``handshake``: section 5.4.1 to 5.4.3 and 5.4.5; ``cookie``: 5.4.4, 5.4.7; ``transport``: 5.4.6; ``peer``: the timers of
section 6. No sockets: bytes in, bytes out, time as an argument.
"""
