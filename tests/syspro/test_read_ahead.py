"""What rows that were read together answer, and what must be asked for all the same."""

from dataclasses import replace

import pytest

from include.adapters.syspro.documents.comfnd import Find
from include.adapters.syspro.partners.read_ahead import ReadAhead

COLUMN = "CustomerPoNumber"
TOGETHER = Find(
    "ArInvoice",
    (),
    ("Invoice", COLUMN, "InvoiceDate"),
    any_of=((COLUMN, "EQ", "WEB-1"), (COLUMN, "EQ", "WEB-2")),
)
ROWS = [
    {"invoice": "100466", "customerponumber": "WEB-1", "invoicedate": "20261103"},
    {"invoice": "100468", "customerponumber": "WEB-1", "invoicedate": "20261104"},
]
ONE = Find("ArInvoice", ((COLUMN, "EQ", "WEB-1"),), ("Invoice", COLUMN))


def read() -> ReadAhead:
    ahead = ReadAhead()
    ahead.keep(TOGETHER, ROWS)
    return ahead


def test_all_rows_of_a_key_are_its_answer() -> None:
    assert read().answer(ONE) == ROWS


@pytest.mark.parametrize(
    "asked",
    [
        replace(ONE, table="SorMaster"),
        replace(ONE, conditions=((COLUMN, "EQ", "WEB-2"),)),
        replace(ONE, conditions=((COLUMN, "GE", "WEB-1"),)),
        replace(ONE, conditions=(("Invoice", "EQ", "WEB-1"),)),
        replace(ONE, conditions=(*ONE.conditions, ("DocumentType", "EQ", "I"))),
        replace(ONE, any_of=(("DocumentType", "EQ", "I"),)),
        replace(ONE, columns=(*ONE.columns, "CurrencyValue")),
        replace(ONE, columns=()),
    ],
    ids=[
        "of another table",
        "that seemed absent",
        "for more than one key",
        "by another column",
        "for some of its rows",
        "for some of its rows, by alternatives",
        "for a column that was not read",
        "for all columns",
    ],
)
def test_a_question_is_asked_all_the_same(asked: Find) -> None:
    assert read().answer(asked) is None
