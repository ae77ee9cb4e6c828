"""``python -m circumvent.lab.world``: see :mod:`circumvent.lab.world.run`."""

import sys

from circumvent.lab.world.run import main

if __name__ == "__main__":
    sys.exit(main())
