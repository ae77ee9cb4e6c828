"""How the documents are built: ``nox -s docs``."""

import circumvent

project = "circumvent"
author = "the circumvent developers"
release = circumvent.__version__
version = release

extensions = ["sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"circumvent {release}"
exclude_patterns = ["_build"]
root_doc = "index"
default_role = "literal"
nitpicky = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"
