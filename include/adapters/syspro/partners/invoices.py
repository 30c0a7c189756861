"""The acquirer's bill as a supplier's invoice: APSTIN, read back from ApInvoice.

SYSPRO refuses a second invoice of the same number for the same supplier, which makes a wrong resend
harmless; a refusal of that kind is therefore "look again", never failure and never success.

A bill for less than nothing, e.g. a restatement downward, is a credit note under its own number.
Nothing published says that SYSPRO refuses a second one, or how it shows its sign (inferred: as a
document of its own, in ApInvoice like an invoice).
"""

from include.adapters.syspro.documents import apstin
from include.adapters.syspro.documents.comfnd import Condition, Find
from include.adapters.syspro.partners.common import (
    Asking,
    Split,
    difference,
    iso_date,
    journal_of,
    minor,
    money_difference,
    split,
    total_minor,
)
from include.adapters.syspro.partners.gl_journals import (
    answered,
    gl_difference,
    period_difference,
    trn_period,
)
from include.domain.erp_orders import same_key
from include.domain.journal import Journal
from include.services.effects.ports import Difference, Effect, Found, Receipt

INVOICE, CREDIT_NOTE = "I", "C"  # of TransactionCode


class InvoicePartner:
    """Satisfies ``effects.ports.Partner`` for ``ap_invoice``."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return the invoice of this supplier and number, whoever entered it."""
        journal = journal_of(effect)
        supplier, invoice = journal.detail("supplier"), journal.detail("invoice")
        where = (_key_condition("Supplier", supplier), _key_condition("Invoice", invoice))
        with self._asking.client.session():
            # All columns, because only six of this table's columns are published.
            rows = self._asking.find(Find("ApInvoice", where), effect.reference)
        code, parts = self._split(journal)
        ours = parts.value
        values = [minor(row.get("originvvalue", ""), ours.currency) for row in rows]
        if code == CREDIT_NOTE:
            values = [abs(value) for value in values]
        return tuple(
            Found(
                effect.their_key or f"{supplier}/{invoice}",
                {
                    "total_minor": total_minor(journal, ours, value),
                    "value": value,
                    "date": iso_date(row.get("invoicedate", "")),
                    "reference": row.get("reference", ""),
                },
            )
            for row, value in zip(rows, values, strict=True)
            if same_key(supplier, row.get("supplier", ""))
            and same_key(invoice, row.get("invoice", ""))
        )

    def send(self, effect: Effect) -> Receipt:
        """Post once; see the port for the errors."""
        journal, client = journal_of(effect), self._asking.client
        periods, faults = self._asking.periods, client.faults
        document = self.document(journal)
        with client.session():
            parameters = self._parameters(periods.letter(journal.posting_date, "APSTIN"))
            words = periods.words(journal.posting_date)
            body = client.post("APSTIN", parameters, document, effect.reference, words)
        posted = self._asking.parsed_post(apstin.parse, body, "APSTIN")
        faults.demand_taken(posted.verdict, "APSTIN", words)
        supplier, invoice = journal.detail("supplier"), journal.detail("invoice")
        if not (same_key(supplier, posted.supplier) and same_key(invoice, posted.invoice)):
            raise faults.unknown(
                f"the answer is about invoice {posted.invoice!r} of {posted.supplier!r}", "APSTIN"
            )
        return answered(posted.their_key, posted.verdict.gl_error, gl_journal=posted.gl_journal)

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare value, date, our reference, period and what became of the GL journal."""
        journal, facts = journal_of(effect), found.facts
        value = self._split(journal)[1].value
        differences = [
            *money_difference("invoice value", value.minor, facts["value"], value.currency),
            *gl_difference(effect),
            *period_difference(
                effect, self._settings, journal.posting_date, trn_period(effect.their_key)
            ),
        ]
        if facts["date"]:
            differences += difference(
                "invoice date", journal.posting_date.isoformat(), facts["date"]
            )
        if facts["reference"]:
            differences += difference("reference", effect.reference, facts["reference"])
        return tuple(differences)

    def document(self, journal: Journal) -> str:
        """Return APSTIN's XmlIn."""
        code, parts = self._split(journal)
        is_foreign = self._is_original and journal.currency != journal.base_currency
        item: dict[str, object] = {
            "Supplier": journal.detail("supplier"),
            "TransactionCode": code,
            "Invoice": journal.detail("invoice"),
            "TransactionValue": parts.value,
            "Notation": journal.text,
            "TransactionReference": journal.reference,
            "JournalNotation": journal.text,
            "InvoiceDate": journal.posting_date,
            "ExchRateAtEntry": journal.rate_millionths if is_foreign else None,
            "LedgerDistribution": [
                {
                    "LedgerCode": line.gl_account,
                    "LedgerNotation": line.text,
                    "LedgerValue": amount,
                }
                for line, amount in parts.lines
            ],
        }
        return apstin.INVOICE.build({"Item": item})

    def _parameters(self, letter: str) -> str:
        return apstin.PARAMETERS.build(
            {
                "Parameters": {
                    "PostingPeriod": letter,
                    "IgnoreWarnings": self._settings.invoice_warnings,
                    "ApplyIfEntireDocumentValid": "Y",
                    "ValidateOnly": "N",
                    "LedgerDistributionCurrency": "F" if self._is_original else "L",
                    "AutomaticTaxCalculation": "N",
                    "IgnoreAnalysis": "Y",
                }
            }
        )

    @property
    def _is_original(self) -> bool:
        return self._settings.invoice_currency == "original"

    def _split(self, journal: Journal) -> tuple[str, Split]:
        invoice = split(journal, is_original=self._is_original, is_credit_document=False)
        if invoice.value.minor >= 0:
            return INVOICE, invoice
        return CREDIT_NOTE, split(journal, is_original=self._is_original, is_credit_document=True)


def _key_condition(column: str, key: str) -> Condition:
    # A numeric key is stored with leading zeros, to a length that depends on the site.
    return (column, "LIKE", f"%{key}") if key.isdigit() else (column, "EQ", key)
