"""Orders, stock, customers and receipts on the JSON facade. SYNTHETIC, like the rest of it.

| call | does | object |
|---|---|---|
| ``POST SalesOrderService/AddSalesOrder`` | adds an order, answers its number | SORTOI |
| ``POST SalesOrderService/UpdateSalesOrder`` | Hold, Release or Cancel | SORTOS, SORTOX |
| ``GET SalesOrderService/GetSalesOrder`` | orders by number or customer order number | |
| ``GET InventoryService/GetStockBalance`` | quantities by warehouse | |
| ``POST CustomerService/AddCustomer`` | adds a customer | ARSSCS |
| ``GET CustomerService/GetCustomer`` | one customer, with balance and credit | |
| ``POST ARReceiptService/AddReceipt`` | posts a payment, unapplied or to invoices | ARSTPY |
| ``GET ARReceiptService/GetReceipts`` | payments by reference | |

``POST`` bodies name ``CompanyId``; so do the queries. The tables below say which member becomes
which element.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

from include.sandbox.server import Request, Response, Router
from include.sandbox.syspro import credit, orders, stock
from include.sandbox.syspro.books import Books, as_decimal
from include.sandbox.syspro.documents import Node
from include.sandbox.syspro.facade_json import (
    BadBody,
    answer,
    copy_to,
    errors_of,
    guarded,
    read_body,
    read_lines,
    walk,
)
from include.sandbox.syspro.tables import Row, padded_key, plain_key

if TYPE_CHECKING:
    from include.sandbox.syspro.facade import Facade

BASE = "/APIServices"


def _same(names: str) -> dict[str, str]:
    return {name: name for name in names.split()}


ORDER = _same(
    "Customer CustomerPoNumber OrderDate Currency CustomerName ShipAddress1 ShipAddress2 "
    "ShipAddress3 ShipAddress4 ShipAddress5 ShipPostalCode Email ShippingInstrs SpecialInstrs "
    "Warehouse RequestedShipDate TaxExemptionStatus"
)
STOCK_LINE = _same("StockCode Warehouse Price") | {
    "Quantity": "OrderQty",
    "UnitOfMeasure": "OrderUom",
    "PriceUnitOfMeasure": "PriceUom",
}
OTHER_LINES = {
    "Comment": ("CommentLine", {"Comment": "Comment"}),
    "FreightValue": (
        "FreightLine",
        {"FreightValue": "FreightValue", "TaxCode": "FreightTaxCode"},
    ),
    "ChargeValue": (
        "MiscChargeLine",
        {
            "ChargeValue": "MiscChargeValue",
            "Description": "MiscDescription",
            "ProductClass": "MiscProductClass",
            "ChargeCode": "MiscChargeCode",
            "TaxCode": "MiscTaxCode",
        },
    ),
}
CUSTOMER = _same(
    "Name ShortName Branch Area Salesperson TermsCode Currency Email Telephone CreditLimit "
    "CustomerOnHold UserField1 SoldToAddr1 SoldToAddr2 SoldToAddr3 SoldToAddr4 SoldToAddr5 "
    "SoldPostalCode ShipToAddr1 ShipToAddr2 ShipToAddr3 ShipToAddr4 ShipToAddr5 ShipPostalCode"
)
RECEIPT = _same("Customer PaymentValue Reference PaymentDate Bank") | {
    "Narration": "PaymentNarration"
}
RECEIPT_INVOICE = _same("Invoice TransactionType") | {"Value": "GrossPaymentValue"}
SHOWN_ORDER = (
    "OrderStatus Customer CustomerPoNumber OrderDate Currency ShippingInstrs LastDelNote Branch"
).split()
SHOWN_LINE = {
    "StockCode": "MStockCode",
    "Warehouse": "MWarehouse",
    "Quantity": "MOrderQty",
    "ShipQuantity": "MShipQty",
    "BackOrderQuantity": "MBackOrderQty",
    "Price": "MPrice",
}
QUANTITIES = ("QtyOnHand", "QtyAllocated", "QtyOnBackOrder", "QtyOnOrder")


class OrderFacade:
    """Order to cash on the facade."""

    def __init__(self, facade: "Facade") -> None:
        self._facade = facade

    def add_routes(self, router: Router) -> None:
        calls: tuple[tuple[str, str, Callable[[Request], Response]], ...] = (
            ("POST", "SalesOrderService/AddSalesOrder", self._add_order),
            ("POST", "SalesOrderService/UpdateSalesOrder", self._update_order),
            ("GET", "SalesOrderService/GetSalesOrder", self._orders),
            ("GET", "InventoryService/GetStockBalance", self._stock),
            ("POST", "CustomerService/AddCustomer", self._add_customer),
            ("GET", "CustomerService/GetCustomer", self._customer),
            ("POST", "ARReceiptService/AddReceipt", self._add_receipt),
            ("GET", "ARReceiptService/GetReceipts", self._receipts),
        )
        for method, path, handler in calls:
            router.add(method, f"{BASE}/{path}", guarded(handler))

    def _books(self, request: Request) -> Books:
        company = request.param("CompanyId")
        self._facade.session(request, company)
        return self._facade.app.books(company)

    def _add_order(self, request: Request) -> Response:
        body = read_body(request)
        root = Element("SalesOrders")
        order = SubElement(root, "Orders")
        copy_to(SubElement(order, "OrderHeader"), body, ORDER)
        details = SubElement(order, "OrderDetails")
        for line in read_lines(body):
            _add_line(details, line)
        parameters = {"AllowDuplicateOrderNumbers": "N", "CheckForCustomerPoNumbers": "Y"}
        reply = self._facade.post(
            request, "SORTOI", body, root, **{**parameters, "IgnoreWarnings": "W"}
        )
        errors = list(errors_of(reply))
        made = self._find(body)
        if errors or made is None:
            errors = errors or [{"Field": "", "Code": "", "Message": "The order was refused"}]
            return Response.of_json({"Success": False, "Errors": errors})
        warnings = [str(n.content) for n in walk(reply) if n.name == "WarningDescription"]
        found = {"SalesOrder": orders.shown(made), "OrderStatus": made["OrderStatus"]}
        return Response.of_json({"Success": True, **found, "Warnings": warnings})

    def _find(self, body: Mapping[str, Any]) -> Row | None:
        customer = padded_key("Customer", str(body.get("Customer", "")))
        tables = self._facade.app.books(str(body["CompanyId"])).tables
        wanted = {"Customer": customer, "CustomerPoNumber": str(body.get("CustomerPoNumber", ""))}
        return tables.get("SorMaster", **wanted)

    def _update_order(self, request: Request) -> Response:
        body = read_body(request)
        number, action = str(body.get("SalesOrder", "")), body.get("Action")
        if action == "Cancel":
            item = {"SalesOrder": number, "CancelReasonCode": str(body.get("Reason", ""))}
            reply = self._item(request, "SORTOX", "PostSalesOrderCancel", body, item)
            return answer(reply, ("SalesOrder", "Cancelled"))
        if action not in ("Hold", "Release"):
            raise BadBody("Action must be Hold, Release or Cancel")
        item = {"SalesOrder": number, "NewOrderStatus": "S" if action == "Hold" else "1"}
        item["CreditAuthority"] = str(body.get("Authority", ""))
        reply = self._item(request, "SORTOS", "PostSorOrderStatus", body, item)
        return answer(reply, ("SalesOrder", "OrderStatus", "NewOrderStatus"))

    def _item(
        self,
        request: Request,
        verb: str,
        root_name: str,
        body: Mapping[str, Any],
        values: Mapping[str, str],
    ) -> Node:
        root = Element(root_name)
        item = SubElement(root, "Item")
        for name, value in values.items():
            SubElement(item, name).text = value
        return self._facade.post(request, verb, body, root)

    def _orders(self, request: Request) -> Response:
        books = self._books(request)
        number, customer_po = request.param("SalesOrder"), request.param("CustomerPoNumber")
        if number:
            order = orders.find_order(books, number)
            found = [order] if order is not None else []
        else:
            same = books.tables.matching("SorMaster", CustomerPoNumber=customer_po)
            found = [
                row for row in same if row["DocumentType"] != "C"
            ]  # credit notes are kept there
        return Response.of_json({"Orders": [_shown_order(books, row) for row in found]})

    def _stock(self, request: Request) -> Response:
        books = self._books(request)
        code, warehouse = request.param("StockCode"), request.param("Warehouse")
        rows = books.tables.matching("InvWarehouse", StockCode=code)
        found = [
            {"Warehouse": row["Warehouse"], "AvailableQty": f"{stock.available(row):f}"}
            | {name: f"{as_decimal(row[name]):f}" for name in QUANTITIES}
            for row in rows
            if warehouse in ("", row["Warehouse"])
        ]
        return Response.of_json({"StockCode": code, "Warehouses": found})

    def _add_customer(self, request: Request) -> Response:
        body = read_body(request)
        root = Element("SetupArCustomer")
        item = SubElement(root, "Item")
        copy_to(SubElement(item, "Key"), body, {"Customer": "Customer"})
        copy_to(item, body, CUSTOMER)
        reply = self._facade.post(request, "ARSSCS", body, root, function="Add")
        errors = list(errors_of(reply))
        if errors:
            return Response.of_json({"Success": False, "Errors": errors})
        key = next(str(n.content) for n in walk(reply) if n.name == "customer")
        return Response.of_json({"Success": True, "Customer": key})

    def _customer(self, request: Request) -> Response:
        books = self._books(request)
        row = orders.find_customer(books, request.param("Customer"))
        if row is None:
            return Response.of_json({"Customers": []})
        facts = {name: str(row.get(name, "")) for name in CUSTOMER}
        facts["Customer"] = plain_key(str(row["Customer"]))
        facts["Balance"] = f"{credit.balance(books, row):.2f}"
        facts["OutstandingOrders"] = f"{as_decimal(row.get('OutstOrdVal')):.2f}"
        return Response.of_json({"Customers": [facts]})

    def _add_receipt(self, request: Request) -> Response:
        """Post a payment; what no invoice takes is left unapplied under ``CustomerPoNumber``."""
        body = read_body(request)
        root = Element("PostArPayment")
        payment = copy_to(SubElement(SubElement(root, "Item"), "Payment"), body, RECEIPT)
        notation = str(body.get("Narration", "")) or "Receipt"
        SubElement(payment, "JournalNotation").text = notation
        for line in read_lines(body, "Invoices") if "Invoices" in body else []:
            copy_to(SubElement(payment, "InvoiceToPay"), line, RECEIPT_INVOICE)
        if "UnappliedValue" in body:
            names = {"UnappliedValue": "GrossPaymentValue"}
            names["CustomerPoNumber"] = "CustomerPurchaseOrder"
            copy_to(SubElement(payment, "UnappliedPayment"), body, names)
        period = str(body.get("PostingPeriod", "") or "C")
        reply = self._facade.post(request, "ARSTPY", body, root, period)
        names_back = ("TrnYear", "TrnMonth", "Journal", "GlJournalError", "GlJournalMessage")
        return answer(reply, names_back)

    def _receipts(self, request: Request) -> Response:
        books = self._books(request)
        rows = books.tables.matching("ArPayHistory", Reference=request.param("Reference"))
        found = [
            {
                "Customer": plain_key(str(row["Customer"])),
                "PaymentValue": f"{as_decimal(row['PayValue']):.2f}",
                **{n: str(row[n]) for n in ("Reference", "Currency", "Bank", "Journal")},
                "PaymentDate": str(row["PayDate"]),
            }
            for row in rows
        ]
        return Response.of_json({"Receipts": found})


def _add_line(details: Element, line: Mapping[str, Any]) -> None:
    for member, (tag, names) in OTHER_LINES.items():
        if member in line:
            copy_to(SubElement(details, tag), line, names)
            return
    part = copy_to(SubElement(details, "StockLine"), line, STOCK_LINE)
    if part.find("Price") is not None and part.find("PriceUom") is None:
        SubElement(part, "PriceUom").text = str(line.get("UnitOfMeasure", ""))


def _shown_order(books: Books, row: Row) -> dict[str, Any]:
    found = {name: str(row.get(name, "")) for name in SHOWN_ORDER}
    found["SalesOrder"] = orders.shown(row)
    found["LastInvoice"] = plain_key(str(row["LastInvoice"])) if row["LastInvoice"] else ""
    lines = [x for x in orders.lines_of(books, row) if orders.is_merchandise(x)]
    shown = [{name: str(line[column]) for name, column in SHOWN_LINE.items()} for line in lines]
    return {**found, "Lines": shown}
