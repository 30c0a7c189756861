"""A receipt that pays an invoice: look, send and compare, against scripted answers."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from include.adapters.syspro.settings import CHOICES
from include.domain.errors import IntegrationError, OutcomeUnknown, Parked, Rejected, Retryable
from include.services.effects.ports import Effect, EffectKind
from tests.syspro.support_orders import APPLY, RECEIPT, effect_of, options, paid, table, usd

SENT: dict[str, Any] = {"sent_at": datetime(2026, 11, 3, 9, 0, tzinfo=UTC), "sends": 1}
Make = Callable[..., Any]
REFERENCE = effect_of(APPLY).reference


def partner(make_adapter: Make, **extra: object) -> Any:
    return make_adapter(**extra).partners[EffectKind.ar_application]


def sent(**more: Any) -> Effect:
    return effect_of(APPLY, **SENT, **more)


def documents(receipt_left: str = "-40.20", invoice_left: str = "40.20", **more: str) -> bytes:
    """The two rows of ArInvoice, as COMFND shows them."""
    receipt = {
        "Customer": "W000001",
        "Invoice": "_CRD07",
        "DocumentType": "C",
        "CurrencyValue": "-40.20",
        "InvoiceBal1": receipt_left,
        "CustomerPoNumber": RECEIPT.reference,
        **more,
    }
    invoice = {
        "Customer": "W000001",
        "Invoice": "000000000100501",
        "DocumentType": "I",
        "CurrencyValue": "40.20",
        "InvoiceBal1": invoice_left,
        "CustomerPoNumber": "WEB-1001",
    }
    return table("ArInvoice", receipt, invoice)


def account(*paid_ones: tuple[str, str, str]) -> bytes:
    """Return an account; each of ``paid_ones`` is document, reference and value."""
    shown = "".join(
        f"<InvoiceDetail><Invoice>{name}</Invoice><TransDetail><Reference>{reference}</Reference>"
        f"<TrnValue>{value}</TrnValue><JournalDate>2026-11-03</JournalDate></TransDetail>"
        "</InvoiceDetail>"
        for name, reference, value in paid_ones
    )
    head = "<Header><Customer>W000001</Customer></Header>"
    return f"<ARStatement>{head}{shown}</ARStatement>".encode()


def site(fake: Any, answer: bytes = b"") -> None:
    """Script a SYSPRO in which both are open."""
    fake.on("query COMFND", documents())
    fake.on("query GENQSO", options())
    fake.on("post ARSTPY", answer or paid(gl_journal="00000"))


# Sending ----------------------------------------------------------------------------------------


def test_one_payment_of_nothing_sets_the_receipt_against_the_invoice(
    fake: Any, make_adapter: Make
) -> None:
    site(fake)
    receipt = partner(make_adapter).send(effect_of(APPLY))
    assert receipt.their_key == "2026/11/34"
    assert receipt.evidence == {
        "journal": "2026/11/34", "gl_journal": "", "gl_error": "", "document": APPLY.invoice,
    }  # fmt: skip
    (body,) = [call.fields["XmlIn"] for call in fake.calls if "Post" in call.path]
    shares = re.findall(
        "<TransactionType>(.)</TransactionType><Invoice>(.+?)</Invoice>"
        "<GrossPaymentValue>(.+?)</GrossPaymentValue>",
        body,
    )
    assert shares == [("I", "000000000100501", "40.20"), ("C", "_CRD07", "-40.20")]
    assert "<PaymentValue>0.00</PaymentValue>" in body
    assert f"<Reference>{REFERENCE}</Reference>" in body
    assert "UnappliedPayment" not in body


def test_the_pseudo_invoices_own_type_is_named(fake: Any, make_adapter: Make) -> None:
    """Which type it has is not published, so it is read."""
    site(fake)
    fake.on("query COMFND", documents(DocumentType="D"))
    partner(make_adapter).send(effect_of(APPLY))
    (body,) = [call.fields["XmlIn"] for call in fake.calls if "Post" in call.path]
    assert "<TransactionType>D</TransactionType><Invoice>_CRD07</Invoice>" in body


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (documents(receipt_left="-40.19"), "has 40.19 USD left, not 40.20 USD"),
        (documents(invoice_left="0.00"), "has 0.00 USD left"),
        (documents(invoice_left="-1.00"), "has -1.00 USD left"),
        (documents(invoice_left=""), "has an unknown amount left"),
        (documents(Invoice="100502", DocumentType="I"), "is not there once"),
        (documents(Customer="OTHER"), "is not there once"),
        (documents(CustomerPoNumber="OTHER"), "is not there once"),
        (documents(CurrencyValue="40.20", receipt_left="40.20"), "one sign"),
        (table("ArInvoice"), "is not there once"),
    ],
)
def test_what_is_not_open_in_both_is_refused_and_nothing_is_sent(
    fake: Any, make_adapter: Make, shown: bytes, words: str
) -> None:
    site(fake)
    fake.on("query COMFND", shown)
    with pytest.raises(Rejected, match=words):
        partner(make_adapter).send(effect_of(APPLY))
    assert fake.count("post") == 0


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (paid("OTHER"), OutcomeUnknown, "OTHER"),
        (paid().replace(b"00034", b"     "), OutcomeUnknown, "journal ''"),
        (paid().replace(b"<ItemsProcessed>1", b"<ItemsProcessed>0"), OutcomeUnknown, "neither"),
        (b"<postarpayment>", OutcomeUnknown, "half"),
        (b"ERROR: e.net exception 100000", OutcomeUnknown, "licence"),
        (b"ERROR: Posting period is closed", Parked, "Open the period"),
        (
            b"<postarpayment><Item><Payment><InvoiceToPay><GrossPaymentValue><ErrorNumber>1"
            b"</ErrorNumber><ErrorDescription>exceeds the balance</ErrorDescription>"
            b"</GrossPaymentValue></InvoiceToPay></Payment></Item><StatusOfItems><ItemsProcessed/>"
            b"<ItemsInvalid>1</ItemsInvalid></StatusOfItems></postarpayment>",
            Rejected,
            "exceeds",
        ),
    ],
)
def test_every_other_answer_falls_into_its_family(
    fake: Any, make_adapter: Make, answer: bytes, error: type[IntegrationError], words: str
) -> None:
    site(fake, answer)
    with pytest.raises(error, match=words) as caught:
        partner(make_adapter).send(effect_of(APPLY))
    assert type(caught.value) is error


def test_a_failed_ledger_journal_is_marked_and_never_verified(
    fake: Any, make_adapter: Make
) -> None:
    site(fake, paid(gl_error="period not open in GL", gl_journal=""))
    made = partner(make_adapter)
    receipt = made.send(effect_of(APPLY))
    fake.on("query COMFND", documents("0.00", "0.00"))
    effect = sent(their_key=receipt.their_key)
    (found,) = made.look(effect)
    assert [one.what for one in made.compare(effect, found)] == ["general ledger journal"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"applications": "report"}, "applies receipts by hand"),
        ({"applications": "none"}, "applies receipts by hand"),
        ({"payment_history": "none"}, "could not be found again"),
    ],
)
def test_what_a_site_does_not_do_is_refused_with_the_next_step(
    fake: Any, make_adapter: Make, extra: dict[str, object], words: str
) -> None:
    with pytest.raises(Rejected, match=words):
        partner(make_adapter, **extra).send(effect_of(APPLY))
    assert fake.calls == []


# Looking ----------------------------------------------------------------------------------------


def test_an_application_is_found_below_the_invoice_by_our_reference(
    fake: Any, make_adapter: Make
) -> None:
    shown = account(("100501", REFERENCE, "40.20"), ("_CRD07", REFERENCE, "-40.20"))
    fake.on("query COMFND", documents("", ""))
    fake.on("query ARSQRY", shown)
    made = partner(make_adapter)
    (found,) = made.look(sent())
    assert made.compare(sent(), found) == ()
    assert made.look(sent(their_key="2026/11/34"))[0].their_key == "2026/11/34"
    late = sent(their_key="2026/12/34")
    assert [one.what for one in made.compare(late, found)] == ["year and period"]


@pytest.mark.parametrize(
    ("shown", "what"),
    [
        ([("100501", REFERENCE, "40.19"), ("_CRD07", REFERENCE, "-40.20")], ["amount"]),
        (
            [("100501", REFERENCE, "40.20"), ("_CRD07", REFERENCE, "-40.00")],
            ["taken from the receipt"],
        ),
        ([("100777", REFERENCE, "40.20"), ("_CRD07", REFERENCE, "-40.20")], ["amount"]),
        ([("100501", REFERENCE, "40.20")], []),  # the receipt's side is not shown everywhere
    ],
)
def test_an_application_that_is_there_is_compared(
    fake: Any, make_adapter: Make, shown: list[tuple[str, str, str]], what: list[str]
) -> None:
    fake.on("query COMFND", documents("", ""))
    fake.on("query ARSQRY", account(*shown))
    made = partner(make_adapter)
    (found,) = made.look(sent())
    assert [one.what for one in made.compare(sent(), found)] == what


def test_an_application_made_twice_is_found_twice(fake: Any, make_adapter: Make) -> None:
    fake.on("query COMFND", documents("-22.20", "22.20"))
    fake.on("query ARSQRY", account(("100501", REFERENCE, "9.00"), ("100501", REFERENCE, "9.00")))
    assert len(partner(make_adapter).look(sent())) == 2


@pytest.mark.parametrize(
    ("receipt_left", "invoice_left", "is_found"),
    [
        ("0.00", "0.00", True),
        ("-40.20", "40.20", False),
        ("0.00", "40.20", False),  # it paid something else
        ("-40.20", "0.00", False),  # something else paid the invoice
        ("", "0.00", False),
    ],
)
def test_what_a_person_applied_shows_in_both_balances(
    fake: Any, make_adapter: Make, receipt_left: str, invoice_left: str, is_found: bool
) -> None:
    fake.on("query ARSQRY", account(("100501", "SOMEBODY", "40.20")))
    fake.on("query COMFND", documents(receipt_left, invoice_left))
    made = partner(make_adapter)
    found = made.look(sent())
    assert bool(found) is is_found
    assert [made.compare(sent(), one) for one in found] == [()] * is_found


@pytest.mark.parametrize(
    ("effect", "left", "is_there"),
    [
        (effect_of(APPLY), ("-40.20", "40.20"), False),
        (effect_of(APPLY), ("0.00", "0.00"), True),  # a person was faster
        (sent(), ("-40.20", "40.20"), False),
        (sent(), ("0.00", "0.00"), True),
        (sent(their_key="2026/11/34"), ("0.00", "0.00"), True),
    ],
)
def test_the_account_of_a_house_customer_is_not_read_where_the_balances_tell(
    fake: Any, make_adapter: Make, effect: Effect, left: tuple[str, str], *, is_there: bool
) -> None:
    """It holds all orders of all guests: beyond some 30,000 no answer is small enough."""
    fake.on("query COMFND", documents(*left))
    made = partner(make_adapter)
    found = made.look(effect)
    assert [made.compare(effect, one) for one in found] == [()] * is_there
    assert fake.verbs() == ["logon", "query COMFND", "logoff"]


@pytest.mark.parametrize("answer", [b"ERROR: not logged in", b"<ARStatement>", account()])
def test_a_look_that_could_not_ask_never_reads_as_absent(
    fake: Any, make_adapter: Make, answer: bytes
) -> None:
    fake.on("query ARSQRY", answer)
    fake.on("query COMFND", b"ERROR: e.net exception 100000")
    with pytest.raises((Retryable, Rejected)):
        partner(make_adapter).look(sent())


# Reading ----------------------------------------------------------------------------------------


def test_receipts_are_read_with_what_is_left_and_orders_do_not_see_them(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query COMFND", table("ArInvoice", *rows()))
    reader = make_adapter().orders
    (receipt,) = reader.receipts_of([RECEIPT.reference])
    assert (receipt.invoice, receipt.amount, receipt.left) == ("_CRD07", usd(40_20), usd(10_20))
    (invoice,) = reader.documents_of("WEB-1001", "W000001")
    assert (invoice.invoice, invoice.amount, invoice.left) == ("100501", usd(40_20), None)


def rows() -> tuple[dict[str, str], dict[str, str]]:
    shared = {"Customer": "W000001", "InvoiceDate": "2026-11-03", "PostCurrency": "USD"}
    receipt = {"Invoice": "_CRD07", "DocumentType": "C", "CurrencyValue": "-40.20"}
    invoice = {"Invoice": "100501", "DocumentType": "I", "CurrencyValue": "40.20"}
    return (
        {**shared, **receipt, "InvoiceBal1": "-10.20", "CustomerPoNumber": RECEIPT.reference},
        {**shared, **invoice, "InvoiceBal1": "", "CustomerPoNumber": "WEB-1001"},
    )


def test_no_receipts_are_asked_for_without_references(fake: Any, make_adapter: Make) -> None:
    assert make_adapter().orders.receipts_of([]) == ()
    assert fake.calls == []


@pytest.mark.parametrize("word", CHOICES["applications"])
def test_a_site_says_who_applies_receipts(make_adapter: Make, word: str) -> None:
    assert make_adapter(applications=word).orders.applies_receipts() is (word != "none")


def test_the_facade_posts_no_application(make_adapter: Make) -> None:
    adapter = make_adapter(adapter="api_services")
    with pytest.raises(Rejected, match="posts no ar_application"):
        adapter.partners[EffectKind.ar_application].send(effect_of(replace(APPLY)))
