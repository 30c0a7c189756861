"""Give a contested chargeback up: Dr disputes lost, Cr disputes receivable.

Source: accounting reference, section 3. Lost, or the deadline to contest has passed.
"""

from datetime import date

from include.domain.journal import Journal, JournalKind, JournalLine
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.settlement import SettlementDay
from include.services.books.ports import BookMappings
from include.services.books.restate import first_version

LOST, DISPUTED = "dispute_lost", "chargeback"


def build_dispute_lost(
    day: SettlementDay,
    merchant: Merchant,
    *,
    case_number: str,
    amount: Money,
    base: Money,
    posting_date: date,
    rate_millionths: int,
    mappings: BookMappings,
) -> Journal:
    """Return the journal that writes one dispute off.

    Args:
        day: the settlement day of the chargeback: one case, one key.
        merchant: whose books.
        case_number: the dispute case.
        amount: what was taken back, positive.
        base: what the ledger holds of it in base currency, so that the receivable returns to zero.
        posting_date: when it was given up.
        rate_millionths: the rate the chargeback was booked at.
        mappings: the GL template.

    Raises:
        Rejected: an account is not mapped.
    """
    if amount.minor <= 0:
        raise ValueError(f"a lost dispute is a positive amount, not {amount}")
    template = mappings.gl_template(merchant.gl_template, posting_date)
    lines = (
        JournalLine(template.account(LOST), amount, base, LOST),
        JournalLine(template.account(DISPUTED), -amount, -base, DISPUTED),
    )
    return first_version(
        day,
        merchant,
        JournalKind.dispute_lost,
        case_number,
        posting_date,
        rate_millionths=rate_millionths,
        lines=lines,
        narrative=f"Dispute {case_number} lost",
    )
