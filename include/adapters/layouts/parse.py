"""The layouts as the use cases see them: look at a file, or run it through its layout."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from include.services.files import Expected, FileFacts, ParsedFile

if TYPE_CHECKING:
    from include.adapters.layouts.shape import Layout


class LayoutReader:
    """Satisfies ``services.files.Layouts``; Polars is loaded when a file is read."""

    def probe(self, path: Path, layout: str, expected: Expected) -> FileFacts:
        """Read head and tail only; see the port."""
        from include.adapters.layouts import layout_named
        from include.adapters.layouts.reading.faults import FileFaultError

        spec = layout_named(layout)
        try:
            return _facts(path, spec, expected)
        except FileFaultError as error:
            return replace(error.facts, fault=error.fault)

    def parse(
        self,
        path: Path,
        layout: str,
        *,
        digest: str,
        lines_path: Path,
        quarantine_path: Path,
        expected: Expected,
    ) -> ParsedFile:
        """Classify every record; see ``reading.parse.parse_file``."""
        from include.adapters.layouts.reading.parse import parse_file

        return parse_file(
            path,
            layout,
            lines_path=lines_path,
            quarantine_path=quarantine_path,
            digest=digest,
            expected=expected,
        )


def _facts(path: Path, layout: "Layout", expected: Expected) -> FileFacts:
    from include.adapters.layouts.reading.csv_head import read_head
    from include.adapters.layouts.reading.csv_tail import refuse_cut_tail
    from include.adapters.layouts.reading.rows import row_source
    from include.adapters.layouts.reading.tail import refuse_open_end
    from include.adapters.layouts.shape import Csv

    if isinstance(layout.source, Csv):
        head = read_head(path, layout, expected)
        refuse_cut_tail(path, layout, head, expected)
        return head.facts
    refuse_open_end(path, layout)
    return row_source(path, layout, expected).facts
