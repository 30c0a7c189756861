"""The last line of a CSV report: whole, or cut off on the way."""

from pathlib import Path

from include.adapters.layouts.reading.batches import judge
from include.adapters.layouts.reading.csv_blocks import BlockFaultError, batch_of
from include.adapters.layouts.reading.csv_head import Head
from include.adapters.layouts.reading.faults import MAX_LINE_BYTES, truncated
from include.adapters.layouts.reading.plan import Plan
from include.adapters.layouts.shape import Layout
from include.services.files import Expected


def refuse_cut_tail(path: Path, layout: Layout, head: Head, expected: Expected) -> None:
    """Refuse a file whose last line has no end and cannot be read.

    Raises:
        FileFaultError: cut off, so the rest may come with another download.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(head.offset, size - MAX_LINE_BYTES))
        tail = file.read()
    last = tail.rpartition(b"\n")[2]
    if not last:
        return
    extra = tuple(name for name in head.names if name.startswith("extra:"))
    present = tuple(name for name in head.names if name not in extra)
    plan = Plan(layout, present, extra, expected)
    try:
        is_cut = judge(batch_of(last, head.names), plan).quarantine.height > 0
    except BlockFaultError:  # half a character, or a quote left open
        is_cut = True
    if is_cut:
        raise truncated("the last line has no end and cannot be read")
