"""The shipped tables of order to cash answer; a wrong one names its file, line, value and fix."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
import yaml

from include.adapters.cybersource.reasons import BuiltInReasons
from include.domain.alerts import AlertKind, Channel
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen, OnShortStock
from include.domain.order_state import TOLD
from include.domain.payment_meanings import Meaning, MoneyEffect, Retry
from include.domain.shops import Ask, FieldRule, ShopKind
from include.mappings.load import SHIPPED, load_mappings, read_mappings
from include.mappings.payment_words import CODES, REASONS, STATUSES
from include.mappings.tables_orders import OrderTables
from include.mappings.today import Meanings

DAY = date(2026, 11, 3)
BAD = yaml.safe_load((Path(__file__).parents[1] / "bad_input" / "order_mappings.yaml").read_text())


@pytest.fixture(scope="module")
def tables() -> OrderTables:
    return load_mappings().orders


@pytest.mark.parametrize("case", BAD)
def test_bad_input_names_file_line_value_and_fix(case: str, tmp_path: Path) -> None:
    bad = BAD[case]
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py*"))
    text = (tmp_path / bad["file"]).read_text()
    assert bad["old"] in text
    (tmp_path / bad["file"]).write_text(text.replace(bad["old"], bad["new"], 1))
    problems = read_mappings(tmp_path)[1]
    told = [p for p in problems if bad["what"] in p.what and bad["do"] in p.do]
    assert told, "\n".join(str(problem) for problem in problems)
    if "blamed" in bad:
        line = (tmp_path / told[0].file).read_text().splitlines()[told[0].line - 1]
        assert bad["blamed"] in line, f"{told[0]} blames {line!r}"
    with pytest.raises(Rejected, match=r"\.yaml:\d+"):
        load_mappings(tmp_path)


def test_a_merchant_that_booked_revenue_may_open_a_shop_once_it_clears(tmp_path: Path) -> None:
    """A later entry ends the earlier one; a shop need not clear before it brings orders."""
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py*"))
    text = (tmp_path / "merchants.yaml").read_text()
    first = text.index("  - merchant_id: acme_us")
    own = text[first : text.index("  - merchant_id: acme_uk")]
    direct = own.replace("gl_template: clearing", "gl_template: direct")
    later = own.replace("effective_from: 2026-01-01", "effective_from: 2026-06-01")
    (tmp_path / "merchants.yaml").write_text(text.replace(own, direct + later))
    assert len(read_mappings(tmp_path)[1]) == 1  # its shop was there before
    shops = (tmp_path / "shops.yaml").read_text()
    opened = shops.replace("effective_from: 2026-01-01", "effective_from: 2026-06-01", 1)
    (tmp_path / "shops.yaml").write_text(opened)
    assert read_mappings(tmp_path)[1] == []
    templates = (tmp_path / "gl_templates.yaml").read_text()
    ended = "effective_from: 2026-06-01"
    clears = templates[templates.index("  - name: clearing") : templates.index("\n  # The sett")]
    revenue = clears.replace('refund: "1150"', 'refund: "4010"')
    both = templates.replace(clears, revenue + clears.replace("effective_from: 2026-01-01", ended))
    (tmp_path / "gl_templates.yaml").write_text(both)
    told = [problem.what for problem in read_mappings(tmp_path)[1]]
    assert len(told) == 1  # of the other shop, which was there before the template cleared
    assert "acme_uk would book each sale twice" in told[0]


def test_the_demo_shops_are_as_the_demo_expects(tables: OrderTables) -> None:
    us, uk = tables.shop("acme_us_web", DAY), tables.shop("acme_uk_web", DAY)
    assert (us.kind, us.merchant_id, us.customer.branch) == (
        ShopKind.woocommerce,
        "acme_us",
        "10",
    )
    assert us.purchase_order("1001") == "W1001"
    assert uk.purchase_order("UK-5001") == "GUK-5001"
    assert us.clearing_bank("USD") == "CLRUS"
    assert (uk.clearing_bank("EUR"), uk.clearing_bank("GBP")) == ("CLREU", "CLRGB")
    assert (uk.token_form, us.token_form) == (("CUS", "TOKEN"), ("", ""))
    assert (us.payment_form, us.refund_form) == (("ORD", "PAYREF"), ("ORD", "REFREF"))
    with pytest.raises(Rejected, match="'JPY: <SYSPRO bank>'"):
        us.clearing_bank("JPY")


def test_an_unknown_shop_and_one_before_its_first_day_name_the_entry_to_add(
    tables: OrderTables,
) -> None:
    with pytest.raises(Rejected, match="shop_id 'nowhere' is not configured"):
        tables.shop("nowhere", DAY)
    with pytest.raises(Rejected, match="not configured on 2025-12-31") as caught:
        tables.shop("acme_us_web", date(2025, 12, 31))
    assert caught.value.where.startswith("shops.yaml:")


# What the gateway answers -------------------------------------------------------------------------


def test_an_expired_card_asks_for_another_and_holds_nothing(tables: OrderTables) -> None:
    found = tables.payment("authorization", "DECLINED", "EXPIRED_CARD", DAY, "en")
    assert (found.meaning, found.money, found.code) == (
        Meaning.declined,
        MoneyEffect.nothing,
        "card_expired",
    )
    assert found.retry is Retry.other_card
    assert found.sentence == "The card has expired. Please use another card."
    german = tables.payment("authorization", "DECLINED", "EXPIRED_CARD", DAY, "de")
    assert german.sentence.startswith("Die Karte ist abgelaufen")
    with pytest.raises(Rejected, match="language 'fr' is not configured"):
        tables.payment("authorization", "DECLINED", "EXPIRED_CARD", DAY, "fr")


@pytest.mark.parametrize(
    ("status", "reason", "meaning", "money"),
    [
        ("AUTHORIZED", "", Meaning.approved, MoneyEffect.held),
        ("PARTIAL_AUTHORIZED", "", Meaning.partial, MoneyEffect.reverse),
        (
            "AUTHORIZED_PENDING_REVIEW",
            "DECISION_PROFILE_REVIEW",
            Meaning.review,
            MoneyEffect.held,
        ),
        (
            "AUTHORIZED_RISK_DECLINED",
            "DECISION_PROFILE_REJECT",
            Meaning.risk_declined,
            MoneyEffect.reverse,
        ),
        ("DECLINED", "AVS_FAILED", Meaning.risk_declined, MoneyEffect.reverse),
        ("DECLINED", "CV_FAILED", Meaning.risk_declined, MoneyEffect.reverse),
        ("DECLINED", "", Meaning.declined, MoneyEffect.nothing),
        ("INVALID_REQUEST", "MISSING_FIELD", Meaning.invalid, MoneyEffect.nothing),
        ("INVALID_REQUEST", "DUPLICATE_REQUEST", Meaning.look, MoneyEffect.unknown),
        ("SERVER_ERROR", "SERVER_TIMEOUT", Meaning.look, MoneyEffect.unknown),
        ("", "202", Meaning.declined, MoneyEffect.nothing),
        ("", "150", Meaning.look, MoneyEffect.unknown),
        ("DECLINED", "202", Meaning.declined, MoneyEffect.nothing),
    ],
)
def test_an_authorization_means_what_it_means_for_money(
    tables: OrderTables, status: str, reason: str, meaning: Meaning, money: MoneyEffect
) -> None:
    found = tables.payment("authorization", status, reason, DAY, "en")
    assert (found.meaning, found.money) == (meaning, money)


@pytest.mark.parametrize(
    ("operation", "status", "reason"),
    [
        ("authorization", "AUTHORISED", ""),
        ("authorization", "DECLINED", "NEW_REASON"),
        ("authorization", "", "999"),
        ("authorization", "", ""),
        ("teleport", "DECLINED", "EXPIRED_CARD"),
    ],
)
def test_what_no_row_names_is_looked_for(
    tables: OrderTables, operation: str, status: str, reason: str
) -> None:
    found = tables.payment(operation, status, reason, DAY, "en")
    assert (found.meaning, found.money) == (Meaning.look, MoneyEffect.unknown)


def test_a_reversal_done_before_is_no_second_reversal(tables: OrderTables) -> None:
    found = tables.payment("reversal", "INVALID_REQUEST", "AUTH_ALREADY_REVERSED", DAY, "en")
    assert found.meaning is Meaning.already
    late = tables.payment("reversal", "INVALID_REQUEST", "TRANSACTION_ALREADY_SETTLED", DAY, "en")
    assert (late.meaning, late.money) == (Meaning.declined, MoneyEffect.held)


def _cases() -> Iterator[tuple[str, str, str]]:
    own = ("authorization", "capture", "refund", "reversal", "void", "decision")
    for operation in own:
        for status in STATUSES[operation]:
            yield operation, status, ""
        yield from product([operation], ["DECLINED", "INVALID_REQUEST"], REASONS)
    yield from product(["authorization"], ["201"], ["CUSTOMER_AUTHENTICATION_REQUIRED", "X", ""])
    yield from (("authorization", "", code) for code in CODES)


def test_the_table_and_the_adapters_own_agree() -> None:
    shipped, builtin = Meanings(load_mappings().orders, lambda: DAY), BuiltInReasons()
    cases = list(_cases())
    ours = {case: shipped.meaning(*case) for case in cases}
    assert ours == {case: builtin.meaning(*case) for case in cases}


# What the shop is told, and what is allowed -------------------------------------------------------


def test_every_state_that_is_told_has_a_word_in_every_kind_of_shop(tables: OrderTables) -> None:
    for kind in ShopKind:
        for state in (*TOLD, "shipped"):
            assert tables.shop_status(kind, state, DAY).status
    with pytest.raises(Rejected, match="Add the line 'lost: "):
        tables.shop_status(ShopKind.generic, "lost", DAY)


@pytest.mark.parametrize("kind", ShopKind)
def test_a_shop_whose_lines_name_no_unit_of_their_own_sells_in_one(
    tables: OrderTables, kind: ShopKind
) -> None:
    shipped = tables.field_map(kind, DAY)
    assert shipped.sold_in == "EA"
    goods = shipped.lines[0]
    read = replace(goods, fields={**goods.fields, "unit": FieldRule(paths=("uom",))})
    assert replace(shipped, lines=(read, *shipped.lines[1:])).sold_in == ""
    bare = replace(goods, fields={k: v for k, v in goods.fields.items() if k != "unit"})
    assert replace(shipped, lines=(bare,)).sold_in == "EA"


def test_what_a_shops_status_asks_of_us_is_a_row(tables: OrderTables) -> None:
    asks = tables.shop_asks(ShopKind.woocommerce, DAY)
    assert (asks["processing"], asks["cancelled"], asks["trash"]) == ("take", "cancel", "discard")
    assert asks["completed"] is Ask.sold
    assert tables.shop_asks(ShopKind.generic, DAY)["paid"] is Ask.take


def test_a_note_shows_its_facts_and_a_dash_for_what_is_not_known(tables: OrderTables) -> None:
    told = tables.shop_status(ShopKind.woocommerce, "shipped", DAY)
    assert told.note_of({"carrier": "DHL"}) == "Shipped with DHL, tracking -."


def test_order_rules_judge_amount_and_country(tables: OrderTables) -> None:
    rules = tables.order_rules("acme_us", DAY)
    assert rules.on_short_stock is OnShortStock.splits
    assert rules.capture_when is CaptureWhen.at_once
    rules.check_amount(Money(2_500_000, "USD"), "order 1")
    with pytest.raises(Rejected, match=r"25000\.01 USD is more than 25000\.00 USD"):
        rules.check_amount(Money(2_500_001, "USD"), "order 1")
    with pytest.raises(Rejected, match=r"0\.99 USD is less than 1\.00 USD"):
        rules.check_amount(Money(99, "USD"), "order 1")
    with pytest.raises(Rejected, match="takes no orders in EUR"):
        rules.check_amount(Money(100, "EUR"), "order 1")
    rules.check_country("CA", "order 1")
    with pytest.raises(Rejected, match="nothing is shipped to 'GB'"):
        rules.check_country("GB", "order 1")


def test_an_authorization_lapses_by_brand_and_alarms_ahead(tables: OrderTables) -> None:
    rules, at = tables.order_rules("acme_us", DAY), datetime(2026, 11, 3, 12, tzinfo=UTC)
    assert rules.authorization_expires_at(at, "Discover") == at + timedelta(days=10)
    assert rules.authorization_expires_at(at, "Diners Club") == at + timedelta(days=7)
    lapses = rules.authorization_expires_at(at, "Visa")
    assert rules.expiry_due_at(lapses) == at + timedelta(days=6)
    assert rules.review_alarm_at(lapses) == at + timedelta(days=5)


def test_a_refund_above_the_limit_needs_two_people(tables: OrderTables) -> None:
    rules = tables.order_rules("acme_uk", DAY)
    assert rules.refund_limit("GBP") == Money(80_000, "GBP")
    assert rules.refund_limit("USD") is None  # always two
    assert rules.gives_back_since(DAY + timedelta(days=180)) == DAY


def test_an_alert_waits_for_its_threshold_for_quiet_hours_and_for_its_repetition(
    tables: OrderTables,
) -> None:
    rule = tables.alert(AlertKind.reviews_ageing, DAY)
    assert rule is not None
    assert rule.recipients[0].channel is Channel.mail
    noon = datetime(2026, 11, 3, 17, tzinfo=UTC)  # 12:00 in New York
    night = datetime(2026, 11, 4, 4, tzinfo=UTC)  # 23:00
    dawn = datetime(2026, 11, 4, 11, 59, tzinfo=UTC)  # 06:59
    assert rule.is_due(1, noon, None)
    assert not rule.is_due(0, noon, None)
    assert not rule.is_due(1, night, None)
    assert not rule.is_due(1, dawn, None)
    assert not rule.is_due(1, noon, noon - timedelta(minutes=239))
    assert rule.is_due(1, noon, noon - timedelta(minutes=240))
    urgent = tables.alert(AlertKind.card_number_refused, DAY)
    assert urgent is not None
    assert urgent.is_due(1, night, None)
    assert len(tables.alert_rules(DAY)) == len(AlertKind)
