"""The text of ``circumvent --help``: what :func:`circumvent.cli.help.root_help` returns (a test holds the two together)."""

from __future__ import annotations

HELP = """\
circumvent finds what gets you out of the network you are on: what works,
how sure that is, how fast it is, and what to do next.

  circumvent check                  try the built-in options from here
  circumvent check FILE|LINK ...    try what you hold: links, lists, TOML

Commands
  check          try options from this network, rank them, say what to do
  bridges        ask Tor which bridges it recommends, and try them
  list           list what is built in: the options, or their kinds
  show           show one built-in option in full
  report         read a report that somebody sent you
  convert        write an option in another form, to hand it on
  wipe           delete what --save kept on this device
  guide          short pages that work without the internet
  satellite      look for a satellite terminal and test it
  lab            run the same tool behind a simulated censor

Options
  --version, --help    the version; this page (COMMAND --help: of one command)

Nothing is sent to anyone. A check does contact the servers it tries: whoever
runs this network can see that. To see first what would be contacted:
circumvent check --plan
"""
