"""What an account that must come to zero holds, and of what: the proof of a month's end.

Source: accounting reference, section 1: each balance equals a list of named items, or something is
wrong.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from include.domain.money import Money, total


@dataclass(frozen=True, slots=True)
class BalanceItem:
    """One thing that an account holds money for; debit positive."""

    what: str
    since: date
    money: Money
    due: date | None = None  # when it should be gone; None: nobody says


@dataclass(frozen=True, slots=True)
class Balance:
    """An account of one merchant and currency at the end of a day; debit positive."""

    account: str  # in words
    gl_accounts: tuple[str, ...]  # where its journals were posted to; () where there is none yet
    ledger: Money  # by what we have posted to SYSPRO up to the day, in the batches' currency
    base: Money  # the same in the company's base currency
    items: tuple[BalanceItem, ...]  # what it is of
    apart: tuple[BalanceItem, ...]  # what the items count and the ledger does not yet, or no more

    @property
    def rest(self) -> Money:
        """What no item explains; anything but zero is wrong."""
        return self.ledger + self._total(self.apart) - self._total(self.items)

    def overdue(self, on: date) -> tuple[BalanceItem, ...]:
        """Return the items that should be gone by a day, and are not."""
        return tuple(one for one in self.items if one.due is not None and one.due < on)

    def _total(self, items: Iterable[BalanceItem]) -> Money:
        return total((one.money for one in items), self.ledger.currency)
