"""Which of an order's invoices is told to people and shops: the first, whoever saw it."""

import pytest

from tests.orders.closing_site import COMPLETE, Site, number_of, paid
from tests.orders.closing_site import site as site


@pytest.mark.parametrize("is_polled", [True, False])
def test_of_two_invoices_seen_at_once_the_first_is_told(site: Site, is_polled: bool) -> None:
    order = paid(site)
    site.erp.invoice(order, 4_000, "I1")
    site.erp.invoice(order, 6_221, "I2")
    if is_polled:
        site.erp.show(order, number_of(site, order), "2", last="I2")
        site.poll()
    else:
        site.kit.pass_time(hours=7)  # the order itself asks
    facts = site.kit.service.orders.get(order.order_id).facts
    assert (facts.invoice, facts.invoices) == ("I1", ("I1", "I2"))


def test_a_later_invoice_takes_no_ones_place(site: Site) -> None:
    order = paid(site)
    number = number_of(site, order)
    site.erp.invoice(order, 4_000, "I2")
    site.erp.show(order, number, "2", last="I2")
    site.poll()
    site.erp.invoice(order, 6_221, "I1")
    site.kit.erp.documents[order.purchase_order].reverse()  # SYSPRO promises no order
    site.erp.show(order, number, COMPLETE, last="I1")
    site.poll()
    facts = site.kit.service.orders.get(order.order_id).facts
    assert (facts.invoice, facts.invoices) == ("I2", ("I2", "I1"))


def test_nor_does_what_had_left_before_the_order_was_called_off(site: Site) -> None:
    order = paid(site)
    number = number_of(site, order)
    site.erp.invoice(order, 4_000, "I2")
    site.erp.show(order, number, "2", last="I2")
    site.poll()
    site.erp.invoice(order, 3_000, "I1")
    site.kit.erp.documents[order.purchase_order].reverse()
    site.erp.show(order, number, "\\", last="I1")
    site.poll()
    facts = site.kit.service.orders.get(order.order_id).facts
    assert (facts.delivered_minor, facts.invoices) == (7_000, ("I2", "I1"))
