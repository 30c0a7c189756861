"""A layout made ready for one file: which of its columns are there, and what was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from include.adapters.layouts.reading.faults import of
from include.adapters.layouts.shape import Kind, Layout, Line, Witness
from include.services.files import Expected

TYPE = "#type"  # index into Plan.type_words; null is an unknown type
LINE_NO = "#line_no"


@dataclass(frozen=True, slots=True)
class Plan:
    """What every chunk of one file needs to know."""

    layout: Layout
    present: tuple[str, ...]  # our columns that the file has
    extra: tuple[str, ...]  # columns nobody knows: scanned, not used
    expected: Expected

    def of_kind(self, *kinds: Kind) -> list[str]:
        """Name the present columns of these kinds, in the layout's order."""
        return [
            column.name
            for column in self.layout.columns
            if column.kind in kinds and column.name in self.present
        ]

    @property
    def telling(self) -> list[str]:
        """Name columns that tell nearly all records apart, so that equal records agree in them.

        A request id, with the amounts and the record's type beside it, is enough; where a layout
        has none, every column.
        """
        if not self.of_kind(Kind.request_id):
            return [*self.present, *self.extra]
        kind = self.layout.records.column
        types = [kind] if kind in self.present else []
        return [*self.of_kind(Kind.request_id, Kind.money, Kind.fee, Kind.minor), *types]

    @property
    def type_words(self) -> tuple[str, ...]:
        return tuple(self.layout.records.types)

    @property
    def witnesses(self) -> list[Witness]:
        """Return the witnesses whose column the file has."""
        return [w for w in self.layout.records.witnesses if w.column in self.present]

    @property
    def lines(self) -> list[tuple[str, Line]]:
        """Every line spec with its type word whose amount column the file has."""
        return [
            (word, line)
            for word, lines in self.layout.records.types.items()
            for line in lines
            if line.amount in self.present
        ]


def normalized(heading: str) -> str:
    """Return the form in which headings are compared."""
    return "".join(c for c in heading.casefold() if c not in " ._-\t\ufeff")


def match_headings(layout: Layout, headings: Sequence[str]) -> tuple[list[str], list[str]]:
    """Name each column of a file: ours by heading, ``extra:<n>`` where nobody knows it.

    Returns:
        The names in file order, and the headings nobody knows.

    Raises:
        FileFaultError: a required heading is missing, or two headings mean the same column.
    """
    by_heading = {
        normalized(heading): column.name for column in layout.columns for heading in column.headings
    }
    names: list[str] = []
    unknown: list[str] = []
    for position, heading in enumerate(headings):
        name = by_heading.get(normalized(heading))
        if name is None:
            unknown.append(heading.strip())
            name = f"extra:{position}"
        elif name in names:
            raise of("doubled_column", f"The heading {heading[:80]!r} appears twice")
        names.append(name)
    missing = [c.headings[0] for c in layout.columns if c.is_required and c.name not in names]
    if missing:
        hint = f"; unknown headings are {', '.join(map(repr, unknown[:8]))}" if unknown else ""
        raise of(
            "required_column_missing",
            f"Layout {layout.name} needs the column {', '.join(map(repr, missing))}{hint[:400]}",
            "Ask who renamed or removed it, or add the heading to the layout.",
        )
    if unknown and layout.unknown_columns == "reject":
        raise of("unknown_column", f"Unknown headings {', '.join(map(repr, unknown[:8]))}")
    return names, unknown
