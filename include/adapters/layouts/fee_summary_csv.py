"""Fee Summary: fees by kind and card type, without requests.

Source: Reporting User Guide 25.10.01, FeeSummaryClass (410). No real file was seen. The statement
id, the number of the acquirer's bill, is kept as the processor reference.

Sign: unsigned costs, a rebate is negative. Rows have no identity beyond their file.
"""

from include.adapters.layouts.shape import (
    BATCH_ID,
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

LAYOUT = Layout(
    name="fee_summary_csv",
    source=Csv(preamble="v3", definition="FeeSummary"),
    columns=(
        Column("fee_type", ("feeSummary_feeType", "feeType"), is_required=True, is_filled=True),
        Column("description", ("feeSummary_feeDescription", "feeDescription")),
        Column("card_type", ("feeSummary_cardType", "cardType")),
        Column("count", ("feeSummary_count", "count"), Kind.number),
        currency("currency", "feeSummary_fundingCurrency", "fundingCurrency", is_required=True),
        money("base", "currency", "feeSummary_transactionAmount", "transactionAmount"),
        money("total", "currency", "feeSummary_totalFeeAmount", "totalFeeAmount", is_required=True),
        Column("percentage", ("feeSummary_percentageFee", "percentageFee")),
        Column("per_item", ("feeSummary_perItemFee", "perItemFee")),
        Column("statement_id", ("statementID", "feeSummary_statementID")),
        BATCH_ID,
    ),
    records=RecordTypes(
        types={"": (Line(LineClass.fee, "total", Sign.cost, detail_from="fee_type"),)}
    ),
    fields={
        "processor_reference": "statement_id",
        "card_type": "card_type",
        "batch_id": "batch_id",
    },
)
