"""GL journals: GENTJL, read back from GenJournalCtl and GenJournalDetail.

GENTJL refuses no repeat, so our reference is planted in the journal and in each of its lines
(reference, section 5). A journal is posted in the company's base currency, since the ledger keeps
that; the batch's own amount stands in each line's comment. A setting turns that round.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from include.adapters.syspro.documents import gentjl
from include.adapters.syspro.documents.comfnd import Find, Row
from include.adapters.syspro.partners.common import (
    Asking,
    difference,
    iso_date,
    journal_of,
    minor,
    money_difference,
    number,
)
from include.domain.journal import Journal, JournalLine
from include.domain.money import Money
from include.services.effects.ports import Difference, Effect, Found, Receipt

CONTROL_COLUMNS = (
    "GlYear", "GlPeriod", "GlJournal", "Reference", "JournalDate", "NumOfEntries", "DebitAmount",
    "CreditAmount", "JnlStatus",
)  # fmt: skip
DETAIL_COLUMNS = (
    "GlYear", "GlPeriod", "Journal", "EntryNumber", "Reference", "GlCode", "EntryType",
    "EntryValue", "EntryDate",
)  # fmt: skip
DETAIL_KEY = ("GlYear", "GlPeriod", "Journal", "EntryNumber")
JournalKey = tuple[int | str, int | str, int | str]


class JournalPartner:
    """Satisfies ``effects.ports.Partner`` for ``gl_journal``."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return all journals that carry the reference.

        Before the first send the control table is enough. After one, absence counts, so the lines
        are asked too: SYSPRO may have dropped one of the two references in silence.
        """
        journal = journal_of(effect)
        with self._asking.looking():
            control = {_control_key(row): row for row in self._control(effect.reference)}
            lines: dict[JournalKey, list[Row]] = {
                key: self._lines(row) for key, row in control.items()
            }
            if not control and effect.sends:
                for row in self._lines_by_reference(effect.reference):
                    lines.setdefault(_detail_key(row), []).append(row)
            return tuple(
                _found(key, control.get(key, {}), rows, self._currency(journal))
                for key, rows in lines.items()
            )

    def send(self, effect: Effect) -> Receipt:
        """Post once; see the port for the errors."""
        journal = journal_of(effect)
        faults, words = self._asking.client.faults, self._asking.periods.words(journal.posting_date)
        body = self._asking.client.post(
            "GENTJL", self._parameters(), self.document(journal), effect.reference, words
        )
        posted = self._asking.parsed_post(gentjl.parse, body, "GENTJL")
        faults.demand_taken(posted.verdict, "GENTJL", words)
        currency = self._currency(journal)
        lines = self._lines_sent(journal)
        debit = _debit(lines)
        if posted.entries != len(lines) or minor(posted.debit_text, currency) != debit:
            raise faults.unknown(
                f"the answer is about {posted.entries} entries and {posted.debit_text!r}, "
                f"sent were {len(lines)} and {Money(debit, currency)}",
                "GENTJL",
            )
        key = (number(posted.year), number(posted.period), number(posted.journal))
        return Receipt(their_key(key), {"status": posted.status, "debit": posted.debit_text})

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
        if facts["control_debit"] is not None:
            differences += money_difference(
                "control total", debit, facts["control_debit"], currency
            )
        if facts["status"] not in ("P", ""):
            differences += difference("status", "P (posted)", facts["status"])
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
            "Notation": journal.narrative or journal.key,
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

    def _parameters(self) -> str:
        return gentjl.PARAMETERS.build(
            {
                "Parameters": {
                    "IgnoreWarnings": self._settings.journal_warnings,
                    "ApplyIfEntireDocumentValid": "Y",
                    "ValidateOnly": "N",
                    "ActionType": "A",
                    "IgnoreAnalysis": "Y",
                }
            }
        )

    def _is_original(self, journal: Journal) -> bool:
        return (
            self._settings.journal_currency == "original"
            and journal.currency != journal.base_currency
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

    def _lines(self, control: Row) -> list[Row]:
        where = (
            ("GlYear", "EQ", control["glyear"]),
            ("GlPeriod", "EQ", control["glperiod"]),
            ("Journal", "EQ", control["gljournal"]),
        )
        return self._all_lines(where, control.get("reference", ""))

    def _lines_by_reference(self, reference: str) -> list[Row]:
        return self._all_lines((("Reference", "EQ", reference),), reference)

    def _all_lines(self, where: tuple[tuple[str, str, str], ...], reference: str) -> list[Row]:
        find = Find(
            "GenJournalDetail", where, DETAIL_COLUMNS, return_rows=self._settings.return_rows
        )
        return list(self._asking.find_pages(find, "EntryNumber", DETAIL_KEY, reference))


def their_key(key: JournalKey) -> str:
    """Return year/period/journal without padding, so that a receipt equals a read-back."""
    return "/".join(str(part) for part in key)


def _found(key: JournalKey, control: Row, rows: Iterable[Row], currency: str) -> Found:
    rows = list(rows)
    signed = [
        (
            row.get("glcode", ""),
            _signed(row.get("entrytype", ""), row.get("entryvalue", ""), currency),
        )
        for row in rows
    ]
    values = [value for _, value in signed if isinstance(value, int)]
    dates = sorted({iso_date(row.get("entrydate", "")) for row in rows})
    is_readable = len(values) == len(signed)
    return Found(
        their_key(key),
        {
            "year": key[0],
            "period": key[1],
            "entries": len(rows),
            "debit": sum(v for v in values if v > 0) if is_readable else "unreadable",
            "credit": -sum(v for v in values if v < 0) if is_readable else "unreadable",
            "accounts": dict(_sums((account, v) for account, v in signed if isinstance(v, int))),
            "date": iso_date(control["journaldate"])
            if "journaldate" in control
            else ", ".join(dates),
            "status": control.get("jnlstatus", ""),
            "control_debit": minor(control["debitamount"], currency) if control else None,
        },
    )


def _signed(entry_type: str, text: str, currency: str) -> int | str:
    value = minor(text, currency)
    if isinstance(value, str) or entry_type.upper() not in ("D", "C"):
        return f"{entry_type} {text}"
    return value if entry_type.upper() == "D" else -value


def _sums(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for account, value in pairs:
        sums[account] += value
    return dict(sums)


def _debit(lines: Iterable[tuple[JournalLine, Money]]) -> int:
    return sum(amount.minor for _, amount in lines if amount.minor > 0)


def _control_key(row: Row) -> JournalKey:
    return number(row["glyear"]), number(row["glperiod"]), number(row["gljournal"])


def _detail_key(row: Row) -> JournalKey:
    return number(row["glyear"]), number(row["glperiod"]), number(row["journal"])


def _comment(line: JournalLine) -> str:
    amount = f"{line.amount} " if line.amount.currency != line.base.currency else ""
    return f"{amount}{line.narrative or line.source}"
