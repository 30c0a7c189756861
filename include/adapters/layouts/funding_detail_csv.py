"""Funding Detail: money the processor says it sent to our bank.

Source: Reporting User Guide 25.10.01, FundingDetailClass (215). No real file was seen. Only
successful fundings are money; pending and failed ones are known and yield nothing.

Sign: amounts are signed, a debit of our account is negative.
"""

from include.adapters.layouts.shape import (
    BATCH_ID,
    MERCHANT_ID,
    REQUEST_ID,
    TRANSACTION_DATE,
    Column,
    Csv,
    Kind,
    Layout,
    Line,
    RecordTypes,
    Sign,
    currency,
    money,
)
from include.domain.settlement import LineClass

_FUNDED = (Line(LineClass.funding, "amount", Sign.signed),)

LAYOUT = Layout(
    name="funding_detail_csv",
    source=Csv(preamble="v3", definition="FundingDetail"),
    columns=(
        REQUEST_ID,
        MERCHANT_ID,
        TRANSACTION_DATE,
        BATCH_ID,
        money("amount", "currency", "funding_fundingAmount", is_required=True),
        currency("currency", "funding_fundingCurrency", is_required=True),
        Column("funding_date", ("funding_fundingDate",), Kind.moment, True, True),
        Column("status", ("funding_status",)),
    ),
    records=RecordTypes(
        column="status",
        types={
            **dict.fromkeys(("s", "success", "funded", ""), _FUNDED),
            **dict.fromkeys(("p", "pending", "f", "failed"), ()),
        },
    ),
    fields={
        "request_id": "request_id",
        "batch_id": "batch_id",
        "occurred_at": "transaction_date",
    },
    merchant="merchant_id",
    signed_amounts=True,
)
