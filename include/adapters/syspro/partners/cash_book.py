"""Money that reached the bank: CSHTWD, read back by CSHQRY.

CSHTWD refuses no repeat; our reference stands in the transaction. Values are in the bank's own
currency, which is the batch's; the distribution is in the same (inferred, reference section 4.6).
SYSPRO converts them by itself, so what a foreign deposit is worth in the company's currency is
read from the general ledger, where that shows it. Absence after a send counts, so then the ledger
must agree: which transactions CSHQRY lists as of a period is not published.
"""

from collections.abc import Sequence

from include.adapters.syspro.documents import cshqry, cshtwd
from include.adapters.syspro.documents.comfnd import Condition, Find, Row
from include.adapters.syspro.documents.cshqry import BankTransaction
from include.adapters.syspro.partners.common import (
    Asking,
    Split,
    difference,
    iso_date,
    journal_of,
    minor,
    money_difference,
    number,
    split,
)
from include.adapters.syspro.partners.gl_journals import (
    answered,
    gl_debits,
    gl_difference,
    gl_journal_of,
    of_gl_journal,
    period_difference,
)
from include.domain.erp_orders import same_key
from include.domain.journal import Journal
from include.domain.money import Money
from include.services.effects.ports import Difference, Effect, Found, Receipt

DEPOSIT, WITHDRAWAL = "D", "W"
_ALONE = (
    "EntryType", "EntryValue", "GlYear", "GlPeriod", "Journal", "GlCode", "EntryDate",
    "EntryNumber",
)  # fmt: skip
_SIGNS = {"D": 1, "C": -1}


class CashBookPartner:
    """Satisfies ``effects.ports.Partner`` for ``cash_book_entry``."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return the bank's transactions that carry the reference, or else their GL journals."""
        journal = journal_of(effect)
        bank = journal.detail("bank_code")
        with self._asking.client.session():
            ours = self._in_bank(bank, effect.reference)
            if not ours and effect.sent_at is not None:
                return self._in_ledger_alone(journal, effect)
            is_foreign = journal.currency != journal.base_currency
            gl_journal = gl_journal_of(effect)
            # Of two copies nobody can say whose the journal is; that there are two is enough.
            ledger = self._ledger(journal, gl_journal) if is_foreign and len(ours) == 1 else None
        return tuple(_found(bank, entry, journal, ledger, gl_journal) for entry in ours)

    def _in_bank(self, bank: str, reference: str) -> list[BankTransaction]:
        for as_of in self._settings.cash_book_as_of:
            body = self._asking.client.query("CSHQRY", cshqry.build(bank, as_of), reference)
            found = self._asking.read(lambda raw: cshqry.parse(raw, bank), body, "CSHQRY")
            if ours := [e for e in found if e.reference.casefold() == reference.casefold()]:
                return ours
        return []

    def _in_ledger_alone(self, journal: Journal, effect: Effect) -> tuple[Found, ...]:
        """Return one find for each GL journal under the reference, of what CSHQRY does not list.

        Our reference is in no other journal: only the cash book hands it on to the ledger.
        """
        where = (("Reference", "EQ", effect.reference),)
        find = Find("GenJournalDetail", where, _ALONE)
        rows = self._asking.find_whole(find, "EntryNumber", effect.reference)
        by_key: dict[str, list[Row]] = {}
        for row in rows:
            parts = (row.get(name, "") for name in ("glyear", "glperiod", "journal"))
            by_key.setdefault("/".join(str(number(part)) for part in parts), []).append(row)
        kept = effect.their_key if len(by_key) == 1 else ""
        return tuple(_from_ledger(journal, key, by_key[key], kept) for key in by_key)

    def _ledger(self, journal: Journal, gl_journal: str) -> int | None:
        """Return the debits of the deposit's GL journal, in minor units; ``None``: none is shown.

        The journal is known by the answer to our posting; without one, by our reference, which
        SYSPRO may hand on to the ledger (inferred).
        """
        under_ours: tuple[Condition, ...] = (("Reference", "EQ", journal.reference),)
        where = of_gl_journal(gl_journal) if gl_journal else under_ours
        return gl_debits(self._asking, where, journal.base_currency, journal.reference)

    def send(self, effect: Effect) -> Receipt:
        """Post once; see the port for the errors."""
        journal, client = journal_of(effect), self._asking.client
        periods, faults = self._asking.periods, client.faults
        document = self.document(journal)
        with client.session():
            letter = periods.letter(journal.posting_date, "CSHTWD")
            words = periods.words(journal.posting_date)
            asked = parameters(letter, self._settings.cash_book_warnings)
            body = client.post("CSHTWD", asked, document, effect.reference, words)
        posted = self._asking.parsed_post(cshtwd.parse, body, "CSHTWD")
        faults.demand_taken(posted.verdict, "CSHTWD", words)
        if posted.bank.casefold() != journal.detail("bank_code").casefold():
            raise faults.unknown(f"the answer is about bank {posted.bank!r}", "CSHTWD")
        key = their_key(posted.bank, posted.year, posted.month, posted.journal)
        return answered(key, posted.verdict.gl_error, gl_journal=posted.gl_journal)

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare value, direction, date, period, and the GL journal where it shows.

        Whether it is reconciled is no difference: a clerk does that, by right, at any time after.
        """
        journal, facts = journal_of(effect), found.facts
        kind, parts = _split(journal)
        shown = facts["period"] if isinstance(facts["period"], tuple) else None
        differences = [
            *money_difference(
                "value",
                parts.value.minor,
                parts.value.minor if facts["value"] is None else facts["value"],
                journal.currency,
            ),
            *money_difference(
                f"{journal.base_currency} in the ledger",
                journal.debit_total.minor,
                facts["total_minor"] if facts["is_in_ledger"] else journal.debit_total.minor,
                journal.base_currency,
            ),
            *difference("transaction date", journal.posting_date.isoformat(), facts["date"]),
            *period_difference(effect, self._settings, journal.posting_date, shown),
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
            "Narration": journal.text,
            "WithdrawalType": "N" if kind == WITHDRAWAL else None,
            "ExchangeRate": journal.rate_millionths if is_foreign else None,
            "LedgerDistribution": [
                {
                    "LedgerCode": line.gl_account,
                    "LedgerNotation": line.text,
                    "LedgerValue": amount,
                }
                for line, amount in parts.lines
            ],
        }
        return cshtwd.ENTRY.build({"Item": {"AddTransaction": transaction}})


def _found(
    bank: str, entry: BankTransaction, journal: Journal, ledger: int | None, gl_journal: str
) -> Found:
    value = minor(entry.value_text, journal.currency)
    # What the ledger does not show is as we convert it, never as we meant it.
    own = Money(abs(value), journal.currency).convert(
        journal.rate_millionths, journal.base_currency
    )
    return Found(
        their_key(bank, entry.year, entry.month, entry.journal),
        {
            "total_minor": own.minor if ledger is None else ledger,
            "is_in_ledger": ledger is not None,
            "gl_journal": gl_journal,  # kept as evidence, for the next look
            "value": abs(value),
            "kind": entry.trn_type.upper()[:1],
            "date": iso_date(entry.date_text),
            "period": (number(entry.year), number(entry.month)),
        },
    )


def _from_ledger(journal: Journal, gl_key: str, rows: Sequence[Row], kept: str) -> Found:
    """Read a deposit from its GL journal: the bank's account says how much, and which way."""
    signed = [
        (row, minor(row.get("entryvalue", ""), journal.base_currency) * _SIGNS[side])
        for row in rows
        if (side := row.get("entrytype", "").upper()) in _SIGNS
    ]
    account = journal.detail("contra_account")
    bank = sum(value for row, value in signed if same_key(account, row.get("glcode", "")))
    is_foreign = journal.currency != journal.base_currency
    year, period, _ = gl_key.split("/")
    return Found(
        kept or f"{journal.detail('bank_code')}/GL {gl_key}",
        {
            "total_minor": sum(value for _, value in signed if value > 0),
            "is_in_ledger": True,
            "gl_journal": gl_key,
            "value": None if is_foreign else abs(bank),  # the ledger shows base currency alone
            "kind": DEPOSIT if bank >= 0 else WITHDRAWAL,
            "date": ", ".join(sorted({iso_date(row.get("entrydate", "")) for row in rows})),
            "period": (number(year), number(period)),
        },
    )


def their_key(bank: str, year: str, month: str, journal: str) -> str:
    """Return bank/year/month/journal without padding, so that a receipt equals a read-back."""
    return f"{bank}/{number(year)}/{number(month)}/{number(journal)}"


def parameters(letter: str, warnings: str) -> str:
    """Return CSHTWD's XmlParameters for period C, P or B, and what becomes of a warning."""
    return cshtwd.PARAMETERS.build(
        {
            "Parameters": {
                "PostingPeriod": letter,
                "IgnoreWarnings": warnings,
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
