"""The check: baseline, options, second looks, verdicts, ranking, report.

It knows of no protocol; transports are found by the name of a kind. ``schedule`` decides what is tried next and is
pure; ``run`` carries it out; ``baseline`` looks at the network itself; ``assemble`` turns observations into the
report.
"""
