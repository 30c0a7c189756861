"""The invented merchants of the sandbox, their acquirers' prices and their books.

These are the sandbox's own facts. The product has its own copy in its mappings, on purpose: a
mistake in one of the two must show as a difference, not be shared.

What the acquirer charges, to be copied into the product's fee schedule (round half up to one
minor unit, per line; on a FeeSummary row once, on the row's sum):

======== ==== ========== ======= ======== === ========== ========
currency Visa MasterCard Amex    Discover JCB assessment per item
======== ==== ========== ======= ======== === ========== ========
USD      165  172        240     175      -   14 bps     10 minor
EUR      80   85         160     -        -   12 bps     8 minor
GBP      80   85         160     -        -   12 bps     8 minor
JPY      190  195        290     -        210 10 bps     10 minor
======== ==== ========== ======= ======== === ========== ========

Interchange (the card columns, basis points) and assessment are charged on sales only, per item on
sales and refunds. A chargeback of acme_us costs 15.00 USD. "Amex" is written ``American Express``.
It may be contested for twenty days; one in twelve comes without that date; most never are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

DIGITS = MappingProxyType({"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "CAD": 2})
CARD_CODES = MappingProxyType(
    {
        "Visa": "001",
        "MasterCard": "002",
        "American Express": "003",
        "Discover": "004",
        "JCB": "007",
    }
)


@dataclass(frozen=True, slots=True)
class Prices:
    """What one line costs in one currency."""

    interchange_bps: Mapping[str, int]  # by card type
    assessment_bps: int
    per_item_minor: int
    chargeback_minor: int = 0


PRICES: Mapping[str, Prices] = MappingProxyType(
    {
        "USD": Prices(
            {"Visa": 165, "MasterCard": 172, "American Express": 240, "Discover": 175},
            assessment_bps=14,
            per_item_minor=10,
            chargeback_minor=1500,
        ),
        "EUR": Prices({"Visa": 80, "MasterCard": 85, "American Express": 160}, 12, 8),
        "GBP": Prices({"Visa": 80, "MasterCard": 85, "American Express": 160}, 12, 8),
        "JPY": Prices(
            {"Visa": 190, "MasterCard": 195, "American Express": 290, "JCB": 210}, 10, 10
        ),
    }
)
DRIFT_BPS = 60  # a fee_drift adds this to the interchange of one line or row


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """One report subscription of a merchant."""

    name: str
    definition: str  # with "Class"
    definition_id: int
    mime_type: str
    version: str
    subscription: str  # CLASSIC, STANDARD or CUSTOM
    content: str  # a word of world.reports
    title: str


@dataclass(frozen=True, slots=True)
class MerchantFacts:
    """One merchant account; ``number`` is the digit that marks its ids."""

    organization_id: str
    number: int
    zone: str
    currencies: tuple[str, ...]
    company: str
    base_currency: str
    order_prefix: str
    funding_lag_days: int  # business days, Monday to Friday
    has_disputes: bool
    fee_kind: str  # detail, summary or acquirer: where fees are reported
    bank_accounts: Mapping[str, str]  # currency to account
    bank_format: str  # bai2, camt or csv
    reports: tuple[ReportFacts, ...]
    wrong_currency: str  # what a clerk types by mistake
    branch: str  # of its AR documents in SYSPRO


def _report(name: str, definition: str, number: int, content: str, title: str) -> ReportFacts:
    return ReportFacts(name, definition, number, "text/csv", "1.0", "CUSTOM", content, title)


_CLASSIC = ReportFacts(
    "PaymentBatchDetailReport_Daily_Classic",
    "PaymentBatchDetailClass",
    211,
    "text/csv",
    "1.10",
    "CLASSIC",
    "batch_classic",
    "Payment Batch Detail Report",
)
_LEGACY = ReportFacts(
    "PaymentBatchDetailReport_Daily_Legacy",
    "PaymentBatchDetailClass",
    211,
    "text/csv",
    "1.0",
    "CLASSIC",
    "batch_legacy",
    "Payment Batch Detail Report",
)
_BATCH_XML = ReportFacts(
    "PaymentBatchDetailReport_Daily",
    "PaymentBatchDetailClass",
    211,
    "application/xml",
    "1.10",
    "CUSTOM",
    "batch_xml",
    "Payment Batch Detail Report",
)
_SETTLEMENT = _report(
    "ProcessorSettlementDetailReport_Daily",
    "ProcessorSettlementDetailClass",
    213,
    "processor_settlement",
    "Processor Settlement Detail Report",
)
_FEE_DETAIL = _report(
    "FeeDetailReport_Daily", "FeeDetailClass", 219, "fee_detail", "Fee Detail Report"
)
_FEE_SUMMARY = _report(
    "FeeSummaryReport_Daily", "FeeSummaryClass", 410, "fee_summary", "Fee Summary"
)
_DISPUTES = _report(
    "ChargebackAndRetrievalDetailReport_Daily",
    "ChargebackAndRetrievalDetailClass",
    217,
    "disputes",
    "Chargeback And Retrieval Detail Report",
)
_FUNDING = _report(
    "FundingDetailReport_Daily", "FundingDetailClass", 215, "funding", "Funding Detail Report"
)
_DEPOSIT = _report(
    "DepositDetailReport_Daily", "DepositDetailClass", 218, "deposit", "Deposit Detail Report"
)
_CONVERSION = ReportFacts(
    "ConversionDetailReport_Daily_Classic",
    "ConversionDetailClass",
    222,
    "application/xml",
    "1.1",
    "CLASSIC",
    "conversion_xml",
    "Conversion Detail Report",
)

MERCHANTS: Mapping[str, MerchantFacts] = MappingProxyType(
    {
        "acme_us": MerchantFacts(
            "acme_us",
            1,
            "America/New_York",
            ("USD",),
            "A",
            "USD",
            "US",
            2,
            True,
            "detail",
            {"USD": "US-001"},
            "bai2",
            (_CLASSIC, _LEGACY, _FEE_DETAIL, _DISPUTES, _FUNDING, _CONVERSION),
            "CAD",
            "10",
        ),
        "acme_uk": MerchantFacts(
            "acme_uk",
            2,
            "Europe/London",
            ("EUR", "GBP"),
            "B",
            "GBP",
            "UK",
            1,
            True,
            "summary",
            {"EUR": "UK-EUR-001", "GBP": "UK-GBP-001"},
            "camt",
            (_BATCH_XML, _FEE_SUMMARY, _DEPOSIT, _CONVERSION),
            "USD",
            "20",
        ),
        "acme_jp": MerchantFacts(
            "acme_jp",
            3,
            "Asia/Tokyo",
            ("JPY",),
            "J",
            "JPY",
            "JP",
            2,
            False,
            "acquirer",
            {"JPY": "JP-001"},
            "csv",
            (_SETTLEMENT, _CONVERSION),
            "USD",
            "30",
        ),
    }
)
COMPANIES = MappingProxyType({facts.company: facts for facts in MERCHANTS.values()})
ACCOUNT_OWNERS = MappingProxyType(
    {
        account: (facts, currency)
        for facts in MERCHANTS.values()
        for currency, account in facts.bank_accounts.items()
    }
)


def decimal_text(minor: int, currency: str) -> str:
    """Write minor units as a plain decimal of the currency: ``-1234 USD`` is ``-12.34``."""
    digits = DIGITS[currency]
    sign = "-" if minor < 0 else ""
    if not digits:
        return f"{sign}{abs(minor)}"
    whole, fraction = divmod(abs(minor), 10**digits)
    return f"{sign}{whole}.{fraction:0{digits}d}"


def share(minor: int, basis_points: int) -> int:
    """Return that share of a positive amount, rounded half up to one minor unit."""
    return (minor * basis_points + 5_000) // 10_000
