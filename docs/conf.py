"""How the documents are built: ``nox -s docs``."""

import circumvent

project = "circumvent"
author = "the circumvent developers"
release = circumvent.__version__
version = release

extensions = ["sphinx.ext.autodoc", "myst_parser"]  # the accuracy table is Markdown
html_theme = "furo"
html_title = f"circumvent {release}"
exclude_patterns = ["_build"]
root_doc = "index"
default_role = "literal"
nitpicky = True
# Short names in docstrings, clear to whoever reads the module.
nitpick_ignore = [
    ("py:attr", "Status.NOT_RUN"),
    ("py:class", "CannotTry"),
    ("py:class", "Finished"),
    ("py:func", "stream"),
    ("py:meth", "Trace.step"),
    ("py:mod", "circumvent.net.failure"),
]

autodoc_member_order = "bysource"
autodoc_typehints = "none"
