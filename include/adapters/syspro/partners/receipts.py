"""Money of a captured payment in AR: ARSTPY, unapplied under our reference; refunds the other way.

ARSTPY refuses no repeat. An unapplied payment stands in ArInvoice as ``_CRDnn`` with our reference
for its customer PO, and there it is found again; what it pays is ``applications``' to say. How a
refund is booked differs by site and is a setting: a negative payment (inferred), a debit note, or
by hand from the report.
"""

from dataclasses import replace

from include.adapters.syspro.documents import arstin, arstpy
from include.adapters.syspro.documents.comfnd import Find
from include.adapters.syspro.partners.common import (
    Asking,
    command_of,
    difference,
    iso_currency,
    iso_date,
    minor,
    money_difference,
)
from include.adapters.syspro.partners.gl_journals import (
    answered,
    gl_debits,
    gl_difference,
    gl_journal_of,
    of_gl_journal,
    period_difference,
    trn_period,
)
from include.adapters.syspro.partners.payments import payments_under, post_payment
from include.domain.erp_orders import BookReceipt, same_key
from include.domain.errors import Rejected
from include.services.effects.ports import Difference, Effect, Found, Receipt

COLUMNS = (
    "Customer", "Invoice", "DocumentType", "InvoiceDate", "CurrencyValue", "PostCurrency",
    "CustomerPoNumber",
)  # fmt: skip


class ReceiptPartner:
    """Satisfies ``effects.ports.Partner`` for ``ar_receipt``."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return every payment that carries the reference.

        The payment history is asked where it seems absent after a send: SYSPRO may have dropped the
        reference of the pseudo-invoice.
        """
        receipt = command_of(BookReceipt, effect)
        with self._asking.client.session():
            found = self._documents(receipt, effect)
            if not found and effect.sent_at is not None and not self._is_debit_note(receipt):
                found = self._history(receipt, effect)
            if len(found) != 1 or not self._has_rate(receipt):
                return found
            in_ledger = self._in_ledger(receipt, effect)
            return (replace(found[0], facts={**found[0].facts, **in_ledger}),)

    def send(self, effect: Effect) -> Receipt:
        """Post once; see the port for the errors."""
        receipt, client = command_of(BookReceipt, effect), self._asking.client
        self._demand_bookable(receipt)
        with client.session(self._settings.write_deadline_s):
            letter = self._asking.periods.letter(receipt.posting_date, "ARSTPY")
            if self._is_debit_note(receipt):
                return self._post_note(receipt, effect, letter)
            return self._post_payment(receipt, effect, letter)

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare amount, currency, date, period and what became of the GL journal.

        Of a foreign one also what it is worth in the company's currency, where the ledger shows it.
        """
        receipt, facts = command_of(BookReceipt, effect), found.facts
        currency = receipt.amount.currency
        differences = [
            *money_difference("amount", abs(receipt.amount.minor), facts["value"], currency),
            *gl_difference(effect),
            *period_difference(
                effect, self._settings, receipt.posting_date, trn_period(effect.their_key)
            ),
        ]
        if facts["currency"]:
            differences += difference("currency", currency, facts["currency"])
        if facts["date"]:
            differences += difference("date", receipt.posting_date.isoformat(), facts["date"])
        if isinstance(facts.get("base"), int):
            base = receipt.base_currency
            ours = receipt.amount.convert(receipt.rate_millionths, base)
            differences += money_difference(
                f"{base} in the ledger", abs(ours.minor), facts["base"], base
            )
        return tuple(differences)

    # Sending ---------------------------------------------------------------------------------

    def _demand_bookable(self, receipt: BookReceipt) -> None:
        """Refuse what this site books by hand, and what could never be found again."""
        settings, faults = self._settings, self._asking.client.faults
        is_refund = receipt.amount.minor < 0
        if settings.receipts == "report" or (is_refund and settings.refund_receipts == "report"):
            what = "refunds" if is_refund else "receipts"
            raise Rejected(
                f"this site books {what} by hand; {receipt.amount} of {receipt.customer} waits",
                faults.where("ARSTPY"),
                f"Book it in SYSPRO under reference {receipt.reference}, then replay it.",
            )
        if receipt.amount.minor == 0:
            raise Rejected(
                "a receipt of nothing", faults.where("ARSTPY"), "Resolve it: nothing is owed."
            )

    def _post_payment(self, receipt: BookReceipt, effect: Effect, letter: str) -> Receipt:
        words = self._asking.periods.words(receipt.posting_date)
        document = self.document(receipt)
        posted, journal = post_payment(
            self._asking, receipt.customer, document, letter, words, effect.reference
        )
        return answered(
            journal,
            posted.verdict.gl_error,
            journal=journal,
            gl_journal=posted.gl_journal,
            document="",
        )

    def _post_note(self, receipt: BookReceipt, effect: Effect, letter: str) -> Receipt:
        client, words = self._asking.client, self._asking.periods.words(receipt.posting_date)
        body = client.post(
            "ARSTIN",
            note_parameters(letter, self._settings.receipt_warnings),
            self.document(receipt),
            effect.reference,
            words,
        )
        posted = self._asking.parsed_post(arstin.parse, body, "ARSTIN")
        client.faults.demand_taken(posted.verdict, "ARSTIN", words)
        is_ours = same_key(receipt.customer, posted.customer)
        if not (is_ours and same_key(receipt.reference, posted.invoice)):
            raise client.faults.unknown(
                f"the answer is about {posted.invoice!r} of {posted.customer!r}", "ARSTIN"
            )
        key = f"{receipt.customer}/{posted.invoice}"
        return answered(
            key,
            posted.verdict.gl_error,
            journal="",
            gl_journal=posted.gl_journal,
            document=posted.invoice,
        )

    def document(self, receipt: BookReceipt) -> str:
        """Return the XmlIn: an unapplied payment or a debit note."""
        if self._is_debit_note(receipt):
            return arstin.NOTE.build(
                {
                    "Item": {
                        "TransactionType": "D",
                        "Customer": receipt.customer,
                        "PostToExistingInvoice": "N",
                        "GenerateInvoiceNumber": "N",
                        "Invoice": receipt.reference,
                        "InvoiceDate": receipt.posting_date,
                        "Reference": receipt.purchase_order,
                        "InvoiceValue": -receipt.amount,
                        "ProductClass": self._settings.refund_product_class,
                    }
                }
            )
        note = f"Card {receipt.purchase_order}"
        payment: dict[str, object] = {
            "Customer": receipt.customer,
            "PaymentValue": receipt.amount,
            "Reference": receipt.reference,
            "PaymentDate": receipt.posting_date,
            "JournalNotation": note,
            "PaymentNarration": note,
            "Bank": receipt.bank,
            "PaymentType": self._settings.payment_type,
            "UnappliedPayment": {
                "GrossPaymentValue": receipt.amount,
                "ExchangeRateToUse": receipt.rate_millionths or None,
                "CustomerPurchaseOrder": receipt.reference,
            },
        }
        return arstpy.PAYMENT.build({"Item": {"Payment": payment}})

    # Looking ---------------------------------------------------------------------------------

    def _documents(self, receipt: BookReceipt, effect: Effect) -> tuple[Found, ...]:
        column = "Invoice" if self._is_debit_note(receipt) else "CustomerPoNumber"
        find = Find("ArInvoice", ((column, "EQ", receipt.reference),), COLUMNS)
        rows = [
            row
            for row in self._asking.find(find, effect.reference)
            if same_key(receipt.customer, row.get("customer", ""))
        ]
        kept = effect.their_key if len(rows) == 1 else ""
        return tuple(
            Found(
                kept or f"{receipt.customer}/{row.get('invoice', '')}",
                _facts(
                    abs(minor(row.get("currencyvalue", ""), receipt.amount.currency)),
                    row.get("invoicedate", ""),
                    row.get("invoice", ""),
                    currency=self._iso(row.get("postcurrency", "")),
                ),
            )
            for row in rows
        )

    def _in_ledger(self, receipt: BookReceipt, effect: Effect) -> dict[str, object]:
        """Return the debits of the receipt's GL journal; nothing where SYSPRO does not name one."""
        gl_journal, base = gl_journal_of(effect), receipt.base_currency
        if not gl_journal:
            return {}
        total = gl_debits(self._asking, of_gl_journal(gl_journal), base, effect.reference)
        return {"gl_journal": gl_journal, **({} if total is None else {"base": total})}

    def _has_rate(self, receipt: BookReceipt) -> bool:
        return receipt.rate_millionths > 0 and not self._is_debit_note(receipt)

    def _history(self, receipt: BookReceipt, effect: Effect) -> tuple[Found, ...]:
        ours = payments_under(self._asking, receipt.customer, receipt.reference, effect.reference)
        listed = [one for one in ours if not one.invoice] or ours  # shown twice, counted once
        kept = effect.their_key if len(listed) == 1 else ""
        return tuple(
            Found(
                kept or f"{receipt.customer}/payment {place}",
                _facts(
                    abs(minor(one.value_text, receipt.amount.currency)),
                    one.date_text,
                    one.invoice,
                    currency="",
                ),
            )
            for place, one in enumerate(listed, 1)
        )

    def _iso(self, code: str) -> str:
        return iso_currency(self._settings, code, "ArInvoice") if code else ""

    def _is_debit_note(self, receipt: BookReceipt) -> bool:
        return receipt.amount.minor < 0 and self._settings.refund_receipts == "arstin"


def note_parameters(letter: str, warnings: str) -> str:
    """Return ARSTIN's XmlParameters for period C, P or B, and what becomes of a warning."""
    return arstin.PARAMETERS.build(
        {
            "Parameters": {
                "IgnoreWarnings": warnings,
                "ApplyIfEntireDocumentValid": "Y",
                "ValidateOnly": "N",
                "PostingPeriod": letter,
                "AutomaticTaxCalculation": "N",
            }
        }
    )


def _facts(value: int, day: str, document: str, *, currency: str) -> dict[str, object]:
    return {
        "journal": "",
        "gl_journal": "",
        "document": document,
        "value": value,
        "currency": currency,
        "date": iso_date(day),
    }
