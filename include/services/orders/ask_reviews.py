"""What an analyst is asked about an order that Decision Manager holds."""

from dataclasses import dataclass
from datetime import datetime

from include.domain.fraud_checks import FraudChecks
from include.domain.money import Money
from include.domain.order_rules import OrderRules


@dataclass(frozen=True, slots=True)
class WaitingReview:
    """One order that waits for a fraud decision."""

    order_id: str
    shop_id: str
    merchant_id: str
    number: str
    purchase_order: str
    amount: Money
    country: str  # where the goods go
    request_id: str  # of the authorisation
    gateway_says: str  # reason and status as the gateway gave them
    sales_order: str
    accepted_at: datetime
    expires_at: datetime | None  # of the authorisation; None: the bank was not asked yet
    invoice: str = ""  # SYSPRO's: the goods have left, whoever released them
    checks: FraudChecks | None = None  # what the gateway found; None: it did not say

    def is_urgent(self, rules: OrderRules, now: datetime) -> bool:
        """Say whether the goods have left, or the hold ends within the merchant's time of alarm."""
        return bool(self.invoice) or (
            self.expires_at is not None and now >= rules.review_alarm_at(self.expires_at)
        )


def question(review: WaitingReview, rules: OrderRules, now: datetime) -> tuple[str, str]:
    """Return subject and body, in Markdown, of the question to an analyst."""
    hours = int((now - review.accepted_at).total_seconds() // 3600)
    urgent = "URGENT: " if review.is_urgent(rules, now) else ""
    subject = f"{urgent}Order {review.number}, {review.amount}: accept or reject"
    expiry = (
        f"{review.expires_at:%Y-%m-%d %H:%M} UTC" if review.expires_at else "the bank was not asked"
    )
    rows: tuple[tuple[str, str], ...] = (
        ("shop", f"{review.shop_id} ({review.merchant_id})"),
        ("amount", str(review.amount)),
        ("goods go to", review.country),
        ("waits", f"{hours} h"),
        ("authorisation ends", expiry),
        ("gateway says", review.gateway_says),
        *(review.checks.told() if review.checks else ()),
        ("request id", f"`{review.request_id}`"),
        ("gateway's merchant reference", f"`{review.purchase_order}`"),
        ("sales order in SYSPRO, on hold", review.sales_order or "not made yet"),
    )
    if review.invoice:
        left = f"HAVE LEFT (invoice {review.invoice}): reject charges nobody for them"
        rows = (("goods", left), *rows)
    table = "\n".join(f"| {name} | {_cell(value)} |" for name, value in rows)
    return subject, (
        "*Accept* releases the sales order and captures. *Reject* reverses the authorisation and "
        "cancels the sales order; the shopper is told. *Ask again* decides nothing.\n\n"
        f"| | |\n| --- | --- |\n{table}\n"
    )


def _cell(text: str) -> str:
    """Keep a value inside its cell: what a shop sent must not become Markdown."""
    return text.replace("|", "/").replace("\n", " ").replace("<", "&lt;").replace("[", "(")
