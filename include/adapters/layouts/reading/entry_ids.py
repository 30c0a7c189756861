"""Name the bank entries that their bank does not: one entry has one id in every statement."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import polars as pl

_SAID = "account_id booking_date currency amount_minor reference text".split()


class EntryIds:
    """Fills in ids of one statement's entries, in the file's order.

    An id made of the file or the line would change when the bank sends the statement again with
    one entry more, and each deposit would be taken back and booked anew. Made of what the entry
    says, and of how many before it say the same, it does not. An id that the bank gives to two
    entries, e.g. its reference of a payout in two parts, is counted on as well.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def fill(self, entries: pl.DataFrame) -> pl.DataFrame:
        """Return the entries, each with an ``entry_id`` that no other of its account has."""
        ids = [
            self._made(said) if given is None else self._given(said[0], str(given))
            for given, *said in entries.select("entry_id", *_SAID).iter_rows()
        ]
        return entries.with_columns(entry_id=pl.Series(ids, dtype=pl.String))

    def _given(self, account: object, given: str) -> str:
        name = f"{account}#{given}"
        self._seen[name] += 1
        return given if self._seen[name] == 1 else f"{given}-{self._seen[name]}"

    def _made(self, said: Sequence[object]) -> str:
        text = "|".join("" if value is None else str(value) for value in said)
        self._seen[text] += 1
        return f"{hashlib.sha256(text.encode()).hexdigest()[:12]}-{self._seen[text]}"
