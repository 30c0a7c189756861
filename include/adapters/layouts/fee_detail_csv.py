"""Fee Detail: what each request cost, by kind of fee.

Source: Reporting User Guide 25.10.01, FeeDetailClass (219) and the field group Fee. No real file
was seen: the headings follow the naming conventions of the guide and are matched loosely.

A row yields one line per kind of fee that is not zero; together they must equal the total the row
states, or the whole row is quarantined. Sign: unsigned costs, a rebate is negative.
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
    Sign,
    Total,
    currency,
    fee,
    money,
)
from include.domain.settlement import LineClass

# our column, headings of the amount, headings of its currency, the code it is known by
_FEES = (
    ("interchange", "fee_interchangeAmount", "fee_interchangeCurrency", "interchange"),
    ("assessment", "fee_assessmentAmount", "fee_assessmentCurrency", "assessment"),
    ("discount", "fee_discountAmount", "fee_discountCurrency", "discount"),
    ("per_item", "fee_perItemFeeAmount", "fee_perItemFeeCurrency", "per_item"),
    ("service", "fee_serviceFeeAmount", "fee_serviceFeeAmountCcy", "service"),
    ("service_fixed", "fee_serviceFeeFixedAmount", "fee_serviceFeeFixedAmountCcy", "service"),
    ("conversion", "fee_conversionFee", "fee_conversionFeeCurrency", "conversion"),
)
_REQUIRED = ("interchange", "assessment", "discount")

LAYOUT = Layout(
    name="fee_detail_csv",
    source=Csv(preamble="v3", definition="FeeDetail"),
    columns=(
        REQUEST_ID,
        MERCHANT_ID,
        MERCHANT_REFERENCE,
        TRANSACTION_DATE,
        BATCH_ID,
        CARD_TYPE,
        Column("billing_type", ("fee_billingType",)),
        money("settlement", "settlement_currency", "fee_settlementAmount"),
        currency("settlement_currency", "fee_settlementCurrency"),
        Column(
            "settlement_time", ("fee_settlementTime",), Kind.moment, zone_from="settlement_zone"
        ),
        Column("settlement_zone", ("fee_settlementTimeZone",)),
        Column("interchange_rate", ("fee_interchangeRate",)),
        Column("discount_rate", ("fee_discountRate",)),
        *(
            Column(name, (heading,), Kind.fee, name in _REQUIRED, currency_from=f"{name}_ccy")
            for name, heading, _, _ in _FEES
        ),
        *(currency(f"{name}_ccy", heading) for name, _, heading, _ in _FEES),
        fee("total", "total_ccy", "fee_totalFeeAmount", is_required=True),
        currency("total_ccy", "fee_totalFeeCurrency", is_required=True),
    ),
    records=RecordTypes(
        types={
            "": tuple(
                Line(LineClass.fee, name, Sign.cost, code, is_optional=True)
                for name, _, _, code in _FEES
            )
        }
    ),
    currency="total_ccy",
    fields={
        "request_id": "request_id",
        "merchant_reference": "merchant_reference",
        "batch_id": "batch_id",
        "card_type": "card_type",
        "related_request_id": "request_id",
        "occurred_at": "transaction_date",
        "settled_at": "settlement_time",
    },
    merchant="merchant_id",
    total=Total("total", "total_ccy"),
)
