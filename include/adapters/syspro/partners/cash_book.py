"""Money that reached the bank: CSHTWD, read back by CSHQRY.

CSHTWD refuses no repeat; our reference stands in the transaction. Values are in the bank's own
currency, which is the batch's; the distribution is in the same (inferred, reference section 4.6).
"""

from include.adapters.syspro.documents import cshqry, cshtwd
from include.adapters.syspro.partners.common import (
    GL_FAILED,
    Asking,
    Split,
    difference,
    gl_difference,
    iso_date,
    journal_of,
    minor,
    money_difference,
    number,
    period_difference,
    split,
    total_minor,
)
from include.domain.journal import Journal
from include.services.effects.ports import Difference, Effect, Found, Receipt

DEPOSIT, WITHDRAWAL = "D", "W"


class CashBookPartner:
    """Satisfies ``effects.ports.Partner`` for ``cash_book_entry``."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return the bank's transactions that carry the reference."""
        journal = journal_of(effect)
        bank = journal.detail("bank_code")
        with self._asking.client.session():
            body = self._asking.client.query("CSHQRY", cshqry.build(bank), effect.reference)
            found = self._asking.read(lambda raw: cshqry.parse(raw, bank), body, "CSHQRY")
        ours = _split(journal)[1].value
        with_value = [
            (entry, abs(minor(entry.value_text, journal.currency)))
            for entry in found
            if entry.reference.casefold() == effect.reference.casefold()
        ]
        return tuple(
            Found(
                their_key(bank, entry.year, entry.month, entry.journal),
                {
                    "total_minor": total_minor(journal, ours, value),
                    "value": value,
                    "kind": entry.trn_type.upper()[:1],
                    "date": iso_date(entry.date_text),
                    "period": (number(entry.year), number(entry.month)),
                    "is_reconciled": entry.is_reconciled,
                },
            )
            for entry, value in with_value
        )

    def send(self, effect: Effect) -> Receipt:
        """Post once; see the port for the errors."""
        journal, client = journal_of(effect), self._asking.client
        periods, faults = self._asking.periods, client.faults
        document = self.document(journal)
        with client.session():
            letter = periods.letter(journal.posting_date, "CSHTWD")
            words = periods.words(journal.posting_date)
            body = client.post("CSHTWD", parameters(letter), document, effect.reference, words)
        posted = self._asking.parsed_post(cshtwd.parse, body, "CSHTWD")
        faults.demand_taken(posted.verdict, "CSHTWD", words)
        if posted.bank.casefold() != journal.detail("bank_code").casefold():
            raise faults.unknown(f"the answer is about bank {posted.bank!r}", "CSHTWD")
        gl_error = posted.verdict.gl_error
        key = their_key(posted.bank, posted.year, posted.month, posted.journal)
        key += f"{GL_FAILED}{gl_error[:80]}" if gl_error else ""
        return Receipt(key, {"gl_journal": posted.gl_journal, "gl_error": gl_error})

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare value, direction, date, period, state and what became of the GL journal."""
        journal, facts = journal_of(effect), found.facts
        kind, parts = _split(journal)
        shown = facts["period"] if isinstance(facts["period"], tuple) else None
        differences = [
            *money_difference("value", parts.value.minor, facts["value"], journal.currency),
            *difference("transaction date", journal.posting_date.isoformat(), facts["date"]),
            *period_difference(effect, self._settings, journal.posting_date, shown),
            *difference("reconciled", False, facts["is_reconciled"]),
            *gl_difference(effect),
        ]
        if facts["kind"] in (DEPOSIT, WITHDRAWAL):  # what else the column may say is not published
            differences += difference("deposit or withdrawal", kind, facts["kind"])
        return tuple(differences)

    def document(self, journal: Journal) -> str:
        """Return CSHTWD's XmlIn; a negative funding is a withdrawal."""
        kind, parts = _split(journal)
        is_foreign = journal.currency != journal.base_currency
        transaction: dict[str, object] = {
            "Bank": journal.detail("bank_code"),
            "DepositOrWithdrawal": kind,
            "Reconciled": "N",
            "Reference": journal.reference,
            "TransactionValue": parts.value,
            "TransactionDate": journal.posting_date,
            "Narration": journal.narrative or journal.key,
            "WithdrawalType": "N" if kind == WITHDRAWAL else None,
            "ExchangeRate": journal.rate_millionths if is_foreign else None,
            "LedgerDistribution": [
                {
                    "LedgerCode": line.gl_account,
                    "LedgerNotation": line.narrative or line.source,
                    "LedgerValue": amount,
                }
                for line, amount in parts.lines
            ],
        }
        return cshtwd.ENTRY.build({"Item": {"AddTransaction": transaction}})


def their_key(bank: str, year: str, month: str, journal: str) -> str:
    """Return bank/year/month/journal without padding, so that a receipt equals a read-back."""
    return f"{bank}/{number(year)}/{number(month)}/{number(journal)}"


def parameters(letter: str) -> str:
    """Return CSHTWD's XmlParameters for period C, P or B."""
    return cshtwd.PARAMETERS.build(
        {
            "Parameters": {
                "PostingPeriod": letter,
                "IgnoreWarnings": "N",
                "ApplyIfEntireDocumentValid": "Y",
                "ValidateOnly": "N",
                "IgnoreAnalysis": "Y",
                "Taxable": "N",
            }
        }
    )


def _split(journal: Journal) -> tuple[str, Split]:
    deposit = split(journal, is_original=True, is_credit_document=True)
    if deposit.value.minor >= 0:
        return DEPOSIT, deposit
    return WITHDRAWAL, split(journal, is_original=True, is_credit_document=False)
