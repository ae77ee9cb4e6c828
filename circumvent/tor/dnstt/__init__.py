"""dnstt, sans-IO and as a stream: bytes in the names of DNS questions, and in the TXT records of their answers."""
