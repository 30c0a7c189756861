"""Where tests put their files: memory, where there is room for them.

A commit waits for a disk, and these tests make some hundred thousand of them; what they show does
not depend on it, for memory outlives a killed process as a disk does.
"""

import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made in it has a name of its own
_ROOM_BYTES = 4 << 30  # a container has 64 MB of it unless told otherwise, which is too little


def roomy_memory() -> Path | None:
    """Return the folder that lies in memory; ``None``: there is none, or too little of it."""
    is_roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    return _MEMORY if is_roomy else None
