"""A foreign receipt is booked at the rate of its settlement: card clearing comes to zero."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from include.adapters.http.transport import HttpTransport
from include.adapters.syspro.adapter import SysproAdapter, open_adapter
from include.adapters.syspro.documents.comfnd import Find
from include.adapters.syspro.settings import settings_from
from include.domain.money import Money
from include.domain.orders import reference_of
from include.sandbox import Sandbox, start
from include.services.effects.ports import Effect, EffectState
from tests.syspro.support_site import NEW, PAID, TODAY, Site

CLEARING = "1150"
RATE = 868_200  # GBP for one EUR; SYSPRO's own in the sandbox is 0.86
EURO = replace(
    PAID,
    company_id="B",
    customer="W000777",
    bank="CLREU",
    amount=Money(100_00, "EUR"),
    rate_millionths=RATE,
    base_currency="GBP",
)
REFUND = replace(EURO, amount=Money(-40_00, "EUR"), reference=reference_of("refund"))


class BritishSite(Site):
    """Company B, kept in pounds."""

    def open(self, **extra: object) -> SysproAdapter:
        settings = settings_from(
            "syspro_b",
            f"{self.sandbox.syspro_url}/SYSPROWCFService",
            "TIEOUT_B",
            "sandbox-B",
            {"company_id": "B", "base_currency": "GBP", "deadline_s": 20, "connect_s": 10, **extra},
        )
        return open_adapter(settings, HttpTransport(), self.store, "test")


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sandbox = start(seed=11, volume=5, start=date(2026, 10, 20), days=25, live_date=TODAY)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def site(running: Sandbox) -> Iterator[Site]:
    found = BritishSite(running)
    made = replace(NEW, company_id="B", currency="EUR", branch="20", credit_limit=0)
    assert found.drive(found.engine(found.open()), made).state is EffectState.verified
    yield found
    found.control("syspro", payment_rate_taken=True)


def drive(site: Site, command: object, **extra: object) -> Effect:
    return site.drive(site.engine(site.open(**extra)), command)


def clearing(site: Site) -> Decimal:
    """Return the ledger's balance of card clearing in the company's currency."""
    find = Find("GenMaster", (("GlCode", "EQ", CLEARING),), ("GlCode", "CurrentBalance"))
    (row,) = site.open().orders._asking.find(find)  # type: ignore[union-attr]
    return Decimal(row["currentbalance"])


def test_a_receipt_and_its_refund_are_booked_at_the_rate_that_was_sent(site: Site) -> None:
    before = clearing(site)
    found = drive(site, EURO)
    assert found.state is EffectState.verified, found.reason
    assert clearing(site) - before == Decimal("86.82")  # what the settlement credits
    back = drive(site, REFUND)
    assert back.state is EffectState.verified, back.reason
    assert clearing(site) - before == Decimal("52.09")  # 86.82 and 40.00 at 0.8682 off: 34.73


def test_without_a_rate_syspros_own_is_used_and_nothing_is_said(site: Site) -> None:
    before = clearing(site)
    found = drive(site, replace(EURO, rate_millionths=0, base_currency=""))
    assert found.state is EffectState.verified, found.reason
    assert clearing(site) - before == Decimal("86.00")


@pytest.mark.parametrize("command", [EURO, REFUND])
def test_a_rate_that_syspro_ignores_is_a_mismatch(site: Site, command: object) -> None:
    if command is REFUND:
        drive(site, EURO)
    site.control("syspro", payment_rate_taken=False)
    found = drive(site, command)
    assert found.state is EffectState.mismatched
    ours, theirs = ("86.82", "86.00") if command is EURO else ("34.73", "34.40")
    assert f"GBP in the ledger: ours {ours} GBP, theirs {theirs} GBP" in found.reason


def test_a_debit_note_goes_at_syspros_own_rate(site: Site) -> None:
    found = drive(site, REFUND, refund_receipts="arstin", refund_product_class="REF")
    assert found.state is EffectState.verified, found.reason
