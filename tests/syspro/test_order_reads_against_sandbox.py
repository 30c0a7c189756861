"""What order to cash reads, over HTTP from the sandbox."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from include.adapters.syspro import operator_lease
from include.domain.erp_orders import ErpDocument
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.orders import reference_of
from include.domain.stock import by_code, sellable
from include.sandbox import Sandbox, start
from tests.syspro.support_orders import usd
from tests.syspro.support_site import CODE, PAID, SALE, TODAY, Site


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sandbox = start(seed=11, volume=5, start=date(2026, 10, 20), days=25, live_date=TODAY)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def site(running: Sandbox) -> Site:
    return Site(running)


@pytest.mark.parametrize("by", ["comfnd", "invqry"])
def test_stock_of_many_codes_is_one_question_and_an_unknown_code_is_none(
    site: Site, by: str
) -> None:
    adapter = site.open(stock_by=by)
    codes = ["TEA-1001", "tea-1014", "NO-SUCH", "TEA-1013"]
    levels = adapter.orders.stock(codes, "MAIN")
    assert [one.stock_code for one in levels] == codes
    millions = [one.available_millionths for one in levels]
    assert millions == [5_000_000_000, 0, None, 4_000_000]
    assert adapter.calls() == (4 if by == "comfnd" else 6)
    assert adapter.orders.stock(["TEA-1007"], "EAST")[0].available_millionths is None


def test_more_codes_than_an_address_takes_are_asked_for_in_parts(site: Site) -> None:
    adapter = site.open(codes_per_question=2)
    codes = ["TEA-1001", "TEA-1002", "TEA-1003", "TEA-1004", "TEA-1005"]
    assert all(one.available_millionths for one in adapter.orders.stock(codes, "MAIN"))
    assert adapter.calls() == 8


@pytest.mark.parametrize("by", ["comfnd", "invqry"])
def test_a_kit_comes_with_its_parts_and_what_there_is_of_them(site: Site, by: str) -> None:
    kit, *parts = site.open(stock_by=by).orders.stock(["KIT-9001"], "MAIN")
    assert kit.available_millionths == 0  # it is sold by its parts and has no stock of its own
    assert kit.product is not None
    # Not the optional whisk, and nothing of the alternate route.
    per_kit = {one.stock_code: one.per_kit_millionths for one in kit.product.parts}
    assert per_kit == {"TEA-1001": 1_000_000, "CUP-4001": 2_000_000, "ACC-5002": 1_000_000}
    assert {one.stock_code for one in parts} == set(per_kit)
    # 2,000 bowls, two a box
    assert sellable(kit, by_code((kit, *parts))) == 1_000


@pytest.mark.parametrize("by", ["comfnd", "invqry"])
def test_a_case_is_counted_in_pieces(site: Site, by: str) -> None:
    (level,) = site.open(stock_by=by).orders.stock(["ACC-5001"], "MAIN")
    assert level.product is not None
    assert [level.product.in_stock_units(unit) for unit in ("EA", "cs", "PAL")] == [1, 12, None]
    assert sellable(level, {}, "CS") == 20_000 // 12


def test_units_and_parts_are_believed_for_a_while_and_quantities_never(site: Site) -> None:
    for memory_s, asked in ((300, 2), (0, 4)):
        adapter = site.open(product_memory_s=memory_s)
        with adapter.session():
            adapter.orders.stock(["KIT-9001"], "MAIN")
            before = adapter.calls()
            site.clerk("stock", stock_code="CUP-4001", quantity="9", warehouse="MAIN")
            levels = by_code(adapter.orders.stock(["KIT-9001"], "MAIN"))
        assert sellable(levels["kit-9001"], levels) == 4
        assert adapter.calls() - before - 1 == asked  # and its logoff


def test_where_nobody_tells_the_parts_a_kits_stock_is_not_known(site: Site) -> None:
    orders = site.open(kits_by="none").orders
    (kit,) = orders.stock(["KIT-9001"], "MAIN")
    assert sellable(kit, {}) is None
    assert (orders.kits(), site.open().orders.kits()) == ((), ("KIT-9001",))


def test_stock_that_changed_is_read_from_a_cursor(site: Site) -> None:
    adapter = site.open(poll_overlap_rows=0)
    everything, cursor = adapter.orders.stock_levels("MAIN")
    assert len(everything) == 41
    assert adapter.orders.stock_levels("MAIN", cursor) == ([], cursor)
    site.clerk("stock", stock_code="TEA-1014", quantity="7", warehouse="MAIN")
    changed, later = adapter.orders.stock_levels("MAIN", cursor)
    assert [(one.stock_code, one.available_millionths) for one in changed] == [
        ("TEA-1014", 7_000_000)
    ]
    assert later > cursor


@pytest.mark.parametrize("by", ["arsqry", "comfnd"])
def test_credit_says_hold_limit_and_what_is_not_known(site: Site, by: str) -> None:
    orders = site.open(credit_by=by).orders
    assert orders.credit("C90001").is_on_hold
    assert orders.credit("C90004").is_on_hold
    good = orders.credit(CODE)
    assert (good.exists, good.is_on_hold, good.credit_limit) == (True, False, usd(100_000_00))
    assert good.balance == (Money(0, "USD") if by == "arsqry" else None)
    gone = orders.credit("NOBODY")
    assert (gone.exists, gone.credit_limit) == (False, None)


def test_the_companys_rates_are_read_over_http_either_way_round(site: Site) -> None:
    orders, euro = site.open().orders, Money(100_00, "EUR")
    assert orders.base_rate("EUR").to_base(euro, "USD") == usd(108_37)
    site.clerk("rate", currency="EUR", rate="0.9228", way="D")
    assert orders.base_rate("EUR").to_base(euro, "USD") == usd(108_37)  # 108.365...
    site.clerk("rate", currency="EUR")
    with pytest.raises(Rejected, match="SYSPRO keeps no rates of EUR"):
        orders.base_rate("EUR")


@pytest.mark.parametrize("is_plain", [False, True])
def test_the_life_of_an_order_is_polled_from_cursors(site: Site, *, is_plain: bool) -> None:
    site.control("syspro", plain_row_versions=is_plain)
    adapter = site.open(poll_overlap_rows=0, shipment_date_column="none")
    orders, engine = adapter.orders, site.engine(adapter)
    number = site.drive(engine, SALE).their_key
    other = replace(SALE, purchase_order="WEB-1002")
    gone = site.drive(engine, other).their_key
    fresh = orders.orders_since(TODAY.isoformat())
    cursor = fresh[-1].cursor
    assert {number, gone} <= {one.sales_order for one in fresh}
    assert orders.orders_since(cursor) == ()
    site.clerk("ship", sales_order=number, carrier="UPS 1Z999AA10123456784")
    site.clerk("invoice", sales_order=number)
    site.clerk("credit", customer_po=SALE.purchase_order, reason="DAMAGE")
    site.clerk("cancel", sales_order=gone)
    assert [one.sales_order for one in orders.cancelled_since(cursor)] == [gone]
    changed = {one.sales_order: one for one in orders.orders_since(cursor)}
    assert changed[number].last_invoice
    (shipment,) = orders.shipments_since("")
    assert (shipment.sales_order, shipment.carrier, shipment.tracking) == (
        number, "UPS", "1Z999AA10123456784",
    )  # fmt: skip
    kinds = {
        one.document_type: one for one in orders.documents_of(SALE.purchase_order, SALE.customer)
    }
    assert set(kinds) == {"I", "C"}
    (note,) = orders.credit_notes_since(cursor)
    assert note.amount == kinds["I"].amount
    assert note.purchase_order == SALE.purchase_order
    assert orders.credit_notes_since(note.cursor) == ()


def test_tracking_comes_from_the_orders_form_where_a_site_keeps_it_there(site: Site) -> None:
    adapter = site.open(
        tracking_from="custom_form",
        tracking_field="TRACK",
        shipments_by="sorqdn",
        shipment_date_column="none",
    )
    number = site.drive(site.engine(adapter), SALE).their_key
    site.clerk("ship", sales_order=number, carrier="UPS Ground", tracking="1Z42")
    (shipment,) = adapter.orders.shipments_since("")
    assert (shipment.carrier, shipment.tracking) == ("UPS Ground", "1Z42")


def test_first_receipts_of_more_customers_than_a_page_holds_stop_no_reader(site: Site) -> None:
    """Each customer's first unapplied payment is his ``_CRD01``."""
    engine = site.engine(site.open())
    for number in range(1, 6):
        customer, reference = f"C0000{number}", reference_of(f"first {number}")
        first = replace(PAID, customer=customer, reference=reference)
        assert site.drive(engine, first).their_key
    note = site.clerk("note", customer="C00002", customer_po="PO-1", amount="5.00")["invoice"]
    orders = site.open(return_rows=3, poll_by="date", poll_overlap_days=0).orders
    found = orders.credit_notes_since(TODAY.isoformat())
    ours = [one.invoice for one in found if isinstance(one, ErpDocument) if one.purchase_order]
    assert ours.count(note.zfill(15)) == 1
    documents = list(site.open(return_rows=3).reader.documents("A", TODAY, TODAY))
    assert [one["merchant_reference"] for one in documents].count("PO-1") == 1


def test_a_site_without_row_versions_is_polled_by_date_with_an_overlap(site: Site) -> None:
    adapter = site.open(poll_by="date", poll_overlap_days=2)
    number = site.drive(site.engine(adapter), SALE).their_key
    found = adapter.orders.orders_since("2026-11-03")
    assert number in {one.sales_order for one in found}
    assert found[0].cursor >= "2026-11-01"
    assert found[-1].cursor >= "2026-11-03"
    assert [one.cursor for one in found] == sorted(one.cursor for one in found)


def test_orders_are_read_by_either_object(site: Site) -> None:
    number = site.drive(site.engine(site.open()), SALE).their_key
    by_table = site.open().orders.order(sales_order=number)
    by_query = site.open(order_by="sorqry").orders.order(sales_order=number)
    assert by_table is not None
    assert by_query == by_table
    assert site.open(order_by="sorqry").orders.order(sales_order="999999") is None
    assert site.open().orders.order(purchase_order="NOBODY") is None


def test_what_was_read_ahead_is_not_asked_for_and_what_was_absent_is(site: Site) -> None:
    adapter = site.open()
    orders, engine = adapter.orders, site.engine(adapter)
    number = site.drive(engine, SALE).their_key
    site.clerk("ship", sales_order=number)
    site.clerk("invoice", sales_order=number)
    shown = orders.documents_of(SALE.purchase_order, SALE.customer)
    assert len(shown) == 1
    with adapter.session():
        with orders.read_ahead([SALE.purchase_order, "WEB-LATER"], ["TO0"]):
            before = adapter.calls()
            assert orders.documents_of(SALE.purchase_order, SALE.customer) == shown
            assert adapter.calls() == before
            assert orders.documents_of("WEB-LATER", "") == ()
            assert adapter.calls() == before + 1
        assert orders.documents_of(SALE.purchase_order, SALE.customer) == shown
        assert adapter.calls() == before + 2


def test_a_full_page_is_not_taken_for_all_there_is(site: Site) -> None:
    adapter = site.open(return_rows=2)
    orders, engine = adapter.orders, site.engine(adapter)
    for code in ("WEB-1001", "WEB-1002"):
        number = site.drive(engine, replace(SALE, purchase_order=code)).their_key
        site.clerk("ship", sales_order=number)
        site.clerk("invoice", sales_order=number)
    with adapter.session(), orders.read_ahead(["WEB-1001", "WEB-1002"], []):
        before = adapter.calls()
        assert len(orders.documents_of("WEB-1002", SALE.customer)) == 1
        assert adapter.calls() == before + 1


def test_many_customers_are_asked_for_together_and_an_absent_one_once_more(site: Site) -> None:
    adapter = site.open()
    site.drive(site.engine(adapter), SALE)
    with adapter.session():
        adapter.orders.credit(SALE.customer)
        before = adapter.calls()
        there = adapter.orders.existing([SALE.customer, SALE.customer.lower(), "W000000"])
        assert there == {SALE.customer, SALE.customer.lower()}
        assert adapter.calls() == before + 2


def test_a_long_list_keeps_nobody_from_the_operator_until_its_last_row(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tracking kept in a form is one more question for each note."""
    adapter = site.open(
        tracking_from="custom_form", tracking_field="TRACK", shipment_date_column="none"
    )
    for code in ("WEB-1001", "WEB-1002"):
        number = site.drive(site.engine(adapter), replace(SALE, purchase_order=code)).their_key
        site.clerk("ship", sales_order=number, carrier="UPS", tracking=f"1Z{code}")
    monkeypatch.setattr(operator_lease, "_LONG_S", 0.0)
    monkeypatch.setattr(operator_lease, "_LENT_S", 0.0)
    turn = f"syspro-operator|{adapter.settings.turn}|next"
    assert site.store.acquire(turn, "a checkout", timedelta(days=1)) is not None
    before = adapter.calls()
    with adapter.session():
        assert len(adapter.orders.shipments_since("")) == 2
    # The list, its confirmation and two forms: each is asked between a logon and a logoff.
    assert adapter.calls() - before == 3 * 4
