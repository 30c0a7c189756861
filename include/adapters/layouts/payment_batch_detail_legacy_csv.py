"""Payment Batch Detail, legacy CSV 1.0: the servlet-era file that old accounts still receive.

Source: old Cybersource Reporting User Guide, appendix C, whose sample (2003) has these headings.
Its dates are calendar dates without zone, so no instant is claimed from them.

Sign: amounts are signed; the sample shows ``ics_credit`` with ``-100.00``.
"""

from dataclasses import replace

from include.adapters.layouts.payment_batch_detail_classic_csv import FIELDS, by_application
from include.adapters.layouts.shape import (
    CARD_TYPE,
    MERCHANT_ID,
    MERCHANT_REFERENCE,
    REQUEST_ID,
    Column,
    Csv,
    Kind,
    Layout,
    Sign,
    currency,
    money,
)

LAYOUT = Layout(
    name="payment_batch_detail_legacy_csv",
    source=Csv(preamble="legacy", definition="Payment Batch Detail Report"),
    columns=(
        Column("batch_id", ("batch_id",), is_required=True, is_filled=True),
        MERCHANT_ID,
        Column("batch_date", ("batch_date",), Kind.day, is_required=True, is_filled=True),
        REQUEST_ID,
        MERCHANT_REFERENCE,
        Column("processor_reference", ("trans_ref_no",)),
        replace(CARD_TYPE, headings=("payment_method",)),
        currency("currency", "currency", is_required=True),
        money("amount", "currency", "amount", is_required=True),
        Column("applications", ("transaction_type",), is_required=True, is_filled=True),
    ),
    records=by_application(Sign.signed, Sign.signed),
    fields={k: v for k, v in FIELDS.items() if k not in ("occurred_at", "settled_at")},
    merchant="merchant_id",
)
