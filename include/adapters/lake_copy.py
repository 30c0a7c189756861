"""A copy of the lake to try things on: its files are links, and what is written replaces the link.

The lake writes a file beside its place and renames it there, so that the original behind a link is
never touched. Raw bytes are never replaced at all.
"""

from pathlib import Path

_RAW = "raw"


def copy_lake(root: Path, target: Path) -> None:
    """Make ``target``, which is not there yet, show every file of the lake at ``root``."""
    target.mkdir(parents=True)
    for folder in (one for one in root.iterdir() if one.is_dir()):
        if folder.name == _RAW:
            (target / _RAW).symlink_to(folder.absolute(), target_is_directory=True)
            continue
        for path in (one for one in folder.rglob("*") if one.is_file()):
            link = target / path.relative_to(root)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.absolute())
