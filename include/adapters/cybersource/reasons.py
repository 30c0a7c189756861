"""What the gateway's statuses and reasons mean, as data; the word decides what a partner does.

``include/mappings/payment_statuses.yaml`` may say it otherwise, per merchant; this table is what
holds without it. Source: Cybersource reference 2.2, 2.3 and 2.5; reliability reference F3, 2.1 and
2.4. Where a repeat of our own call could have caused the refusal, the word is ``look``: the network
may deliver a request twice and give us the answer to the second.
"""

from collections.abc import Mapping
from typing import Protocol

from include.domain.payment_meanings import Meaning

M = Meaning


class ReasonTable(Protocol):
    """Says in one word what an answer means."""

    def meaning(self, operation: str, status: str, reason: str) -> Meaning:
        """Return the meaning.

        Args:
            operation: authorization, capture, refund, reversal, void or decision (a case action).
            status: the vendor's, e.g. ``DECLINED``; for a TSS row of which only a number is
                known, ``""``.
            reason: the vendor's, or a three-digit reason code; ``""`` where it gives none.
        """
        ...


# Statuses that say all there is to say; any other defers to the reason.
STATUSES: Mapping[str, Mapping[str, Meaning]] = {
    "authorization": {
        "AUTHORIZED": M.approved,
        "PARTIAL_AUTHORIZED": M.partial,
        "AUTHORIZED_PENDING_REVIEW": M.review,
        "PENDING_REVIEW": M.review_first,
        "AUTHORIZED_RISK_DECLINED": M.risk_declined,
        "PENDING_AUTHENTICATION": M.authentication,
    },
    "capture": {"PENDING": M.approved, "TRANSMITTED": M.approved},
    "refund": {"PENDING": M.approved, "TRANSMITTED": M.approved},
    "reversal": {"REVERSED": M.approved},
    "void": {"VOIDED": M.approved, "CANCELLED": M.approved, "FAILED": M.declined},
    "decision": {"ACCEPTED": M.approved, "REJECTED": M.approved},
}

# Reasons of a DECLINED or INVALID_REQUEST, whatever the operation.
REASONS: Mapping[str, Meaning] = {
    # The bank, or a list, says no to this card or this shopper.
    **dict.fromkeys(
        (
            "CONTACT_PROCESSOR EXPIRED_CARD PROCESSOR_DECLINED "
            "INSUFFICIENT_FUND STOLEN_LOST_CARD ISSUER_UNAVAILABLE UNAUTHORIZED_CARD "
            "CVN_NOT_MATCH EXCEEDS_CREDIT_LIMIT INVALID_CVN BLOCKED_BY_CARDHOLDER DECLINED_CHECK "
            "BLACKLISTED_CUSTOMER SUSPENDED_ACCOUNT PAYMENT_REFUSED INVALID_ACCOUNT "
            "GENERAL_DECLINE DECISION_PROFILE_REJECT SCORE_EXCEEDS_THRESHOLD "
            "ACH_VERIFICATION_FAILED ALLOWABLE_PIN_RETRIES_EXCEEDED CUSTOMER_WATCHLIST_MATCH "
            "ADDRESS_COUNTRY_WATCHLIST_MATCH EMAIL_COUNTRY_WATCHLIST_MATCH "
            "IP_COUNTRY_WATCHLIST_MATCH DAGGREJECTED DAGGDENIED DSYSREJECTED "
            "INVALID_CARD INVALID_CARD_TYPE CARD_TYPE_NOT_ACCEPTED ACCOUNT_NOT_ALLOWED_CREDIT"
        ).split(),
        M.declined,
    ),
    "DECISION_PROFILE_REVIEW": M.review_first,
    **dict.fromkeys(
        (
            "PENDING_AUTHENTICATION CONSUMER_AUTHENTICATION_REQUIRED "
            "CUSTOMER_AUTHENTICATION_REQUIRED CONSUMER_AUTHENTICATION_FAILED"
        ).split(),
        M.authentication,
    ),
    # Our request is wrong: nothing happened, and nothing will.
    **dict.fromkeys(
        "MISSING_FIELD INVALID_DATA INVALID_AMOUNT INVALID_PAYMENT_ID NOT_SUPPORTED".split(),
        M.invalid,
    ),
    "INVALID_MERCHANT_CONFIGURATION": M.configuration,
    # It may have happened, by this call or by its first copy.
    **dict.fromkeys(
        (
            "DUPLICATE_REQUEST PROCESSOR_UNAVAILABLE PROCESSOR_ERROR SYSTEM_ERROR SERVER_TIMEOUT "
            "SERVICE_TIMEOUT"
        ).split(),
        M.look,
    ),
}

# Reasons that mean something of their own in one operation. ``already``: it has been done before,
# by us or by another; a look says by whom.
OF_OPERATION: Mapping[str, Mapping[str, Meaning]] = {
    # The bank approved what these two refuse: the hold is there.
    "authorization": {"AVS_FAILED": M.risk_declined, "CV_FAILED": M.risk_declined},
    "capture": {
        "EXCEEDS_AUTH_AMOUNT": M.already,  # the first copy may have taken what there was
        "TRANSACTION_ALREADY_SETTLED": M.already,
        "TRANSACTION_ALREADY_REVERSED_OR_SETTLED": M.already,
        "INVALID_AMOUNT": M.already,  # what the first copy left is less than is asked for
        "AUTH_ALREADY_REVERSED": M.declined,  # nothing is held any more, so nothing was taken
        "MISSING_AUTH": M.declined,
    },
    "refund": {
        "EXCEEDS_AUTH_AMOUNT": M.already,
        "INVALID_AMOUNT": M.already,
        "TRANSACTION_ALREADY_REVERSED_OR_SETTLED": M.already,
        "CAPTURE_ALREADY_VOIDED": M.declined,  # there is nothing to give back
    },
    "reversal": {
        "AUTH_ALREADY_REVERSED": M.already,
        "TRANSACTION_ALREADY_REVERSED_OR_SETTLED": M.already,
        "EXCEEDS_AUTH_AMOUNT": M.already,
        "INVALID_AMOUNT": M.already,
        "TRANSACTION_ALREADY_SETTLED": M.declined,  # no longer a hold: it becomes a refund
        "MISSING_AUTH": M.declined,
    },
    "void": {
        "CAPTURE_ALREADY_VOIDED": M.already,
        "AUTH_ALREADY_REVERSED": M.already,
        "TRANSACTION_ALREADY_REVERSED_OR_SETTLED": M.already,
        "NOT_VOIDABLE": M.already,  # voided before, or settled: a look tells
        "TRANSACTION_ALREADY_SETTLED": M.declined,
    },
    # A case that is decided is refused as invalid, even where we decided it.
    "decision": {"INVALID_DATA": M.already, "NOT_SUPPORTED": M.already},
}

# Transaction search gives numbers in place of words; the pairs are by meaning, not official.
CODES: Mapping[str, Meaning] = {
    "100": M.approved,
    "110": M.partial,
    **dict.fromkeys(
        (
            "201 202 203 204 205 207 208 209 210 211 220 221 222 231 232 233 236 240 254 "
            "400 481 520 700 701 702 703"
        ).split(),
        M.declined,
    ),
    **dict.fromkeys("200 230".split(), M.risk_declined),  # AVS, CVN: the bank approved
    "480": M.review_first,
    **dict.fromkeys("475 476 478".split(), M.authentication),
    **dict.fromkeys("101 102 241".split(), M.invalid),
    **dict.fromkeys("235 237 238 239 242 243 246 247".split(), M.declined),
    "234": M.configuration,
    **dict.fromkeys("104 150 151 152 250".split(), M.look),
}


_BY_REASON = ("DECLINED", "INVALID_REQUEST")


class BuiltInReasons:
    """The tables above; what they do not know is looked for, never guessed."""

    def meaning(self, operation: str, status: str, reason: str) -> Meaning:
        """See ``ReasonTable.meaning``."""
        certain = STATUSES.get(operation, {}).get(status)
        if certain is not None:
            return certain
        if status == "":
            return CODES.get(reason, M.look)
        own = OF_OPERATION.get(operation, {}).get(reason)
        found = own or REASONS.get(reason, M.look)
        if status in _BY_REASON:
            # A plain DECLINED is a plain no.
            return found if reason or status != "DECLINED" else M.declined
        # Recorded once: the status is "201" where the bank wants the shopper to prove who pays.
        is_recorded = operation == "authorization" and status == "201"
        return found if is_recorded and reason else M.look
