"""Receipts applied to invoices at the sandbox's SYSPRO, over HTTP: once, whatever happens."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from include.domain.erp_orders import ApplyReceipt, ErpDocument
from include.domain.orders import reference_of
from include.sandbox import Sandbox, start
from include.services.effects.ports import Effect, EffectState
from tests.syspro.support_orders import usd
from tests.syspro.support_site import CODE, PAID, SALE, TODAY, Site


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = start()
    yield made
    made.stop()


class Shop:
    """An invoiced order whose receipt is booked and waits."""

    def __init__(self, sandbox: Sandbox, **extra: object) -> None:
        self.site = Site(sandbox)
        self.adapter = self.site.open(**extra)
        self.engine = self.site.engine(self.adapter)
        order = self.site.drive(self.engine, SALE)
        self.site.clerk("invoice", sales_order=order.their_key)
        receipt = self.site.drive(self.engine, replace(PAID, amount=self.invoice().amount))
        assert receipt.state is EffectState.verified, receipt.reason

    def invoice(self) -> ErpDocument:
        (found,) = self.adapter.orders.documents_of(SALE.purchase_order, SALE.customer)
        return found

    def receipt(self) -> ErpDocument:
        (found,) = self.adapter.orders.receipts_of([PAID.reference])
        return found

    def command(self, minor: int = 0) -> ApplyReceipt:
        invoice, receipt = self.invoice(), self.receipt()
        assert invoice.left is not None
        assert receipt.left is not None
        return ApplyReceipt(
            company_id="A",
            customer=CODE,
            purchase_order=SALE.purchase_order,
            receipt_reference=PAID.reference,
            invoice=invoice.invoice,
            amount=usd(minor) if minor else min(invoice.left, receipt.left, key=lambda m: m.minor),
            receipt_left=receipt.left,
            invoice_left=invoice.left,
            bank="CLRUS",
            posting_date=TODAY,
        )

    def drive(self, command: ApplyReceipt) -> Effect:
        return self.site.drive(self.engine, command)

    def times(self, effect: Effect) -> int:
        return self.site.truth("ARSTPY", effect.reference)


@pytest.fixture
def shop(sandbox: Sandbox) -> Shop:
    return Shop(sandbox)


def test_an_applied_receipt_leaves_nothing_of_either(shop: Shop) -> None:
    assert shop.invoice().left == shop.invoice().amount
    found = shop.drive(shop.command())
    assert found.state is EffectState.verified, found.reason
    assert (shop.invoice().left, shop.receipt().left) == (usd(0), usd(0))
    assert shop.times(found) == 1


@pytest.mark.parametrize("what", ["drop_after_commit", "drop_before_commit", "session_lost"])
def test_an_answer_that_is_lost_applies_once(shop: Shop, what: str) -> None:
    before = shop.invoice().left
    shop.site.fault(what, "ARSTPY")
    found = shop.drive(shop.command(20_00))  # were it sent twice, both would still hold enough
    assert found.state is EffectState.verified, found.reason
    assert before is not None
    assert shop.invoice().left == before - usd(20_00)
    assert shop.times(found) == 1


def test_a_second_delivery_is_refused_by_the_balance(shop: Shop) -> None:
    """What is planned empties the receipt or the invoice, so that a copy finds nothing left."""
    shop.site.fault("second_delivery", "ARSTPY")
    found = shop.drive(shop.command())
    assert found.state is EffectState.verified, found.reason
    assert shop.invoice().left == usd(0)
    assert shop.times(found) == 1


def test_an_application_delivered_twice_where_both_had_enough_is_seen(shop: Shop) -> None:
    shop.site.fault("second_delivery", "ARSTPY")
    found = shop.drive(shop.command(20_00))
    assert found.state is EffectState.mismatched
    assert shop.times(found) == 2


def test_one_receipt_pays_a_part_and_the_rest_later(shop: Shop) -> None:
    first = shop.drive(shop.command(30_00))
    second = shop.drive(shop.command())
    assert [first.state, second.state] == [EffectState.verified] * 2
    assert (shop.invoice().left, shop.receipt().left) == (usd(0), usd(0))


def test_more_than_is_left_is_never_sent(shop: Shop) -> None:
    stale = shop.command()
    other = shop.drive(shop.command(30_00))
    found = shop.drive(replace(stale, invoice_left=stale.invoice_left + usd(1)))
    assert found.state is EffectState.rejected
    assert "USD left, not" in found.reason
    assert (shop.times(other), shop.times(found)) == (1, 0)


def test_what_a_person_applied_by_hand_is_found_and_not_sent(sandbox: Sandbox) -> None:
    shop = Shop(sandbox)
    command = shop.command()
    assert shop.drive(command).state is EffectState.verified  # under another key: a person's
    ours = replace(command, bank="CLREU")
    found = shop.drive(ours)
    assert found.state is EffectState.verified, found.reason
    assert "by hand" in found.their_key
    assert shop.times(found) == 0


def test_a_receipt_that_is_not_there_is_refused(shop: Shop) -> None:
    found = shop.drive(replace(shop.command(), receipt_reference=reference_of("nothing")))
    assert found.state is EffectState.rejected
    assert "is not there once" in found.reason


def test_a_failed_ledger_journal_behind_an_application_is_a_mismatch(shop: Shop) -> None:
    shop.site.control("syspro", gl_journal_error={"ARSTPY": "Ledger locked"})
    found = shop.drive(shop.command())
    assert found.state is EffectState.mismatched
    assert "Ledger locked" in found.reason


def test_an_application_waits_for_its_period(shop: Shop) -> None:
    command = shop.command()
    shop.site.control("periods", company="A", year=2026, period=11, state="closed")
    effect = shop.drive(command)
    assert effect.state is EffectState.parked
    shop.site.control("periods", company="A", year=2026, period=11, state="open")
    assert shop.drive(command).state is EffectState.verified


def test_the_settlement_sees_the_invoice_and_no_application(shop: Shop) -> None:
    def seen() -> list[object]:
        days = sorted((TODAY, shop.invoice().document_date))
        return [
            row["document_id"]
            for row in shop.adapter.reader.documents("A", days[0], days[1])
            if row["merchant_reference"] in (SALE.purchase_order, PAID.reference)
        ]

    before = seen()
    assert shop.drive(shop.command()).state is EffectState.verified
    assert seen() == before
    assert len(before) == 1


def test_a_site_may_have_a_person_apply_and_finds_it_done(sandbox: Sandbox) -> None:
    shop = Shop(sandbox, applications="report")
    command = shop.command()
    waiting = shop.drive(command)
    assert waiting.state is EffectState.rejected
    assert "applies receipts by hand" in waiting.reason
    person = shop.site.engine(shop.site.open())
    by_hand = replace(command, bank="CLRUS ")
    assert shop.site.drive(person, by_hand).state is EffectState.verified
    shop.engine.replay(waiting.kind, waiting.key, "controller")
    assert shop.drive(command).state is EffectState.verified
    assert shop.times(waiting) == 0
