"""An entry of a mapping changes nothing before its first day, and rules from that day on."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import copytree

import pytest

from include.domain.errors import Rejected
from include.domain.order_rules import CaptureWhen
from include.mappings.load import SHIPPED, load_mappings, read_mappings
from include.mappings.today import Today
from include.wiring import Settings, Tieout
from tieout.desks.order_desk import Desks

BEFORE, FIRST = date(2026, 11, 3), date(2026, 11, 4)
Change = Callable[[str, str, str, str], Path]


@pytest.fixture
def later(tmp_path: Path) -> Change:
    """Add a second entry to a table, the first one's copy from 2026-11-04 on with one change."""
    folder = copytree(SHIPPED, tmp_path / "mappings", ignore=lambda _, names: [
        name for name in names if not name.endswith(".yaml")])  # fmt: skip

    def change(file: str, named: str, old: str, new: str) -> Path:
        path = folder / file
        head, *entries = path.read_text().split("\n  - ")
        (entry,) = [one for one in entries if one.startswith(named)]
        assert old in entry
        copy = entry.replace("2026-01-01", "2026-11-04").replace(old, new).rstrip()
        path.write_text("\n  - ".join([head.rstrip(), *(e.rstrip() for e in entries), copy]) + "\n")
        return folder

    return change


def at(folder: Path, now: datetime) -> Tieout:
    """Return the product over changed mappings, at a moment."""
    context = Tieout(Settings("sqlite://", folder.parent / "lake", "sandbox"))
    context.mappings = load_mappings(folder)  # a cached part, made beforehand
    context.clock = Clock(now)  # type: ignore[assignment]
    return context


class Clock:
    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def test_a_later_entry_of_each_table_changes_nothing_before_its_day(later: Change) -> None:
    later("order_rules.yaml", "merchant_id: acme_us", "max_lines: 500", "max_lines: 7")
    later("shops.yaml", "shop_id: acme_us_web", "warehouse: MAIN", "warehouse: EAST")
    later("merchants.yaml", "merchant_id: acme_us", "erp_sla_days: 2", "erp_sla_days: 9")
    later("order_statuses.yaml", "shop_kind: woocommerce", "cancelled: cancel", "cancelled: wait")
    later("alerts.yaml", "what: dead_letters", "threshold: 10", "threshold: 99")
    folder = later(
        "shop_fields.yaml", "shop_kind: woocommerce", "amounts: decimal", "amounts: minor"
    )
    mappings = load_mappings(folder)

    def ruled(day: date) -> tuple[object, ...]:
        today = Today(mappings, lambda _zone: day)
        shop = today.shop("acme_us_web")
        (letters,) = (one for one in today.alert_rules() if one.kind == "dead_letters")
        return (
            today.order_rules("acme_us").max_lines,
            shop.warehouse,
            today.shops()["acme_us_web"].warehouse,
            today.merchant("acme_us").erp_sla_days,
            today.merchants()["acme_us"].erp_sla_days,
            today.shop_asks(shop)["cancelled"].value,
            letters.threshold,
            today.field_map(shop).is_minor,
        )

    assert ruled(BEFORE) == (500, "MAIN", "MAIN", 2, 2, "cancel", 10, False)
    assert ruled(FIRST) == (7, "EAST", "EAST", 9, 9, "wait", 99, True)


def test_a_process_that_outlives_midnight_takes_the_new_days_rules(later: Change) -> None:
    later("order_rules.yaml", "merchant_id: acme_us", "capture_when: at_once",
          "capture_when: shipment")  # fmt: skip
    folder = later("shops.yaml", "shop_id: acme_us_web", "warehouse: MAIN", "warehouse: EAST")
    # Midnight of New York is 05:00 UTC.
    context = at(folder, datetime(2026, 11, 4, 4, 59, tzinfo=UTC))
    desks = Desks(context)
    first = desks.of("acme_us_web")
    assert (first.day, first.shop.warehouse) == (BEFORE, "MAIN")
    assert desks.of("acme_us_web") is first
    assert context.translator("acme_us_web").rules.capture_when is CaptureWhen.at_once
    context.clock = Clock(datetime(2026, 11, 4, 5, 0, tzinfo=UTC))  # type: ignore[assignment]
    second = desks.of("acme_us_web")
    assert (second.day, second.shop.warehouse) == (FIRST, "EAST")
    assert context.translator("acme_us_web").rules.capture_when is CaptureWhen.shipment


def test_a_shop_that_opens_later_is_not_swept_before(later: Change) -> None:
    folder = later(
        "shops.yaml", "shop_id: acme_us_web", "shop_id: acme_us_web", "shop_id: acme_new"
    )
    text = (folder / "shops.yaml").read_text()
    begins = text.rindex("shop_id: acme_new")
    renamed = text[begins:].replace("prefix: W", "prefix: Z")
    renamed = renamed.replace("purchase_order_prefix: W", "purchase_order_prefix: Z")
    (folder / "shops.yaml").write_text(text[:begins] + renamed)
    context = at(folder, datetime(2026, 11, 3, 12, tzinfo=UTC))
    assert Desks(context).shop_ids() == ["acme_uk_web", "acme_us_web"]
    assert context.today.open_shops() == ["acme_uk_web", "acme_us_web"]
    with pytest.raises(Rejected, match="'acme_new' is not configured on 2026-11-03"):
        context.today.shop("acme_new")
    context.clock = Clock(datetime(2026, 11, 4, 12, tzinfo=UTC))  # type: ignore[assignment]
    assert Desks(context).shop_ids() == ["acme_new", "acme_uk_web", "acme_us_web"]


ENDING = [
    ("shops.yaml", "shop_id: acme_us_web"),
    ("merchants.yaml", "merchant_id: acme_us"),
    ("order_rules.yaml", "merchant_id: acme_us"),
    ("shop_fields.yaml", "shop_kind: woocommerce"),
    ("order_statuses.yaml", "shop_kind: woocommerce"),
]


@pytest.mark.parametrize(("file", "named"), ENDING)
def test_an_ended_entry_takes_no_new_orders_and_rules_those_that_it_has_taken(
    tmp_path: Path, file: str, named: str
) -> None:
    folder = copytree(SHIPPED, tmp_path / "mappings")
    (folder / file).write_text(_ending((folder / file).read_text(), named))
    mappings = load_mappings(folder)

    def today(day: date) -> Today:
        return Today(mappings, lambda _zone: day)

    assert today(BEFORE).open_shop("acme_us_web").warehouse == "MAIN"
    for day in (FIRST, date(2027, 5, 1)):
        now = today(day)
        with pytest.raises(Rejected, match=f"{file}:[0-9]+.*on if it shall") as refused:
            now.open_shop("acme_us_web")
        assert "'acme_us_web' takes no new orders: " in refused.value.what
        assert "is not in force since 2026-11-03" in refused.value.what
        assert now.open_shops() == ["acme_uk_web"]
        shop = now.shop("acme_us_web")
        assert now.shops() == {"acme_us_web": shop, "acme_uk_web": now.shop("acme_uk_web")}
        assert now.merchant(shop.merchant_id) == now.merchants()["acme_us"]
        assert now.order_rules("acme_us").max_lines == 500
        assert now.shop_status(shop, "captured").status == "processing"
        assert now.shop_asks(shop)["cancelled"].value == "cancel"
        assert not now.field_map(shop).is_minor


def _ending(text: str, named: str) -> str:
    """Let the entry end on 2026-11-03."""
    at_entry = text.index(f"- {named}")
    begins = "effective_from: 2026-01-01\n"
    over = f"{begins}    effective_to: 2026-11-03\n"
    return text[:at_entry] + text[at_entry:].replace(begins, over, 1)


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("shopper_messages.yaml", "language: en"),
        ("payment_statuses.yaml", "operation: capture"),
        ("payment_statuses.yaml", "operation: any"),
    ],
)
def test_an_answer_of_the_gateway_keeps_its_meaning_when_its_entry_has_ended(
    file: str, named: str, tmp_path: Path
) -> None:
    """Without its row a done capture would mean: nothing is certain."""
    folder = copytree(SHIPPED, tmp_path / "mappings")
    (folder / file).write_text(_ending((folder / file).read_text(), named))
    tables = load_mappings(folder).orders
    for operation, status in (("capture", "PENDING"), ("capture", "SERVER_ERROR")):
        said = (operation, status, "")
        assert tables.payment(*said, FIRST, "en") == tables.payment(*said, BEFORE, "en")


def test_a_merchant_without_a_shop_is_refused_in_words(tmp_path: Path) -> None:
    context = Tieout(Settings("sqlite://", tmp_path / "lake", "sandbox"))
    with pytest.raises(Rejected, match=r"merchant 'acme_old' has no shop .at shops.yaml"):
        Desks(context).of_merchant("acme_old")


def test_what_an_ended_merchant_left_under_way_is_still_swept(later: Change) -> None:
    old, new = "syspro_conn_id: syspro_a", "syspro_conn_id: syspro_c"
    folder = later("merchants.yaml", "merchant_id: acme_us", old, new)
    mappings = load_mappings(folder)
    begun = Today(mappings, lambda _zone: FIRST).begun_merchants()
    assert [one.syspro_conn_id for one in begun if one.merchant_id == "acme_us"] == [
        "syspro_c",
        "syspro_a",
    ]
    begun = Today(mappings, lambda _zone: BEFORE).begun_merchants()
    assert [one.syspro_conn_id for one in begun if one.merchant_id == "acme_us"] == ["syspro_a"]


@pytest.mark.parametrize(
    ("file", "named", "old", "new"),
    [
        ("merchants.yaml", "merchant_id: acme_us", "zone: America/New_York", "zone: Asia/Tokyo"),
        ("merchants.yaml", "merchant_id: acme_us", "company_id: A", "company_id: C"),
        ("merchants.yaml", "merchant_id: acme_us", "base_currency: USD", "base_currency: GBP"),
        ("shops.yaml", "shop_id: acme_us_web", "merchant_id: acme_us", "merchant_id: acme_uk"),
    ],
)
def test_what_says_which_day_it_is_or_whose_ledger_cannot_change_with_the_day(
    later: Change, file: str, named: str, old: str, new: str
) -> None:
    problems = read_mappings(later(file, named, old, new))[1]
    told = [str(problem) for problem in problems if "cannot change from a day on" in problem.do]
    assert len(told) == 1
    assert f"{old.partition(': ')[0]} is" in told[0]
