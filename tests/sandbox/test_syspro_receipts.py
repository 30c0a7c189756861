"""Receipts, refunds and AR documents over HTTP: ARSTPY and ARSTIN (reference 4.4)."""

from typing import Any

import pytest

from tests.sandbox.erp_documents import elements, import_parameters, items, order, parameters

Wire = Any


def payment(
    value: str = "29.00", *parts: tuple[str, dict[str, str]], customer: str = "C00001", **more: str
) -> str:
    facts = {
        "Customer": customer,
        "PaymentValue": value,
        "Reference": "TO-PAY-1",
        "PaymentDate": "2026-11-03",
        "JournalNotation": "Card receipt",
        "PaymentNarration": "PO-1",
        "Bank": "CLRUS",
        "PaymentType": "O",
        **more,
    }
    inner = "".join(f"<{tag}>{elements(values)}</{tag}>" for tag, values in parts)
    content = f"<Payment>{elements(facts)}{inner}</Payment>"
    return f"<PostArPayment><Item>{content}</Item></PostArPayment>"


def unapplied(value: str = "29.00", po: str = "PO-1") -> tuple[str, dict[str, str]]:
    return "UnappliedPayment", {"GrossPaymentValue": value, "CustomerPurchaseOrder": po}


def to_pay(invoice: str, value: str, kind: str = "I", **more: str) -> tuple[str, dict[str, str]]:
    facts = {"TransactionType": kind, "Invoice": invoice, "GrossPaymentValue": value, **more}
    return "InvoiceToPay", facts


def invoiced(desk: Wire, po: str = "PO-1", customer: str = "C00001") -> str:
    """Place an order of 29.00 and invoice it; return the invoice's number."""
    desk.post("SORTOI", order(po=po, customer=customer), import_parameters())
    return str(desk.clerk("invoice", customer_po=po)["invoices"][0])


def entries(desk: Wire) -> list[tuple[str, str, str]]:
    rows = desk.rows("GenJournalDetail")
    return [(row["GlCode"], row["EntryType"], row["EntryValue"]) for row in rows]


def first_error(reply: Any) -> str:
    return next((found.text or "" for found in reply.iter("ErrorDescription")), "")


def test_an_unapplied_payment_becomes_a_pseudo_invoice_under_our_key(desk: Wire) -> None:
    reply = desk.post("ARSTPY", payment("29.00", unapplied()))
    assert reply.tag == "postarpayment"
    key = {part.tag: part.text for part in reply.find("Item/Payment/Key")}
    assert key == {"TrnYear": "2026", "TrnMonth": "11", "Journal": "00034"}
    assert reply.findtext("Item/Payment/Customer") == "C00001"
    assert reply.findtext("StatusOfItems/GlJournal/GlJournal") == "00117"
    assert reply.find("StatusOfItems/GlJournal/GlJournalError").text is None
    assert reply.findtext("StatusOfItems/ItemsProcessed") == "1"
    assert reply.find("StatusOfItems/ItemsInvalid").text is None
    (row,) = desk.rows("ArInvoice", CustomerPoNumber="PO-1")
    assert (row["Invoice"], row["DocumentType"]) == ("_CRD01", "C")
    assert (row["CurrencyValue"], row["InvoiceBal1"]) == ("-29.00", "-29.00")
    assert (row["InvoiceDate"], row["Branch"]) == ("2026-11-03", "10")
    assert entries(desk) == [("1150", "D", "29.00"), ("1200", "C", "29.00")]
    (history,) = desk.rows("ArPayHistory", Reference="TO-PAY-1")
    assert (history["PayValue"], history["Bank"]) == ("29.00", "CLRUS")


def test_a_repeated_payment_posts_again_under_the_next_number(desk: Wire) -> None:
    for _ in range(2):
        desk.post("ARSTPY", payment("29.00", unapplied()))
    rows = desk.rows("ArInvoice", CustomerPoNumber="PO-1")
    assert [row["Invoice"] for row in rows] == ["_CRD01", "_CRD02"]
    assert len(desk.done("ARSTPY Payment", reference="TO-PAY-1")) == 2
    desk.post("ARSTPY", payment("29.00", unapplied(), customer="C00002"))
    (other,) = desk.rows("ArInvoice", Customer="C00002", DocumentType="C", TermsCode="CC")[-1:]
    assert other["Invoice"] == "_CRD01"


def test_a_payment_takes_an_invoice_to_zero(desk: Wire) -> None:
    invoice = invoiced(desk)
    assert first_error(desk.post("ARSTPY", payment("29.00", to_pay(invoice, "29.00")))) == ""
    (row,) = desk.rows("ArInvoice", CustomerPoNumber="PO-1")
    assert (row["DocumentType"], row["InvoiceBal1"]) == ("I", "0.00")
    (applied,) = desk.rows("ArInvoicePay", Reference="TO-PAY-1")
    assert applied["TrnValue"] == "29.00"
    reply = desk.post("ARSTPY", payment("29.00", to_pay(invoice, "29.00")))
    assert first_error(reply) == f"Value 29.00 exceeds the balance 0.00 of '{invoice}'"


def test_an_unapplied_part_is_set_against_an_invoice_without_new_money(desk: Wire) -> None:
    desk.post("ARSTPY", payment("29.00", unapplied()))
    invoice = invoiced(desk)
    parts = (to_pay(invoice, "29.00"), to_pay("_CRD01", "-29.00", kind="C"))
    assert first_error(desk.post("ARSTPY", payment("0.00", *parts, Reference="APPLY"))) == ""
    rows = desk.rows("ArInvoice", CustomerPoNumber="PO-1")
    assert {row["Invoice"][-6:]: row["InvoiceBal1"] for row in rows} == {
        "_CRD01": "0.00",
        invoice: "0.00",
    }
    # The invoice's own journal, and nothing for the setting off.
    assert len(entries(desk)) == 4


@pytest.mark.parametrize(
    ("mode", "value", "outcome"),
    [
        ("N", "30.00", "Payment value 30.00 differs from distributed value 29.00"),
        ("Y", "30.00", "29.00"),
        ("U", "30.00", "30.00"),
        ("U", "20.00", "Payment value 20.00 differs from distributed value 29.00"),
    ],
)
def test_a_difference_is_refused_corrected_or_left_unapplied(
    desk: Wire, mode: str, value: str, outcome: str
) -> None:
    invoice = invoiced(desk)
    switch = parameters("PostArPayment", AutoCorrectPaymentValue=mode)
    reply = desk.post("ARSTPY", payment(value, to_pay(invoice, "29.00")), switch)
    history = desk.rows("ArPayHistory", Reference="TO-PAY-1")
    assert (first_error(reply) or history[0]["PayValue"]) == outcome
    left = desk.rows("ArInvoice", Customer="C00001", CustomerPoNumber="Unapplied cash")
    assert [row["InvoiceBal1"] for row in left] == (["-1.00"] if outcome == "30.00" else [])


def test_a_refund_takes_a_credit_note_back_to_zero(desk: Wire) -> None:
    invoice = invoiced(desk)
    desk.post("ARSTPY", payment("29.00", to_pay(invoice, "29.00")))
    note = desk.clerk("credit", invoice=invoice, amount="10.00")["invoice"]
    before = len(entries(desk))
    refund = payment("-10.00", to_pay(note, "-10.00", kind="C"), Reference="TO-REF-1")
    assert first_error(desk.post("ARSTPY", refund)) == ""
    (row,) = desk.rows("ArInvoice", CustomerPoNumber="PO-1", DocumentType="C")
    assert (row["CurrencyValue"], row["InvoiceBal1"]) == ("-10.00", "0.00")
    assert entries(desk)[before:] == [("1150", "C", "10.00"), ("1200", "D", "10.00")]
    wrong = payment("10.00", to_pay(note, "10.00", kind="C"))
    assert "exceeds the balance" in first_error(desk.post("ARSTPY", wrong))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"customer": "NOBODY"}, "Customer 'NOBODY' not found"),
        ({"Bank": "NONE"}, "Bank 'NONE' not found"),
        ({"Bank": ""}, "XML element '{Payment}{Bank}' cannot be spaces"),
        ({"JournalNotation": ""}, "XML element '{Payment}{JournalNotation}' cannot be spaces"),
        ({"Reference": "R" * 31}, "XML element 'Reference' is longer than 30 characters"),
        ({"value": "29.001"}, "XML element 'PaymentValue' must be numeric"),
        ({"PaymentType": "X"}, "'X' is not allowed in XML element 'PaymentType'"),
    ],
)
def test_a_payment_is_held_to_its_elements(desk: Wire, changes: dict[str, str], text: str) -> None:
    value = changes.pop("value", "29.00")
    assert first_error(desk.post("ARSTPY", payment(value, unapplied(), **changes))) == text
    assert desk.done("ARSTPY Payment") == []
    assert desk.rows("GenJournalCtl") == []


def test_a_receipt_can_succeed_while_its_journal_fails(desk: Wire) -> None:
    desk.control("POST", "syspro", {"gl_journal_error": {"ARSTPY": "period not open in GL"}})
    block = desk.post("ARSTPY", payment("29.00", unapplied())).find("StatusOfItems/GlJournal")
    assert block.findtext("GlJournalError") == "000001"
    assert block.findtext("GlJournalMessage") == "period not open in GL"
    assert len(desk.rows("ArInvoice", CustomerPoNumber="PO-1")) == 1
    assert desk.rows("GenJournalCtl") == []


def test_a_receipt_posts_into_the_named_period_unless_it_is_closed(desk: Wire) -> None:
    previous = parameters("PostArPayment", PostingPeriod="P")
    reply = desk.post("ARSTPY", payment("29.00", unapplied()), previous)
    assert reply.findtext("Item/Payment/Key/TrnMonth") == "10"
    facts = {"company": "A", "year": 2026, "period": 10, "state": "closed"}
    desk.control("POST", "periods", facts)
    reply = desk.post("ARSTPY", payment("29.00", unapplied()), previous)
    assert first_error(reply) == "Posting period '10' of year '2026' is closed"


def test_a_foreign_receipt_goes_through_the_bank_of_its_currency(desk: Wire) -> None:
    desk.log_on("B")
    wrong = payment("10.00", unapplied("10.00"), customer="E00001", Bank="CLRGB")
    assert first_error(desk.post("ARSTPY", wrong)) == (
        "Currency 'GBP' is not the currency 'EUR' of the customer"
    )
    right = payment("10.00", unapplied("10.00"), customer="E00001", Bank="CLREU")
    assert first_error(desk.post("ARSTPY", right)) == ""
    # 10.00 euros at 0.86 are 8.60 pounds.
    assert entries(desk) == [("1150", "D", "8.60"), ("1200", "C", "8.60")]
    (row,) = desk.rows("ArInvoice", CustomerPoNumber="PO-1")
    assert (row["PostCurrency"], row["CurrencyValue"]) == ("EUR", "-10.00")


def test_an_adjustment_moves_the_balance_against_its_own_account(desk: Wire) -> None:
    invoice = invoiced(desk)
    facts = {
        "TransactionType": "I",
        "Invoice": invoice,
        "AdjustmentValue": "-4.00",
        "AdjustmentLedgerCode": "4010",
        "Reference": "ADJ",
    }
    inner = f"<Customer>C00001</Customer><InvoiceToAdjust>{elements(facts)}</InvoiceToAdjust>"
    document = f"<PostArPayment><Item><Adjustments>{inner}</Adjustments></Item></PostArPayment>"
    reply = desk.post("ARSTPY", document)
    assert reply.findtext("Item/Adjustments/Key/Journal") == "00034"
    assert desk.rows("ArInvoice", CustomerPoNumber="PO-1")[0]["InvoiceBal1"] == "25.00"
    assert entries(desk)[-2:] == [("1200", "C", "4.00"), ("4010", "D", "4.00")]


def test_a_miscellaneous_receipt_belongs_to_nobody(desk: Wire) -> None:
    facts = {
        "Bank": "CLRUS",
        "MiscellaneousReceiptValue": "5.00",
        "Reference": "MISC",
        "CreditLedgerCode": "4000",
    }
    inner = f"<MiscellaneousReceipt>{elements(facts)}</MiscellaneousReceipt>"
    reply = desk.post("ARSTPY", f"<PostArPayment><Item>{inner}</Item></PostArPayment>")
    assert reply.find("Item/MiscellaneousReceipt/Key") is not None
    assert entries(desk) == [("1150", "D", "5.00"), ("4000", "C", "5.00")]


def ar_document(**changes: str) -> str:
    facts = {
        "TransactionType": "I",
        "Customer": "C00001",
        "GenerateInvoiceNumber": "Y",
        "InvoiceDate": "2026-11-03",
        "Reference": "PO-9",
        "InvoiceValue": "100.00",
        "ProductClass": "WEB",
        **changes,
    }
    return items("PostArInvoices", facts)


def test_an_invoice_without_stock_is_numbered_or_refused_as_a_duplicate(desk: Wire) -> None:
    reply = desk.post("ARSTIN", ar_document())
    assert reply.findtext("Item/Invoice") == "100501"
    assert reply.findtext("StatusOfItems/ItemsValidated") == "000001"
    assert entries(desk) == [("1200", "D", "100.00"), ("4000", "C", "100.00")]
    own = ar_document(GenerateInvoiceNumber="N", Invoice="TO-1")
    assert desk.post("ARSTIN", own).findtext("Item/Invoice") == "TO-1"
    again = desk.post("ARSTIN", own)
    assert again.findtext("Item/Invoice/ErrorNumber") == "120001"
    assert again.findtext("StatusOfItems/InvalidItems") == "000001"
    assert len(desk.done("ARSTIN I", reference="PO-9")) == 2


def test_a_credit_note_is_negative_and_can_be_posted_to_an_invoice(desk: Wire) -> None:
    desk.post("ARSTIN", ar_document(TransactionType="C", InvoiceValue="30.00"))
    (row,) = desk.rows("ArInvoice", CustomerPoNumber="PO-9")
    assert (row["DocumentType"], row["CurrencyValue"]) == ("C", "-30.00")
    assert entries(desk) == [("1200", "C", "30.00"), ("4010", "D", "30.00")]
    invoice = invoiced(desk)
    to_invoice = ar_document(
        TransactionType="C",
        GenerateInvoiceNumber="N",
        PostToExistingInvoice="Y",
        Invoice=invoice,
        InvoiceValue="9.00",
    )
    reply = desk.post("ARSTIN", to_invoice)
    assert (reply.findtext("Item/DocumentType"), reply.findtext("Item/TransactionType")) == (
        "I",
        "C",
    )
    assert desk.rows("ArInvoice", CustomerPoNumber="PO-1")[0]["InvoiceBal1"] == "20.00"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"InvoiceValue": "-1.00"}, "XML element 'InvoiceValue' cannot be negative"),
        ({"ProductClass": ""}, "XML element '{Item}{ProductClass}' cannot be spaces"),
        ({"TransactionType": "X"}, "'X' is not allowed in XML element 'TransactionType'"),
        ({"GenerateInvoiceNumber": "N"}, "XML element '{Item}{Invoice}' cannot be spaces"),
    ],
)
def test_an_ar_document_is_held_to_its_elements(
    desk: Wire, changes: dict[str, str], text: str
) -> None:
    assert first_error(desk.post("ARSTIN", ar_document(**changes))) == text
