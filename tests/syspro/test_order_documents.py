"""Order to cash: what we send, element by element, and every shape in which SYSPRO answers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree

from include.adapters.syspro.documents import (
    arsqry,
    arsscs,
    arstin,
    arstpy,
    comqfm,
    comsfm,
    comtfm,
    invqry,
    sorqdn,
    sorqry,
    sortoi,
    sortos,
    sortox,
)
from include.adapters.syspro.documents.comfnd import Find
from include.adapters.syspro.documents.reply import CallFailed, Unreadable
from include.adapters.syspro.documents.verdict import Answer
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
    CLEAN,
    CUSTOMER,
    EMPTY_NUMBER,
    ORDER,
    PO,
    RECEIPT,
    WARNED,
    added,
    imported,
    paid,
    sent_back,
    usd,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "syspro"


def same_as_golden(name: str, document: str) -> None:
    """Compare with the file, which has one element a line for the reader's sake."""
    wanted = "".join(part.strip() for part in (GOLDEN / name).read_text("ascii").splitlines())
    assert document == wanted


# Sent -------------------------------------------------------------------------------------------


def test_an_order_has_a_stock_line_per_good_and_charges_for_the_rest(make_settings: Any) -> None:
    same_as_golden("sortoi.xml", build(ORDER, make_settings(), "TO1234567890ABCDEFGH"))


def test_the_same_po_twice_is_refused_and_none_at_all_too(make_settings: Any) -> None:
    sent = parameters(ORDER, make_settings())
    assert "<AllowDuplicateOrderNumbers>N</AllowDuplicateOrderNumbers>" in sent
    assert "<CheckForCustomerPoNumbers>Y</CheckForCustomerPoNumbers>" in sent
    assert "<Process>IMPORT</Process>" in sent
    assert "<OrderStatus>1</OrderStatus>" in sent
    assert "<AllocationAction>A</AllocationAction>" in sent


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
        [
            "5.00",
            "FRT",
            "",
            "A",
        ],  # the connection's tax code: none is named
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
    paying = partner.document(replace(RECEIPT, invoice="100466"))
    assert "<InvoiceToPay><TransactionType>I</TransactionType><Invoice>100466</Invoice>" in paying
    assert "UnappliedPayment" not in paying


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


# Received: SORTOI -------------------------------------------------------------------------------


def test_a_clean_import_is_taken_though_it_names_no_number() -> None:
    found = sortoi.parse(CLEAN)
    assert (found.verdict.answer, found.sales_order) == (Answer.taken, "")


def test_an_import_with_warnings_names_its_number_and_keeps_them() -> None:
    found = sortoi.parse(WARNED)
    assert (found.verdict.answer, found.sales_order) == (Answer.taken, "015574")
    assert found.purchase_order == PO
    assert found.warnings == ("Line 0001 for stock code 'A100' was placed on back order",)


def test_an_empty_number_is_a_refusal_without_a_reason() -> None:
    found = sortoi.parse(EMPTY_NUMBER)
    assert (found.verdict.answer, found.is_reasonless) == (Answer.refused, True)
    uncounted = sortoi.parse(EMPTY_NUMBER.replace(b"Warnings>000001", b"Warnings>000000"))
    assert (uncounted.verdict.answer, uncounted.is_reasonless) == (Answer.refused, True)


def test_a_document_sent_back_is_refused_though_it_was_counted_as_processed() -> None:
    found = sortoi.parse(sent_back("XML element 'price' must be numeric"))
    assert found.verdict.answer is Answer.refused
    assert "must be numeric" in found.verdict.words
    assert not found.is_reasonless


def test_a_refusal_by_warnings_keeps_their_words() -> None:
    refused = imported(
        "<Order><SalesOrder/><WarningMessages><WarningDescription>Customer is on hold"
        "</WarningDescription></WarningMessages></Order>",
        rejected="000001",
    )
    found = sortoi.parse(refused)
    assert found.verdict.answer is Answer.refused
    assert "on hold" in found.verdict.words


@pytest.mark.parametrize(
    "body",
    [
        WARNED.replace(b"</Order>", b"<ErrorDescription>odd</ErrorDescription></Order>"),
        WARNED.replace(b"<ItemsRejectedWithWarnings>000000", b"<ItemsRejectedWithWarnings>000001"),
        imported(done="000000"),
        imported(done="000002"),
        imported().replace(b"<ItemsRejectedWithWarnings>000000</ItemsRejectedWithWarnings>", b""),
        b"<SalesOrders/>",
    ],
    ids=["number and error", "number and rejected", "none", "two", "half", "nothing"],
)
def test_an_import_that_says_both_or_neither_is_unclear(body: bytes) -> None:
    assert sortoi.parse(body).verdict.answer is Answer.unclear


def test_element_names_in_any_case_and_empty_counters_are_read() -> None:
    empty = CLEAN.replace(b">000000<", b"><").replace(b"StatusOfItems", b"STATUSOFITEMS")
    assert sortoi.parse(empty).verdict.answer is Answer.taken


# Received: the others ---------------------------------------------------------------------------


def test_a_changed_status_and_a_cancelled_order_are_read() -> None:
    changed = sortos.parse(
        b"<postsororderstatus><Item><Order><SalesOrder>015574</SalesOrder><OrderStatus>1"
        b"</OrderStatus><NewOrderStatus>S</NewOrderStatus></Order></Item><StatusOfItems>"
        b"<ItemsProcessed>000001</ItemsProcessed><ItemsInvalid/></StatusOfItems>"
        b"</postsororderstatus>"
    )
    assert (changed.sales_order, changed.status) == ("015574", "S")
    assert changed.verdict.answer is Answer.taken
    cancelled = sortox.parse(
        b"<postsalesordercancel><Item><SalesOrder>842</SalesOrder><Cancelled>Y</Cancelled></Item>"
        b"<StatusOfItems><ItemsProcessed>1</ItemsProcessed><ItemsInvalid>0</ItemsInvalid>"
        b"</StatusOfItems></postsalesordercancel>"
    )
    assert cancelled.is_cancelled
    assert cancelled.verdict.answer is Answer.taken


def test_a_setup_object_counts_what_it_read_not_what_it_did() -> None:
    assert arsscs.parse(added()).verdict.answer is Answer.taken
    refused = arsscs.parse(added(problem="Customer already exists", number="120001"))
    assert refused.verdict.answer is Answer.refused
    assert refused.verdict.problems[0].number == "120001"
    contradictory = added(problem="odd").replace(b"Invalid>1", b"Invalid>0")
    assert arsscs.parse(contradictory).verdict.answer is Answer.unclear
    nothing_read = added().replace(b"RecordsRead>1", b"RecordsRead>0")
    assert arsscs.parse(nothing_read).verdict.answer is Answer.unclear


def test_a_payments_journal_and_its_ledger_journal_are_read() -> None:
    good = arstpy.parse(paid())
    assert (good.year, good.month, good.journal, good.gl_journal) == (
        "2026", "11", "00034", "2026/11/00268",
    )  # fmt: skip
    assert (good.verdict.answer, good.verdict.gl_error) == (Answer.taken, "")
    failed = arstpy.parse(paid(gl_error="27 period", gl_journal=""))
    assert (failed.verdict.answer, failed.verdict.gl_error) == (Answer.taken, "27 period")


def test_a_debit_notes_counters_have_names_of_their_own() -> None:
    found = arstin.parse(
        b"<postarinvoices><Item><Customer>W000001</Customer><Invoice>TO1</Invoice></Item>"
        b"<StatusOfItems><ItemsValidated>000001</ItemsValidated><InvalidItems/></StatusOfItems>"
        b"</postarinvoices>"
    )
    assert (found.invoice, found.verdict.answer) == ("TO1", Answer.taken)


def test_an_account_shows_limit_balance_and_payments() -> None:
    found = arsqry.parse(
        b"<ARStatement><Header><Customer>000000000000123</Customer><Currency>$</Currency>"
        b"<CreditLimit>       500</CreditLimit><CreditStatus>0</CreditStatus><CustomerOnHold>N"
        b"</CustomerOnHold></Header><InvoiceDetail><Invoice>100466</Invoice><TransDetail><Reference>"
        b"TOX</Reference><TrnValue>20.00-</TrnValue><JournalDate>20261103</JournalDate></TransDetail>"
        b"</InvoiceDetail><PayDetail><ChequeReference>TOX</ChequeReference><PayDate>2026-11-03"
        b"</PayDate><PayValue>20.00</PayValue></PayDetail><TotalSection><CurrentBalance>  12.50"
        b"</CurrentBalance></TotalSection></ARStatement>",
        "123",
    )
    assert isinstance(found, arsqry.Account)
    assert (found.limit_text, found.balance_text, found.orders_text) == ("500", "12.50", "")
    assert [(one.reference, one.invoice) for one in found.payments] == [
        ("TOX", ""), ("TOX", "100466"),
    ]  # fmt: skip
    with pytest.raises(Unreadable, match="not '124'"):
        arsqry.parse(b"<ARStatement><Header><Customer>123</Customer></Header></ARStatement>", "124")


def test_stock_is_that_of_the_warehouse_asked_for_even_if_others_come_back() -> None:
    body = (
        b"<InvQuery><StockItem><StockCode>A100</StockCode></StockItem><WarehouseItem><Warehouse>E"
        b"</Warehouse><AvailableQty>  99.000000</AvailableQty></WarehouseItem><WarehouseItem>"
        b"<Warehouse>FG</Warehouse><AvailableQty>          747.800000</AvailableQty>"
        b"</WarehouseItem></InvQuery>"
    )
    assert invqry.parse(body, "A100", "FG") == 747_800_000
    assert invqry.parse(body, "A100", "P0") is None
    with pytest.raises(Unreadable):
        invqry.parse(body, "A200", "FG")
    with pytest.raises(Unreadable):
        invqry.parse(body.replace(b"747.800000", b"many"), "A100", "FG")


def test_a_custom_form_gives_its_values_by_name_and_by_column() -> None:
    body = (
        b"<Query><Key><FormType>ORD</FormType><KeyField>000000000015574</KeyField></Key><Field>"
        b"<Name>GAT001</Name><Column>GateRef</Column><Value>70</Value></Field><Field><Name>SIZ001"
        b"</Name><Value>{Spaces}</Value></Field></Query>"
    )
    found = comqfm.parse(body, "ORD", "15574")
    assert found == {"gat001": "70", "gateref": "70", "siz001": ""}
    with pytest.raises(Unreadable):
        comqfm.parse(body, "CUS", "15574")


def test_queries_about_nothing_are_unreadable() -> None:
    with pytest.raises(Unreadable):
        sorqry.parse(b"<SorDetail><SalesOrder/><OrderStatus/></SorDetail>")
    with pytest.raises(Unreadable):
        sorqdn.parse(b"<DispatchNoteDetail><DispatchNote/></DispatchNoteDetail>")
    for parse in (sortoi.parse, sortos.parse, sortox.parse, arsscs.parse, arstpy.parse):
        with pytest.raises(CallFailed):
            parse(b"ERROR: e.net exception 100000")
        with pytest.raises(Unreadable):
            parse(b"<html>busy</html>")
        with pytest.raises(Unreadable):
            parse(b"<other/>")


def test_an_address_line_longer_than_forty_characters_is_cut_not_refused(
    make_settings: Any,
) -> None:
    long = replace(ORDER, ship_to=ErpAddress(("x" * 60, "", "", "", ""), "1"))
    sent = build(long, make_settings(), "TO1234567890ABCDEFGH")
    assert f"<ShipAddress1>{'x' * 40}</ShipAddress1>" in sent
