"""GL journals: GENTJL, read back from GenJournalCtl and GenJournalDetail.

GENTJL refuses no repeat, so our reference is planted in the journal and in each of its lines
(reference, section 5). A journal is posted in the company's base currency, since the ledger keeps
that; the batch's own amount stands in each line's comment. A setting turns that round: SYSPRO then
converts by its own rate, so the proof is in the batch's currency and says nothing of the base.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from include.adapters.syspro.documents import gentjl
from include.adapters.syspro.documents.comfnd import Condition, Find, Row
from include.adapters.syspro.documents.gentjl import PostedJournal
from include.adapters.syspro.partners.common import (
    Asking,
    difference,
    iso_date,
    journal_of,
    minor,
    money_difference,
    number,
    total_minor,
)
from include.domain.errors import OutcomeUnknown, Retryable
from include.domain.journal import Journal, JournalLine
from include.domain.money import Money
from include.services.effects.ports import Difference, Effect, Found, Receipt

CONTROL_COLUMNS = ("GlYear", "GlPeriod", "GlJournal", "Reference", "JnlStatus")
POSTED = "P"
DETAIL_COLUMNS = (
    "GlYear", "GlPeriod", "Journal", "EntryNumber", "Reference", "GlCode", "EntryType",
    "EntryValue", "EntryDate", "EntryPosted",
)  # fmt: skip
FOREIGN_COLUMNS = (*DETAIL_COLUMNS, "CurrencyValue", "PostCurrency")
DETAIL_KEY = ("GlYear", "GlPeriod", "Journal", "EntryNumber")
JournalKey = tuple[int | str, int | str, int | str]


class JournalPartner:
    """Satisfies ``effects.ports.Partner`` for ``gl_journal``."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return all journals that carry the reference.

        The lines tell everything in one call, so they are asked first once something was sent;
        before that the control table is enough. Absence after a send counts, so then both must
        agree: SYSPRO may have dropped one of the two references in silence. The head alone says
        whether the journal is posted.
        """
        journal = journal_of(effect)
        reference = effect.reference
        with self._asking.client.session():
            lines: dict[JournalKey, list[Row]] = {}
            statuses: dict[JournalKey, str] = {}
            if effect.sent_at is not None:
                for row in self._lines(journal, (("Reference", "EQ", reference),)):
                    lines.setdefault(_key(row, "journal"), []).append(row)
                for key, rows in lines.items():
                    statuses[key] = self._status(rows[0], reference)
            if not lines:
                for control in self._control(reference):
                    key = _key(control, "gljournal")
                    lines[key] = self._lines(journal, _journal_condition(control))
                    statuses[key] = control.get("jnlstatus", "")
            return tuple(
                self._found(key, rows, journal, statuses[key]) for key, rows in lines.items()
            )

    def send(self, effect: Effect) -> Receipt:
        """Post once; see the port for the errors."""
        journal = journal_of(effect)
        faults, words = self._asking.client.faults, self._asking.periods.words(journal.posting_date)
        body = self._asking.client.post(
            "GENTJL", self.parameters(), self.document(journal), effect.reference, words
        )
        posted = self._asking.parsed_post(gentjl.parse, body, "GENTJL")
        faults.demand_taken(posted.verdict, "GENTJL", words)
        self._demand_ours(posted, journal)
        key = (number(posted.year), number(posted.period), number(posted.journal))
        return Receipt(their_key(key), {"status": posted.status, "debit": posted.debit_text})

    def _demand_ours(self, posted: PostedJournal, journal: Journal) -> None:
        """Refuse the answer to another journal; what became of ours is then unknown."""
        lines, currency = self._lines_sent(journal), self._currency(journal)
        ours = (len(lines), Money(_debit(lines), currency).minor)
        try:
            theirs = (posted.entries, minor(posted.debit_text, currency))
        except Retryable as fault:
            raise OutcomeUnknown(fault.what, fault.where, "Look for the journal.") from None
        if theirs != ours:
            raise self._asking.client.faults.unknown(
                f"the answer is about {posted.entries} entries and {posted.debit_text}, "
                f"sent were {ours[0]} and {Money(ours[1], currency)}",
                "GENTJL",
            )

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare totals, count, each account, date, period and status."""
        journal, facts = journal_of(effect), found.facts
        lines = self._lines_sent(journal)
        year, period = self._asking.periods.fiscal(journal.posting_date)
        currency, debit = self._currency(journal), _debit(lines)
        differences = [
            *money_difference("debit total", debit, facts["debit"], currency),
            *money_difference("credit total", debit, facts["credit"], currency),
            *difference("entries", len(lines), facts["entries"]),
            *difference("year and period", (year, period), (facts["year"], facts["period"])),
            *difference("journal date", journal.posting_date.isoformat(), facts["date"]),
        ]
        # One that waits for an authorisation, say, moves no balance.
        differences += difference("journal status", POSTED, facts["status"])
        if "N" in str(facts["posted"]):
            differences += difference("entries posted", "Y", facts["posted"])
        ours = _sums((line.gl_account, amount.minor) for line, amount in lines)
        theirs = facts["accounts"] if isinstance(facts["accounts"], Mapping) else {}
        for account in sorted(ours.keys() | theirs.keys()):
            differences += money_difference(
                f"account {account}", ours.get(account, 0), theirs.get(account, 0), currency
            )
        return tuple(differences)

    def document(self, journal: Journal) -> str:
        """Return GENTJL's XmlIn; zero lines are not sent, since SYSPRO drops them."""
        year, period = self._asking.periods.fiscal(journal.posting_date)
        item: dict[str, object] = {
            "JournalType": "N",
            "AuthorizeJournal": self._settings.authorize_journal,
            "PostJournal": "Y",
            "CancelJournal": "N",
            "HoldJournal": "N",
            "JournalDate": journal.posting_date,
            "JournalReference": journal.reference,
            "Notation": journal.text,
            "PostingPeriod": period,
            "PostingYear": year,
            "SourceCode": self._settings.journal_source or None,
            "Currency": journal.currency if self._is_original(journal) else None,
            "JournalDetails": [
                {
                    "LedgerCode": line.gl_account,
                    "Date": journal.posting_date,
                    "Reference": journal.reference,
                    "EntryAmount": amount,
                    "Comment": _comment(line),
                }
                for line, amount in self._lines_sent(journal)
            ],
        }
        return gentjl.JOURNAL.build({"Item": item})

    def parameters(self, *, validates: bool = False) -> str:
        """Return GENTJL's XmlParameters; what is only validated moves nothing."""
        return gentjl.PARAMETERS.build(
            {
                "Parameters": {
                    "IgnoreWarnings": self._settings.journal_warnings,
                    "ApplyIfEntireDocumentValid": "Y",
                    "ValidateOnly": "Y" if validates else "N",
                    "ActionType": "A",
                    "IgnoreAnalysis": "Y",
                }
            }
        )

    def _is_original(self, journal: Journal) -> bool:
        return (
            self._settings.journal_currency == "original"
            and journal.currency != journal.base_currency
            # What is off in the base currency alone can be said in no other.
            and any(line.amount.minor for line in journal.lines)
        )

    def _currency(self, journal: Journal) -> str:
        return journal.currency if self._is_original(journal) else journal.base_currency

    def _lines_sent(self, journal: Journal) -> list[tuple[JournalLine, Money]]:
        is_original = self._is_original(journal)
        chosen = [(line, line.amount if is_original else line.base) for line in journal.lines]
        return [(line, amount) for line, amount in chosen if amount.minor]

    def _control(self, reference: str) -> tuple[Row, ...]:
        find = Find("GenJournalCtl", (("Reference", "EQ", reference),), CONTROL_COLUMNS)
        return self._asking.find(find, reference)

    def _status(self, line: Row, reference: str) -> str:
        """Return the status of the journal of a line; ``''`` where there is no such head."""
        where = (
            ("GlYear", "EQ", line["glyear"]),
            ("GlPeriod", "EQ", line["glperiod"]),
            ("GlJournal", "EQ", line["journal"]),
        )
        heads = self._asking.find(Find("GenJournalCtl", where, CONTROL_COLUMNS), reference)
        ours = [one for one in heads if _key(one, "gljournal") == _key(line, "journal")]
        return ours[0].get("jnlstatus", "") if len(ours) == 1 else ""

    def _lines(self, journal: Journal, where: tuple[Condition, ...]) -> list[Row]:
        columns = FOREIGN_COLUMNS if self._is_original(journal) else DETAIL_COLUMNS
        find = Find("GenJournalDetail", where, columns, return_rows=self._settings.return_rows)
        return list(self._asking.find_pages(find, "EntryNumber", DETAIL_KEY, journal.reference))

    def _found(self, key: JournalKey, rows: list[Row], journal: Journal, status: str) -> Found:
        currency, ours = self._currency(journal), _debit(self._lines_sent(journal))
        signed = [
            (row.get("glcode", ""), _signed(row, self._value(row, currency), currency))
            for row in rows
        ]
        debit = sum(value for _, value in signed if value > 0)
        return Found(
            their_key(key),
            {
                "total_minor": total_minor(journal, Money(ours, currency), debit),
                "year": key[0],
                "period": key[1],
                "entries": len(rows),
                "debit": debit,
                "credit": -sum(value for _, value in signed if value < 0),
                "accounts": _sums(signed),
                "date": ", ".join(sorted({iso_date(row.get("entrydate", "")) for row in rows})),
                "status": status,
                "posted": "".join(sorted({row.get("entryposted", "").upper() for row in rows})),
            },
        )

    def _value(self, row: Row, currency: str) -> str:
        """Return the value in the currency that was sent; the ledger shows its own beside it."""
        code = row.get("postcurrency", "")
        is_beside = bool(code) and self._settings.iso_currency(code, "SYSPRO read-back") == currency
        return row.get("currencyvalue" if is_beside else "entryvalue", "")


def their_key(key: JournalKey) -> str:
    """Return year/period/journal without padding, so that a receipt equals a read-back."""
    return "/".join(str(part) for part in key)


def _signed(row: Row, text: str, currency: str) -> int:
    side = row.get("entrytype", "").upper()
    if side not in ("D", "C"):
        raise Retryable(
            f"an entry is neither debit nor credit but {side!r}",
            "SYSPRO read-back",
            "Read the journal in SYSPRO by hand.",
        )
    value = minor(text, currency)
    return value if side == "D" else -value


def _sums(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for account, value in pairs:
        sums[account] += value
    return dict(sums)


def _debit(lines: Iterable[tuple[JournalLine, Money]]) -> int:
    return sum(amount.minor for _, amount in lines if amount.minor > 0)


def _key(row: Row, journal_column: str) -> JournalKey:
    return number(row["glyear"]), number(row["glperiod"]), number(row[journal_column])


def _journal_condition(control: Row) -> tuple[Condition, ...]:
    return (
        ("GlYear", "EQ", control["glyear"]),
        ("GlPeriod", "EQ", control["glperiod"]),
        ("Journal", "EQ", control["gljournal"]),
    )


def _comment(line: JournalLine) -> str:
    amount = f"{line.amount} " if line.amount.currency != line.base.currency else ""
    return f"{amount}{line.text}"
