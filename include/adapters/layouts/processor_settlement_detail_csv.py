"""Processor Settlement Detail: what the processor settled, one row per request.

Source: Reporting User Guide 25.10.01, ProcessorSettlementDetailClass (213). No real file was seen.

Sign: amounts are signed (signedAmounts), and the sign is the record type: sale or refund; where the
report has the application, it must not contradict it. A report made without signs uses the
``_unsigned`` sibling, which takes the type from the application and needs that column. A pending or
failed settlement is known and yields nothing; the guide lists no words of the status, so any other
is set aside, and a blank (the column is optional) is a settlement.
"""

from dataclasses import replace

from include.adapters.layouts.payment_batch_detail_classic_csv import (
    REFUNDS,
    SALES,
    by_application,
)
from include.adapters.layouts.shape import (
    BATCH_ID,
    CARD_TYPE,
    MERCHANT_ID,
    MERCHANT_REFERENCE,
    REQUEST_ID,
    TRANSACTION_DATE,
    Column,
    Csv,
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

_STATUS = Witness(
    "status",
    {
        **dict.fromkeys(("settled", "s", "batched", ""), Says.money),
        **dict.fromkeys(("pending", "p", "failed", "f", "rejected"), Says.none),
    },
)
_APPLICATIONS = Column("applications", ("application_name", "ics_applications"))

LAYOUT = Layout(
    name="processor_settlement_detail_csv",
    source=Csv(preamble="v3", definition="ProcessorSettlementDetail"),
    columns=(
        REQUEST_ID,
        MERCHANT_ID,
        MERCHANT_REFERENCE,
        TRANSACTION_DATE,
        money("amount", "currency", "settlement_settlementAmount", is_required=True),
        currency("currency", "settlement_settlementCurrencyCode", is_required=True),
        Column("settlement_date", ("settlement_settlementDate",), Kind.moment, True, True),
        Column("status", ("settlement_status",)),
        _APPLICATIONS,
        BATCH_ID,
        CARD_TYPE,
    ),
    records=RecordTypes(
        column="amount",
        by_sign=True,
        witnesses=(
            _STATUS,
            Witness(
                "applications",
                {**dict.fromkeys(SALES, Says.given), **dict.fromkeys(REFUNDS, Says.taken)},
                several=True,
                others=Says.nothing,
            ),
        ),
        types={
            "+": (Line(LineClass.gross_sale, "amount", Sign.signed),),
            "-": (Line(LineClass.refund, "amount", Sign.signed),),
        },
    ),
    fields={
        "request_id": "request_id",
        "merchant_reference": "merchant_reference",
        "batch_id": "batch_id",
        "card_type": "card_type",
        "occurred_at": "transaction_date",
        "settled_at": "settlement_date",
    },
    merchant="merchant_id",
    signed_amounts=True,
    other_signs="processor_settlement_detail_csv_unsigned",
)

UNSIGNED = replace(
    LAYOUT,
    name=LAYOUT.other_signs,
    columns=tuple(
        replace(column, is_required=True, is_filled=True) if column is _APPLICATIONS else column
        for column in LAYOUT.columns
    ),
    records=by_application(Sign.given, Sign.taken, _STATUS),
    signed_amounts=False,
    other_signs=LAYOUT.name,
)
