"""``purchase-refund-details``: settled requests with their fees, as JSON.

Source: SDK model ReportingV3PurchaseRefundDetailsGet200Response (0.0.80): lists keyed by
``requestId``, joined here. A settlement without its request details keeps blank references. One
whose status is not SETTLED, or which has several, is set aside: the vendor lists no words of it.
Where the processor tells no status (a blank), the settlement counts.

Sign: amounts are unsigned, the transaction type says sale or refund; fees are unsigned costs and
must equal ``totalFee``. Percentages that are not amounts are ignored.
"""

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
    Total,
    Witness,
    currency,
    fee,
    money,
)
from include.domain.settlement import LineClass


def _fee(column: str, code: str) -> Line:
    return Line(LineClass.fee, column, Sign.cost, code, is_optional=True)


_FEES = (
    _fee("interchange_percentage", "interchange"),
    _fee("interchange_per_item", "interchange"),
    _fee("discount", "discount"),
    _fee("discount_per_item", "discount"),
    _fee("assessment", "assessment"),
)
_SALE = (Line(LineClass.gross_sale, "amount", Sign.given), *_FEES)
_REFUND = (Line(LineClass.refund, "amount", Sign.taken), *_FEES)

LAYOUT = Layout(
    name="purchase_refund_details_json",
    source=Json(
        lists=(
            ("settlements",),
            ("requestDetails", "purchase-refund-details"),
            ("feeAndFundingDetails",),
            ("settlementStatuses",),
        ),
        join="requestId",
        histories=("settlementStatuses",),  # one that failed may have settled on a second try
    ),
    columns=(
        Column("request_id", ("requestId",), Kind.request_id, True, True),
        Column("merchant_id", ("cybersourceMerchantId",)),
        Column("merchant_reference", ("merchantReferenceNumber",)),
        Column("processor_reference", ("transactionReferenceNumber",)),
        Column("transaction_type", ("transactionType",), is_required=True, is_filled=True),
        Column("submission_time", ("submissionTime",), Kind.instant),
        Column("batch_time", ("cybersourceBatchTime",), Kind.instant),
        Column("batch_id", ("cybersourceBatchId",)),
        Column("status", ("status",)),
        money("amount", "currency", "amount", is_required=True),
        currency("currency", "currencyCode", is_required=True),
        fee("interchange_percentage", "fee_currency", "interchangePercentageAmount"),
        fee("interchange_per_item", "fee_currency", "interchangePerItemFee"),
        fee("discount", "fee_currency", "discountAmount"),
        fee("discount_per_item", "fee_currency", "discountPerItemFee"),
        fee("assessment", "fee_currency", "duesAssessments"),
        fee("total_fee", "fee_currency", "totalFee"),
        currency("fee_currency", "feeCurrency"),
        CARD_TYPE,
    ),
    records=RecordTypes(
        column="transaction_type",
        witnesses=(Witness("status", dict.fromkeys(("settled", ""), Says.money)),),
        types={
            **dict.fromkeys(("purchase", "purchases", "sale", "ics_bill"), _SALE),
            **dict.fromkeys(("refund", "refunds", "credit", "ics_credit"), _REFUND),
        },
    ),
    fields={
        "request_id": "request_id",
        "merchant_reference": "merchant_reference",
        "processor_reference": "processor_reference",
        "batch_id": "batch_id",
        "card_type": "card_type",
        "occurred_at": "submission_time",
        "settled_at": "batch_time",
    },
    merchant="merchant_id",
    total=Total("total_fee", "fee_currency"),
    may_be_empty=True,
)
