"""What an answer of the gateway means: for the order, for the money, and for the shopper.

``include/mappings/payment_statuses.yaml`` says it for each operation, status and reason.
"""

from dataclasses import dataclass
from enum import StrEnum


class Meaning(StrEnum):
    """What an answer means, in one word."""

    approved = "approved"
    partial = "partial"  # less than asked: give it back
    review = "review"  # approved by the bank, held by Decision Manager
    review_first = "review_first"  # held before the bank was asked
    risk_declined = "risk_declined"  # approved by the bank, refused by us
    authentication = "authentication"  # the shopper must prove who pays
    declined = "declined"
    invalid = "invalid"  # our request was wrong; nothing happened
    look = "look"  # it may have happened: ask before trying again
    configuration = "configuration"  # an account or setting of ours is wrong
    already = "already"  # what was asked for was done before


class MoneyEffect(StrEnum):
    """Where the shopper's money is after the answer."""

    nothing = "nothing"  # nothing is held or moved
    held = "held"  # an authorisation holds it
    reverse = "reverse"  # held, and must be released by us
    moved = "moved"  # taken, given back or released, as asked
    unknown = "unknown"


class Retry(StrEnum):
    """What the shop may do next."""

    no = "no"
    other_card = "other_card"  # at once, with another card
    same_card = "same_card"  # with corrected details of the same card
    later = "later"  # with the same card, in some minutes
    authenticate = "authenticate"  # after the shopper has proved who pays
    wait = "wait"  # the answer comes by callback


@dataclass(frozen=True, slots=True)
class PaymentMeaning:
    """One row of the table, with the shopper's sentence."""

    meaning: Meaning
    money: MoneyEffect
    code: str  # what the shop is told, as a word of shopper_messages.yaml
    sentence: str  # what the shopper may be told
    retry: Retry
