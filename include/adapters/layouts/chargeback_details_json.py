"""``chargeback-details``: disputes as JSON.

Source: SDK model ReportingV3ChargebackDetailsGet200ResponseChargebackDetails (0.0.80). Amounts
are unsigned; the member ``sign`` says which way they went: ``-`` or debit is taken from us. The
vendor does not say whose view that is: an account whose ``+`` is taken uses the ``_plus_taken``
sibling. A pre-dispute alert moves no money. ``responseDueTime`` (Response Due Date) and
``representmentCPTime`` are kept as they stand: a deadline that cannot be read holds up no money.
"""

from dataclasses import replace

from include.adapters.layouts.shape import (
    CARD_TYPE,
    Column,
    Json,
    Kind,
    Layout,
    Line,
    RecordTypes,
    Says,
    Sign,
    Witness,
    currency,
    money,
)
from include.domain.settlement import LineClass

_TAKEN = (Line(LineClass.chargeback, "amount", Sign.taken, detail_from="reason_code"),)
_RETURNED = (Line(LineClass.chargeback_reversal, "amount", Sign.given, detail_from="reason_code"),)

_WITNESSES = (
    # The vendor lists no words of the first two: those that are plain must not contradict the sign.
    Witness(
        "action",
        {
            **dict.fromkeys(("chargeback", "second_chargeback", "second chargeback"), Says.taken),
            **dict.fromkeys(("chargeback_reversal", "chargeback reversal"), Says.given),
            **dict.fromkeys(("retrieval", "retrieval_request", "retrieval request"), Says.none),
        },
        others=Says.nothing,
    ),
    Witness(
        "alert",
        {
            "chargeback": Says.taken,
            **dict.fromkeys(("reversal", "chargeback_reversal"), Says.given),
            **dict.fromkeys(("retrieval", "predispute", "pre_dispute", "pre-dispute"), Says.none),
        },
        others=Says.nothing,
    ),
    Witness(
        "pre_dispute",
        {
            "": Says.nothing,
            **dict.fromkeys(("n", "false"), Says.money),
            **dict.fromkeys(("y", "true"), Says.none),
        },
    ),
)


def _by_sign(taken: tuple[str, ...], given: tuple[str, ...]) -> RecordTypes:
    """Return the record types by the words of the sign that take and that give."""
    return RecordTypes(
        column="sign",
        witnesses=_WITNESSES,
        types={**dict.fromkeys(taken, _TAKEN), **dict.fromkeys(given, _RETURNED)},
    )


LAYOUT = Layout(
    name="chargeback_details_json",
    source=Json(lists=(("chargebackDetails", "chargeback-details"),)),
    columns=(
        Column("request_id", ("requestId",), Kind.request_id, True, True),
        Column("merchant_reference", ("merchantReferenceNumber",)),
        Column("processor_reference", ("transactionReferenceNumber",)),
        Column("case_number", ("trackingNumber",)),
        money("amount", "currency", "amount", is_required=True),
        currency("currency", "currencyCode", is_required=True),
        Column("sign", ("sign",), is_required=True, is_filled=True),
        Column("reason_code", ("reasonCode",)),
        Column("nature", ("natureOfDispute",)),
        Column("alert", ("alertType",)),
        Column("action", ("action",)),
        Column("pre_dispute", ("preDisputeFlag",)),
        Column("time", ("time",), Kind.instant, True, True),
        Column("original_time", ("originalSettlementTime",), Kind.instant),
        Column("answer_by", ("responseDueTime",)),
        Column("answered_at", ("representmentCPTime",)),
        CARD_TYPE,
    ),
    records=_by_sign(taken=("-", "negative", "debit"), given=("+", "positive", "credit")),
    fields={
        "request_id": "request_id",
        "related_request_id": "request_id",
        "merchant_reference": "merchant_reference",
        "processor_reference": "processor_reference",
        "case_number": "case_number",
        "answer_by": "answer_by",
        "answered_at": "answered_at",
        "card_type": "card_type",
        "occurred_at": "original_time",
        "settled_at": "time",
    },
    may_be_empty=True,
)

PLUS_TAKEN = replace(
    LAYOUT,
    name="chargeback_details_json_plus_taken",
    records=_by_sign(taken=("+", "positive"), given=("-", "negative")),
)
