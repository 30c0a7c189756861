"""The rows of each report, as text; see ``reports`` for their rules of headings and signs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

from include.sandbox.world import dates
from include.sandbox.world.dates import utc_text
from include.sandbox.world.facts import decimal_text
from include.sandbox.world.model import Funding, Transaction
from include.sandbox.world.settlement import SettlementDay

if TYPE_CHECKING:
    from include.sandbox.world.world import World

RESTATED_FEE_MINOR = 10  # each further version of a fee report costs this much more
RESTATED_CASE_MINOR = 100  # and of a dispute report, the first fee of a case

Row = tuple[str, ...]


def dropped(settled: SettlementDay, version: int) -> tuple[Transaction, ...]:
    """Return the sales that a restated sales report no longer has: one a version, latest first."""
    plain = [t for t in settled.captures if not settled.orders[t.request_id].fault]
    return tuple(plain[::-1][: version - 1])


_CLASSIC = (
    "batch_id merchant_id batch_date request_id merchant_ref_number TransactionReferenceNumber "
    "payment_type currency amount ics_applications status transaction_date"
)
_LEGACY = (
    "batch_id merchant_id batch_date request_id merchant_ref_number trans_ref_no payment_method "
    "currency amount transaction_type"
)
_XML = (
    "batch_id merchant_id batch_date request_id merchant_ref_number trans_ref_no card_type "
    "currency amount authorized applications status transaction_date"
)
_SETTLEMENT = (
    "requestID merchantID transactionDate merchantReferenceNumber settlement_settlementAmount "
    "settlement_settlementCurrencyCode settlement_settlementDate settlement_status batch_batchID "
    "paymentMethod_cardType"
)
_FEES = (
    "requestID merchantID transactionDate merchantReferenceNumber batch_batchID "
    "paymentMethod_cardType fee_billingType fee_settlementAmount fee_settlementCurrency "
    "fee_settlementTime fee_settlementTimeZone fee_interchangeAmount fee_interchangeCurrency "
    "fee_interchangeRate fee_assessmentAmount fee_assessmentCurrency fee_discountAmount "
    "fee_discountCurrency fee_perItemFeeAmount fee_perItemFeeCurrency fee_serviceFeeAmount "
    "fee_serviceFeeAmountCcy fee_conversionFee fee_conversionFeeCurrency "
    "fee_totalFeeAmount fee_totalFeeCurrency"
)
_FEE_SUMMARY = (
    "feeSummary_feeType feeSummary_feeDescription feeSummary_cardType feeSummary_count "
    "feeSummary_fundingCurrency feeSummary_transactionAmount feeSummary_percentageFee "
    "feeSummary_perItemFee feeSummary_totalFeeAmount statementID"
)
_DISPUTES = (
    "requestID merchantID transactionDate merchantReferenceNumber "
    "chargebackAndRetrieval_caseNumber chargebackAndRetrieval_caseTime "
    "chargebackAndRetrieval_caseType chargebackAndRetrieval_chargebackAmount "
    "chargebackAndRetrieval_chargebackCurrency chargebackAndRetrieval_chargebackTime "
    "chargebackAndRetrieval_chargebackReasonCode "
    "chargebackAndRetrieval_chargebackReasonCodeDescription "
    "chargebackAndRetrieval_financialImpact chargebackAndRetrieval_financialImpactType "
    "chargebackAndRetrieval_transactionType chargebackAndRetrieval_arn "
    "chargebackAndRetrieval_feeAmount chargebackAndRetrieval_feeCurrency "
    "chargebackAndRetrieval_respondByDate paymentMethod_cardType"
)
_FUNDING = (
    "requestID merchantID transactionDate batch_batchID funding_fundingAmount "
    "funding_fundingCurrency funding_fundingDate funding_status"
)
_DEPOSIT = (
    "deposit_merchantID deposit_identifier deposit_amount deposit_currency deposit_time "
    "deposit_status deposit_type deposit_method"
)
_CONVERSION = (
    "requestID merchantReferenceNumber conversionDate newDecision originalDecision reviewer "
    "reviewerComments queue profile"
)
REASON_TEXTS = {
    "10.4": "Other Fraud: Card-Absent Environment",
    "13.1": "Merchandise or Services Not Received",
    "13.3": "Not as Described or Defective",
    "4837": "No Cardholder Authorization",
    "4853": "Cardholder Dispute",
}
_FEE_TEXTS = {
    "INTERCHANGE": "Interchange, pass-through",
    "ASSESSMENT": "Scheme assessment",
    "PER_ITEM": "Transaction fee",
}


def _current_lines(world: World, merchant: str, day: date, version: int) -> list[Transaction]:
    settled = world.settled(merchant, day)
    gone = {t.request_id for t in dropped(settled, version)}
    twice = settled.duplicated
    found = []
    for line in settled.lines:
        if line.request_id not in gone:
            found += [line, line] if line.request_id in twice else [line]
    return found


def _batch_lines(world: World, merchant: str, day: date, version: int) -> list[dict[str, str]]:
    """Return the batch detail rows with every member any of its formats shows."""
    settled = world.settled(merchant, day)
    batched = utc_text(settled.closed_at)
    found = []
    for line in _current_lines(world, merchant, day, version):
        found.append(
            {
                "batch_id": settled.batch(line.currency),
                "request_id": line.request_id,
                "reference": line.reference or "",
                "trans_ref_no": line.processor_reference,
                "card_type": line.card_type,
                "currency": line.currency,
                "amount": decimal_text(line.amount_minor, line.currency),
                "signed": decimal_text(line.signed_minor, line.currency),
                "authorized": decimal_text(line.authorized_minor or 0, line.currency),
                "applications": ",".join(line.applications),
                "main": line.applications[0],
                "batched": batched,
                "at": utc_text(line.at),
            }
        )
    for odd in settled.mysteries:
        amount = decimal_text(odd.amount_minor, odd.currency)
        found.append(
            {
                "batch_id": settled.batch(odd.currency),
                "request_id": odd.request_id,
                "reference": odd.reference,
                "trans_ref_no": "",
                "card_type": "",
                "currency": odd.currency,
                "amount": amount,
                "signed": amount,
                "authorized": amount,
                "applications": "ics_mystery",
                "main": "ics_mystery",
                "batched": batched,
                "at": utc_text(odd.at),
            }
        )
    return found


def _batch_rows(members: str) -> Callable[[World, str, date, int], list[Row]]:
    names = members.split()

    def rows(world: World, merchant: str, day: date, version: int) -> list[Row]:
        constant = {"merchant": merchant, "status": "BATCHED", "day": day.isoformat()}
        return [
            tuple(constant[n] if n in constant else line[n] for n in names)
            for line in _batch_lines(world, merchant, day, version)
        ]

    return rows


def _settlement_rows(world: World, merchant: str, day: date, version: int) -> list[Row]:
    settled = world.settled(merchant, day)
    return [
        (
            line.request_id,
            merchant,
            utc_text(line.at),
            line.reference or "",
            decimal_text(line.signed_minor, line.currency),
            line.currency,
            utc_text(settled.closed_at),
            "SETTLED",
            settled.batch(line.currency),
            line.card_type,
        )
        for line in _current_lines(world, merchant, day, version)
    ]


def _fee_rows(world: World, merchant: str, day: date, version: int) -> list[Row]:
    settled = world.settled(merchant, day)
    found: list[Row] = []
    for number, fee in enumerate(settled.fee_lines):
        line = fee.transaction
        currency = line.currency
        extra = 0 if number else RESTATED_FEE_MINOR * (version - 1)

        def text(minor: int, currency: str = currency) -> str:
            return decimal_text(minor, currency)

        found.append(
            (
                line.request_id,
                merchant,
                utc_text(line.at),
                line.reference or "",
                settled.batch(currency),
                line.card_type,
                "interchangePlus",
                text(line.signed_minor),
                currency,
                utc_text(settled.closed_at),
                "GMT",
                text(fee.interchange_minor),
                currency,
                decimal_text(fee.interchange_bps, "USD"),  # per cent with two decimals: 1.65
                text(fee.assessment_minor),
                currency,
                "0.0000",  # discounts have four decimals whatever their currency
                currency,
                text(fee.per_item_minor + extra),
                currency,
                "",
                "",
                "",
                "",
                text(fee.total_minor + extra),
                currency,
            )
        )
    return found


def _fee_summary_rows(world: World, merchant: str, day: date, version: int) -> list[Row]:
    rows = world.settled(merchant, day).fee_rows
    found: list[Row] = []
    for number, row in enumerate(rows):
        extra = 0 if number else RESTATED_FEE_MINOR * (version - 1)
        found.append(
            (
                row.fee_type,
                _FEE_TEXTS[row.fee_type],
                row.card_type,
                str(row.count),
                row.currency,
                decimal_text(row.base_minor, row.currency),
                decimal_text(row.basis_points, "USD"),
                decimal_text(row.per_item_minor, row.currency),
                decimal_text(row.total_minor + extra, row.currency),
                row.statement_id,
            )
        )
    return found


_CASE_WORDS = {  # case type, financial impact, its type
    "chargeback": ("CHARGEBACK", "Y", "debit"),
    "reversal": ("CHARGEBACK_REVERSAL", "Y", "credit"),
    "retrieval": ("RETRIEVAL", "N", "none"),
    "notice": ("CHARGEBACK", "N", "none"),
}


def _dispute_rows(world: World, merchant: str, day: date, version: int) -> list[Row]:
    """Return chargebacks and reversals, then what moves no money."""
    found: list[Row] = []
    settled, trade = world.settled(merchant, day), world.trade(merchant)
    cases = (*settled.disputes, *trade.retrievals(day), *trade.notices(day))
    for number, case in enumerate(cases):
        is_restated = number == 0 and bool(settled.disputes)
        fee = case.fee_minor + (RESTATED_CASE_MINOR * (version - 1) if is_restated else 0)
        case_type, impact, impact_type = _CASE_WORDS[case.kind]
        minor = case.amount_minor if case.kind == "retrieval" else case.signed_minor
        found.append(
            (
                case.request_id,
                merchant,
                utc_text(case.sold_at),
                case.reference,
                case.case_number,
                utc_text(case.at),
                case_type,
                decimal_text(minor, case.currency),
                case.currency,
                utc_text(case.at),
                case.reason_code,
                REASON_TEXTS[case.reason_code],
                impact,
                impact_type,
                "sale",
                f"7{case.processor_reference.zfill(22)}",
                decimal_text(fee, case.currency) if fee else "",
                case.currency if fee else "",
                case.answer_by.isoformat() if case.answer_by else "",
                case.card_type,
            )
        )
    return found


def _funding_rows(world: World, merchant: str, day: date, version: int) -> list[Row]:
    return [
        (
            funding.request_id,
            merchant,
            utc_text(_noon(world, merchant, day)),
            funding.batch_id,
            decimal_text(funding.net_minor, funding.currency),
            funding.currency,
            day.isoformat(),
            "FUNDED",
        )
        for funding in _fundings(world, merchant, day)
    ]


def _deposit_rows(world: World, merchant: str, day: date, version: int) -> list[Row]:
    return [
        (
            merchant,
            funding.batch_id,
            decimal_text(funding.net_minor, funding.currency),
            funding.currency,
            utc_text(_noon(world, merchant, day)),
            "S",
            "ACH",
            "Bank transfer",
        )
        for funding in _fundings(world, merchant, day)
    ]


def _conversion_rows(world: World, merchant: str, day: date, version: int) -> list[Row]:
    return [
        (
            c.request_id,
            c.reference,
            utc_text(c.at),
            c.new_decision,
            "REVIEW",
            c.reviewer,
            c.comments,
            "Standard",
            "Default",
        )
        for c in world.trade(merchant).conversions(day)
    ]


def _fundings(world: World, merchant: str, day: date) -> list[Funding]:
    return world.fundings(merchant, day)


def _noon(world: World, merchant: str, day: date) -> datetime:
    return dates.local_instant(day, 12, 0, world.merchants[merchant].zone)


MAKERS: dict[str, tuple[str, Callable[[World, str, date, int], list[Row]]]] = {
    "batch_classic": (
        _CLASSIC,
        _batch_rows(
            "batch_id merchant batched request_id reference trans_ref_no card_type currency "
            "amount applications status at"
        ),
    ),
    "batch_legacy": (
        _LEGACY,
        _batch_rows(
            "batch_id merchant day request_id reference trans_ref_no card_type currency signed main"
        ),
    ),
    "batch_xml": (
        _XML,
        _batch_rows(
            "batch_id merchant batched request_id reference trans_ref_no card_type currency "
            "signed authorized applications status at"
        ),
    ),
    "processor_settlement": (_SETTLEMENT, _settlement_rows),
    "fee_detail": (_FEES, _fee_rows),
    "fee_summary": (_FEE_SUMMARY, _fee_summary_rows),
    "disputes": (_DISPUTES, _dispute_rows),
    "funding": (_FUNDING, _funding_rows),
    "deposit": (_DEPOSIT, _deposit_rows),
    "conversion_xml": (_CONVERSION, _conversion_rows),
}
