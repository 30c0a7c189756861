"""What merchants may not share: documents, bank accounts, organizations. Each is booked once."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import chain, combinations
from typing import Any

from include.mappings.parse import Placed
from include.mappings.schema import Entry, ErpDocumentRow, MerchantEntry


def check_sharing(merchants: Sequence[Placed[MerchantEntry]]) -> None:
    """Report what two merchants, or one twice, would take."""
    for merchant in merchants:
        _check_documents(merchant)
        _check_accounts(merchant)
    for one, other in combinations(merchants, 2):
        if one.entry.merchant_id != other.entry.merchant_id and overlap(one, other, merchants):
            _check_sharing(other, one)
            _check_shared_account(other, one)
            _check_subscription(other, one)


def overlap(one: Placed[Any], other: Placed[Any], *families: Sequence[Placed[Any]]) -> bool:
    """Say whether two entries are in force on a same day.

    Args:
        one: an entry.
        other: another.
        families: every entry of their files; one without ``effective_to`` ends where the next of
            its key begins.
    """
    starts = max(one.entry.effective_from, other.entry.effective_from)
    ends = [_last_day(placed.entry, families) for placed in (one, other)]
    return bool(starts <= min(ends))


def _last_day(entry: Entry, families: Iterable[Sequence[Placed[Any]]]) -> date:
    later = [
        placed.entry.effective_from - timedelta(days=1)
        for placed in chain.from_iterable(families)
        if isinstance(placed.entry, type(entry))
        and placed.entry.key == entry.key
        and placed.entry.effective_from > entry.effective_from
    ]
    return min([entry.effective_to or date.max, *later])


def _check_subscription(placed: Placed[MerchantEntry], other: Placed[MerchantEntry]) -> None:
    one, two = placed.entry, other.entry
    if one.organization_id == two.organization_id:
        what = (
            f"organization {one.organization_id!r} is already reconciled as "
            f"{two.merchant_id!r} (line {other.line()})"
        )
        placed.report(("organization_id",), what, "Let one entry cover each interval.")


def _check_documents(placed: Placed[MerchantEntry]) -> None:
    rows = placed.entry.erp_documents
    for i, row in enumerate(rows):
        for other in rows[:i]:
            if _excludes(row, other):
                what = f"no document is both {_say(other)} and {_say(row)}"
                placed.report(("erp_documents", i), what, "Remove one: all rows must hold at once.")
            elif _folded(row) == _folded(other) and row.condition == other.condition:
                placed.report(("erp_documents", i), f"{_say(row)} is said twice", "Remove one.")


def _check_sharing(placed: Placed[MerchantEntry], other: Placed[MerchantEntry]) -> None:
    """Two merchants that take one document would each see the other's as never settled."""
    one, two = placed.entry, other.entry
    # Two connections may lead to one company, so the company alone decides.
    is_shared = one.company_id.casefold() == two.company_id.casefold()
    if not is_shared or any(_excludes(a, b) for a in one.erp_documents for b in two.erp_documents):
        return
    if one.erp_documents and not two.erp_documents:
        placed, other = other, placed  # blame the one that takes everything
    taken = " and ".join(_say(row) for row in placed.entry.erp_documents) or "every document"
    what = (
        f"{placed.entry.merchant_id} takes {taken} of company {placed.entry.company_id!r}, which "
        f"{other.entry.merchant_id} (line {other.line('erp_documents')}) may take as well"
    )
    inside = "erp_documents" if placed.entry.erp_documents else "company_id"
    do = "Give both merchants 'erp_documents', with one column EQ another value in each."
    placed.report((inside,), what, do)


def _check_accounts(placed: Placed[MerchantEntry]) -> None:
    """An account has one currency: its entries are summed and matched in it."""
    seen: dict[str, str] = {}
    for currency, account in placed.entry.bank_accounts.items():
        first = seen.setdefault(account.account_id, currency)
        if first != currency:
            what = f"account {account.account_id!r} is said to receive {first} and {currency}"
            do = "Name the account of each currency; remove the currency that is converted first."
            placed.report(("bank_accounts", currency), what, do)


def _check_shared_account(placed: Placed[MerchantEntry], other: Placed[MerchantEntry]) -> None:
    """Two merchants that read one account would each book a deposit that fits them both."""
    one, two = placed.entry, other.entry
    taken = {(two.bank_conn_id, account.account_id) for account in two.bank_accounts.values()}
    for currency, account in one.bank_accounts.items():
        if (one.bank_conn_id, account.account_id) in taken:
            what = (
                f"account {account.account_id!r} is also of {two.merchant_id!r} "
                f"(line {other.line('bank_accounts')}), and a deposit that fits both would be "
                "booked twice"
            )
            do = "Have each merchant paid into an account of its own, a virtual one will do."
            placed.report(("bank_accounts", currency), what, do)


def _excludes(row: ErpDocumentRow, other: ErpDocumentRow) -> bool:
    """Say whether no document fulfils both; NE and NE always leave some."""
    if row.column != other.column or row.condition == other.condition == "NE":
        return False
    is_same_value = _folded(row) == _folded(other)
    return is_same_value == (row.condition != other.condition)


def _folded(row: ErpDocumentRow) -> tuple[str, str]:
    return row.column, row.value.casefold()  # as SYSPRO's database compares


def _say(row: ErpDocumentRow) -> str:
    return f"{row.column} {row.condition} {row.value!r}"
