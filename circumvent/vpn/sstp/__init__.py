"""The Secure Socket Tunneling Protocol (MS-SSTP): messages and crypto binding, without I/O."""
