"""``net-fundings``: what was funded, summed by type and currency, as JSON.

Source: SDK model ReportingV3NetFundingsGet200Response (0.0.80), list ``netFundingSummaries``. The
funded amount counts: conveyed is what was sent to the processor. Summaries have no identity.

Sign: signed from the merchant, so refunds, fees and chargebacks are negative (unconfirmed by a real
answer; an amount whose sign contradicts its type is set aside). An account whose answers have no
signs uses the ``_unsigned`` sibling, which takes them from the type.
"""

from dataclasses import replace

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


def _by_type(given: Sign, taken: Sign, fees: Sign) -> RecordTypes:
    return RecordTypes(
        column="type",
        types={
            "purchases": (Line(LineClass.gross_sale, "amount", given),),
            "refunds": (Line(LineClass.refund, "amount", taken),),
            "fees": (Line(LineClass.fee, "amount", fees, "net_funding_fees"),),
            "chargebacks": (Line(LineClass.chargeback, "amount", taken),),
        },
    )


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
    records=_by_type(given=Sign.signed, taken=Sign.signed, fees=Sign.signed),
    fields={"card_type": "payment_sub_type"},
    may_be_empty=True,
    signed_amounts=True,
    other_signs="net_fundings_json_unsigned",
)

UNSIGNED = replace(
    LAYOUT,
    name=LAYOUT.other_signs,
    records=_by_type(given=Sign.given, taken=Sign.taken, fees=Sign.cost),
    signed_amounts=False,
    other_signs=LAYOUT.name,
)
