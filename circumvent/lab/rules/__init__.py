"""Triggers and special rules, one module a family. See :mod:`circumvent.lab.rule` and :mod:`circumvent.lab.blocking`."""
