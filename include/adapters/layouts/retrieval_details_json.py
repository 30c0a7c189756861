"""``retrieval-details``: issuers asking for evidence, as JSON. No money moves, so no line is made.

Source: SDK model ReportingV3RetrievalDetailsGet200ResponseRetrievalDetails (0.0.80).
"""

from include.adapters.layouts.shape import (
    CARD_TYPE,
    Column,
    Json,
    Kind,
    Layout,
    RecordTypes,
    currency,
    money,
)

LAYOUT = Layout(
    name="retrieval_details_json",
    source=Json(lists=(("retrievalDetails", "retrieval-details"),)),
    columns=(
        Column("request_id", ("requestId",), Kind.request_id, True, True),
        Column("merchant_reference", ("merchantReferenceNumber",)),
        Column("processor_reference", ("transactionReferenceNumber",)),
        Column("case_number", ("trackingNumber",)),
        money("amount", "currency", "amount"),
        currency("currency", "currencyCode"),
        Column("reason_code", ("reasonCode",)),
        Column("time", ("time",), Kind.instant),
        CARD_TYPE,
    ),
    records=RecordTypes(types={"": ()}),
    fields={"request_id": "request_id", "case_number": "case_number"},
    may_be_empty=True,
)
