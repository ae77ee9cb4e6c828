"""The command line: a thin reader of the library. It draws and decides nothing."""
