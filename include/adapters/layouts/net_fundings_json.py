"""``net-fundings``: what was funded, summed by type and currency, as JSON.

Source: SDK model ReportingV3NetFundingsGet200Response (0.0.80), list ``netFundingSummaries``. The
funded amount counts: conveyed is what was sent to the processor. Summaries have no identity.

Sign: signed from the merchant, so refunds, fees and chargebacks are negative (unconfirmed by a real
answer; an amount whose sign contradicts its type is set aside).
"""

from include.adapters.layouts.shape import (
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

LAYOUT = Layout(
    name="net_fundings_json",
    source=Json(lists=(("netFundingSummaries", "net-fundings"),)),
    columns=(
        Column("type", ("type",), is_required=True, is_filled=True),
        Column("payment_sub_type", ("paymentSubType",)),
        Column("funded_count", ("fundedCount",), Kind.number),
        money("amount", "currency", "fundedAmount", is_required=True),
        currency("currency", "currencyCode", is_required=True),
    ),
    records=RecordTypes(
        column="type",
        types={
            "purchases": (Line(LineClass.gross_sale, "amount", Sign.signed),),
            "refunds": (Line(LineClass.refund, "amount", Sign.signed),),
            "fees": (Line(LineClass.fee, "amount", Sign.signed, "net_funding_fees"),),
            "chargebacks": (Line(LineClass.chargeback, "amount", Sign.signed),),
        },
    ),
    fields={"card_type": "payment_sub_type"},
    may_be_empty=True,
)
