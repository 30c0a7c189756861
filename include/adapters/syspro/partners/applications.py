"""A receipt pays an invoice: ARSTPY of 0.00, the invoice's share against the pseudo-invoice's.

That a payment of nothing may do this is inferred, and so a setting (``applications``). ARSTPY
refuses no repeat. Whether it was applied, by us or meanwhile by hand, is told by what is left of
the two documents, in one question however many orders the customer has. Only where that is not
clear is the customer's account read: each application carries its own reference there, below the
invoice, but the answer holds all that a customer ever bought and paid, and a house account's is
too large. Source: SYSPRO reference, sections 4.4 and 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from include.adapters.syspro.documents import arsqry, arstpy
from include.adapters.syspro.documents.comfnd import Find, Row
from include.adapters.syspro.partners.common import (
    Asking,
    command_of,
    difference,
    iso_date,
    key_conditions,
    minor,
    money_difference,
    with_key,
)
from include.adapters.syspro.partners.gl_journals import (
    answered,
    gl_difference,
    period_difference,
    trn_period,
)
from include.adapters.syspro.partners.payments import payments_under, post_payment
from include.adapters.syspro.reader import is_payment
from include.domain.erp_orders import ApplyReceipt, same_key
from include.domain.errors import Rejected
from include.domain.money import Money
from include.services.effects.ports import Difference, Effect, Found, Receipt

COLUMNS = (
    "Customer", "Invoice", "DocumentType", "CurrencyValue", "InvoiceBal1", "CustomerPoNumber",
)  # fmt: skip
_KINDS = ("I", "C", "D")  # TransactionType of InvoiceToPay


@dataclass(frozen=True, slots=True)
class _Shown:
    """A document as SYSPRO shows it now."""

    invoice: str
    kind: str
    left: Money | None  # open, whatever SYSPRO's sign; ``None``: SYSPRO does not say
    is_credit: bool  # its balance is negative, and so is its share


class ApplicationPartner:
    """Satisfies ``effects.ports.Partner`` for ``ar_application``."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return every application under our reference, or the one that the balances show."""
        command = command_of(ApplyReceipt, effect)
        with self._asking.client.session():
            drawn, paid = self._down(command, effect.reference)
            shown = self._by_balances(command, effect, min(drawn, paid))
            is_sent = effect.sent_at is not None
            is_clear = drawn == paid and paid in (0, command.amount.minor)
            if is_clear or not is_sent:  # nothing of ours is in the account before a send
                return shown
            return self._history(command, effect) or shown

    def send(self, effect: Effect) -> Receipt:
        """Post once; see the port for the errors."""
        command, client = command_of(ApplyReceipt, effect), self._asking.client
        self._demand_wanted(command)
        words = self._asking.periods.words(command.posting_date)
        with client.session(self._settings.write_deadline_s):
            receipt, invoice = self._documents(command, effect.reference)
            pair = _demand_left(command, receipt, invoice, client.faults.where("ARSTPY"))
            document = self.document(command, effect.reference, *pair)
            letter = self._asking.periods.letter(command.posting_date, "ARSTPY")
            posted, journal = post_payment(
                self._asking, command.customer, document, letter, words, effect.reference
            )
        return answered(
            journal,
            posted.verdict.gl_error,
            journal=journal,
            gl_journal=posted.gl_journal,
            document=command.invoice,
        )

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare amount, both sides of it, date, period and what became of the GL journal."""
        command, facts = command_of(ApplyReceipt, effect), found.facts
        amount = command.amount
        differences = [
            *money_difference("amount", amount.minor, facts["value"], amount.currency),
            *gl_difference(effect),
            *period_difference(
                effect, self._settings, command.posting_date, trn_period(effect.their_key)
            ),
        ]
        if facts["taken"] is not None:
            differences += money_difference(
                "taken from the receipt", amount.minor, facts["taken"], amount.currency
            )
        if facts["date"]:
            differences += difference("date", command.posting_date.isoformat(), facts["date"])
        return tuple(differences)

    def document(
        self, command: ApplyReceipt, reference: str, receipt: _Shown, invoice: _Shown
    ) -> str:
        """Return the XmlIn: two shares that cancel out."""
        note = f"Card {command.purchase_order}"
        shares = [
            {
                "TransactionType": one.kind,
                "Invoice": one.invoice,
                "GrossPaymentValue": -command.amount if one.is_credit else command.amount,
            }
            for one in (invoice, receipt)
        ]
        payment: dict[str, object] = {
            "Customer": command.customer,
            "PaymentValue": Money(0, command.amount.currency),
            "Reference": reference,
            "PaymentDate": command.posting_date,
            "JournalNotation": note,
            "PaymentNarration": note,
            "Bank": command.bank,
            "PaymentType": self._settings.payment_type,
            "InvoiceToPay": shares,
        }
        return arstpy.PAYMENT.build({"Item": {"Payment": payment}})

    # Sending ---------------------------------------------------------------------------------

    def _demand_wanted(self, command: ApplyReceipt) -> None:
        """Refuse what this site does by hand, and what could never be found again."""
        settings, where = self._settings, self._asking.client.faults.where("ARSTPY")
        if settings.applications != "arstpy":
            raise Rejected(
                f"this site applies receipts by hand; {command.amount} of {command.customer} waits",
                where,
                f"In SYSPRO apply receipt {command.receipt_reference} to invoice "
                f"{command.invoice}, then replay this: it is found applied.",
            )
        if settings.payment_history == "none":
            raise Rejected(
                f"a payment of invoice {command.invoice!r} could not be found again",
                where,
                "Set payment_history of the connection, or applications to report or none.",
            )

    # Looking ---------------------------------------------------------------------------------

    def _history(self, command: ApplyReceipt, effect: Effect) -> tuple[Found, ...]:
        """Return what stands under our reference in the customer's account."""
        ours = payments_under(self._asking, command.customer, effect.reference, effect.reference)
        paid = [one for one in ours if one.invoice and not is_payment({"invoice": one.invoice})]
        taken = [one for one in ours if is_payment({"invoice": one.invoice})]
        return self._found(command, effect, paid, taken)

    def _found(
        self,
        command: ApplyReceipt,
        effect: Effect,
        paid: Sequence[arsqry.Payment],
        taken: Sequence[arsqry.Payment],
    ) -> tuple[Found, ...]:
        """Return one find for each time the invoice was paid; another invoice is a difference."""
        currency, kept = command.amount.currency, effect.their_key if len(paid) == 1 else ""
        drawn = abs(minor(taken[0].value_text, currency)) if len(taken) == 1 else None
        return tuple(
            Found(
                kept or f"{command.customer}/{one.invoice}/application {place}",
                {
                    "document": one.invoice,
                    "value": abs(minor(one.value_text, currency))
                    if same_key(command.invoice, one.invoice)
                    else f"on {one.invoice}",
                    "taken": drawn,
                    "date": iso_date(one.date_text),
                },
            )
            for place, one in enumerate(paid, 1)
        )

    def _down(self, command: ApplyReceipt, reference: str) -> tuple[int, int]:
        """Return by how much receipt and invoice have gone down since it was planned.

        One that is not shown, or without its balance, counts as -1: nobody can say.
        """
        receipt, invoice = self._documents(command, reference)
        pairs = (command.receipt_left, receipt), (command.invoice_left, invoice)
        drawn, paid = (
            -1 if now is None or now.left is None else then.minor - now.left.minor
            for then, now in pairs
        )
        return drawn, paid

    def _by_balances(self, command: ApplyReceipt, effect: Effect, down: int) -> tuple[Found, ...]:
        """Return the application that made both go down, by us or by a person who was faster."""
        amount = command.amount
        if down < amount.minor:
            return ()
        facts = {"document": command.invoice, "value": amount.minor, "taken": None, "date": ""}
        way = "by hand" if effect.sent_at is None else "application"
        return (Found(effect.their_key or f"{command.customer}/{command.invoice}/{way}", facts),)

    def _documents(
        self, command: ApplyReceipt, reference: str
    ) -> tuple[_Shown | None, _Shown | None]:
        """Return the receipt's pseudo-invoice and the invoice as they stand; one question."""
        keys = key_conditions("Invoice", command.invoice, self._settings.key_width)
        wanted = (("CustomerPoNumber", "EQ", command.receipt_reference), *keys)
        find = Find("ArInvoice", (), COLUMNS, any_of=wanted)
        rows = with_key(self._asking.find(find, reference), "customer", command.customer)
        receipts = [
            row
            for row in rows
            if is_payment(row)
            and row.get("customerponumber", "").casefold() == command.receipt_reference.casefold()
        ]
        invoices = [
            row
            for row in with_key(rows, "invoice", command.invoice)
            if row.get("documenttype", "") == "I" and not is_payment(row)
        ]
        currency = command.amount.currency
        return _only(receipts, currency), _only(invoices, currency)


def _only(rows: Sequence[Row], currency: str) -> _Shown | None:
    """Return the one document, or none; of two nobody can say which is meant."""
    if len(rows) != 1:
        return None
    row, kind = rows[0], rows[0].get("documenttype", "")
    value = minor(row.get("currencyvalue", ""), currency)
    text, is_credit = row.get("invoicebal1", ""), value < 0
    left = minor(text, currency) if text else None
    shown = None if left is None else Money(-left if is_credit else left, currency)
    return _Shown(row.get("invoice", ""), kind if kind in _KINDS else "C", shown, is_credit)


def _demand_left(
    command: ApplyReceipt, receipt: _Shown | None, invoice: _Shown | None, where: str
) -> tuple[_Shown, _Shown]:
    """Refuse to apply more than is left of either, and what is not there.

    Raises:
        Rejected: nothing is sent.
    """
    named = {
        f"receipt {command.receipt_reference}": receipt,
        f"invoice {command.invoice}": invoice,
    }
    do = "See the customer's account in SYSPRO; apply what is left by hand, then resolve this."
    for words, shown in named.items():
        if shown is None:
            raise Rejected(f"{words} of {command.customer} is not there once", where, do)
        if shown.left is None or shown.left.minor < command.amount.minor:
            left = shown.left or "an unknown amount"
            raise Rejected(f"{words} has {left} left, not {command.amount}", where, do)
    if receipt is None or invoice is None:
        raise ValueError("both were there")
    if receipt.is_credit == invoice.is_credit:
        raise Rejected(
            f"receipt {receipt.invoice} and invoice {invoice.invoice} have one sign", where, do
        )
    return receipt, invoice
