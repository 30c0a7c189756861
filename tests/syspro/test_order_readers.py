"""What order to cash reads: cursors, overlaps and answers that say less than they should."""

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from include.adapters.store.engine import open_store
from include.adapters.store.watermarks import SqlWatermarks
from include.domain.erp_orders import ErpOrder, UnreadableRow
from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.services.sync.ports import marked, read_on
from tests.syspro.support_orders import head, table

Make = Callable[..., Any]


def orders(*rows: dict[str, str]) -> bytes:
    plain = {
        "Customer": "W000001",
        "OrderStatus": "1",
        "DocumentType": "O",
        "OrderDate": "2026-11-03",
    }
    return table("SorMaster", *({**plain, **row} for row in rows))


def _cursor(row: ErpOrder) -> str:
    return row.cursor


def asked(fake: Any, number: int = -1) -> str:
    queries = [call for call in fake.calls if call.verb == "query"]
    return str(queries[number].fields["XmlIn"])


# Cursors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cursor", "sent"),
    [
        ("0x0000010000000010", "0x000000FFFFFFFFAC"),
        ("0x0000000000000010", "0x0000000000000000"),
        ("00000000000000000200", "00000000000000000100"),
    ],
)
def test_a_poll_asks_somewhat_before_its_cursor_in_the_form_it_came_in(
    fake: Any, make_adapter: Make, cursor: str, sent: str
) -> None:
    fake.on("query COMFND", orders())
    assert make_adapter(poll_overlap_rows=100).orders.orders_since(cursor) == ()
    condition = f"<Column>TimeStamp</Column><Condition>GT</Condition><Value>{sent}</Value>"
    assert condition in asked(fake)
    assert "<OrderBy><Column>TimeStamp</Column></OrderBy>" in asked(fake)


def test_a_first_poll_begins_at_a_date_and_goes_on_by_row_version(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query COMFND", orders({"SalesOrder": "7", "TimeStamp": "0x0000000000000200"}))
    (found,) = make_adapter(poll_overlap_days=3).orders.orders_since("2026-11-03")
    assert (found.cursor, found.sales_order) == ("0x0000000000000200", "7")
    first = asked(fake, 0)
    assert "<Column>OrderDate</Column><Condition>GE</Condition><Value>2026-10-31</Value>" in first


@pytest.mark.parametrize("shown", ["{:>20d}", "{}", "0x{:X}"])
def test_a_row_version_that_gains_a_digit_moves_the_watermark_on(
    fake: Any, make_adapter: Make, migrated_sqlite: str, shown: str
) -> None:
    marks = SqlWatermarks(open_store(migrated_sqlite))
    feed = make_adapter(poll_overlap_rows=0).orders.orders_since
    base = 0xFFFE if "X" in shown else 9998
    for newest in range(base, base + 4):
        row = {"SalesOrder": str(newest), "TimeStamp": shown.format(newest)}
        fake.on("query COMFND", orders(row), orders(row), orders())
        read = read_on(marks, "o", feed, _cursor, marked(marks, ""))
        assert [one.sales_order for one in read] == [str(newest)]
        assert int(marks.get("o"), 16 if "X" in shown else 10) == newest


def test_rows_of_the_overlap_do_not_use_up_the_limit(fake: Any, make_adapter: Make) -> None:
    rows = [{"SalesOrder": str(n), "TimeStamp": f"0x{n:016X}"} for n in range(1, 7)]
    fake.on("query COMFND", orders(*rows))
    found = make_adapter().orders.orders_since(f"0x{4:016X}", limit=1)
    assert [one.sales_order for one in found] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("cursor", ["yesterday", "0x", "2026-11", "-5"])
def test_what_is_no_cursor_is_refused(make_adapter: Make, cursor: str) -> None:
    with pytest.raises(Rejected, match="is no cursor"):
        make_adapter().orders.orders_since(cursor)


def test_a_row_version_is_no_cursor_of_a_poll_by_date(make_adapter: Make) -> None:
    with pytest.raises(Rejected, match="poll by date"):
        make_adapter(poll_by="date").orders.orders_since("0x0000000000000010")


def test_a_poll_by_date_gives_whole_days_oldest_first(fake: Any, make_adapter: Make) -> None:
    days = {"1": "2026-11-05", "2": "2026-11-03", "3": "2026-11-04", "4": "2026-11-04"}
    rows = [{"SalesOrder": n, "OrderDate": day} for n, day in days.items()]
    fake.on("query COMFND", orders(*rows), orders(rows[-1]))
    reader = make_adapter(poll_by="date").orders
    found = reader.orders_since("2026-11-03", limit=2)
    assert [one.sales_order for one in found] == ["2", "3", "4"]
    assert found[-1].cursor == "2026-11-04"
    fake.on("query COMFND", orders(*rows), orders(rows[-1]))
    one_day = reader.orders_since("2026-11-03", limit=1)  # 4 November alone exceeds the limit
    assert {one.cursor for one in one_day} >= {"2026-11-03", "2026-11-04"}


def test_dispatch_notes_without_a_date_cannot_be_polled_from_one(make_adapter: Make) -> None:
    reader = make_adapter(shipment_date_column="none").orders
    with pytest.raises(Rejected, match="is not dated"):
        reader.shipments_since("2026-11-03")


# Orders -----------------------------------------------------------------------------------------


def test_of_several_orders_with_one_po_the_living_one_counts(fake: Any, make_adapter: Make) -> None:
    fake.on(
        "query COMFND",
        orders(
            {"SalesOrder": "000000000015575", "OrderStatus": "\\"},
            {"SalesOrder": "000000000015574"},
            {"SalesOrder": "000000000015576", "DocumentType": "C"},
        ),
    )
    found = make_adapter().orders.order(purchase_order="WEB-1")
    assert found is not None
    assert (found.sales_order, found.is_cancelled) == ("15574", False)


def test_every_order_of_a_customers_po_is_given_with_how_it_ended(
    fake: Any, make_adapter: Make
) -> None:
    fake.on(
        "query COMFND",
        orders(
            {"SalesOrder": "000000000015575", "OrderStatus": "\\"},
            {"SalesOrder": "000000000015574", "OrderStatus": "9"},
            {"SalesOrder": "000000000015576", "Customer": "W000002"},
        ),
    )
    found = make_adapter().orders.orders_of("WEB-1", "W000001")
    assert [(one.sales_order, one.is_cancelled, one.is_complete) for one in found] == [
        ("15575", True, False),
        ("15574", False, True),
    ]


def test_an_order_shows_what_it_has_and_blank_for_what_it_has_not(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query COMFND", head(LastInvoice="000000000000000", OrderDate="0000-00-00"))
    found = make_adapter().orders.order(sales_order="15574", customer="W000001")
    assert found is not None
    assert (found.last_invoice, found.cursor) == ("", "")
    assert make_adapter().orders.order(sales_order="99") is None
    with pytest.raises(ValueError, match="needed"):
        make_adapter().orders.order()


def document(**more: str) -> bytes:
    row = {
        "Customer": "W000001",
        "Invoice": "100466",
        "DocumentType": "C",
        "InvoiceDate": "20261103",
        "CurrencyValue": "   12.30-",
        "PostCurrency": "",
        "CustomerPoNumber": "WEB-1",
        "SalesOrder": "000000000015580",
        "TimeStamp": "0x0000000000000001",
        **more,
    }
    return table("ArInvoice", row)


def test_a_credit_note_is_positive_and_in_its_own_currency(fake: Any, make_adapter: Make) -> None:
    fake.on("query COMFND", document())
    (note,) = make_adapter().orders.credit_notes_since("")
    assert note.amount == Money(12_30, "USD")
    assert (note.document_date, note.sales_order) == (date(2026, 11, 3), "15580")
    fake.on("query COMFND", document(PostCurrency="JPY", CurrencyValue="-1200.00"))
    assert make_adapter().orders.documents_of("WEB-1", "")[0].amount == Money(1200, "JPY")


def test_another_customers_documents_under_our_number_are_not_ours(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query COMFND", document(Customer="000000000004711"))
    orders = make_adapter().orders
    assert len(orders.documents_of("WEB-1", "4711")) == 1
    assert orders.documents_of("WEB-1", "4712") == ()


def test_an_unapplied_payment_is_no_document(fake: Any, make_adapter: Make) -> None:
    fake.on("query COMFND", document(Invoice="_CRD01"))
    assert make_adapter().orders.credit_notes_since("") == ()
    assert make_adapter().orders.documents_of("WEB-1", "") == ()


def test_a_payment_is_no_document_of_the_day_that_is_reconciled(
    fake: Any, make_adapter: Make
) -> None:
    day = date(2026, 11, 3)
    for invoice, count in (("_CRD01", 0), ("TO896A195D6EBB267BC8", 0), ("TO896", 1), ("100466", 1)):
        fake.on("query COMFND", document(Invoice=invoice), table("ArInvoice"))
        assert len(list(make_adapter().reader.documents("A", day, day))) == count


@pytest.mark.parametrize(
    "more", [{"InvoiceDate": ""}, {"CurrencyValue": "12.345"}, {"PostCurrency": "R"}]
)
def test_a_document_that_cannot_be_read_is_named_not_skipped(
    fake: Any, make_adapter: Make, more: dict[str, str]
) -> None:
    fake.on("query COMFND", document(**more))
    (found,) = make_adapter().orders.credit_notes_since("")
    assert isinstance(found, UnreadableRow)
    assert (found.key, found.purchase_order, found.cursor) == (
        "100466",
        "WEB-1",
        "0x0000000000000001",
    )
    with pytest.raises(Rejected, match="100466"):
        make_adapter().orders.documents_of("WEB-1", "")


@pytest.mark.parametrize(
    ("instructions", "carrier", "tracking"),
    [
        ("UPS 1Z999AA10123456784", "UPS", "1Z999AA10123456784"),
        ("DHL #00340434161094015902", "DHL", "00340434161094015902"),
        ("By hand", "By hand", ""),
        ("", "", ""),
    ],
)
def test_carrier_and_number_are_told_apart_in_the_shipping_instructions(
    fake: Any, make_adapter: Make, instructions: str, carrier: str, tracking: str
) -> None:
    row = {
        "DispatchNote": "000000000000002",
        "DispatchNoteStatus": "5",
        "SalesOrder": "000000000015574",
        "ShippingInstrs": instructions,
        "PlannedDeliverDate": "2026-11-04",
        "TimeStamp": "1",
    }
    fake.on("query COMFND", table("MdnMaster", row))
    (found,) = make_adapter().orders.shipments_since("")
    assert (found.carrier, found.tracking) == (carrier, tracking)
    assert (found.sales_order, found.note) == ("15574", "2")
    assert make_adapter(shipped_statuses="7|9").orders.shipments_since("") == ()


# Stock and credit -------------------------------------------------------------------------------


def test_stock_of_another_warehouse_is_never_taken_for_ours(fake: Any, make_adapter: Make) -> None:
    rows = (
        {"StockCode": "A", "Warehouse": "E", "QtyOnHand": "9", "QtyAllocated": "0"},
        {"StockCode": "B", "Warehouse": "FG", "QtyOnHand": "  2.5", "QtyAllocated": "3"},
    )
    fake.on("query COMFND", table("InvWarehouse", *rows), table("InvMaster"))
    levels = make_adapter().orders.stock(["A", "B", "A"], "FG")
    assert [(one.stock_code, one.available_millionths) for one in levels] == [
        ("A", None), ("B", -500_000),
    ]  # fmt: skip
    assert make_adapter().orders.stock([], "FG") == []


def test_a_factor_multiplies_or_divides_and_one_of_zero_is_none(
    fake: Any, make_adapter: Make
) -> None:
    row = {"StockCode": "A", "Warehouse": "FG", "QtyOnHand": "9", "QtyAllocated": "0"}
    units = {
        "StockCode": "A",
        "StockUom": "LB",
        "AlternateUom": "KG",
        "ConvFactAltUom": "     2.204620",
        "ConvMulDiv": "M",
        "OtherUom": "OZ",
        "ConvFactOthUom": "    16.000000",
        "MulDiv": "D",
    }
    fake.on("query COMFND", table("InvWarehouse", row), table("InvMaster", units))
    (level,) = make_adapter().orders.stock(["A"], "FG")
    assert level.product is not None
    factors = [level.product.in_stock_units(unit) for unit in ("LB", "KG", "OZ", "EA")]
    assert factors == [1, Fraction(2_204_620, 1_000_000), Fraction(1, 16), None]
    none = units | {"ConvFactAltUom": "     0.000000"}
    fake.on("query COMFND", table("InvWarehouse", row), table("InvMaster", none))
    (level,) = make_adapter().orders.stock(["A"], "FG")
    assert level.product is not None
    assert level.product.in_stock_units("KG") is None


def test_a_page_that_may_have_been_cut_is_no_answer(fake: Any, make_adapter: Make) -> None:
    row = {"StockCode": "A", "Warehouse": "FG", "QtyOnHand": "9", "QtyAllocated": "0"}
    fake.on("query COMFND", table("InvWarehouse", row, row))
    with pytest.raises(Rejected, match="there may be more"):
        make_adapter(return_rows=2).orders.stock(["A"], "FG")


def test_a_quantity_that_cannot_be_read_is_not_zero(fake: Any, make_adapter: Make) -> None:
    row = {"StockCode": "A", "Warehouse": "FG", "QtyOnHand": "", "QtyAllocated": "0"}
    fake.on("query COMFND", table("InvWarehouse", row))
    with pytest.raises(Rejected, match="not a number"):
        make_adapter().orders.stock(["A"], "FG")


def test_only_a_text_about_this_very_code_means_that_it_is_not_there(
    fake: Any, make_adapter: Make
) -> None:
    reader = make_adapter(stock_by="invqry").orders
    fake.on("query INVQRY", b"ERROR: Stock code 'A1' not found")
    assert reader.stock(["A1"], "FG")[0].available_millionths is None
    fake.on("query INVQRY", b"ERROR: Operator record not found")
    with pytest.raises(Retryable):
        reader.stock(["A1"], "FG")


def test_credit_that_syspro_does_not_say_is_none_not_zero(fake: Any, make_adapter: Make) -> None:
    fake.on("query ARSQRY", b"<ARStatement><Header><Customer>C1</Customer></Header></ARStatement>")
    found = make_adapter().orders.credit("C1")
    assert found.exists
    assert (found.credit_limit, found.balance, found.outstanding_orders) == (None, None, None)


ACCOUNT = (
    b"<ARStatement><Header><Customer>C1</Customer><Currency>EUR</Currency><CreditLimit>  100"
    b"</CreditLimit><OutstOrdVal>5.00</OutstOrdVal></Header><TotalSection><CurrentBalance>7.00"
    b"</CurrentBalance></TotalSection></ARStatement>"
)


def test_a_limit_is_in_the_companys_currency_unless_the_site_says_otherwise(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query ARSQRY", ACCOUNT, ACCOUNT, ACCOUNT)
    found = make_adapter().orders.credit("C1")
    assert found.currency == "EUR"
    assert found.credit_limit == Money(100_00, "USD")
    assert (found.balance, found.outstanding_orders) == (Money(7_00, "EUR"), Money(5_00, "EUR"))
    found = make_adapter(base_amounts="credit_limit|outstanding_orders").orders.credit("C1")
    assert found.outstanding_orders == Money(5_00, "USD")
    with pytest.raises(Rejected, match="base_amounts are of"):
        make_adapter(base_amounts="limit")


def test_a_limit_without_the_companys_currency_names_the_setting_and_nought_needs_none(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query ARSQRY", ACCOUNT, ACCOUNT.replace(b"  100", b"    0"))
    reader = make_adapter(base_currency="").orders
    with pytest.raises(Rejected, match="name is not known") as caught:
        reader.credit("C1")
    assert "Set base_currency" in caught.value.do
    assert reader.credit("C1").credit_limit == Money(0, "EUR")


def test_the_companys_own_rate_is_read_from_the_table_that_the_site_names(
    fake: Any, make_adapter: Make
) -> None:
    row = {"Currency": "EU", "BuyExchangeRate": "   0.868200", "BuyMulDiv": "M"}
    fake.on("query COMFND", table("TblCurrency", row))
    reader = make_adapter(currency_codes="$=|EU=EUR").orders
    assert reader.base_rate("EUR").to_base(Money(100_00, "EUR"), "USD") == Money(86_82, "USD")
    assert "<Value>EU</Value>" in asked(fake)
    fake.on("query COMFND", table("Rates", {"Code": "EUR", "Rate": "1.25", "Way": "D"}))
    named = {
        "rate_table": "Rates",
        "rate_currency_column": "Code",
        "rate_column": "Rate",
        "rate_way_column": "Way",
    }
    found = make_adapter(**named).orders.base_rate("EUR")
    assert found.to_base(Money(100_00, "EUR"), "USD") == Money(80_00, "USD")


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ((), "SYSPRO keeps no rates of EUR"),
        (({"Currency": "EURX", "BuyExchangeRate": "1", "BuyMulDiv": "M"},), "keeps no rates"),
        (({"Currency": "EUR", "BuyExchangeRate": "1", "BuyMulDiv": "M"},) * 2, "keeps 2 rates"),
        (({"Currency": "EUR", "BuyExchangeRate": "0.000000", "BuyMulDiv": "M"},), "is no rate"),
        (({"Currency": "EUR", "BuyExchangeRate": "1.1", "BuyMulDiv": ""},), "is no rate"),
    ],
)
def test_a_rate_that_syspro_does_not_keep_is_never_guessed(
    fake: Any, make_adapter: Make, rows: tuple[dict[str, str], ...], what: str
) -> None:
    fake.on("query COMFND", table("TblCurrency", *rows))
    with pytest.raises(Rejected, match=what) as caught:
        make_adapter().orders.base_rate("EUR")
    assert caught.value.do


def test_customers_are_looked_up_by_mail(fake: Any, make_adapter: Make) -> None:
    fake.on("query COMFND", table("ArCustomer"))
    assert make_adapter().orders.customers(" a@example.com ") == ()
    assert "<Value>a@example.com</Value>" in asked(fake)
