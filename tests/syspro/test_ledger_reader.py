"""Documents and posting periods as they are read from SYSPRO."""

from datetime import date
from typing import Any

import pytest

from include.domain.errors import Rejected
from include.services.ports import PeriodState
from tests.syspro.support import Make, options, table


def ar_row(kind: str = "I", value: str = "100.00", **more: str) -> dict[str, str]:
    return {
        "Customer": "000000000000183",
        "Invoice": "000000000000011",
        "DocumentType": kind,
        "InvoiceDate": "2026-11-01",
        "CurrencyValue": value,
        "PostCurrency": "EUR",
        "CustomerPoNumber": "PO-1",
        "SalesOrder": "000000000015574",
        **more,
    }


def read_documents(fake: Any, make_adapter: Make, *rows: dict[str, str], **extra: Any) -> list[Any]:
    fake.on("query COMFND", table("ArInvoice", *rows))
    reader = make_adapter(**extra).reader
    return list(reader.documents("A", date(2026, 11, 1), date(2026, 11, 1)))


def test_a_document_has_the_declared_columns(fake: Any, make_adapter: Make) -> None:
    assert read_documents(fake, make_adapter, ar_row()) == [
        {
            "document_id": "000000000000183|000000000000011|I",
            "document_kind": "sale",
            "merchant_reference": "PO-1",
            "currency": "EUR",
            "amount_minor": 100_00,
            "document_date": date(2026, 11, 1),
            "sales_order": "000000000015574",
        }
    ]


@pytest.mark.parametrize("value", ["7.50", "-7.50"])
def test_a_credit_note_is_a_refund_whatever_sign_it_is_kept_with(
    fake: Any, make_adapter: Make, value: str
) -> None:
    (found,) = read_documents(fake, make_adapter, ar_row("C", value))
    assert (found["document_kind"], found["amount_minor"]) == ("refund", -7_50)


def test_blank_is_none_and_a_blank_currency_is_the_companys(fake: Any, make_adapter: Make) -> None:
    row = ar_row(CustomerPoNumber=" ", SalesOrder="000000000000000", PostCurrency=" ")
    (found,) = read_documents(fake, make_adapter, row)
    assert (found["merchant_reference"], found["sales_order"]) == (None, None)
    assert found["currency"] == "USD"
    with pytest.raises(Rejected, match="Set base_currency"):
        read_documents(fake, make_adapter, row, base_currency="")


@pytest.mark.parametrize("row", [ar_row("X"), ar_row(InvoiceDate="0000-00-00"), ar_row("I", "1,0")])
def test_a_document_that_cannot_be_read_is_named(
    fake: Any, make_adapter: Make, row: dict[str, str]
) -> None:
    with pytest.raises(Rejected, match=r"ArInvoice 000000000000183\|000000000000011"):
        read_documents(fake, make_adapter, row)


def test_another_company_is_refused(fake: Any, make_adapter: Make) -> None:
    with pytest.raises(Rejected, match="company 'B' was asked of a connection to 'A'"):
        next(make_adapter().reader.documents("B", date(2026, 11, 1), date(2026, 11, 1)))
    assert fake.calls == []


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (date(2026, 11, 30), PeriodState.open),
        (date(2026, 10, 1), PeriodState.open),
        (date(2026, 9, 30), PeriodState.closed),  # by its flag
        (date(2026, 8, 31), PeriodState.closed),
        (date(2026, 12, 1), PeriodState.future),
        (date(2027, 1, 1), PeriodState.future),
    ],
)
def test_the_period_of_a_date(fake: Any, make_adapter: Make, day: date, state: PeriodState) -> None:
    flags = "<GlCurYrFlagPeriod9>C</GlCurYrFlagPeriod9>"
    fake.on("query GENQSO", options(flags=flags))
    found = make_adapter().reader.posting_period("A", day)
    assert (found.year, found.period, found.state) == (day.year, day.month, state)


def test_last_years_flags_say_nothing_of_this_years_periods(fake: Any, make_adapter: Make) -> None:
    """What GENQSO shows beside the current period is not published: last year's may be there."""
    flags = "<GlPrevYrFlagPeriod10>C</GlPrevYrFlagPeriod10>"
    fake.on("query GENQSO", options(flags=f"{flags}<GlPrevYrFlagPeriod8>O</GlPrevYrFlagPeriod8>"))
    reader = make_adapter().reader
    assert reader.posting_period("A", date(2026, 10, 1)).state is PeriodState.open
    assert reader.posting_period("A", date(2026, 8, 31)).state is PeriodState.closed


def test_a_period_may_have_closed_when_a_session_is_over(fake: Any, make_adapter: Make) -> None:
    fake.on("query GENQSO", options(2026, 10), options(2026, 11))
    adapter, day = make_adapter(), date(2026, 8, 31)
    with adapter.session():
        within = [adapter.reader.posting_period("A", day).state for _ in range(2)]
    assert within == [PeriodState.open, PeriodState.open]  # asked once
    assert adapter.reader.posting_period("A", day).state is PeriodState.closed


def test_a_period_of_last_year_is_open_by_its_own_flag(fake: Any, make_adapter: Make) -> None:
    fake.on("query GENQSO", options(2027, 1))
    fake.on(
        "query GENQPP",
        b"<GlPostPreviousQuery><Periods><GlPreviousYear>2026</GlPreviousYear>"
        b"<GlPrevYrFlagPeriod11>C</GlPrevYrFlagPeriod11></Periods></GlPostPreviousQuery>",
    )
    reader = make_adapter().reader
    assert reader.posting_period("A", date(2026, 12, 31)).state is PeriodState.open
    assert reader.posting_period("A", date(2026, 11, 30)).state is PeriodState.closed


def test_a_fiscal_year_may_begin_in_april(make_adapter: Make) -> None:
    settings = make_adapter(fiscal_year_start_month=4).settings
    assert settings.fiscal(date(2026, 3, 31)) == (2026, 12)
    assert settings.fiscal(date(2026, 4, 1)) == (2027, 1)
