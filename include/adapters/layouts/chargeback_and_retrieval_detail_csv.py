"""Chargeback and Retrieval Detail: dispute cases as the processor reports them.

Source: Reporting User Guide 25.10.01, ChargebackAndRetrievalDetailClass (217). No real file was
seen; the words of CaseType are the guide's entries, compared without case. A retrieval request
moves no money, nor does a case without financial impact: of that only a stated fee counts. The
request id is that of the capture the dispute is about. RespondByDate is kept as it stands: a
deadline that cannot be read must not hold up the money beside it. No field says that a chargeback
was contested; ResolutionTime says when the case ended.

Sign: chargeback amounts are signed (signedAmounts), the fee beside them is an unsigned cost. A
report made without signs uses the ``_unsigned`` sibling, which takes them from the case's type.
"""

from dataclasses import replace

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
    Says,
    Sign,
    Witness,
    currency,
    money,
)
from include.domain.settlement import LineClass

_GROUP = "chargebackAndRetrieval_"


def _h(name: str) -> tuple[str, ...]:
    """Headings of a field: with its group, and bare as some accounts select it."""
    return f"{_GROUP}{name}", name


_FEE = Line(LineClass.fee, "fee", Sign.cost, "chargeback_fee", is_optional=True)


def _by_case(taken: Sign, given: Sign) -> RecordTypes:
    """Return the record types; the signs are those of money taken and of money given back."""
    chargeback = (Line(LineClass.chargeback, "amount", taken, detail_from="reason_code"), _FEE)
    reversal = (
        Line(LineClass.chargeback_reversal, "amount", given, detail_from="reason_code"),
        _FEE,
    )
    return RecordTypes(
        column="case_type",
        types={
            **dict.fromkeys(("chargeback", "second_chargeback"), chargeback),
            **dict.fromkeys(("chargeback_reversal", "chargeback reversal"), reversal),
            **dict.fromkeys(("retrieval", "retrieval_request", "retrieval request"), ()),
        },
        witnesses=(
            Witness("financial_impact", {"y": Says.money, "n": Says.none}),
            Witness(
                "impact_type",
                {
                    "": Says.nothing,
                    "debit": Says.taken,
                    "credit": Says.given,
                    "none": Says.none,
                },
            ),
        ),
    )


LAYOUT = Layout(
    name="chargeback_and_retrieval_detail_csv",
    source=Csv(preamble="v3", definition="ChargebackAndRetrievalDetail"),
    columns=(
        REQUEST_ID,
        MERCHANT_ID,
        MERCHANT_REFERENCE,
        TRANSACTION_DATE,
        Column("case_number", _h("caseNumber"), is_required=True, is_filled=True),
        Column("case_time", _h("caseTime"), Kind.moment),
        Column("case_type", _h("caseType"), is_required=True, is_filled=True),
        money("amount", "currency", *_h("chargebackAmount"), is_required=True),
        currency("currency", *_h("chargebackCurrency"), is_required=True),
        Column("chargeback_time", _h("chargebackTime"), Kind.moment, True, True),
        Column("reason_code", _h("chargebackReasonCode")),
        Column("reason_text", _h("chargebackReasonCodeDescription")),
        Column("financial_impact", _h("financialImpact"), is_required=True, is_filled=True),
        Column("impact_type", _h("financialImpactType")),
        Column("transaction_type", _h("transactionType")),
        Column("respond_by", _h("respondByDate")),
        Column("arn", _h("arn")),
        Column("adjustment_arn", _h("adjustmentARN")),
        money("fee", "fee_currency", *_h("feeAmount")),
        currency("fee_currency", *_h("feeCurrency")),
        CARD_TYPE,
        BATCH_ID,
    ),
    records=_by_case(taken=Sign.signed, given=Sign.signed),
    fields={
        "request_id": "request_id",
        "related_request_id": "request_id",
        "merchant_reference": "merchant_reference",
        "processor_reference": ("arn", "adjustment_arn"),
        "case_number": "case_number",
        "answer_by": "respond_by",
        "card_type": "card_type",
        "batch_id": "batch_id",
        "occurred_at": "transaction_date",
        "settled_at": "chargeback_time",
    },
    merchant="merchant_id",
    signed_amounts=True,
    other_signs="chargeback_and_retrieval_detail_csv_unsigned",
)

UNSIGNED = replace(
    LAYOUT,
    name=LAYOUT.other_signs,
    records=_by_case(taken=Sign.taken, given=Sign.given),
    signed_amounts=False,
    other_signs=LAYOUT.name,
)
