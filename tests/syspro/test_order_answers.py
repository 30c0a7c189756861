"""Order to cash: every shape in which SYSPRO answers."""

import pytest

from include.adapters.syspro.documents import (
    arsqry,
    arsscs,
    arstin,
    arstpy,
    comqfm,
    invqry,
    sorqdn,
    sorqry,
    sortoi,
    sortos,
    sortox,
)
from include.adapters.syspro.documents.reply import CallFailed, Unreadable
from include.adapters.syspro.documents.verdict import Answer
from tests.syspro.support_orders import (
    CLEAN,
    EMPTY_NUMBER,
    PO,
    WARNED,
    added,
    imported,
    paid,
    sent_back,
)


def test_a_clean_import_is_taken_though_it_names_no_number() -> None:
    found = sortoi.parse(CLEAN)
    assert (found.verdict.answer, found.sales_order) == (Answer.taken, "")


def test_an_import_with_warnings_names_its_number_and_keeps_them() -> None:
    found = sortoi.parse(WARNED)
    assert (found.verdict.answer, found.sales_order) == (Answer.taken, "015574")
    assert found.purchase_order == PO
    assert found.warnings == ("Line 0001 for stock code 'A100' was placed on back order",)


def test_an_empty_number_is_a_refusal_without_a_reason() -> None:
    found = sortoi.parse(EMPTY_NUMBER)
    assert (found.verdict.answer, found.is_reasonless) == (Answer.refused, True)
    uncounted = sortoi.parse(EMPTY_NUMBER.replace(b"Warnings>000001", b"Warnings>000000"))
    assert (uncounted.verdict.answer, uncounted.is_reasonless) == (Answer.refused, True)


def test_a_document_sent_back_is_refused_though_it_was_counted_as_processed() -> None:
    found = sortoi.parse(sent_back("XML element 'price' must be numeric"))
    assert found.verdict.answer is Answer.refused
    assert "must be numeric" in found.verdict.words
    assert not found.is_reasonless


def test_a_refusal_by_warnings_keeps_their_words() -> None:
    refused = imported(
        "<Order><SalesOrder/><WarningMessages><WarningDescription>Customer is on hold"
        "</WarningDescription></WarningMessages></Order>",
        rejected="000001",
    )
    found = sortoi.parse(refused)
    assert found.verdict.answer is Answer.refused
    assert "on hold" in found.verdict.words


@pytest.mark.parametrize(
    "body",
    [
        WARNED.replace(b"</Order>", b"<ErrorDescription>odd</ErrorDescription></Order>"),
        WARNED.replace(b"<ItemsRejectedWithWarnings>000000", b"<ItemsRejectedWithWarnings>000001"),
        imported(done="000000"),
        imported(done="000002"),
        imported().replace(b"<ItemsRejectedWithWarnings>000000</ItemsRejectedWithWarnings>", b""),
        b"<SalesOrders/>",
    ],
    ids=["number and error", "number and rejected", "none", "two", "half", "nothing"],
)
def test_an_import_that_says_both_or_neither_is_unclear(body: bytes) -> None:
    assert sortoi.parse(body).verdict.answer is Answer.unclear


def test_element_names_in_any_case_and_empty_counters_are_read() -> None:
    empty = CLEAN.replace(b">000000<", b"><").replace(b"StatusOfItems", b"STATUSOFITEMS")
    assert sortoi.parse(empty).verdict.answer is Answer.taken


def test_a_changed_status_and_a_cancelled_order_are_read() -> None:
    changed = sortos.parse(
        b"<postsororderstatus><Item><Order><SalesOrder>015574</SalesOrder><OrderStatus>1"
        b"</OrderStatus><NewOrderStatus>S</NewOrderStatus></Order></Item><StatusOfItems>"
        b"<ItemsProcessed>000001</ItemsProcessed><ItemsInvalid/></StatusOfItems>"
        b"</postsororderstatus>"
    )
    assert (changed.sales_order, changed.status) == ("015574", "S")
    assert changed.verdict.answer is Answer.taken
    cancelled = sortox.parse(
        b"<postsalesordercancel><Item><SalesOrder>842</SalesOrder><Cancelled>Y</Cancelled></Item>"
        b"<StatusOfItems><ItemsProcessed>1</ItemsProcessed><ItemsInvalid>0</ItemsInvalid>"
        b"</StatusOfItems></postsalesordercancel>"
    )
    assert cancelled.is_cancelled
    assert cancelled.verdict.answer is Answer.taken


def test_a_setup_object_counts_what_it_read_not_what_it_did() -> None:
    assert arsscs.parse(added()).verdict.answer is Answer.taken
    refused = arsscs.parse(added(problem="Customer already exists", number="120001"))
    assert refused.verdict.answer is Answer.refused
    assert refused.verdict.problems[0].number == "120001"
    contradictory = added(problem="odd").replace(b"Invalid>1", b"Invalid>0")
    assert arsscs.parse(contradictory).verdict.answer is Answer.unclear
    nothing_read = added().replace(b"RecordsRead>1", b"RecordsRead>0")
    assert arsscs.parse(nothing_read).verdict.answer is Answer.unclear


def test_a_payments_journal_and_its_ledger_journal_are_read() -> None:
    good = arstpy.parse(paid())
    assert (good.year, good.month, good.journal, good.gl_journal) == (
        "2026", "11", "00034", "2026/11/00268",
    )  # fmt: skip
    assert (good.verdict.answer, good.verdict.gl_error) == (Answer.taken, "")
    failed = arstpy.parse(paid(gl_error="27 period", gl_journal=""))
    assert (failed.verdict.answer, failed.verdict.gl_error) == (Answer.taken, "27 period")


def test_a_debit_notes_counters_have_names_of_their_own() -> None:
    found = arstin.parse(
        b"<postarinvoices><Item><Customer>W000001</Customer><Invoice>TO1</Invoice></Item>"
        b"<StatusOfItems><ItemsValidated>000001</ItemsValidated><InvalidItems/></StatusOfItems>"
        b"</postarinvoices>"
    )
    assert (found.invoice, found.verdict.answer) == ("TO1", Answer.taken)


def test_an_account_shows_limit_balance_and_payments() -> None:
    found = arsqry.parse(
        b"<ARStatement><Header><Customer>000000000000123</Customer><Currency>$</Currency>"
        b"<CreditLimit>       500</CreditLimit><CreditStatus>0</CreditStatus><CustomerOnHold>N"
        b"</CustomerOnHold></Header><InvoiceDetail><Invoice>100466</Invoice><TransDetail><Reference>"
        b"TOX</Reference><TrnValue>20.00-</TrnValue><JournalDate>20261103</JournalDate></TransDetail>"
        b"</InvoiceDetail><PayDetail><ChequeReference>TOX</ChequeReference><PayDate>2026-11-03"
        b"</PayDate><PayValue>20.00</PayValue></PayDetail><TotalSection><CurrentBalance>  12.50"
        b"</CurrentBalance></TotalSection></ARStatement>",
        "123",
    )
    assert isinstance(found, arsqry.Account)
    assert (found.limit_text, found.balance_text, found.orders_text) == ("500", "12.50", "")
    assert [(one.reference, one.invoice) for one in found.payments] == [
        ("TOX", ""), ("TOX", "100466"),
    ]  # fmt: skip
    with pytest.raises(Unreadable, match="not '124'"):
        arsqry.parse(b"<ARStatement><Header><Customer>123</Customer></Header></ARStatement>", "124")


def test_stock_is_that_of_the_warehouse_asked_for_even_if_others_come_back() -> None:
    body = (
        b"<InvQuery><StockItem><StockCode>A100</StockCode></StockItem><WarehouseItem><Warehouse>E"
        b"</Warehouse><AvailableQty>  99.000000</AvailableQty></WarehouseItem><WarehouseItem>"
        b"<Warehouse>FG</Warehouse><AvailableQty>          747.800000</AvailableQty>"
        b"</WarehouseItem></InvQuery>"
    )
    for warehouse, available in (("FG", 747_800_000), ("P0", None)):
        found = invqry.parse(body, "A100", warehouse)
        assert isinstance(found, invqry.Stock)
        assert found.available_millionths == available
    with pytest.raises(Unreadable):
        invqry.parse(body, "A200", "FG")
    with pytest.raises(Unreadable):
        invqry.parse(body.replace(b"747.800000", b"many"), "A100", "FG")


def test_a_custom_form_gives_its_values_by_name_and_by_column() -> None:
    body = (
        b"<Query><Key><FormType>ORD</FormType><KeyField>000000000015574</KeyField></Key><Field>"
        b"<Name>GAT001</Name><Column>GateRef</Column><Value>70</Value></Field><Field><Name>SIZ001"
        b"</Name><Value>{Spaces}</Value></Field></Query>"
    )
    found = comqfm.parse(body, "ORD", "15574")
    assert found == {"gat001": "70", "gateref": "70", "siz001": ""}
    with pytest.raises(Unreadable):
        comqfm.parse(body, "CUS", "15574")


def test_an_order_query_is_about_the_order_that_was_asked_for() -> None:
    body = (
        b"<SorDetail><SalesOrder>000000000015574</SalesOrder><OrderStatus>1</OrderStatus>"
        b"</SorDetail>"
    )
    assert sorqry.parse(body, "15574")["orderstatus"] == "1"
    with pytest.raises(Unreadable, match="15575"):
        sorqry.parse(body, "15575")


def test_queries_about_nothing_are_unreadable() -> None:
    with pytest.raises(Unreadable):
        sorqry.parse(b"<SorDetail><SalesOrder/><OrderStatus/></SorDetail>", "15574")
    with pytest.raises(Unreadable):
        sorqdn.parse(b"<DispatchNoteDetail><DispatchNote/></DispatchNoteDetail>")
    for parse in (sortoi.parse, sortos.parse, sortox.parse, arsscs.parse, arstpy.parse):
        with pytest.raises(CallFailed):
            parse(b"ERROR: e.net exception 100000")
        with pytest.raises(Unreadable):
            parse(b"<html>busy</html>")
        with pytest.raises(Unreadable):
            parse(b"<other/>")


@pytest.mark.parametrize(
    ("status", "done", "answer"),
    [
        ("Failed", "000001", Answer.refused),
        ("Successful", "000001", Answer.taken),
        ("Successful", "000000", Answer.taken),  # it processes nothing, as it was told
        ("", "000001", Answer.taken),
    ],
)
def test_a_validation_says_by_its_status_whether_the_order_would_be_taken(
    status: str, done: str, answer: Answer
) -> None:
    tail = f"<ValidationStatus><Status>{status}</Status></ValidationStatus>".encode()
    body = imported(done=done).replace(b"</SalesOrders>", tail + b"</SalesOrders>")
    assert sortoi.parse(body).verdict.answer is answer
