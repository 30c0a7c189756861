"""When an authorisation must be used or given back before it lapses, and by which rule."""

from datetime import datetime

from include.domain.order_rules import OnExpiry, OrderRules
from include.domain.order_state import OrderFacts
from include.domain.standing import (
    is_under_review,
    is_wholly_captured,
    waits_for_clerk,
)


def lapses_at(facts: OrderFacts, rules: OrderRules) -> datetime | None:
    """Return when the authorisation must be used or released, before it lapses.

    One that could not be renewed is kept to its end, unless it may be captured by now.
    """
    lapses = facts.expires_at
    is_kept = facts.unrenewed and on_expiry(facts, rules) is not OnExpiry.capture
    return lapses if lapses is None or is_kept else rules.expiry_due_at(lapses)


def is_expiring(facts: OrderFacts, rules: OrderRules, now: datetime) -> bool:
    """Say whether that time has come, for all of an order or for what is not captured yet."""
    lapses = lapses_at(facts, rules)
    if lapses is None or facts.is_reversed or is_wholly_captured(facts):
        return False
    return now >= lapses


def on_expiry(facts: OrderFacts, rules: OrderRules) -> OnExpiry:
    """What the merchant's rule comes to for this order."""
    # One that nobody has accepted is not made anew: the open case would say nothing of it.
    if is_under_review(facts):
        return OnExpiry.release
    # Nor is one charged that a clerk has not released, or what they keep of one that has left in
    # part; the card on file gives them more time.
    is_kept = waits_for_clerk(facts) or (facts.is_suspended and facts.is_invoiced)
    is_charged = rules.on_expiry is OnExpiry.capture
    return OnExpiry.renew if is_kept and is_charged else rules.on_expiry


def is_first_looked_at(facts: OrderFacts, rules: OrderRules, now: datetime) -> bool:
    """Say whether SYSPRO is asked before goods are charged that have not left.

    A clerk may hold or have cancelled it by now. Where SYSPRO gives no answer for half of the time
    that is left, the merchant's rule stands.
    """
    lapses, is_rule = lapses_at(facts, rules), rules.on_expiry is OnExpiry.capture
    if not is_rule or is_under_review(facts) or not facts.sales_order:
        return False
    if lapses is None or facts.expires_at is None:
        return False
    is_known = facts.looked_at is not None and facts.looked_at >= lapses
    return not is_known and now < lapses + (facts.expires_at - lapses) / 2
