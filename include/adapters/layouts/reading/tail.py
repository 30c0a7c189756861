"""The end of a document: what every whole one of its kind ends with."""

from pathlib import Path

from include.adapters.layouts.reading.faults import truncated
from include.adapters.layouts.shape import Json, Layout, Records, Xml

_TAIL_BYTES = 4096


def refuse_open_end(path: Path, layout: Layout) -> None:
    """Refuse a document without its closing mark; an empty file is left to its reader.

    Raises:
        FileFaultError: cut off, so the rest may come with another download.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL_BYTES))
        end = file.read().rstrip()
    if end and not end.endswith(_closing(layout)):
        raise truncated("the document is not closed")


def _closing(layout: Layout) -> tuple[bytes, ...]:
    match layout.source:
        case Xml(root=root):
            return (f"{root}>".encode(), b"/>")
        case Records("camt_053"):
            return (b"Document>",)
        case Json():
            return (b"}", b"]")
        case _:
            return (b"",)  # these name their own trailer record
