"""Formats that are read record by record: XML, JSON, BAI2, camt.053, the acquirer's statement."""

from collections.abc import Callable
from pathlib import Path

from include.adapters.layouts.reading.acquirer_rows import acquirer_rows
from include.adapters.layouts.reading.bai2_rows import bai2_rows
from include.adapters.layouts.reading.json_rows import json_rows
from include.adapters.layouts.reading.row_source import RowSource
from include.adapters.layouts.reading.xml_rows import camt_rows, report_rows
from include.adapters.layouts.shape import Csv, Json, Layout, Records, Xml
from include.services.files import Expected

__all__ = ["RowSource", "row_source"]

_READERS: dict[str, Callable[[Path, Layout, Expected], RowSource]] = {
    "acquirer_daily_v2": acquirer_rows,
    "bai2": bai2_rows,
    "camt_053": camt_rows,
}


def row_source(path: Path, layout: Layout, expected: Expected) -> RowSource:
    """Open a file of a format without blocks.

    Raises:
        FileFaultError: the file as a whole cannot be trusted; also while rows are taken.
    """
    match layout.source:
        case Xml():
            return report_rows(path, layout, expected)
        case Json():
            return json_rows(path, layout, expected)
        case Records(reader):
            return _READERS[reader](path, layout, expected)
        case Csv():
            raise TypeError(f"{layout.name} is read in blocks")
