"""What became of the general ledger's journal of a sub-ledger posting: answered, kept, read back.

A sub-ledger may have an item whose GL journal failed. The key of such an item says so, which makes
it a difference at every look until a person has mended it.
"""

import json
import re
from datetime import date

from include.adapters.http.redact import redact
from include.adapters.syspro.documents.comfnd import Condition, Find
from include.adapters.syspro.partners.common import Asking, difference, minor, number
from include.adapters.syspro.settings import SysproSettings
from include.services.effects.ports import Difference, Effect, Receipt

_FAILED = " GL-FAILED: "  # part of a key: the sub-ledger has it, the general ledger does not
_LONGEST_REASON = 80
_TRN_KEY = re.compile(r"(\d{4})/(\d{1,2})/\d+(?=[/ ]|$)", re.ASCII)


def answered(key: str, gl_error: str, **evidence: object) -> Receipt:
    """Return the receipt of a posting, marked where its GL journal failed.

    Args:
        key: SYSPRO's, of the item.
        gl_error: why the GL journal failed, as SYSPRO says it; ``""``: it did not.
        evidence: what else is kept of the answer.
    """
    error = redact(gl_error)
    marked = f"{key}{_FAILED}{error[:_LONGEST_REASON]}" if error else key
    return Receipt(marked, {**evidence, "gl_error": error})


def gl_journal_of(effect: Effect) -> str:
    """Return year/period/journal of the ledger, as SYSPRO answered our posting; '' if unknown."""
    return str(json.loads(effect.evidence or "{}").get("gl_journal", ""))


def of_gl_journal(gl_journal: str) -> tuple[Condition, ...]:
    """Return what finds the entries of a journal, given as year/period/journal."""
    parts = (str(number(part)) for part in gl_journal.split("/"))
    names = ("GlYear", "GlPeriod", "Journal")
    return tuple((name, "EQ", part) for name, part in zip(names, parts, strict=True))


def gl_debits(
    asking: Asking, where: tuple[Condition, ...], currency: str, reference: str
) -> int | None:
    """Return the debits of the entries that are found; ``None``: none is shown.

    Args:
        asking: the site; its session is open.
        where: which entries of ``GenJournalDetail``.
        currency: the company's own, in whose minor units the ledger is read.
        reference: the effect's, for the log.

    Raises:
        Retryable: the ledger could not be read.
    """
    find = Find("GenJournalDetail", where, ("EntryType", "EntryValue", "EntryNumber"))
    rows = asking.find_whole(find, "EntryNumber", reference)
    debits = (row for row in rows if row.get("entrytype", "").upper() == "D")
    return sum(minor(row.get("entryvalue", ""), currency) for row in debits) if rows else None


def gl_difference(effect: Effect) -> tuple[Difference, ...]:
    """A sub-ledger item whose general-ledger journal failed is a mismatch."""
    _, mark, reason = effect.their_key.partition(_FAILED)
    if not mark:
        return ()
    return (Difference("general ledger journal", "posted", f"failed: {reason}"),)


def trn_period(their_key: str) -> tuple[int, int] | None:
    """Return year and month of a sub-ledger's key, e.g. ``2026/11/34``; ``None``: it has none."""
    found = _TRN_KEY.match(their_key)
    return (int(found[1]), int(found[2])) if found else None


def period_difference(
    effect: Effect, settings: SysproSettings, day: date, shown: tuple[object, ...] | None
) -> tuple[Difference, ...]:
    """Compare the period of the ledger's journal; C, P and B shift if a period closes meanwhile.

    A sub-ledger shows its own month beside it, which need not be the ledger's period (the vendor's
    answers have month 12 beside period 02). It counts only where the journal is not known, and
    the fiscal year is the calendar's.

    Args:
        effect: with the answer's ``gl_journal``, year/period/journal.
        settings: say when the fiscal year starts.
        day: of the posting.
        shown: year and month by the sub-ledger; ``None`` where it shows none.
    """
    ledger = trn_period(gl_journal_of(effect))
    found = ledger or (shown if settings.fiscal_year_start_month == 1 else None)
    return difference("year and period", settings.fiscal(day), found) if found else ()
