"""``interchange-clearing-level-details``: interchange and discount of each cleared request, JSON.

Source: SDK model ReportingV3InterchangeClearingLevelDetailsGet200Response (0.0.80).

Sign: unsigned costs, a rebate is negative. The amount of the transaction itself is not a line: it
is another report's to say.
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
    fee,
)
from include.domain.settlement import LineClass


def _fee(column: str) -> Line:
    return Line(LineClass.fee, column, Sign.cost, column, is_optional=True)


LAYOUT = Layout(
    name="interchange_clearing_level_details_json",
    source=Json(lists=(("interchangeClearingLevelDetails", "interchange-clearing-level-details"),)),
    columns=(
        Column("request_id", ("requestId",), Kind.request_id, True, True),
        Column("merchant_id", ("accountId",)),
        Column("merchant_reference", ("merchantReferenceNumber",)),
        Column("processor_reference", ("transactionReferenceNumber",)),
        Column("batch_id", ("merchantBatchNumber",)),
        Column("transaction_time", ("transactionTime",), Kind.instant),
        Column("settlement_time", ("settlementTime",), Kind.instant),
        fee("interchange", "currency", "interchangeAmount", is_required=True),
        fee("discount", "currency", "discountAmount"),
        fee("billback", "currency", "billbackAmount"),
        fee("surcharge", "currency", "surchargeAmount"),
        currency("currency", "settlementCurrencyCode", is_required=True),
        Column("card_type", ("paymentSubTypeDescription", "paymentSubType")),
    ),
    records=RecordTypes(
        types={"": (_fee("interchange"), _fee("discount"), _fee("billback"), _fee("surcharge"))}
    ),
    fields={
        "request_id": "request_id",
        "related_request_id": "request_id",
        "merchant_reference": "merchant_reference",
        "processor_reference": "processor_reference",
        "batch_id": "batch_id",
        "card_type": "card_type",
        "occurred_at": "transaction_time",
        "settled_at": "settlement_time",
    },
    may_be_empty=True,
)
