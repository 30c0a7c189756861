"""Order to cash: what we send, element by element."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree

from include.adapters.syspro.documents import (
    comsfm,
    comtfm,
    invqry,
)
from include.adapters.syspro.documents.comfnd import Find
from include.adapters.syspro.partners.customers import CustomerPartner
from include.adapters.syspro.partners.order_document import build, parameters, price_of
from include.adapters.syspro.partners.receipts import ReceiptPartner
from include.domain.canonical import from_json, to_json
from include.domain.erp_orders import ErpAddress
from include.domain.errors import Rejected
from include.domain.orders import LineKind, OrderLine
from include.domain.shops import Charge, ChargeLine
from include.services.effects.ports import EffectKind
from tests.syspro.support_orders import (
    CUSTOMER,
    ORDER,
    RECEIPT,
    usd,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "syspro"


def same_as_golden(name: str, document: str) -> None:
    """Compare with the file, which has one element a line for the reader's sake."""
    wanted = "".join(part.strip() for part in (GOLDEN / name).read_text("ascii").splitlines())
    assert document == wanted


def test_an_order_has_a_stock_line_per_good_and_charges_for_the_rest(make_settings: Any) -> None:
    same_as_golden("sortoi.xml", build(ORDER, make_settings(), "TO1234567890ABCDEFGH"))


def test_an_order_is_taken_once_and_at_the_prices_of_the_shop(make_settings: Any) -> None:
    """The same PO twice is refused, none at all too; SYSPRO puts no price of its own in place."""
    same_as_golden("sortoi_parameters.xml", parameters(ORDER, make_settings()))


def test_an_order_under_review_goes_straight_into_suspense(make_settings: Any) -> None:
    sent = parameters(replace(ORDER, is_suspended=True, allocation="F"), make_settings())
    assert "<OrderStatus>S</OrderStatus>" in sent
    # There a person decides about credit and holds; an open order is still refused for them.
    for name in ("AcceptOrdersIfNoCredit", "WarnIfCustomerOnHold"):
        assert f"<{name}>Y</{name}>" in sent
        assert f"<{name}>N</{name}>" in parameters(ORDER, make_settings())
    assert "<AllocationAction>F</AllocationAction>" in sent


def test_prices_that_include_tax_are_sent_gross(make_settings: Any) -> None:
    gross = replace(ORDER, prices_include_tax=True)
    sent = build(gross, make_settings(), "TO1234567890ABCDEFGH")
    assert "<Price>8.00000</Price>" in sent  # 24.00 / 3
    assert "<MiscChargeValue>-1.80</MiscChargeValue>" in sent
    assert "<FreightValue>6.00</FreightValue>" in sent
    line = OrderLine(1, LineKind.goods, "x", 7_000_000, usd(9_00), usd(1_00), stock_code="x")
    assert price_of(gross, line) == 142857  # 1.428571..., half-even at the fifth decimal


def test_each_kind_of_charge_is_written_as_the_shops_table_says(make_settings: Any) -> None:
    lines = (
        OrderLine(1, LineKind.freight, "Parcel", 1_000_000, usd(5_00), usd(0)),
        OrderLine(2, LineKind.fee, "Gift wrap", 1_000_000, usd(2_00), usd(0)),
        OrderLine(3, LineKind.tax, "Tax", 1_000_000, usd(1_00), usd(0)),
    )
    charges = {
        LineKind.freight: Charge(ChargeLine.misc, "FRT"),
        LineKind.fee: Charge(ChargeLine.misc, "GIFT", "WRAP", "B"),
        LineKind.tax: Charge(ChargeLine.misc, "TAX", tax_code="N"),
    }
    order = replace(ORDER, lines=lines, charges=charges)
    sent = build(order, make_settings(line_tax_code="A"), "TO1234567890ABCDEFGH")
    found = ElementTree.fromstring(sent.partition("?>")[2]).find(".//OrderDetails")
    assert found is not None
    shown = [
        [
            part.findtext(f"Misc{name}", "")
            for name in ("ChargeValue", "ProductClass", "ChargeCode", "TaxCode")
        ]
        for part in found.findall("MiscChargeLine")
    ]
    assert shown == [
        ["5.00", "FRT", "", "A"],  # the connection's tax code: none is named
        ["2.00", "GIFT", "WRAP", "B"],
        ["1.00", "TAX", "", "N"],
    ]
    assert found.find("FreightLine") is None


def test_an_order_of_before_charges_were_part_of_it_can_still_be_written(
    make_settings: Any,
) -> None:
    old = json.loads(to_json(ORDER))
    del old["charges"]
    sent = build(from_json(type(ORDER), json.dumps(old)), make_settings(), "TO1234567890ABCDEFGH")
    assert "<FreightValue>5.00</FreightValue>" in sent
    assert "<MiscChargeValue>-1.50</MiscChargeValue>" in sent
    assert "MiscProductClass" not in sent


def test_lines_go_by_their_number_whatever_the_order_they_come_in(make_settings: Any) -> None:
    mixed = replace(ORDER, lines=tuple(reversed(ORDER.lines)))
    reference = "TO1234567890ABCDEFGH"
    assert build(mixed, make_settings(), reference) == build(ORDER, make_settings(), reference)


def test_a_foreign_currency_is_named_as_the_site_names_it_and_the_own_one_is_not(
    make_settings: Any,
) -> None:
    reference = "TO1234567890ABCDEFGH"
    assert "<Currency>" not in build(ORDER, make_settings(), reference)
    euro = replace(ORDER, currency="EUR")
    assert "<Currency>EUR</Currency>" in build(euro, make_settings(), reference)
    named = make_settings(currency_codes="$=|EU=EUR")
    assert "<Currency>EU</Currency>" in build(euro, named, reference)


def test_what_does_not_fit_is_refused_before_anything_is_sent(make_settings: Any) -> None:
    for bad in (
        replace(ORDER, purchase_order="P" * 31),
        replace(ORDER, warehouse="W" * 11),
        replace(ORDER, lines=(replace(ORDER.lines[0], quantity_millionths=-1_000_000),)),
        replace(ORDER, lines=(replace(ORDER.lines[0], stock_code="S" * 31),)),
        replace(ORDER, lines=(replace(ORDER.lines[0], net=usd(-20_00)),)),
    ):
        with pytest.raises(Rejected):
            build(bad, make_settings(), "TO1234567890ABCDEFGH")


def test_a_customer_is_added_with_both_addresses_in_windows_1252(make_adapter: Any) -> None:
    partner = make_adapter().partners[EffectKind.customer]
    assert isinstance(partner, CustomerPartner)
    same_as_golden("arsscs.xml", partner.document(CUSTOMER))


def test_a_receipt_is_unapplied_under_our_reference(make_adapter: Any) -> None:
    partner = make_adapter().partners[EffectKind.ar_receipt]
    assert isinstance(partner, ReceiptPartner)
    same_as_golden("arstpy.xml", partner.document(RECEIPT))


def test_a_refund_is_a_negative_payment_or_a_debit_note_by_setting(make_adapter: Any) -> None:
    refund = replace(RECEIPT, amount=-RECEIPT.amount)
    negative = make_adapter().partners[EffectKind.ar_receipt].document(refund)
    assert negative.count("-40.20") == 2
    with_note = make_adapter(refund_receipts="arstin", refund_product_class="CARD")
    note = with_note.partners[EffectKind.ar_receipt].document(refund)
    assert f"<Invoice>{RECEIPT.reference}</Invoice>" in note
    assert "<InvoiceValue>40.20</InvoiceValue><ProductClass>CARD</ProductClass>" in note
    assert "<TransactionType>D</TransactionType>" in note


def test_a_custom_field_is_named_by_key_or_by_column() -> None:
    by_name = comsfm.build("ORD", "15574", "GATEREF", "70")
    assert "<FieldName>GATEREF</FieldName></Key><AlphaValue>70</AlphaValue>" in by_name
    by_column = comtfm.build("ORD", "15574", "GateRef", "70")
    assert "<KeyFields><SalesOrder>15574</SalesOrder></KeyFields>" in by_column
    assert "<Fields><GateRef>70</GateRef></Fields>" in by_column
    for form, name in (("XYZ", "GateRef"), ("ORD", "Gate Ref"), ("ORD", "a><b")):
        with pytest.raises(Rejected, match="cannot be named"):
            comtfm.build(form, "1", name, "70")


def test_alternatives_stand_in_one_pair_of_brackets_after_the_conditions() -> None:
    find = Find(
        "InvWarehouse",
        (("Warehouse", "EQ", "FG"),),
        ("StockCode",),
        any_of=(("StockCode", "EQ", "A"), ("StockCode", "EQ", "B"), ("StockCode", "EQ", "C")),
    )
    where = find.build().partition("<Where>")[2].partition("</Where>")[0]
    plain = "".join(c for c in where.replace("Expression", "") if c not in "<>/")
    assert where.count("<OpenBracket>") == where.count("<CloseBracket>") == 2
    assert plain.count("AndOrOrAndOr") == 2
    assert plain.count("AndOrAndAndOr") == 1
    alone = Find("T", (), any_of=(("K", "EQ", "1"),)).build()
    assert "AndOr" not in alone
    assert "<OpenBracket>(</OpenBracket>" in alone
    assert "<CloseBracket>)</CloseBracket>" in alone


def test_the_stock_question_filters_by_the_attribute_that_counts() -> None:
    sent = invqry.build("A&1", "F<G")
    assert '<Filter><Warehouse FilterType="L" FilterValue="F&lt;G"/></Filter></Query>' in sent
    assert "<StockCode>A&amp;1</StockCode>" in sent


def test_an_address_line_longer_than_forty_characters_is_cut_not_refused(
    make_settings: Any,
) -> None:
    long = replace(ORDER, ship_to=ErpAddress(("x" * 60, "", "", "", ""), "1"))
    sent = build(long, make_settings(), "TO1234567890ABCDEFGH")
    assert f"<ShipAddress1>{'x' * 40}</ShipAddress1>" in sent
