"""Payment Batch Detail, XML of the v3 service.

Source: XSD BatchDetailReport (2019) of the v3 service. No real file was seen, so namespaces and
the DOCTYPE are accepted as on its sister reports, and never fetched.

One Request of a sale holds two application replies and two PaymentInfo, paired by position; only
the pair named ``ics_bill`` or ``ics_credit`` is money, the other would double the sum.

Sign: amounts are signed (signedAmounts). A report made without it uses the ``_unsigned`` sibling,
which takes the sign from the application, as the classic one does.
"""

from dataclasses import replace

from include.adapters.layouts.payment_batch_detail_classic_csv import (
    FIELDS,
    REFUNDS,
    SALES,
    by_application,
)
from include.adapters.layouts.shape import (
    CARD_TYPE,
    MERCHANT_ID,
    MERCHANT_REFERENCE,
    REQUEST_ID,
    TRANSACTION_DATE,
    Column,
    Kind,
    Layout,
    Sign,
    Xml,
    currency,
    money,
)

LAYOUT = Layout(
    name="payment_batch_detail_xml",
    source=Xml(
        root="Report",
        record="Request",
        definition="PaymentBatchDetail",
        paths={
            "batch_id": ("BATCH/BatchID",),
            "merchant_id": ("@MerchantID",),
            "batch_date": ("BATCH/BatchDate",),
            "request_id": ("@RequestID",),
            "merchant_reference": ("@MerchantReferenceNumber",),
            "card_type": ("PaymentMethod/Card/CardType", "PaymentMethod/CardType"),
            "status": ("BATCH/Status",),
            "transaction_date": ("@RequestDate",),
            # below the chosen PaymentInfo
            "processor_reference": (
                "+TransactionReferenceNumber",  # so in the XSD
                "+TransactionRefNumber",  # so in the guide's list of fields
                "+ProcessorTransactionID",
            ),
            "currency": ("+CurrencyCode",),
            "amount": ("+Amount",),
        },
        pairs=("ApplicationReplies/ApplicationReply", "PaymentData/PaymentInfo"),
        chosen=SALES + REFUNDS,
    ),
    columns=(
        Column("batch_id", (), is_required=True, is_filled=True),
        MERCHANT_ID,
        Column("batch_date", (), Kind.instant, is_required=True, is_filled=True),
        REQUEST_ID,
        MERCHANT_REFERENCE,
        Column("processor_reference", ()),
        CARD_TYPE,
        currency("currency", is_required=True),
        money("amount", "currency", is_required=True),
        Column("applications", (), is_required=True, is_filled=True),
        Column("status", ()),
        TRANSACTION_DATE,
    ),
    records=by_application(Sign.signed, Sign.signed),
    fields=FIELDS,
    merchant="merchant_id",
    signed_amounts=True,
    other_signs="payment_batch_detail_xml_unsigned",
)

UNSIGNED = replace(
    LAYOUT,
    name=LAYOUT.other_signs,
    records=by_application(Sign.given, Sign.taken),
    signed_amounts=False,
    other_signs=LAYOUT.name,
)
