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
        replace(ONE, conditions=((COLUMN, "EQ", "web-1"),)),
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
        "in another case",
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


def test_rows_in_whatever_case_are_the_answer_to_the_one_case_that_was_asked_for() -> None:
    """A database that sees case gives none of them, and one that does not gives all."""
    ahead, row = ReadAhead(), {**ROWS[0], "customerponumber": "web-1"}
    ahead.keep(TOGETHER, [*ROWS, row])
    assert ahead.answer(ONE) == [*ROWS, row]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_key_that_was_asked_for_in_two_cases_is_asked_again(at_once: bool) -> None:
    """Its rows may be of either alone, or have come twice."""
    ahead, other = read(), ((COLUMN, "EQ", "web-1"),)
    if at_once:
        ahead = ReadAhead()
        ahead.keep(replace(TOGETHER, any_of=TOGETHER.any_of + other), ROWS)
    else:
        ahead.keep(replace(TOGETHER, any_of=other), ROWS)
    assert ahead.answer(ONE) is None
