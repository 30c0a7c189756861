"""How this process is named in leases and in the audit."""

import os
import socket


def worker_name() -> str:
    """Return e.g. ``worker-1:4711``, of host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"
