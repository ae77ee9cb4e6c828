"""The sentences that people read: one function for each, used by every screen, report and log line.

Pure: values in, text out, no colour, no width. Every sentence goes through :func:`circumvent.say.language._`.
"""
