"""Ports for what a test starts."""

import os
import socket


def free_ports(count: int) -> int:
    """Return the first of ``count`` neighboring ports that are free now."""
    for first in range(21000 + os.getpid() % 4000, 60000, 7):
        sockets = [socket.socket() for _ in range(count)]
        try:
            for offset, probe in enumerate(sockets):
                probe.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        finally:
            for probe in sockets:
                probe.close()
        return first
    raise RuntimeError("no free ports")
