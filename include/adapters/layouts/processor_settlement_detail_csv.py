"""Processor Settlement Detail: what the processor settled, one row per request.

Source: Reporting User Guide 25.10.01, ProcessorSettlementDetailClass (213). No real file was seen.

Sign: amounts are signed, and the sign is the record type: sale or refund. A pending or failed
settlement is known and yields nothing; the guide lists no words of the status, so any other is set
aside, and a blank (the column is optional) is a settlement.
"""

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
        BATCH_ID,
        CARD_TYPE,
    ),
    records=RecordTypes(
        column="amount",
        by_sign=True,
        witnesses=(
            Witness(
                "status",
                {
                    **dict.fromkeys(("settled", "s", "batched", ""), Says.money),
                    **dict.fromkeys(("pending", "p", "failed", "f", "rejected"), Says.none),
                },
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
)
