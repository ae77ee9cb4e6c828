"""Snowflake, sans-IO but for its stream: what is said to the broker, to a volunteer's proxy, and to the server behind it.

A client asks the broker for a proxy (an offer in SDP), by HTTP through a front or through an AMP cache, and gets the answer of
one. Over the data channel to that it sends packets of KCP to the server; in KCP runs smux, and in that Tor's link.
"""
