"""Every key of a merchant, of order rules, of a shop and of an alert arrives where it is asked.

Each has a value of its own, so that one that is ignored or taken for another is seen.
"""

import shutil
from datetime import date, time, timedelta
from pathlib import Path
from textwrap import indent

import pytest
import yaml

from include.domain.alerts import AlertKind, AlertRule, Channel, QuietHours, Recipient
from include.domain.merchant import (
    BankAccount,
    DisputeRules,
    ErpCondition,
    JournalPolicy,
    Merchant,
    PeriodPolicy,
    Source,
    SourceKind,
    WriteOffPolicy,
)
from include.domain.order_rules import (
    AmountRange,
    CaptureWhen,
    OnClosedShort,
    OnCredit,
    OnExpiry,
    OnShortStock,
    OrderRules,
)
from include.domain.orders import LineKind
from include.domain.settlement import LineClass
from include.domain.shops import (
    CardReference,
    Charge,
    ChargeLine,
    CodeScheme,
    CustomerCodes,
    CustomerDefaults,
    GuestPolicy,
    KitMode,
    LinkCustomers,
    RateSource,
    Said,
    Shop,
    ShopKind,
    TaxMode,
    WebhookRules,
    WebhookScheme,
)
from include.mappings.load import SHIPPED, load_mappings, read_mappings

FROM = date(2027, 1, 1)

WRITTEN = yaml.safe_load(Path(__file__).with_name("every_key.yaml").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the shipped mappings with an entry more in each file."""
    found = tmp_path_factory.mktemp("mappings")
    shutil.copytree(SHIPPED, found, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py*"))
    for name, text in WRITTEN.items():
        (found / name).write_text((found / name).read_text() + indent(text, "  "))
    return found


def place(folder: Path, name: str) -> str:
    """Return where the last entry of a file begins."""
    lines = (folder / name).read_text().splitlines()
    first = max(n for n, each in enumerate(lines, 1) if each.startswith("  - "))
    return f"{name}:{first}"


def test_no_key_was_left_out_here(folder: Path) -> None:
    entries, problems = read_mappings(folder)
    assert problems == []
    last = {placed.document.file: placed.entry for placed in entries}
    for name in WRITTEN:
        left_out = type(last[name]).model_fields.keys() - last[name].model_fields_set
        assert left_out == {"effective_to"}, name


def test_a_merchant(folder: Path) -> None:
    assert load_mappings(folder).merchant("every_key", FROM) == Merchant(
        merchant_id="every_key",
        organization_id="every_org",
        zone="Europe/Paris",
        cut_off=time(17, 30),
        currencies=("EUR",),
        company_id="A",
        base_currency="USD",
        bank_accounts={"EUR": BankAccount("EV-1", "BEV")},
        cybersource_conn_id="cybersource_every",
        syspro_conn_id="syspro_a",
        bank_conn_id="bank_every",
        acquirer_conn_id="acquirer_every",
        erp_documents=(ErpCondition("Branch", "EQ", "77"),),
        sources=(
            Source(
                "sales",
                SourceKind.service,
                "purchase-refund-details",
                "purchase_refund_details_json",
                (LineClass.gross_sale, LineClass.refund),
                mime_type="application/json",
                is_required=False,
                awaited_days=3,
                comes_on=frozenset({0, 2}),
                parameters={"viewBy": "requestDate"},
            ),
            Source("bank", SourceKind.bank, "EV-1", "bai2", (LineClass.funding,)),
        ),
        gl_template="clearing",
        fees_as_ap_invoice=False,
        ap_supplier="ACQ7",
        split_at_month_end=True,
        period_policy=PeriodPolicy.next_open,
        amount_tolerance_minor=11,
        date_tolerance_days=12,
        approval_tolerance_minor=13,
        settlement_sla_days=14,
        erp_sla_days=15,
        funding_sla_days=16,
        owner="owner@acme.example",
        notify=("told@acme.example",),
        disputes=DisputeRules(17, WriteOffPolicy.within_tolerance),
        journals=JournalPolicy.shadow,
    )


def test_order_rules(folder: Path) -> None:
    assert load_mappings(folder).orders.order_rules("every_key", FROM) == OrderRules(
        merchant_id="every_key",
        amounts={"EUR": AmountRange(11, 12), "GBP": AmountRange(13, 14)},
        ship_to=("FR",),
        on_short_stock=OnShortStock.refuse,
        on_credit_exceeded=OnCredit.accept,
        on_customer_on_hold=OnCredit.refuse,
        on_credit_unknown=OnCredit.hold,
        on_closed_short=OnClosedShort.refund,
        capture_when=CaptureWhen.shipment,
        authorization_days=5,
        authorization_days_by_brand={"Visa": 6},
        on_expiry=OnExpiry.renew,
        expiry_lead_hours=15,
        review_alarm_hours=16,
        max_lines=17,
        max_quantity=18,
        refund_limit_minor={"EUR": 19},
        refund_days=20,
        reverse_partial=False,
        where=place(folder, "order_rules.yaml"),
    )


def test_a_shop(folder: Path) -> None:
    assert load_mappings(folder).orders.shop("every_key_web", FROM) == Shop(
        shop_id="every_key_web",
        kind=ShopKind.generic,
        merchant_id="every_key",
        conn_id="shop_every",
        callback_conn_id="callback_every",
        purchase_order_prefix="EP",
        currencies=("EUR",),
        warehouse="WH",
        order_type="OT",
        customer=CustomerDefaults("BR", "TC", "AR", "SP", "CC", "E"),
        clearing_banks={"EUR": "CLREV"},
        customer_codes=CustomerCodes(CodeScheme.number, "EC", 12),
        guests=GuestPolicy.house_account,
        house_accounts={"EUR": "HOUSE"},
        link_customers=LinkCustomers.never,
        stored_cards=CardReference("CUS", "CARD"),
        payment_form=("ORD", "PAID"),
        refund_form=("ORF", "BACK"),
        prices_include_tax=True,
        tax=TaxMode.syspro,
        kits=KitMode.components,
        merge_identical_lines=False,
        exchange_rates=RateSource.syspro,
        charges={
            LineKind.freight: Charge(ChargeLine.misc, "FRT", "FCH", "FTX"),
            LineKind.discount: Charge(ChargeLine.misc, "DSC"),
            LineKind.fee: Charge(ChargeLine.misc, "FEE"),
        },
        statuses_pushed=frozenset({"booked"}),
        language="de",
        where=place(folder, "shops.yaml"),
        webhooks=WebhookRules(
            WebhookScheme.standard,
            signature_header="x-signed",
            delivery=Said(header="x-name"),
            event=Said(at="kind.of", words={"theirs": "order.updated"}),
            order_at="order.number",
            timestamp_header="x-time",
            tolerance=timedelta(minutes=4),
        ),
        payment_methods=frozenset({"card"}),
    )


def test_an_alert(folder: Path) -> None:
    assert load_mappings(folder).orders.alert(AlertKind.dags_failing, FROM) == AlertRule(
        kind=AlertKind.dags_failing,
        threshold=11,
        window=timedelta(minutes=12),
        recipients=(
            Recipient(Channel.mail, "told@acme.example"),
            Recipient(Channel.chat, "chat_every"),
        ),
        repeat_after=timedelta(minutes=13),
        quiet=QuietHours(time(21), time(5, 30), "Europe/Paris"),
        is_urgent=True,
        owner="owner@acme.example",
        where=place(folder, "alerts.yaml"),
    )


def test_each_yes_and_no_arrives_the_other_way_round_too(folder: Path) -> None:
    shipped = load_mappings(folder)
    assert shipped.merchant("acme_uk", FROM).fees_as_ap_invoice
    assert not shipped.merchant("acme_uk", FROM).split_at_month_end
    shop = shipped.orders.shop("acme_us_web", FROM)
    assert (shop.prices_include_tax, shop.merge_identical_lines) == (False, True)
    assert shipped.orders.order_rules("acme_us", FROM).reverse_partial
    alert = shipped.orders.alert(AlertKind.reviews_ageing, FROM)
    assert alert is not None
    assert not alert.is_urgent
