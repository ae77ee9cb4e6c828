"""Turbo Tunnel's inner layers, sans-IO: KCP makes a reliable stream of packets that get lost, smux carries streams in it.

dnstt and snowflake stand on the same two. What is between them differs: dnstt encrypts (Noise), snowflake does not.
"""
