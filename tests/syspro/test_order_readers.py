"""Orders, documents and dispatch notes as they are read, and answers that say less than is due."""

from datetime import date
from typing import Any

import pytest

from include.adapters.syspro.partners.common import ORDER
from include.domain.erp_orders import UnreadableRow
from include.domain.errors import Rejected
from include.domain.money import Money
from tests.syspro.support import Make
from tests.syspro.support_orders import head, orders, table


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


def test_what_a_server_may_have_cut_short_is_asked_for_again(fake: Any, make_adapter: Make) -> None:
    """It was asked for 1000 rows; how many it gives at once is not published."""
    many = table("ArInvoice", *[{"CustomerPoNumber": "WEB-1"}] * 100)
    fake.on("query COMFND", orders(), many, document())
    adapter = make_adapter()
    with adapter.session(), adapter.orders.read_ahead(["WEB-1", "WEB-2"], []):
        before = adapter.calls()
        assert len(adapter.orders.documents_of("WEB-1", "")) == 1
        assert adapter.calls() == before + 1


def test_no_order_is_taken_for_absent_that_a_server_may_have_cut_off(
    fake: Any, make_adapter: Make
) -> None:
    first = orders(*[{"CustomerPoNumber": "WEB-1"}] * 100)
    fake.on("query COMFND", first, orders({"CustomerPoNumber": "WEB-2"}))
    adapter = make_adapter()
    with adapter.session():
        adapter.orders.look_ahead(["WEB-1", "WEB-2", "WEB-3"])
        seen = [adapter.orders._asking.was_absent(ORDER, f"WEB-{one}") for one in (1, 2, 3)]
    assert seen == [False, False, True]


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
    assert make_adapter().orders.overpaid() == {"WEB-1"}  # it is not read for that


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
