"""SORTDN, SORTDS and SORQDN: dispatch notes, their status, and the query.

A note takes quantities that are ready to ship out of the warehouse. Its status codes are not
published: here 5 is dispatched, 8 on hold, 9 invoiced, ``*`` cancelled; so are the element names of
SORTDS, taken from SORTOS. Source: SYSPRO reference, section 4.1 and its samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from xml.etree.ElementTree import Element

from include.sandbox.syspro import items, messages, orders, stock
from include.sandbox.syspro.books import as_decimal
from include.sandbox.syspro.documents import (
    CallFailed,
    Node,
    choice_field,
    field,
    int_text_field,
    nodes,
    root_node,
    text_field,
    value_field,
)
from include.sandbox.syspro.posting import Call, Findings, gl_journal_node, read_period
from include.sandbox.syspro.queries import Question, system_information
from include.sandbox.syspro.sortos import read_order, record
from include.sandbox.syspro.tables import Row, Value, plain_key

VERSION = "8.0.052"
DISPATCHED = "5"
ADDRESS = tuple((f"ShipAddress{n}", f"DispatchAddress{n}") for n in range(1, 6))


@dataclass(frozen=True, slots=True)
class _Note:
    order: Row
    head: Element
    goods: list[tuple[Row, Decimal]]


def post(call: Call) -> Node:
    """SORTDN: make a note for each ``DispatchNote`` that holds."""
    replies: list[Node] = []
    processed = invalid = 0
    with call.books.lock:
        for number, element in enumerate(call.document.findall("DispatchNote"), start=1):
            findings = Findings()
            year, period = read_period(call, findings)
            note = _check(call, element, findings)
            if findings.nodes or note is None:
                invalid += 1
                reference = field(element, "DispatchHeader/SalesOrder")
                call.record("SORTDN", reference, committed=False, company=call.books.company)
                count = Node("ItemNumber", f"{number:06d}")
                replies.append(Node("DispatchNote", [*findings.nodes, count]))
            elif call.parameter("ValidateOnly", "N") != "Y":
                processed += 1
                replies += _write(call, note, (year, period))
    counts = (("ItemsProcessed", processed), ("ItemsInvalid", invalid))
    status = Node("StatusofItems", [Node(name, f"{count:06d}") for name, count in counts])
    return root_node("postdispatchnotes", VERSION, [*replies, status])


def _check(call: Call, element: Element, findings: Findings) -> _Note | None:
    head = element.find("DispatchHeader")
    if head is None:
        findings.refuse("DispatchHeader", "", messages.IS_SPACES, "{DispatchHeader}")
        return None
    order = read_order(call, head, findings)
    for name, longest in (("ShippingInstrs", 50), ("CustomerName", 50), ("SpecialInstrs", 30)):
        findings.check(text_field, head, name, longest=longest)
    if order is None:
        return None
    if order["OrderStatus"] in ("S", "F"):
        shown = orders.shown(order)
        status = order["OrderStatus"]
        findings.refuse("SalesOrder", shown, messages.ORDER_STATUS, shown, status)
    goods = _goods(call, order, element, findings)
    if not goods and not findings.nodes:
        shown = orders.shown(order)
        findings.refuse("SalesOrder", shown, messages.NOTHING_TO_DO, shown, "dispatch")
    return _Note(order, head, goods)


def _goods(
    call: Call, order: Row, element: Element, findings: Findings
) -> list[tuple[Row, Decimal]]:
    """Return the quantities of the document, or all that is ready to ship."""
    parts = element.findall("DispatchDetails/MerchandiseLine")
    if not parts:
        lines = orders.lines_of(call.books, order)
        ready = [x for x in lines if orders.is_merchandise(x) and as_decimal(x["MShipQty"])]
        return [(line, as_decimal(line["MShipQty"])) for line in ready]
    found: list[tuple[Row, Decimal]] = []
    for part in parts:
        number = findings.check(int_text_field, part, "SalesOrderLine", 1, 9999) or 0
        quantity = findings.check(value_field, part, "DispatchQty", whole=12, decimals=6)
        line = orders.find_line(call.books, order, number)
        if line is None or not orders.is_merchandise(line):
            shown = orders.shown(order)
            findings.refuse("SalesOrderLine", str(number), messages.LINE_NOT_FOUND, number, shown)
        elif quantity is not None and not 0 < quantity <= as_decimal(line["MShipQty"]):
            findings.refuse(
                "DispatchQty", f"{quantity}", messages.NOT_ALLOWED, quantity, "DispatchQty"
            )
        elif quantity is not None:
            found.append((line, quantity))
    return found


def _write(call: Call, note: _Note, period: tuple[int, int]) -> list[Node]:
    books, order = call.books, note.order
    sequence = int(str(order.get("NumDispatches") or 0)) + 1
    name = f"{orders.shown(order)}/{sequence:04d}"
    carrier = field(note.head, "ShippingInstrs") or str(order["ShippingInstrs"])
    row: Row = {
        "DispatchNote": name,
        "DispatchNoteStatus": DISPATCHED,
        "Invoice": "",
        "SalesOrder": str(order["SalesOrder"]),
        "Customer": str(order["Customer"]),
        "CustomerName": str(order["CustomerName"]),
        "CustomerPoNumber": str(order["CustomerPoNumber"]),
        "Branch": str(order["Branch"]),
        "PlannedDeliverDate": books.today,
        "ShippingInstrs": carrier,
        "SpecialInstrs": field(note.head, "SpecialInstrs"),
        "DispatchCustName": field(note.head, "CustomerName") or str(order["CustomerName"]),
        "DispatchPostalCode": field(note.head, "ShipPostalCode") or str(order["ShipPostalCode"]),
        "DispatchComments1": field(note.head, "DispatchComments"),
        "NextDetailLine": len(note.goods) + 1,
    }
    for element, column in ADDRESS:
        row[column] = field(note.head, element) or str(order[element])
    books.tables.add("MdnMaster", row)
    for number, (line, quantity) in enumerate(note.goods, start=1):
        _add_detail(call, row, number, line, quantity)
    values: dict[str, Value] = {
        "NumDispatches": sequence,
        "DispatchesMade": "Y",
        "LastDelNote": name,
        "DeliveryNote": name,
        "ShippingInstrs": carrier,
    }
    books.tables.change("SorMaster", order, values)
    record(call, "SORTDN", order, dispatch_note=name, carrier=carrier)
    return _reply(call, order, name, period, len(note.goods))


def _add_detail(call: Call, row: Row, number: int, line: Row, quantity: Decimal) -> None:
    books = call.books
    books.tables.add(
        "MdnDetail",
        {
            "DispatchNote": row["DispatchNote"],
            "DispatchNoteLine": number,
            "SalesOrder": row["SalesOrder"],
            "SalesOrderLine": line["SalesOrderLine"],
            "LineType": line["LineType"],
            "MStockCode": line["MStockCode"],
            "MStockDes": line["MStockDes"],
            "MWarehouse": line["MWarehouse"],
            "MQtyToDispatch": quantity.quantize(stock.QUANTITY),
            "Invoice": "",
        },
    )
    ships = as_decimal(line["MShipQty"]) - quantity
    orders.set_quantities(books, line, ships, as_decimal(line["MBackOrderQty"]))
    dispatched = as_decimal(line["MQtyDispatched"]) + quantity
    books.tables.change("SorDetail", line, {"MQtyDispatched": dispatched})
    orders.move_goods(books, line, QtyOnHand=-quantity, QtyDispatched=quantity)


def _reply(call: Call, order: Row, name: str, period: tuple[int, int], lines: int) -> list[Node]:
    note = [
        Node("Key", [Node("SalesOrder", orders.shown(order))]),
        Node("DispatchDetails", f"{lines:04d}"),
        Node("DispatchNoteNumber", name),
        Node("Customer", str(order["Customer"])),
    ]
    journal = call.books.next_number("stock journal", first=1396)
    facts = (
        ("JnlYear", f"{period[0]:04d}"),
        ("JnlMonth", f"{period[1]:02d}"),
        ("Journal", f"{journal:05d}"),
        ("EntryNumber", "00001"),
    )
    block = gl_journal_node(call, "SORTDN", *period, 0)
    return [Node("DispatchNote", note), Node("JnlKey", [*nodes(facts), block])]


@dataclass(frozen=True, slots=True)
class _Status:
    note: Row
    status: str


def change_status(call: Call) -> Node:
    """SORTDS."""
    course = items.Course(
        "SORTDS",
        "postdispstatus",
        "8.0.011",
        _check_status,
        _write_status,
        lambda element: field(element, "DispatchNote"),
    )
    return items.run(call, course)


def _check_status(call: Call, element: Element, findings: Findings) -> _Status | None:
    name = field(element, "DispatchNote")
    status = findings.check(choice_field, element, "NewDispatchStatus", "3578*", "") or ""
    note = call.books.tables.get("MdnMaster", DispatchNote=name) if name else None
    if note is None:
        findings.refuse("DispatchNote", name, messages.KEY_NOT_FOUND, "Dispatch note", name)
        return None
    if note["Invoice"] or note["DispatchNoteStatus"] == "*":
        findings.refuse("DispatchNote", name, messages.NOTHING_TO_DO, name, "change")
    return _Status(note, status)


def _write_status(call: Call, found: _Status) -> list[Node]:
    note, before = found.note, str(found.note["DispatchNoteStatus"])
    if found.status == "*":
        _take_back(call, note)
    call.books.tables.change("MdnMaster", note, {"DispatchNoteStatus": found.status})
    call.record(
        "SORTDS",
        str(note["CustomerPoNumber"]),
        committed=True,
        company=call.books.company,
        dispatch_note=str(note["DispatchNote"]),
        status=found.status,
    )
    facts = (
        ("DispatchNote", note["DispatchNote"]),
        ("DispatchStatus", before),
        ("NewDispatchStatus", found.status),
    )
    return nodes(facts)


def _take_back(call: Call, note: Row) -> None:
    """Undo a cancelled note: the goods are in the warehouse again, ready to ship."""
    order = orders.find_order(call.books, str(note["SalesOrder"])) or {}
    for detail in call.books.tables.matching("MdnDetail", DispatchNote=str(note["DispatchNote"])):
        line = orders.find_line(call.books, order, int(str(detail["SalesOrderLine"])))
        if line is None:
            continue
        quantity = as_decimal(detail["MQtyToDispatch"])
        orders.move_goods(call.books, line, QtyOnHand=quantity, QtyDispatched=-quantity)
        left = as_decimal(line["MQtyDispatched"]) - quantity
        call.books.tables.change("SorDetail", line, {"MQtyDispatched": left})
        ships = as_decimal(line["MShipQty"]) + quantity
        orders.set_quantities(call.books, line, ships, as_decimal(line["MBackOrderQty"]))


def query(question: Question) -> Node:
    """SORQDN: one dispatch note with its lines."""
    name = field(question.document, "Key/DispatchNote")
    tables = question.books.tables
    note = tables.get("MdnMaster", DispatchNote=name) if name else None
    if note is None:
        text = messages.text_of(messages.KEY_NOT_FOUND, "Dispatch note", name)
        raise CallFailed(f"ERROR: {text}")
    details = tables.matching("MdnDetail", DispatchNote=str(note["DispatchNote"]))
    shown = plain_key(str(note["SalesOrder"]))
    heads = {**note, "SalesOrder": shown, "Customer": plain_key(str(note["Customer"]))}
    heads.pop("TimeStamp")
    lines = [_shown_line(detail) for detail in details]
    parts = [system_information(question), *nodes(heads.items()), *lines]
    return root_node("DispatchNoteDetail", VERSION, parts)


def _shown_line(detail: Row) -> Node:
    names: Sequence[str] = ("DispatchNoteLine", "SalesOrderLine", "MStockCode", "MStockDes")
    facts: list[tuple[str, object]] = [(name, detail[name]) for name in (*names, "MWarehouse")]
    facts.append(("MQtyToDispatch", f"{as_decimal(detail['MQtyToDispatch']):20.6f}"))
    return Node("DispatchLine", [Node("Merchandise", nodes(facts))])
