"""The shop's tax is in the order's lines: SYSPRO adds none on top, or somebody is told first."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from include.domain.erp_orders import AddSalesOrder
from include.domain.errors import Rejected
from include.domain.orders import LineKind, OrderLine
from include.domain.shops import Charge, ChargeLine
from include.sandbox import Sandbox, start
from include.services.effects.ports import Effect, EffectState
from tests.syspro.support_orders import goods, usd
from tests.syspro.support_site import CODE, SALE, TODAY, Site

TAXED = "C90003"  # of the sandbox: TaxStatus N, 8.25 % on all that is not coded Z
# Tea for 20.00 and the shop's tax of 4.00 as a charge: 24.00 is what the shopper has paid.
WITH_TAX = replace(
    SALE,
    customer=TAXED,
    lines=(
        goods(1, "TEA-1001", 2_000_000, 20_00, 0),
        OrderLine(2, LineKind.tax, "Tax", 1_000_000, usd(4_00), usd(0)),
    ),
    amount=usd(24_00),
    charges={LineKind.tax: Charge(ChargeLine.misc, "TAX")},
    is_untaxed=True,
)
BY_CODE = {"order_tax_status": "none", "line_tax_code": "Z"}


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sandbox = start(seed=11, volume=5, start=date(2026, 10, 20), days=25, live_date=TODAY)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def site(running: Sandbox) -> Iterator[Site]:
    found = Site(running)
    yield found
    found.control("syspro", line_tax_changeable=False, order_tax_changeable=True)


def drive(site: Site, order: AddSalesOrder, **extra: object) -> Effect:
    return site.drive(site.engine(site.open(**extra)), order)


def invoiced(site: Site, effect: Effect, order: AddSalesOrder) -> int:
    site.clerk("invoice", sales_order=effect.their_key)
    (found,) = site.open().orders.documents_of(order.purchase_order, order.customer)
    return found.amount.minor


def test_a_taxed_customer_is_invoiced_what_the_shopper_paid(site: Site) -> None:
    found = drive(site, WITH_TAX)
    assert found.state is EffectState.verified, found.reason
    assert invoiced(site, found, WITH_TAX) == 24_00


def test_tax_that_syspro_computes_is_its_own(site: Site) -> None:
    found = drive(site, replace(WITH_TAX, is_untaxed=False))
    assert found.state is EffectState.verified, found.reason
    assert invoiced(site, found, WITH_TAX) == 25_98  # 24.00 and 8.25 % of it


@pytest.mark.parametrize(
    ("extra", "differences"),
    [
        ({}, ["tax status: ours exempt, the shop's tax is in the lines, theirs N"]),
        ({"order_tax_status": "none"}, ["tax status: ours exempt"]),
        # The set-up ignores codes of stock lines in silence; that of the charge is taken.
        (BY_CODE, ["tax code of tea-1001: ours Z, theirs A"]),
        ({"line_tax_code": "Z"}, ["tax code of tea-1001: ours Z, theirs A"]),
        ({"read_order_lines": False}, ["tax status: ours exempt"]),
    ],
)
def test_where_syspro_would_add_tax_the_order_is_a_mismatch(
    site: Site, extra: dict[str, object], differences: list[str]
) -> None:
    site.control("syspro", order_tax_changeable=False)
    found = drive(site, WITH_TAX, **extra)
    assert found.state is EffectState.mismatched
    assert all(one in found.reason for one in differences), found.reason


def test_codes_of_no_tax_do_where_the_set_up_takes_them(site: Site) -> None:
    site.control("syspro", order_tax_changeable=False, line_tax_changeable=True)
    found = drive(site, WITH_TAX, **BY_CODE)
    assert found.state is EffectState.verified, found.reason
    assert invoiced(site, found, WITH_TAX) == 24_00


def test_an_exempt_customer_needs_neither(site: Site) -> None:
    site.control("syspro", order_tax_changeable=False)
    found = drive(site, replace(WITH_TAX, customer=CODE), **BY_CODE)
    assert found.state is EffectState.verified, found.reason


@pytest.mark.parametrize(
    ("customer", "extra", "words"),
    [
        (CODE, {"order_tax_status": "none"}, "tax status E"),
        (TAXED, {}, "tax status N; its orders are sent as exempt"),
        (TAXED, BY_CODE, "tax status N; its lines are sent with tax code Z"),
    ],
)
def test_preflight_says_why_a_house_account_is_not_taxed(
    site: Site, customer: str, extra: dict[str, object], words: str
) -> None:
    master = site.open(**extra).master_data
    assert master is not None
    assert master.demand_untaxed(customer) == words


def test_preflight_refuses_a_house_account_that_syspro_would_tax(site: Site) -> None:
    master = site.open(order_tax_status="none").master_data
    assert master is not None
    with pytest.raises(Rejected, match="tax status N: SYSPRO adds its tax to the shop's"):
        master.demand_untaxed(TAXED)
    with pytest.raises(Rejected, match="tax status unknown"):
        master.demand_untaxed("NOBODY")
