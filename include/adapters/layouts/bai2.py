"""Bank statement BAI2 (Cash Management Balance Reporting Specifications, version 2).

Source: the BAI2 record descriptions 01, 02, 03, 16, 88, 49, 98, 99. Amounts are whole minor units
without a point. Type codes 100-399 are credits, 400-699 debits, 890 is information without money;
others (loan, custom) are not guessed. Counts and control totals of 49, 98 and 99 must be met, or
the file is set aside.

Sign: amounts are unsigned, the type code says which way.
"""

from dataclasses import replace

from include.adapters.layouts.camt_053 import ENTRY_COLUMNS, ENTRY_FIELDS
from include.adapters.layouts.shape import Kind, Layout, Line, Records, RecordTypes, Sign
from include.domain.settlement import LineClass

LAYOUT = Layout(
    name="bai2",
    source=Records("bai2"),
    columns=tuple(
        replace(column, kind=Kind.minor) if column.name == "amount" else column
        for column in ENTRY_COLUMNS
    ),
    records=RecordTypes(
        column="indicator",
        types={
            "credit": (Line(LineClass.funding, "amount", Sign.given),),
            "debit": (Line(LineClass.funding, "amount", Sign.taken),),
            "information": (),
        },
    ),
    fields=ENTRY_FIELDS,
    may_be_empty=True,
    is_proven=True,
    yields="bank_entries",
)
