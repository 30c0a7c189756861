"""Customers, receipts and custom fields: look, send and compare, against scripted answers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from include.domain.errors import Illegible, IntegrationError, OutcomeUnknown, Parked, Rejected
from include.services.effects.ports import EffectKind
from tests.syspro.support_orders import (
    CUSTOMER,
    FIELD,
    RECEIPT,
    added,
    effect_of,
    options,
    paid,
    pseudo_invoice,
    table,
)

SENT_AT = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
SENT: dict[str, Any] = {"sent_at": SENT_AT, "sends": 1}
Make = Callable[..., Any]


# Customers --------------------------------------------------------------------------------------


def customer_row(**more: str) -> bytes:
    row = {
        "Customer": "W000001",
        "Name": "ZO\u00cb LASKA".encode("ascii", "xmlcharrefreplace").decode(),
        "Currency": "USD",
        "SoldToAddr1": "12 Rue Haute",
        "SoldToAddr2": "Etage 2",
        "SoldToAddr3": "Lyon",
        "SoldToAddr4": "",
        "SoldToAddr5": "FR",
        "SoldPostalCode": "69001",
        **more,
    }
    return table("ArCustomer", row)


def test_a_customer_is_added_by_setup_under_our_code(fake: Any, make_adapter: Make) -> None:
    fake.on("add ARSSCS", added())
    receipt = make_adapter().partners[EffectKind.customer].send(effect_of(CUSTOMER))
    assert (receipt.their_key, receipt.evidence) == ("W000001", {"customer": "W000001"})
    assert fake.calls[1].path.endswith("/Rest/Setup/Add")


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (added(problem="Customer exists", number="120001"), OutcomeUnknown, "already there"),
        (added(problem="Branch '10' not found", number="240004"), Rejected, "Branch"),
        (added("OTHER"), OutcomeUnknown, "OTHER"),
        (added(""), OutcomeUnknown, "customer ''"),
        (b"ERROR: e.net exception 100000", OutcomeUnknown, "licence"),
        (b"<setuparcustomer>", OutcomeUnknown, "half"),
    ],
)
def test_every_other_answer_to_an_add_falls_into_its_family(
    fake: Any, make_adapter: Make, answer: bytes, error: type[IntegrationError], words: str
) -> None:
    fake.on("add ARSSCS", answer)
    with pytest.raises(error, match=words) as caught:
        make_adapter().partners[EffectKind.customer].send(effect_of(CUSTOMER))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({}, []),
        ({"Currency": ""}, []),  # blank is the company's own
        ({"Name": "Somebody Else"}, ["name"]),
        ({"Currency": "EUR"}, ["currency"]),
        ({"SoldToAddr3": "Paris"}, ["address line 3"]),
        ({"SoldPostalCode": "75001"}, ["postal code"]),
    ],
)
def test_a_customer_that_is_there_is_compared(
    fake: Any, make_adapter: Make, more: dict[str, str], what: list[str]
) -> None:
    fake.on("query COMFND", customer_row(**more))
    partner, effect = make_adapter().partners[EffectKind.customer], effect_of(CUSTOMER)
    (found,) = partner.look(effect)
    assert [one.what for one in partner.compare(effect, found)] == what


def test_absence_seen_by_the_credit_question_is_not_asked_for_again_in_the_session(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query ARSQRY", b"ERROR: Customer W000001 not found")
    fake.on("query COMFND", customer_row())
    adapter = make_adapter()
    partner, effect = adapter.partners[EffectKind.customer], effect_of(CUSTOMER)
    with adapter.session():
        assert not adapter.orders.credit("W000001").exists
        assert partner.look(effect) == ()
        assert fake.count("query") == 1
        assert partner.look(replace(effect, **SENT))  # after a send it is always asked
    assert partner.look(effect)  # and in another session too


# Receipts ---------------------------------------------------------------------------------------


def receipts(make_adapter: Make, **extra: object) -> Any:
    return make_adapter(**extra).partners[EffectKind.ar_receipt]


def test_a_receipt_is_posted_in_its_period_and_answered_with_both_journals(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query GENQSO", options())
    fake.on("post ARSTPY", paid())
    receipt = receipts(make_adapter).send(effect_of(RECEIPT))
    assert receipt.their_key == "2026/11/34"
    assert receipt.evidence == {
        "journal": "2026/11/34", "gl_journal": "2026/11/00268", "document": "", "gl_error": "",
    }  # fmt: skip
    assert "<PostingPeriod>C</PostingPeriod>" in fake.calls[2].fields["XmlParameters"]


def test_a_receipt_whose_ledger_journal_failed_is_marked_and_never_verified(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query GENQSO", options())
    fake.on("post ARSTPY", paid(gl_error="period not open in GL", gl_journal=""))
    fake.on("query COMFND", pseudo_invoice("_CRD01"))
    partner = receipts(make_adapter)
    receipt = partner.send(effect_of(RECEIPT))
    assert "GL-FAILED: period not open in GL" in receipt.their_key
    effect = effect_of(RECEIPT, their_key=receipt.their_key, **SENT)
    (found,) = partner.look(effect)
    assert [one.what for one in partner.compare(effect, found)] == ["general ledger journal"]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (paid("OTHER"), OutcomeUnknown, "OTHER"),
        (paid().replace(b"00034", b"     "), OutcomeUnknown, "journal ''"),
        (paid().replace(b"<ItemsProcessed>1", b"<ItemsProcessed>0"), OutcomeUnknown, "neither"),
        (b"ERROR: e.net exception 100000", OutcomeUnknown, "report-only"),
        (b"ERROR: Posting period is closed", Parked, "Open the period"),
        (
            b"<postarpayment><Item><Payment><Bank><ErrorNumber>1</ErrorNumber><ErrorDescription>"
            b"Bank 'CLR' not found</ErrorDescription></Bank></Payment></Item><StatusOfItems>"
            b"<ItemsProcessed/><ItemsInvalid>1</ItemsInvalid></StatusOfItems></postarpayment>",
            Rejected,
            "Bank 'CLR'",
        ),
    ],
)
def test_every_other_answer_to_a_receipt_falls_into_its_family(
    fake: Any, make_adapter: Make, answer: bytes, error: type[IntegrationError], words: str
) -> None:
    fake.on("query GENQSO", options())
    fake.on("post ARSTPY", answer)
    with pytest.raises(error, match=words) as caught:
        receipts(make_adapter).send(effect_of(RECEIPT))
    assert type(caught.value) is error


def test_a_receipt_of_a_period_that_is_closed_waits_and_is_not_sent(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query GENQSO", options(2027, 3))
    with pytest.raises(Parked):
        receipts(make_adapter).send(effect_of(RECEIPT))
    assert fake.count("post") == 0


def test_a_receipt_is_found_by_the_pseudo_invoice_that_carries_our_reference(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query COMFND", pseudo_invoice("_CRD07"))
    partner = receipts(make_adapter)
    effect = effect_of(RECEIPT, **SENT)
    (found,) = partner.look(effect)
    assert (found.their_key, found.facts["document"]) == ("W000001/_CRD07", "_CRD07")
    assert partner.compare(effect, found) == ()
    known = replace(effect, their_key="2026/11/34")
    assert partner.look(known)[0].their_key == "2026/11/34"
    other_month = replace(effect, their_key="2026/10/34")
    assert [d.what for d in partner.compare(other_month, found)] == ["year and period"]


def test_a_receipt_booked_twice_is_found_twice(fake: Any, make_adapter: Make) -> None:
    fake.on("query COMFND", pseudo_invoice("_CRD07", "_CRD08"))
    found = receipts(make_adapter).look(effect_of(RECEIPT, their_key="2026/11/34", **SENT))
    assert [one.their_key for one in found] == ["W000001/_CRD07", "W000001/_CRD08"]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"CurrencyValue": "40.20"}, []),
        ({"CurrencyValue": "-40.21"}, ["amount"]),
        ({"PostCurrency": "EUR"}, ["currency"]),
        ({"InvoiceDate": "2026-11-04"}, ["date"]),
    ],
)
def test_a_receipt_that_is_there_is_compared(
    fake: Any, make_adapter: Make, more: dict[str, str], what: list[str]
) -> None:
    fake.on("query COMFND", pseudo_invoice("_CRD07", **more))
    partner, effect = receipts(make_adapter), effect_of(RECEIPT, **SENT)
    (found,) = partner.look(effect)
    assert [one.what for one in partner.compare(effect, found)] == what


@pytest.mark.parametrize("more", [{"PostCurrency": "R"}, {"CurrencyValue": "1,0,0"}])
def test_a_receipt_that_is_there_and_cannot_be_read_is_no_silence(
    fake: Any, make_adapter: Make, more: dict[str, str]
) -> None:
    fake.on("query COMFND", pseudo_invoice("_CRD07", **more))
    with pytest.raises(Illegible):
        receipts(make_adapter).look(effect_of(RECEIPT, **SENT))


def account(*payments: str, invoices: str = "") -> bytes:
    listed = "".join(
        f"<PayDetail><ChequeReference>{one}</ChequeReference><PayDate>2026-11-03</PayDate>"
        "<PayValue>40.20</PayValue></PayDetail>"
        for one in payments
    )
    return (
        f"<ARStatement><Header><Customer>W000001</Customer></Header>{invoices}{listed}"
        "</ARStatement>"
    ).encode()


def test_a_payment_of_an_earlier_period_is_asked_for_where_the_site_names_it(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query COMFND", table("ArInvoice"))
    fake.on("query ARSQRY", account("X"), account(RECEIPT.reference))
    assert len(receipts(make_adapter, payments_as_of="C|P").look(effect_of(RECEIPT, **SENT))) == 1
    asked = [call.fields["XmlIn"] for call in fake.calls if call.business_object == "ARSQRY"]
    assert ["C" if "<AsOfPeriod>C<" in one else "P" for one in asked] == ["C", "P"]


def test_an_unapplied_receipt_that_lost_its_reference_is_found_in_the_history(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query COMFND", table("ArInvoice"))
    applied_since = (
        f"<InvoiceDetail><Invoice>100466</Invoice><TransDetail><Reference>{RECEIPT.reference}"
        "</Reference><TrnValue>-40.20</TrnValue></TransDetail></InvoiceDetail>"
    )
    partner, effect = receipts(make_adapter), effect_of(RECEIPT, **SENT)
    for invoices in ("", applied_since):  # then it is shown twice, and counted once
        fake.on("query ARSQRY", account("X", RECEIPT.reference, invoices=invoices))
        (found,) = partner.look(effect)
        assert partner.compare(effect, found) == ()
    fake.on("query ARSQRY", account())
    assert partner.look(effect) == ()


@pytest.mark.parametrize(
    ("extra", "command", "words"),
    [
        ({"receipts": "report"}, RECEIPT, "books receipts by hand"),
        (
            {"refund_receipts": "report"},
            replace(RECEIPT, amount=-RECEIPT.amount),
            "books refunds by hand",
        ),
        ({}, replace(RECEIPT, amount=RECEIPT.amount - RECEIPT.amount), "nothing"),
    ],
)
def test_what_a_site_does_not_book_is_refused_with_the_next_step(
    fake: Any, make_adapter: Make, extra: dict[str, object], command: Any, words: str
) -> None:
    with pytest.raises(Rejected, match=words):
        receipts(make_adapter, **extra).send(effect_of(command))
    assert fake.calls == []


def debit_note(customer: str = "W000001", invoice: str = RECEIPT.reference) -> bytes:
    return (
        f"<postarinvoices><Item><Customer>{customer}</Customer><Invoice>{invoice}</Invoice></Item>"
        "<StatusOfItems><ItemsValidated>000001</ItemsValidated><InvalidItems>000000</InvalidItems>"
        "</StatusOfItems></postarinvoices>"
    ).encode()


def test_a_refund_as_a_debit_note_is_numbered_by_us_and_found_by_that(
    fake: Any, make_adapter: Make
) -> None:
    refund = replace(RECEIPT, amount=-RECEIPT.amount)
    fake.on("query GENQSO", options())
    fake.on("post ARSTIN", debit_note())
    fake.on("query COMFND", pseudo_invoice(RECEIPT.reference, DocumentType="D"))
    partner = receipts(make_adapter, refund_receipts="arstin", refund_product_class="CARD")
    receipt = partner.send(effect_of(refund))
    assert receipt.evidence["document"] == RECEIPT.reference
    effect = effect_of(refund, their_key=receipt.their_key, **SENT)
    (found,) = partner.look(effect)
    assert found.their_key == receipt.their_key
    assert partner.compare(effect, found) == ()


@pytest.mark.parametrize(
    "answer", [debit_note(customer="W000002"), debit_note(invoice="SOMEBODYS")]
)
def test_an_answer_about_another_debit_note_leaves_the_outcome_unknown(
    fake: Any, make_adapter: Make, answer: bytes
) -> None:
    fake.on("query GENQSO", options())
    fake.on("post ARSTIN", answer)
    partner = receipts(make_adapter, refund_receipts="arstin", refund_product_class="CARD")
    with pytest.raises(OutcomeUnknown, match="the answer is about"):
        partner.send(effect_of(replace(RECEIPT, amount=-RECEIPT.amount)))


# Custom fields ----------------------------------------------------------------------------------


def form(value: str, name: str = "GATEREF") -> bytes:
    return (
        "<Query><Key><FormType>ORD</FormType><KeyField>15574</KeyField></Key><Field><Name>"
        f"{name}</Name><Value>{value}</Value></Field></Query>"
    ).encode()


def set_field(problem: str = "") -> bytes:
    trouble = f"<fieldname><ErrorDescription>{problem}</ErrorDescription></fieldname>"
    return (
        "<setupcustomform><item><key><formtype>ORD</formtype><keyfield>15574</keyfield></key>"
        f"{trouble if problem else ''}</item><StatusOfItems><RecordsRead>1</RecordsRead>"
        f"<RecordsInvalid>{int(bool(problem))}</RecordsInvalid></StatusOfItems></setupcustomform>"
    ).encode()


@pytest.mark.parametrize(("held", "verb"), [("", "add"), ("OLD", "update")])
def test_a_field_is_added_where_it_is_empty_and_updated_where_not(
    fake: Any, make_adapter: Make, held: str, verb: str
) -> None:
    fake.on("query COMQFM", form(held))
    fake.on(f"{verb} COMSFM", set_field())
    receipt = make_adapter().partners[EffectKind.custom_field].send(effect_of(FIELD))
    assert receipt.their_key == "ORD/15574/GATEREF"
    assert fake.calls[2].verb == verb


def test_an_add_refused_as_existing_becomes_an_update(fake: Any, make_adapter: Make) -> None:
    fake.on("query COMQFM", form(""))
    fake.on("add COMSFM", set_field("already exists"))
    fake.on("update COMSFM", set_field())
    make_adapter().partners[EffectKind.custom_field].send(effect_of(FIELD))
    assert [call.verb for call in fake.calls[2:4]] == ["add", "update"]


def test_a_field_is_found_once_it_holds_the_value_and_compared_after_an_answer(
    fake: Any, make_adapter: Make
) -> None:
    partner = make_adapter().partners[EffectKind.custom_field]
    fake.on("query COMQFM", form("OLD"))
    assert partner.look(effect_of(FIELD)) == ()
    effect = effect_of(FIELD, their_key="ORD/15574/GATEREF", **SENT)
    (found,) = partner.look(effect)
    assert [one.what for one in partner.compare(effect, found)] == ["GATEREF"]
    fake.on("query COMQFM", form(FIELD.value))
    (found,) = partner.look(effect_of(FIELD))
    assert partner.compare(effect_of(FIELD), found) == ()


def test_the_other_object_for_custom_forms_and_none_at_all(fake: Any, make_adapter: Make) -> None:
    fake.on("query COMQFM", form(""))
    fake.on(
        "post COMTFM",
        b"<PostCustomForm><Item><Key><FormType>ORD</FormType></Key></Item></PostCustomForm>",
    )
    make_adapter(custom_forms="comtfm").partners[EffectKind.custom_field].send(effect_of(FIELD))
    assert "<Function>A</Function>" in fake.calls[2].fields["XmlParameters"]
    none = make_adapter(custom_forms="none").partners[EffectKind.custom_field]
    assert none.look(effect_of(FIELD)) == ()
    with pytest.raises(Rejected, match="keeps no custom forms"):
        none.send(effect_of(FIELD))


def test_a_field_that_the_form_does_not_have_is_refused(fake: Any, make_adapter: Make) -> None:
    fake.on("query COMQFM", form("", name="OTHER"))
    fake.on("add COMSFM", set_field("Field 'GATEREF' not found"))
    with pytest.raises(Rejected, match="GATEREF"):
        make_adapter().partners[EffectKind.custom_field].send(effect_of(FIELD))
