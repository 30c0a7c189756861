"""``chargeback-details``: disputes as JSON.

Source: SDK model ReportingV3ChargebackDetailsGet200ResponseChargebackDetails (0.0.80). Amounts
are unsigned; the member ``sign`` says which way they went: ``-`` or debit is taken from us.
A pre-dispute alert moves no money. ``responseDueTime`` (Response Due Date) and
``representmentCPTime`` are kept as they stand: a deadline that cannot be read holds up no money.
"""

from include.adapters.layouts.shape import (
    CARD_TYPE,
    Column,
    Json,
    Kind,
    Layout,
    Line,
    RecordTypes,
    Sign,
    currency,
    money,
)
from include.domain.settlement import LineClass

_TAKEN = (Line(LineClass.chargeback, "amount", Sign.taken, detail_from="reason_code"),)
_RETURNED = (Line(LineClass.chargeback_reversal, "amount", Sign.given, detail_from="reason_code"),)

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
        Column("pre_dispute", ("preDisputeFlag",)),
        Column("time", ("time",), Kind.instant, True, True),
        Column("original_time", ("originalSettlementTime",), Kind.instant),
        Column("answer_by", ("responseDueTime",)),
        Column("answered_at", ("representmentCPTime",)),
        CARD_TYPE,
    ),
    records=RecordTypes(
        column="sign",
        without_money=("pre_dispute", ("y", "true")),
        types={
            **dict.fromkeys(("-", "debit", "negative"), _TAKEN),
            **dict.fromkeys(("+", "credit", "positive"), _RETURNED),
        },
    ),
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
