"""The world of the laboratory: small servers of every kind that circumvent tries, each on an address of its own.

``description``  what stands where (pure data)
``standard``     the world that scenarios begin with
``authority``    certificates, right and wrong
``zone``         a signed root
``prepare``      writes what the servers need into a directory
``arguments``    what a check needs to be told about a world
``run``          the process in which all servers run (``python -m circumvent.lab.world``)
``process``      starts that process and waits until it is ready
``daemons``      real server programs, where they are installed

These are servers for a laboratory: bounded, but not made for any other network.
"""
