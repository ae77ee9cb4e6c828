"""How every nginx of the tests begins: in the foreground, in a folder of its own, known to nobody else."""

from __future__ import annotations

from typing import Final

#: To be followed by servers and two closing braces; ``{directory}`` is filled in by ``str.format``.
HEAD: Final = """\
daemon off;
master_process off;
user root;
pid {directory}/nginx.pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
"""
