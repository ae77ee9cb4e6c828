"""What circumvent keeps between runs: nothing, unless the user asks for it with ``--save``."""

from circumvent.state.folder import State as State
from circumvent.state.folder import state_folder as state_folder
from circumvent.state.wipe import Wiped as Wiped
from circumvent.state.wipe import wipe as wipe
