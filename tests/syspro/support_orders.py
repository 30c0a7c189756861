"""Orders, customers and receipts to test with, and the answers SYSPRO gives to them."""

from dataclasses import replace
from datetime import date
from typing import Any

from include.domain.canonical import to_json
from include.domain.erp_orders import (
    AddCustomer,
    AddSalesOrder,
    ApplyReceipt,
    BookReceipt,
    ErpAddress,
    MoveSalesOrder,
    OrderMove,
    SetCustomField,
)
from include.domain.money import Money
from include.domain.orders import LineKind, OrderLine, reference_of
from include.domain.shops import Charge, ChargeLine
from include.services.effects.ports import Effect, EffectKind

DAY = date(2026, 11, 3)
PO = "WEB-1001"
ADDRESS = ErpAddress(("12 Rue Haute", "Etage 2", "Lyon", "", "FR"), "69001")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def goods(number: int, code: str, quantity_millionths: int, net: int, tax: int) -> OrderLine:
    return OrderLine(
        number, LineKind.goods, code, quantity_millionths, usd(net), usd(tax), stock_code=code
    )


# 3 of A100 for 20.00 (6.66667 each), 2.5 kg of B200 for 10.00, 5.00 freight, 1.50 discount.
LINES = (
    goods(1, "A100", 3_000_000, 20_00, 4_00),
    goods(2, "B200", 2_500_000, 10_00, 2_00),
    OrderLine(3, LineKind.freight, "Parcel", 1_000_000, usd(5_00), usd(1_00)),
    OrderLine(4, LineKind.discount, "Voucher", 1_000_000, usd(-1_50), usd(-30)),
)
ORDER = AddSalesOrder(
    company_id="A",
    customer="W000001",
    purchase_order=PO,
    order_date=DAY,
    currency="USD",
    amount=usd(40_20),
    lines=LINES,
    ship_name="Zo\u00eb \u0141aska",
    ship_to=ADDRESS,
    email="zoe@example.com",
    warehouse="FG",
    shipping_instructions="DHL",
    charges={
        LineKind.freight: Charge(ChargeLine.freight, tax_code="F"),
        LineKind.discount: Charge(ChargeLine.misc, "DISC", "WEBDSC", "D"),
    },
)
CUSTOMER = AddCustomer(
    company_id="A",
    customer="W000001",
    name="Zo\u00eb \u0141aska",
    short_name="LASKA",
    email="zoe@example.com",
    phone="+33 4 00 00",
    currency="USD",
    sold_to=ADDRESS,
    ship_to=ADDRESS,
    branch="10",
    terms_code="CC",
    credit_limit=500,
)
RECEIPT = BookReceipt(
    company_id="A",
    customer="W000001",
    reference=reference_of("receipt 1"),
    purchase_order=PO,
    amount=usd(40_20),
    bank="CLR",
    posting_date=DAY,
)
APPLY = ApplyReceipt(
    company_id="A",
    customer="W000001",
    purchase_order=PO,
    receipt_reference=RECEIPT.reference,
    invoice="000000000100501",
    amount=usd(40_20),
    receipt_left=usd(40_20),
    invoice_left=usd(40_20),
    bank="CLR",
    posting_date=DAY,
)
FIELD = SetCustomField("A", "ORD", "15574", "GATEREF", "7000000000000000000001")


def move(kind: OrderMove, **more: Any) -> MoveSalesOrder:
    return replace(MoveSalesOrder("A", "15574", PO, kind), **more)


_KINDS = {
    AddSalesOrder: EffectKind.sales_order,
    AddCustomer: EffectKind.customer,
    MoveSalesOrder: EffectKind.sales_order_move,
    BookReceipt: EffectKind.ar_receipt,
    ApplyReceipt: EffectKind.ar_application,
    SetCustomField: EffectKind.custom_field,
}


def effect_of(command: Any, key: str = "", **more: Any) -> Effect:
    import hashlib

    payload = to_json(command)
    reference = {
        EffectKind.sales_order: getattr(command, "purchase_order", ""),
        EffectKind.customer: getattr(command, "customer", ""),
        EffectKind.ar_receipt: getattr(command, "reference", ""),
    }
    kind = _KINDS[type(command)]
    key = key or f"{kind.value} {PO}"
    amount = getattr(command, "amount", usd(0))
    return Effect(
        kind=kind,
        key=key,
        reference=reference.get(kind) or reference_of(key),
        payload=payload,
        digest=hashlib.sha256(payload.encode()).hexdigest(),
        target="A",
        currency=amount.currency,
        amount_minor=amount.minor,
        owner="ar",
        **more,
    )


# What SYSPRO answers ------------------------------------------------------------------------------


def table(name: str, *rows: dict[str, str]) -> bytes:
    cells = "".join(
        f"<Row>{''.join(f'<{k}>{v}</{k}>' for k, v in row.items())}</Row>" for row in rows
    )
    return f"<{name}>{cells}<RowsReturned>{len(rows):8d}</RowsReturned></{name}>".encode()


def orders(*rows: dict[str, str]) -> bytes:
    plain = {
        "Customer": "W000001",
        "OrderStatus": "1",
        "DocumentType": "O",
        "OrderDate": "2026-11-03",
    }
    return table("SorMaster", *({**plain, **row} for row in rows))


def imported(inner: str = "", *, done: str = "000001", rejected: str = "000000") -> bytes:
    return (
        f"<?xml version='1.0' encoding='Windows-1252'?><SalesOrders Language='05'>{inner}"
        f"<StatusOfItems><ItemsProcessed>{done}</ItemsProcessed>"
        f"<ItemsRejectedWithWarnings>{rejected}</ItemsRejectedWithWarnings>"
        "<ItemsProcessedWithWarnings>000000</ItemsProcessedWithWarnings></StatusOfItems>"
        "</SalesOrders>\r\n "
    ).encode("cp1252")


CLEAN = imported()
WARNED = imported(
    f"<Order><CustomerPoNumber>{PO}</CustomerPoNumber><SalesOrder>015574</SalesOrder>"
    "<OrderActionType>A</OrderActionType><WarningMessages><WarningDescription>Line 0001 for stock "
    "code 'A100' was placed on back order</WarningDescription></WarningMessages></Order>"
)
EMPTY_NUMBER = imported(
    f"<Order><SalesOrder/><CustomerPoNumber>{PO}</CustomerPoNumber></Order>", rejected="000001"
)


def sent_back(text: str) -> bytes:
    """Return the other shape of a refusal: the whole document, counted as processed."""
    return imported(
        f"<Orders><OrderHeader><CustomerPoNumber>{PO}</CustomerPoNumber></OrderHeader>"
        "<OrderDetails><StockLine><CustomerPoLine>1</CustomerPoLine><ErrorMessages>"
        f"<ErrorDescription>{text}</ErrorDescription></ErrorMessages></StockLine></OrderDetails>"
        "</Orders>"
    )


def head(**more: str) -> bytes:
    row = {
        "SalesOrder": "000000000015574",
        "Customer": "W000001",
        "CustomerPoNumber": PO,
        "OrderStatus": "1",
        "CancelledFlag": "",
        "Currency": "USD",
        "Warehouse": "FG",
        "ShipAddress1": "12 RUE HAUTE",
        "ShipPostalCode": "69001",
        **more,
    }
    return table("SorMaster", row)


def stock_line(number: int, code: str, quantity: str, price: str) -> dict[str, str]:
    return {
        "SalesOrder": "000000000015574",
        "SalesOrderLine": f"{number:4d}",
        "MStockCode": code,
        "MOrderQty": f"{quantity:>20}",
        "MPrice": f"{price:>16}",
        "NMscChargeValue": "0.00",
    }


def charge_line(
    number: int, value: str, product_class: str = "", tax_code: str = ""
) -> dict[str, str]:
    return {
        **stock_line(number, "", "0", "0"),
        "LineType": "5" if product_class else "4",
        "NMscChargeValue": f"{value:>14}",
        "NMscProductCls": product_class,
        "NMscTaxCode": tax_code,
    }


DETAIL_ROWS = (
    stock_line(1, "A100", "3.000000", "6.66667"),
    stock_line(2, "B200", "2.500000", "4.00000"),
    charge_line(3, "5.00", tax_code="F"),
    charge_line(4, "1.50-", "DISC", tax_code="D"),
)


def details(*rows: dict[str, str]) -> bytes:
    return table("SorDetail", *(rows or DETAIL_ROWS))


def added(customer: str = "W000001", problem: str = "", number: str = "") -> bytes:
    trouble = (
        f"<customer><Value/><ErrorNumber>{number}</ErrorNumber><ErrorDescription>{problem}"
        "</ErrorDescription></customer>"
        if problem
        else ""
    )
    return (
        f"<setuparcustomer><item><key><customer>{customer}</customer></key>{trouble}</item>"
        f"<StatusOfItems><RecordsRead>1</RecordsRead><RecordsInvalid>{int(bool(problem))}"
        "</RecordsInvalid></StatusOfItems></setuparcustomer>"
    ).encode()


def paid(customer: str = "W000001", gl_error: str = "", gl_journal: str = "00268") -> bytes:
    return (
        "<postarpayment><Item><Payment><Key><TrnYear>2026</TrnYear><TrnMonth>11</TrnMonth>"
        f"<Journal>00034</Journal></Key><Customer>{customer}</Customer></Payment></Item>"
        "<StatusOfItems><GlJournal><GlYear>2026</GlYear><GlPeriod>11</GlPeriod>"
        f"<GlJournal>{gl_journal}</GlJournal><GlJournalError>{gl_error}</GlJournalError>"
        "<GlJournalMessage/></GlJournal><ItemsProcessed>1</ItemsProcessed><ItemsInvalid/>"
        "</StatusOfItems></postarpayment>"
    ).encode()


def pseudo_invoice(*names: str, **more: str) -> bytes:
    rows = (
        {
            "Customer": "W000001",
            "Invoice": name,
            "DocumentType": "C",
            "InvoiceDate": "2026-11-03",
            "CurrencyValue": "-40.20",
            "PostCurrency": "USD",
            "CustomerPoNumber": RECEIPT.reference,
            **more,
        }
        for name in names
    )
    return table("ArInvoice", *rows)


def options(year: int = 2026, period: int = 11) -> bytes:
    return (
        f"<GeneralLedgerOptions><Periods><CurrentYear>{year}</CurrentYear><CurrentPeriod>{period}"
        "</CurrentPeriod></Periods></GeneralLedgerOptions>"
    ).encode()


def asked(fake: Any, number: int = -1) -> str:
    """Return the document of a question that a fake was asked, the last one's by itself."""
    queries = [call for call in fake.calls if call.verb == "query"]
    return str(queries[number].fields["XmlIn"])
