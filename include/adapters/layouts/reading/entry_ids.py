"""Name the bank entries that their bank does not: one entry has one id in every statement."""

import hashlib
from collections import Counter

import polars as pl

_SAID = "account_id booking_date currency amount_minor reference text".split()


class EntryIds:
    """Fills in ids of one statement's entries, in the file's order.

    An id made of the file or the line would change when the bank sends the statement again with
    one entry more, and each deposit would be taken back and booked anew. Made of what the entry
    says, and of how many before it say the same, it does not.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def fill(self, entries: pl.DataFrame) -> pl.DataFrame:
        """Return the entries with no ``entry_id`` left null."""
        lacking = entries["entry_id"].is_null()
        if not lacking.any():
            return entries
        said = entries.filter(lacking).select(_SAID).iter_rows()
        made = iter([self._made(row) for row in said])
        ids = [next(made) if one is None else one for one in entries["entry_id"].to_list()]
        return entries.with_columns(entry_id=pl.Series(ids, dtype=pl.String))

    def _made(self, said: tuple[object, ...]) -> str:
        text = "|".join("" if value is None else str(value) for value in said)
        self._seen[text] += 1
        return f"{hashlib.sha256(text.encode()).hexdigest()[:12]}-{self._seen[text]}"
