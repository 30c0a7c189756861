"""The words of matching: how a line found its document, and why it did not."""

from enum import StrEnum


class Rule(StrEnum):
    """Which rule decided, in the order they are tried; the controller reads these words."""

    exact = "exact"  # reference, currency and amount agree
    partial_capture = "partial_capture"  # one capture of several on one order
    partial_refund = "partial_refund"  # a refund of part of a capture
    tolerance = "tolerance"  # reference agrees, amount within the declared tolerance
    request_id = "request_id"  # the reference is absent, Cybersource's request id is known
    set_of_equals = "set_of_equals"  # k equal lines against k equal documents
    amount_and_date = "amount_and_date"  # no reference; the only candidate in the date window
    late = "late"  # met an expectation of an earlier day


class Cause(StrEnum):
    """Why an item is open, or what was set aside; each has an owner and a next action."""

    missing_in_erp = "missing_in_erp"
    missing_in_settlement = "missing_in_settlement"
    expected = "expected"  # inside its SLA: late is not wrong
    wrong_amount = "wrong_amount"
    wrong_currency = "wrong_currency"
    duplicate_line = "duplicate_line"
    duplicate_file = "duplicate_file"
    partial_capture = "partial_capture"  # the rest of the order is still to be captured
    refund_without_reference = "refund_without_reference"
    fee_drift = "fee_drift"
    chargeback_on_unknown_capture = "chargeback_on_unknown_capture"
    chargeback_after_refund = "chargeback_after_refund"  # the shopper would be paid twice
    chargeback_beyond_sale = "chargeback_beyond_sale"  # more is taken back than was sold
    chargeback_reversal_without_chargeback = "chargeback_reversal_without_chargeback"
    dispute_due_soon = "dispute_due_soon"
    dispute_deadline_passed = "dispute_deadline_passed"
    dispute_deadline_unknown = "dispute_deadline_unknown"  # nobody said by when; never "passed"
    ambiguous = "ambiguous"
    truncated_file = "truncated_file"
    unknown_record_type = "unknown_record_type"
    unreadable_line = "unreadable_line"
    short_funding = "short_funding"
    unexplained_funding = "unexplained_funding"
    unreported_by_source = "unreported_by_source"
    period_closed = "period_closed"
    source_awaited = "source_awaited"  # the day went on without it; it is asked for again
