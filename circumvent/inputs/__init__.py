"""What people hold, turned into options: links, files of links, the project's own TOML.

Nothing here touches the network. ``read_inputs`` never raises for bad input: it returns what can be tried, and a
problem (place, fault, remedy) for each line that can't.
"""

from circumvent.inputs.problem import Count as Count
from circumvent.inputs.problem import LineError as LineError
from circumvent.inputs.problem import Parsed as Parsed
from circumvent.inputs.problem import Problem as Problem
from circumvent.inputs.read import read_inputs as read_inputs
from circumvent.inputs.suggest import suggest as suggest
