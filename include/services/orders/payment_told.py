"""What a shopper may be told of an order's payment: a row of the table, never the vendor's word.

``include/mappings/payment_statuses.yaml`` says it. A fraud check is not named there: the sentence
is that of any payment which is not accepted.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from include.domain.order_state import OrderFacts
from include.domain.paying import is_over
from include.domain.payment_meanings import MoneyEffect, PaymentMeaning, Retry
from include.domain.payments import STATUS_OF, Authorized, PaymentStatus
from include.domain.reviews import Decision

# How the gateway would say it plainly, for where no row of what it said has the same meaning: its
# search gives numbers alone, and a decline with an approval code holds money all the same.
_PLAINLY = {
    PaymentStatus.authorized: ("AUTHORIZED", ""),
    PaymentStatus.partial: ("PARTIAL_AUTHORIZED", ""),
    PaymentStatus.in_review: ("AUTHORIZED_PENDING_REVIEW", ""),
    PaymentStatus.review_first: ("PENDING_REVIEW", ""),
    PaymentStatus.risk_declined: ("AUTHORIZED_RISK_DECLINED", ""),
    PaymentStatus.authentication_needed: ("PENDING_AUTHENTICATION", ""),
    PaymentStatus.declined: ("DECLINED", ""),
    PaymentStatus.invalid: ("INVALID_REQUEST", "MISSING_FIELD"),
}


class PaymentTable(Protocol):
    """``OrderTables.payment`` with its day and language bound."""

    def __call__(self, operation: str, status: str, reason: str) -> PaymentMeaning: ...


def payment_told(facts: OrderFacts, table: PaymentTable) -> PaymentMeaning | None:
    """Say where the shopper's money is and what to do; ``None``: no payment was made yet."""
    if facts.payment is None:
        return None
    found = _latest(facts, facts.payment, table)
    if is_over(facts):
        found = replace(found, retry=Retry.no)
    if found.money is MoneyEffect.reverse and facts.is_reversed:
        return replace(found, money=MoneyEffect.nothing)
    return found


def outcome_body(found: PaymentMeaning) -> dict[str, str]:
    """Return it in the words of the API and of callbacks."""
    return {
        "code": found.code,
        "message": found.sentence,
        "retry": found.retry.value,
        "money": found.money.value,
    }


def _latest(facts: OrderFacts, payment: Authorized, table: PaymentTable) -> PaymentMeaning:
    if facts.stop is not None and facts.captures and facts.returned_minor:
        return table("refund", "PENDING", "")
    if facts.decision is Decision.reject:
        return table("decision", "REJECTED", "")
    is_kept = payment.status is PaymentStatus.partial and facts.stop is None
    status = PaymentStatus.authorized if is_kept else payment.status
    if status is not PaymentStatus.authorized:
        return _answer(payment, status, table)
    if facts.is_all_voided or (facts.is_reversed and not facts.captures):
        return table("reversal", "REVERSED", "")
    if facts.captures:
        return table("capture", "PENDING", "")
    return _answer(payment, status, table)


def _answer(payment: Authorized, status: PaymentStatus, table: PaymentTable) -> PaymentMeaning:
    rows = (table("authorization", *said) for said in _said(payment))
    found = next((row for row in rows if STATUS_OF.get(row.meaning) is status), None)
    return found or table("authorization", *_PLAINLY[status])


def _said(payment: Authorized) -> Iterator[tuple[str, str]]:
    if payment.theirs:
        yield payment.theirs, payment.reason
    if payment.reason.isdecimal():
        yield "", payment.reason
