"""Payment Batch Detail, CLASSIC CSV, versions 1.1 and 1.10: what was batched in the window.

Source: Cybersource Reporting User Guide 25.10.01 and real v3 downloads of 2020 and 2023; the
headings are those of the downloads. Accounts add columns (merchant_data_1.., complete_route), some
with stray blanks in the heading: accepted and scanned. It proves submission, not funding. The
downloads show one status, BATCHED; a record that has another is set aside.

Sign: amounts are unsigned, the application says which way the money goes (``ics_credit`` is a
refund). An account whose file was made with signedAmounts uses the ``_signed`` sibling.
"""

from dataclasses import replace

from include.adapters.layouts.shape import (
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

SALES = ("ics_bill", "ics_ecp_debit")
REFUNDS = ("ics_credit", "ics_ecp_credit")


BATCHED = Witness("status", dict.fromkeys(("batched", ""), Says.money))


def by_application(sale: Sign, refund: Sign, status: Witness = BATCHED) -> RecordTypes:
    """Return the record types of a batch: one money application each, others beside it."""
    return RecordTypes(
        column="applications",
        several=True,
        witnesses=(status,),
        types={
            **dict.fromkeys(SALES, (Line(LineClass.gross_sale, "amount", sale),)),
            **dict.fromkeys(REFUNDS, (Line(LineClass.refund, "amount", refund),)),
        },
    )


FIELDS = {
    "request_id": "request_id",
    "merchant_reference": "merchant_reference",
    "processor_reference": "processor_reference",
    "batch_id": "batch_id",
    "card_type": "card_type",
    "occurred_at": "transaction_date",
    "settled_at": "batch_date",
}

LAYOUT = Layout(
    name="payment_batch_detail_classic_csv",
    source=Csv(preamble="v3", definition="PaymentBatchDetail"),
    columns=(
        Column("batch_id", ("batch_id",), is_required=True, is_filled=True),
        MERCHANT_ID,
        Column("batch_date", ("batch_date",), Kind.instant, is_required=True, is_filled=True),
        REQUEST_ID,
        MERCHANT_REFERENCE,
        Column("processor_reference", ("TransactionReferenceNumber", "trans_ref_no")),
        replace(CARD_TYPE, headings=("payment_type",)),
        currency("currency", "currency", is_required=True),
        money("amount", "currency", "amount", is_required=True),
        Column("applications", ("ics_applications",), is_required=True, is_filled=True),
        Column("status", ("status",)),
        TRANSACTION_DATE,
    ),
    records=by_application(Sign.given, Sign.taken),
    fields=FIELDS,
    merchant="merchant_id",
    signed_amounts=False,
    other_signs="payment_batch_detail_classic_csv_signed",
)

SIGNED = replace(
    LAYOUT,
    name=LAYOUT.other_signs,
    records=by_application(Sign.signed, Sign.signed),
    signed_amounts=True,
    other_signs=LAYOUT.name,
)
