"""Files that appear whole: written beside their place under a name of the writer's own, then moved.

A task that its scheduler gave up for dead may still write while its successor does. Neither may
write into the other's part, so each has its own; the last to finish stands, whole.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

_STALE_S = 86_400  # no task runs that long: what is older was left by one that was killed


def own_part(path: Path) -> Path:
    """Return a new name beside ``path`` that no other writer has; old ones left behind go.

    The folder is made here: who only reads asks for a hundred days and must leave none behind.
    """
    make_folder(path.parent)
    for left in path.parent.glob(f".{path.name}.*.part"):
        with contextlib.suppress(FileNotFoundError):  # another writer cleans up, too
            # Not the time of its content: a part may be a new link to an old file.
            if time.time() - left.stat().st_ctime > _STALE_S:
                left.unlink()
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield where to write; at the end of the block it becomes ``path``, after a fault it goes."""
    part = own_part(path)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder of the lake and what it lies in: nobody but us and our group may look in."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o750, exist_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
