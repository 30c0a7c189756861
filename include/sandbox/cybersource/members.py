"""One item of each JSON service, with the vendor's member names."""

from datetime import datetime

from include.sandbox.world import MERCHANTS
from include.sandbox.world.dates import utc_text
from include.sandbox.world.facts import decimal_text
from include.sandbox.world.model import Dispute, FeeLine, Mystery, Transaction
from include.sandbox.world.settlement import SettlementDay

SUBTYPES = {
    "Visa": "VI",
    "MasterCard": "MC",
    "American Express": "AX",
    "Discover": "DI",
    "JCB": "JC",
}


_ALERTS = {"reversal": "Reversal", "retrieval": "Retrieval", "notice": "PreDispute"}


def batch_summary(
    merchant: str, start: datetime, end: datetime, key: tuple[str, str], lines: list[Transaction]
) -> dict[str, object]:
    currency, card = key
    sales = [line.amount_minor for line in lines if line.kind != "refund"]
    credits = [line.amount_minor for line in lines if line.kind == "refund"]
    return {
        "currencyCode": currency,
        "paymentSubTypeDescription": card,
        "startTime": utc_text(start),
        "endTime": utc_text(end),
        "salesCount": len(sales),
        "salesAmount": decimal_text(sum(sales), currency),
        "creditCount": len(credits),
        "creditAmount": decimal_text(sum(credits), currency),
        "accountName": merchant,
        "accountId": merchant,
        "merchantId": merchant,
        "merchantName": merchant,
    }


def dispute(merchant: str, case: Dispute) -> dict[str, object]:
    is_reversal, is_notice = case.kind == "reversal", case.kind == "notice"
    return {
        "processorMerchantId": f"{MERCHANTS[merchant].number:08d}",
        "merchantName": merchant,
        "transactionReferenceNumber": case.processor_reference,
        "merchantReferenceNumber": case.reference,
        "natureOfDispute": "Retrieval" if case.kind == "retrieval" else "Chargeback",
        "alertType": _ALERTS.get(case.kind, "New"),
        "amount": decimal_text(case.amount_minor, case.currency),
        "sign": "+" if is_reversal else "-",
        "action": "CHARGEBACK_REVERSAL" if is_reversal else case.kind.upper(),
        "actionDescription": "Won by the merchant" if is_reversal else "Opened by the issuer",
        "cardType": case.card_type,
        "originalSettlementTime": utc_text(case.sold_at),
        "trackingNumber": case.case_number,
        "currencyCode": case.currency,
        "requestId": case.request_id,
        "responseDueTime": f"{case.answer_by}T00:00:00Z" if case.answer_by else "",
        "time": utc_text(case.at),
        "customerId": "",
        "reasonCode": case.reason_code,
        "representmentCPTime": utc_text(case.answered_at) if case.answered_at else "",
        "applications": "ics_bill",
        "eventRequestedTime": utc_text(case.at),
        "preDisputeFlag": "Y" if is_notice else "N",
    }


def request_detail(line: Transaction, settled: SettlementDay) -> dict[str, object]:
    return {
        "requestId": line.request_id,
        "cybersourceMerchantId": settled.facts.organization_id,
        "processorMerchantId": f"{settled.facts.number:08d}",
        "groupName": "",
        "transactionReferenceNumber": line.processor_reference,
        "merchantReferenceNumber": line.reference or "",
    }


def settlement(line: Transaction, settled: SettlementDay) -> dict[str, object]:
    return {
        "requestId": line.request_id,
        "transactionType": "Refund" if line.kind == "refund" else "Purchase",
        "submissionTime": utc_text(settled.closed_at),
        "amount": decimal_text(line.amount_minor, line.currency),
        "currencyCode": line.currency,
        "paymentMethod": line.card_type,
        "walletType": "",
        "paymentType": "credit card",
        "accountSuffix": line.processor_reference[-4:],
        "cybersourceBatchTime": utc_text(settled.closed_at),
        "cybersourceBatchId": settled.batch(line.currency),
        "cardType": line.card_type,
        "debitNetwork": "",
    }


def authorization(line: Transaction, settled: SettlementDay) -> dict[str, object]:
    return {
        "requestId": line.request_id,
        "transactionReferenceNumber": line.processor_reference,
        "time": utc_text(line.at),
        "authorizationRequestId": line.root_id,
        "amount": decimal_text(line.authorized_minor or 0, line.currency),
        "currencyCode": line.currency,
        "code": "831000",
        "rcode": "1",
    }


def unsettled(odd: Mystery) -> Transaction:
    """Return a sale that its processor does not settle."""
    return Transaction(
        odd.request_id,
        odd.request_id,
        "sale",
        odd.at,
        odd.reference,
        odd.currency,
        odd.amount_minor,
        odd.amount_minor,
        "Visa",
        "",
        None,
    )


def settlement_status(line: Transaction, settled: SettlementDay) -> dict[str, object]:
    is_settled = line.settlement_date is not None
    return {
        "requestId": line.request_id,
        "status": "SETTLED" if is_settled else "FAILED",
        "settlementTime": utc_text(settled.closed_at),
        "reasonCode": "100" if is_settled else "233",
        "errorText": "" if is_settled else "General decline by the processor",
    }


def fee(fee: FeeLine) -> dict[str, object]:
    line = fee.transaction
    return {
        "requestId": line.request_id,
        "interchangePerItemFee": decimal_text(fee.per_item_minor, line.currency),
        "interchangeDescription": line.card_type,
        "interchangePercentage": decimal_text(fee.interchange_bps, "USD"),
        "interchangePercentageAmount": decimal_text(fee.interchange_minor, line.currency),
        "discountPercentage": "0",
        "discountAmount": decimal_text(0, line.currency),
        "discountPerItemFee": decimal_text(0, line.currency),
        "totalFee": decimal_text(fee.total_minor, line.currency),
        "feeCurrency": line.currency,
        "duesAssessments": decimal_text(fee.assessment_minor, line.currency),
        "fundingAmount": decimal_text(line.signed_minor - fee.total_minor, line.currency),
        "fundingCurrency": line.currency,
    }


def interchange(merchant: str, fee: FeeLine, settled: SettlementDay) -> dict[str, object]:
    line = fee.transaction
    return {
        "requestId": line.request_id,
        "organizationId": merchant,
        "accountId": merchant,
        "processorMerchantId": f"{settled.facts.number:08d}",
        "transactionReferenceNumber": line.processor_reference,
        "merchantReferenceNumber": line.reference or "",
        "accountSuffix": line.processor_reference[-4:],
        "paymentSubType": SUBTYPES[line.card_type],
        "paymentSubTypeDescription": line.card_type,
        "transactionTime": utc_text(line.at),
        "processedTime": utc_text(settled.closed_at),
        "transactionType": "Purchase",
        "amount": decimal_text(line.amount_minor, line.currency),
        "currencyCode": line.currency,
        "settlementTime": utc_text(settled.closed_at),
        "settlementProcessor": "sandboxacquirer",
        "merchantBatchNumber": settled.batch(line.currency),
        "interchangeAmount": decimal_text(fee.interchange_minor, line.currency),
        "settlementAmount": decimal_text(line.amount_minor, line.currency),
        "settlementCurrencyCode": line.currency,
        "percentRateCharged": decimal_text(fee.interchange_bps, "USD"),
        "batchTime": utc_text(settled.closed_at),
        "minimumUnit": 0,
        "applicationName": "ics_bill",
    }
