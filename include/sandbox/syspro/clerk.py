"""People in the ERP: what a clerk does on the screen, done through the same business objects.

``POST /control/clerk`` takes ``action``, ``company`` and what the action needs. Everything is
executed as operator CLERK and lands in the truth ledger like any other call.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, tostring

from include.sandbox.syspro import forms, orders, stock
from include.sandbox.syspro.books import NAMES, Books, as_decimal
from include.sandbox.syspro.documents import Node
from include.sandbox.syspro.tables import Row, padded_key, plain_key

if TYPE_CHECKING:
    from include.sandbox.syspro.service import SysproApp

OPERATOR = "CLERK"
Facts = Mapping[str, Any]


class Clerk:
    """One clerk for all companies; ``auto`` makes him ship and invoice what comes in."""

    def __init__(self, app: "SysproApp") -> None:
        self._app = app
        self._auto: dict[str, float] = {}  # company to seconds until he gets to an order
        self._opened: dict[tuple[str, str], str] = {}  # company and order to its status before

    def act(self, facts: Facts) -> Mapping[str, Any]:
        """Do one action and say what came of it.

        Raises:
            ValueError: an unusable fact, or the business object refused.
        """
        actions: dict[str, Callable[[Books, Facts], Mapping[str, Any]]] = {
            "invoice": self._invoice,
            "credit": self._credit,
            "note": self._note,
            "begin": lambda books, _facts: {"version": books.tables.begin()},
            "cancel": self._cancel,
            "open_order": self._open_order,
            "close_order": self._close_order,
            "ship": self._ship,
            "hold": self._hold_customer,
            "credit_limit": self._set_credit_limit,
            "rate": self._set_rate,
            "stock": self._set_stock,
            "log_on": self._log_on,
            "auto": self._set_auto,
        }
        action, company = str(facts.get("action", "")), str(facts.get("company", ""))
        if action not in actions or company not in NAMES:
            raise ValueError(
                f"action must be one of {', '.join(actions)}, company one of {', '.join(NAMES)}"
            )
        return actions[action](self._app.books(company), facts)

    def notice(self, company: str, opened: Sequence[str]) -> None:
        """Take up orders that a call has left open, where ``auto`` is on."""
        delay = self._auto.get(company)
        if delay is None or not opened:
            return
        if not delay:
            self._process(company, opened)
            return
        timer = threading.Timer(delay, self._process, (company, opened))
        timer.daemon = True
        timer.start()

    def _process(self, company: str, opened: Sequence[str]) -> None:
        books = self._app.books(company)
        for number in opened:
            order = orders.find_order(books, number)
            if order is None or order["OrderStatus"] != "1":
                continue
            facts = {"sales_order": number}
            try:
                if _has_goods_to_ship(books, order):
                    self._ship(books, facts)
                self._invoice(books, facts)
            except ValueError as refusal:  # a closed period, say: the order stays as it is
                reference = str(order["CustomerPoNumber"])
                reason = {"company": company, "reason": str(refusal), "operator": OPERATOR}
                self._app.record("auto", reference, committed=False, **reason)

    def _call(
        self, books: Books, name: str, root: str, content: Element, **parameters: str
    ) -> Node:
        """Run one transaction object as the clerk."""
        document = Element(root)
        document.append(content)
        given = Element("Parameters")
        for parameter, value in parameters.items():
            SubElement(given, parameter).text = value
        text = tostring(document, encoding="unicode")
        reply = self._app.transact_as(OPERATOR, books.company, name, given, document, text)
        errors = list(_errors(reply))
        if errors:
            raise ValueError(f"{name} refused: {'; '.join(errors)}")
        return reply

    def _invoice(self, books: Books, facts: Facts) -> Mapping[str, Any]:
        """Invoice an order: its dispatch notes, then what is still in the warehouse."""
        order = _order(books, facts)
        made: list[str] = []
        for note in books.tables.matching("MdnMaster", SalesOrder=str(order["SalesOrder"])):
            if not note["Invoice"] and note["DispatchNoteStatus"] != "*":
                item = _element("Item", {"DispatchNote": str(note["DispatchNote"])})
                reply = self._call(books, "SORTNC", "PostDispatchInvoice", item)
                made.append(_leaf(reply, "InvoiceNumber"))
        only = [str(number) for number in facts.get("lines", ())]
        if order["OrderStatus"] not in orders.ENDED and _has_ready(books, order, only):
            made.append(self._invoice_order(books, order, only))
        if not made:
            raise ValueError(f"order {orders.shown(order)} has nothing to invoice")
        return {"sales_order": orders.shown(order), "invoices": made}

    def _invoice_order(self, books: Books, order: Row, only: Sequence[str]) -> str:
        number = orders.shown(order)
        if order["OrderStatus"] != "8":
            change = {"SalesOrder": number, "NewOrderStatus": "8", "CreditAuthority": OPERATOR}
            self._call(books, "SORTOS", "PostSorOrderStatus", _element("Item", change))
        item = {"SalesOrder": number, "SalesOrderLineList": ",".join(only)}
        reply = self._call(books, "SORTIC", "PostSalesOrderInvoice", _element("Item", item))
        return _leaf(reply, "InvoiceNumber")

    def _credit(self, books: Books, facts: Facts) -> Mapping[str, Any]:
        """Credit an invoice: whole, some lines, or an amount, perhaps ``on_invoice`` itself."""
        invoice = _invoice_of(books, facts)
        reason = str(facts.get("reason", ""))[:6]
        if facts.get("on_invoice"):
            return self._credit_on_invoice(books, invoice, facts)
        if "amount" in facts or not books.tables.matching(
            "ArTrnDetail", Invoice=str(invoice["Invoice"])
        ):
            return self._credit_amount(books, invoice, facts, reason)
        number = plain_key(str(invoice["Invoice"]))
        item = _element("Item", {"InvoiceNumber": number, "CreditReason": reason})
        for line in facts.get("lines", ()):
            item.append(_element("Lines", {"LineNumber": str(line)}))
        reply = self._call(books, "SORTCI", "PostCreditFromInvoice", item)
        return self._finish_credit(books, _leaf(reply, "CreditNoteCreated"))

    def _credit_amount(
        self, books: Books, invoice: Row, facts: Facts, reason: str
    ) -> Mapping[str, Any]:
        whole = as_decimal(invoice["CurrencyValue"])
        amount = _decimal(facts, "amount") if "amount" in facts else whole
        head = {
            "Customer": str(invoice["Customer"]),
            "CustomerPoNumber": str(invoice["CustomerPoNumber"]),
        }
        reply = self._call(books, "SORTCH", "SOCreditNoteHeader", _element("Item", head))
        note = _leaf(reply, "CreditNoteCreated")
        line = {
            "CreditNoteNumber": note,
            "LineActionType": "A",
            "LineType": "5",
            "CreditReason": reason,
            "MiscChargeValue": f"{amount}",
            "MiscDescription": "Credit",
        }
        self._call(books, "SORTCM", "SoCreditNoteNonMerchLine", _element("Item", line))
        return self._finish_credit(books, note)

    def _credit_on_invoice(self, books: Books, invoice: Row, facts: Facts) -> Mapping[str, Any]:
        """Post a credit to the invoice: no document of its own, there is only less left of it."""
        number = plain_key(str(invoice["Invoice"]))
        item = {
            "TransactionType": "C",
            "Customer": str(invoice["Customer"]),
            "PostToExistingInvoice": "Y",
            "Invoice": number,
            "Reference": str(facts.get("reason", "")),
            "InvoiceValue": f"{_decimal(facts, 'amount')}",
            "ProductClass": "BA",
        }
        self._call(books, "ARSTIN", "PostArInvoices", _element("Item", item))
        return {"invoice": number, "left": f"{invoice['InvoiceBal1']}"}

    def _note(self, books: Books, facts: Facts) -> Mapping[str, Any]:
        """Credit a customer an amount for any ``customer_po``, without an invoice.

        With the ``version`` of a ``begin`` it is what a slow transaction commits only now.
        """
        item = {
            "TransactionType": "C",
            "Customer": str(facts["customer"]),
            "GenerateInvoiceNumber": "Y",
            "Reference": str(facts.get("customer_po", "")),
            "InvoiceValue": f"{_decimal(facts, 'amount')}",
            "ProductClass": "BA",
        }
        reply = self._call(books, "ARSTIN", "PostArInvoices", _element("Item", item))
        number = _leaf(reply, "Invoice")
        if "version" in facts:
            key = {"Invoice": padded_key("Invoice", number), "DocumentType": "C"}
            (row,) = books.tables.matching("ArInvoice", **key)
            books.tables.commit_late("ArInvoice", row, int(facts["version"]))
        return {"invoice": number}

    def _finish_credit(self, books: Books, note: str) -> Mapping[str, Any]:
        item = _element("Item", {"SalesOrder": note})
        reply = self._call(books, "SORTIC", "PostSalesOrderInvoice", item, OrderType="C")
        return {"credit_note": note, "invoice": _leaf(reply, "InvoiceNumber")}

    def _cancel(self, books: Books, facts: Facts) -> Mapping[str, Any]:
        order = _order(books, facts)
        item = {
            "SalesOrder": orders.shown(order),
            "SalesOrderLine": str(facts.get("line", "")),
            "CancelReasonCode": str(facts.get("reason", "")),
        }
        self._call(books, "SORTOX", "PostSalesOrderCancel", _element("Item", item))
        return {"sales_order": orders.shown(order), "status": order["OrderStatus"]}

    def _open_order(self, books: Books, facts: Facts) -> Mapping[str, Any]:
        """Open an order in order entry: it is "in process" as long as he looks at it."""
        order = _order(books, facts)
        with books.lock:
            key, status = (books.company, orders.shown(order)), str(order["OrderStatus"])
            self._opened.setdefault(key, status)
            orders.set_status(books, order, orders.IN_PROCESS, OPERATOR)
        return {"sales_order": orders.shown(order), "before": self._opened[key]}

    def _close_order(self, books: Books, facts: Facts) -> Mapping[str, Any]:
        """Leave an order that he has open, as it was or with another ``status``."""
        order = _order(books, facts)
        with books.lock:
            before = self._opened.pop((books.company, orders.shown(order)), "")
            status = str(facts.get("status", "")) or before
            if not before:
                raise ValueError(f"order {orders.shown(order)} is not open in order entry")
            orders.set_status(books, order, status, OPERATOR)
        return {"sales_order": orders.shown(order), "status": status}

    def _ship(self, books: Books, facts: Facts) -> Mapping[str, Any]:
        """Write a dispatch note, with the carrier on it and the tracking number in the form."""
        order = _order(books, facts)
        number = orders.shown(order)
        carrier = str(facts.get("carrier", "UPS Ground"))
        tracking = str(facts.get("tracking", "")) or f"1Z{number.zfill(14)}"
        note = Element("DispatchNote")
        head = {"SalesOrder": number, "ShippingInstrs": carrier}
        note.append(_element("DispatchHeader", head))
        details = SubElement(note, "DispatchDetails")
        for line, quantity in dict(facts.get("lines", {})).items():
            goods = {"SalesOrderLine": str(line), "DispatchQty": str(quantity)}
            details.append(_element("MerchandiseLine", goods))
        reply = self._call(books, "SORTDN", "PostDispatchNotes", note)
        form = forms.FORMS["ORD"]
        designed = next(found for found in form.fields if found.name == "TRACK")
        with books.lock:
            forms.write_values(books, form, str(order["SalesOrder"]), {designed: tracking})
        name = _leaf(reply, "DispatchNoteNumber")
        return {"sales_order": number, "dispatch_note": name, "tracking": tracking}

    def _hold_customer(self, books: Books, facts: Facts) -> Mapping[str, Any]:
        is_held = bool(facts.get("on", True))
        return self._change_customer(books, facts, {"CustomerOnHold": "Y" if is_held else "N"})

    def _set_credit_limit(self, books: Books, facts: Facts) -> Mapping[str, Any]:
        limit = _decimal(facts, "limit")
        return self._change_customer(books, facts, {"CreditLimit": f"{limit:.0f}"})

    def _set_rate(self, books: Books, facts: Facts) -> Mapping[str, Any]:
        """Enter a currency's ``rate`` and its ``way``; without a rate the currency has none."""
        currency, rate = str(facts["currency"]), str(facts.get("rate", ""))
        if rate:
            _decimal(facts, "rate")
        books.set_rate(currency, rate, str(facts.get("way", "M")))
        return {"currency": currency, "rate": rate}

    def _change_customer(
        self, books: Books, facts: Facts, values: Mapping[str, str]
    ) -> Mapping[str, Any]:
        item = Element("Item")
        item.append(_element("Key", {"Customer": str(facts["customer"])}))
        for name, value in values.items():
            SubElement(item, name).text = value
        root = Element("SetupArCustomer")
        root.append(item)
        text = tostring(root, encoding="unicode")
        reply = self._app.transact_as(
            OPERATOR, books.company, "ARSSCS", None, root, text, function="Update"
        )
        errors = list(_errors(reply))
        if errors:
            raise ValueError(f"ARSSCS refused: {'; '.join(errors)}")
        return {"customer": facts["customer"], **values}

    def _set_stock(self, books: Books, facts: Facts) -> Mapping[str, Any]:
        """Set what a count found on hand; what is allocated stays."""
        code, name = str(facts["stock_code"]), str(facts.get("warehouse", "MAIN"))
        quantity = _decimal(facts, "quantity")
        with books.lock:
            row = stock.warehouse(books, code, name)
            if row is None:
                raise ValueError(f"{code} is not stocked in warehouse {name}")
            change = quantity - as_decimal(row["QtyOnHand"])
            stock.move(books, code, name, QtyOnHand=change)
        self._app.record(
            "stock count", code, committed=True, company=books.company, quantity=f"{quantity}"
        )
        return {"stock_code": code, "warehouse": name, "available": f"{stock.available(row)}"}

    def _log_on(self, books: Books, facts: Facts) -> Mapping[str, Any]:
        """Log on as the integration's operator: its session is thrown out."""
        operator = str(facts.get("operator", "")) or f"TIEOUT_{books.company}"
        self._app.sessions.take_over(operator, books.company)
        return {"operator": operator, "sessions": len(self._app.sessions.live())}

    def _set_auto(self, books: Books, facts: Facts) -> Mapping[str, Any]:
        is_on = bool(facts.get("on", True))
        delay = float(facts.get("delay_s", 0))
        self._auto.pop(books.company, None)
        if is_on:
            self._auto[books.company] = delay
        return {"company": books.company, "auto": is_on, "delay_s": delay}


def _order(books: Books, facts: Facts) -> Row:
    """Find an order by ``sales_order``, or by ``customer_po``."""
    number, customer_po = str(facts.get("sales_order", "")), str(facts.get("customer_po", ""))
    order = orders.find_order(books, number)
    if order is None and customer_po:
        found = books.tables.matching("SorMaster", CustomerPoNumber=customer_po)
        order = next((row for row in found if row["DocumentType"] == "O"), None)
    if order is None:
        raise ValueError(f"no order {number or customer_po!r} in company {books.company}")
    return order


def _invoice_of(books: Books, facts: Facts) -> Row:
    """Find an invoice by ``invoice``, or the last one of an order; a generated one too."""
    number = str(facts.get("invoice", ""))
    if not number:
        number = str(_order(books, facts)["LastInvoice"])
    key = padded_key("Invoice", number)
    found = books.tables.seek("ArInvoice", Invoice=key, DocumentType="I") if number else None
    if found is None:
        raise ValueError(f"no invoice {number!r} in company {books.company}")
    return found


def _has_goods_to_ship(books: Books, order: Row) -> bool:
    lines = orders.lines_of(books, order)
    return any(orders.is_merchandise(x) and as_decimal(x["MShipQty"]) for x in lines)


def _has_ready(books: Books, order: Row, only: Sequence[str]) -> bool:
    for line in orders.lines_of(books, order):
        if only and str(line["SalesOrderLine"]) not in only:
            continue
        is_goods = orders.is_merchandise(line)
        if as_decimal(line["MShipQty"]) if is_goods else orders.is_open(line):
            return True
    return False


def _decimal(facts: Facts, name: str) -> Decimal:
    try:
        return Decimal(str(facts[name]))
    except InvalidOperation:
        raise ValueError(f"{name} {facts[name]!r} is not a number") from None


def _element(tag: str, values: Mapping[str, str]) -> Element:
    found = Element(tag)
    for name, value in values.items():
        SubElement(found, name).text = value
    return found


def _walk(node: Node) -> Sequence[Node]:
    if isinstance(node.content, str):
        return [node]
    return [node, *(found for child in node.content for found in _walk(child))]


def _leaf(reply: Node, name: str) -> str:
    return next((str(n.content) for n in _walk(reply) if n.name == name), "")


def _errors(reply: Node) -> Sequence[str]:
    return [str(n.content) for n in _walk(reply) if n.name == "ErrorDescription"]
