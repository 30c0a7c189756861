"""Sales orders: SORTOI, read back from SorMaster and SorDetail.

Our key is the customer's PO number. SYSPRO refuses a second order of the same customer and PO, a
refusal that means "look again"; and since a clean import names no order number, the number is read
back before the send counts as answered.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from include.adapters.http.redact import redact
from include.adapters.syspro.documents import sortoi
from include.adapters.syspro.documents.comfnd import Find, Row
from include.adapters.syspro.documents.reply import read_millionths
from include.adapters.syspro.documents.schema import Note
from include.adapters.syspro.documents.sortoi import ImportedOrder
from include.adapters.syspro.partners.common import (
    FORM,
    ORDER,
    ORDER_FORM,
    Asking,
    command_of,
    difference,
    is_order,
    iso_currency,
    minor,
    number,
    text_difference,
)
from include.adapters.syspro.partners.order_document import build, charge_of, parameters, price_of
from include.adapters.syspro.partners.order_tax import tax_codes, tax_differences
from include.domain.erp_orders import AddSalesOrder, same_key
from include.domain.errors import Illegible, IntegrationError, Rejected
from include.domain.orders import PRICE_DIGITS, LineKind
from include.services.effects.ports import Difference, Effect, Found, Receipt

HEAD_DISCOUNTS = ("DiscPct1", "DiscPct2", "DiscPct3")
LINE_DISCOUNTS = ("MDiscPct1", "MDiscPct2", "MDiscPct3", "MDiscValue")
HEAD_COLUMNS = (
    "SalesOrder", "Customer", "CustomerPoNumber", "OrderStatus", "CancelledFlag", "DocumentType",
    "Currency", "Warehouse", "ShipAddress1", "ShipPostalCode", "TaxExemptFlag",
    *HEAD_DISCOUNTS,
)  # fmt: skip
LINE_COLUMNS = (
    "SalesOrder", "SalesOrderLine", "LineType", "MStockCode", "MOrderQty", "MPrice", "MBomFlag",
    "NMscChargeValue", "NMscProductCls", "MTaxCode", "NMscTaxCode", *LINE_DISCOUNTS,
)  # fmt: skip

_MISC_LINE = "5"  # SorDetail.LineType


class SalesOrderPartner:
    """Satisfies ``effects.ports.Partner`` for ``sales_order``."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return every order of this customer and PO; lines are read only of what is there.

        Where this very session has just read that the PO is absent (``OrderReader.look_ahead``) and
        nothing was sent, that answer stands: SYSPRO refuses a second one anyhow.
        """
        order = command_of(AddSalesOrder, effect)
        if effect.sent_at is None and self._asking.was_absent(ORDER, order.purchase_order):
            return ()
        with self._asking.client.session():
            heads = self._heads(order)
            return tuple(self._found(order, head) for head in heads)

    def send(self, effect: Effect) -> Receipt:
        """Import once; an order whose number SYSPRO withheld is asked for.

        Raises:
            OutcomeUnknown: among the port's reasons: taken, but not to be found.
        """
        order, client = command_of(AddSalesOrder, effect), self._asking.client
        document = build(order, self._settings, effect.reference)
        with client.session(self._settings.write_deadline_s):
            self._asking.forget_absent(ORDER, order.purchase_order)
            body = client.post(
                "SORTOI",
                parameters(order, self._settings),
                document,
                effect.reference,
            )
            imported = self._asking.parsed_post(sortoi.parse, body, "SORTOI")
            if imported.is_reasonless:
                return self._doubted(order, imported)
            client.faults.demand_taken(imported.verdict, "SORTOI", "")
            self._demand_ours(order, imported)
            receipt = _receipt(imported.sales_order or self._read_number(order), imported)
            self._asking.note_absent(FORM, f"{ORDER_FORM}/{receipt.their_key}")  # it is new
        return receipt

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare currency, warehouse, place, what is sold, and that SYSPRO taxes it as was meant.

        That is each stock code's quantity and value, all charges together, and what each product
        class of charges sums to: a class that SYSPRO replaces is another ledger account.
        """
        order, facts = command_of(AddSalesOrder, effect), found.facts
        differences = [
            *difference("currency", order.currency, facts["currency"]),
            # Ours are charge lines; one that SYSPRO adds by its own terms changes what is owed.
            *difference("discounts of SYSPRO's own", [], facts["discounts"]),
        ]
        sent = {
            "warehouse": order.warehouse,
            "ship address 1": Note(40).write(order.ship_to.lines[0], "ShipAddress1"),
            "postal code": Note(10).write(order.ship_to.postal_code, "ShipPostalCode"),
        }
        for name, ours in sent.items():
            if ours and facts[name]:  # a blank is a default, or a column not filled here
                differences += text_difference(name, ours, str(facts[name]))
        if facts.get("stock") is not None:
            differences += self._line_differences(order, facts)
        differences += tax_differences(
            order, self._settings, facts["tax_status"], facts.get("tax_codes")
        )
        return tuple(differences)

    def _heads(self, order: AddSalesOrder) -> list[Row]:
        find = Find("SorMaster", (("CustomerPoNumber", "EQ", order.purchase_order),), HEAD_COLUMNS)
        rows = self._asking.find(find, order.purchase_order)
        orders = [row for row in rows if is_order(row)]
        return [row for row in orders if same_key(order.customer, row.get("customer", ""))]

    def _found(self, order: AddSalesOrder, head: Row) -> Found:
        sales_order = str(number(head["salesorder"]))
        facts: dict[str, object] = {
            "sales_order": sales_order,
            "warnings": [],
            "customer": head.get("customer", ""),
            "currency": iso_currency(
                self._settings, head.get("currency", ""), f"SorMaster {sales_order}"
            ),
            "warehouse": head.get("warehouse", ""),
            "ship address 1": head.get("shipaddress1", ""),
            "postal code": head.get("shippostalcode", ""),
            "status": head.get("orderstatus", ""),
            "tax_status": head.get("taxexemptflag", ""),
            "discounts": _discounts(head, HEAD_DISCOUNTS, "order"),
        }
        if self._settings.read_order_lines:
            lines = self._line_rows(head["salesorder"])
            facts |= _sums(order, lines, self._settings.kit_part_flag)
            facts["tax_codes"] = tax_codes(order, lines)
            facts["discounts"] = [
                *_discounts(head, HEAD_DISCOUNTS, "order"),
                *(
                    one
                    for row in lines
                    for one in _discounts(row, LINE_DISCOUNTS, row.get("salesorderline", ""))
                ),
            ]
        return Found(sales_order, facts)

    def _line_rows(self, sales_order: str) -> list[Row]:
        find = Find(
            "SorDetail",
            (("SalesOrder", "EQ", sales_order),),
            LINE_COLUMNS,
            return_rows=self._settings.return_rows,
        )
        pages = self._asking.find_pages(find, "SalesOrderLine", LINE_COLUMNS[:2], sales_order)
        return list(pages)

    def _line_differences(
        self, order: AddSalesOrder, facts: Mapping[str, object]
    ) -> Sequence[Difference]:
        ours: Counter[str] = Counter()
        values: Counter[str] = Counter()
        for line in order.lines:
            if line.kind is LineKind.goods:
                code = line.stock_code.casefold()
                ours[code] += line.quantity_millionths
                values[code] += line.quantity_millionths * price_of(order, line)
        charges = sum(
            charge_of(order, line).minor for line in order.lines if line.kind is not LineKind.goods
        )
        theirs = facts["stock"] if isinstance(facts["stock"], Mapping) else {}
        differences = list(difference("charges", charges, facts["charges"]))
        differences += _class_differences(order, facts["classes"])
        for code in sorted(ours):
            quantity, value = theirs.get(code, (0, 0))
            differences += difference(f"quantity of {code}, millionths", ours[code], quantity)
            differences += difference(f"value of {code}, 1/10^11", values[code], value)
        for code in sorted(theirs.keys() - ours.keys()):
            if theirs[code][1]:  # the parts of a kit come without a price of their own
                differences += difference(f"value of {code}, 1/10^11", 0, theirs[code][1])
        return differences

    def _doubted(self, order: AddSalesOrder, imported: ImportedOrder) -> Receipt:
        """Make sure of a refusal without a reason, a shape nobody has recorded: is it there?"""
        heads = self._ask_after(order, "a refusal without a reason")
        if heads:
            return _receipt(str(number(heads[0]["salesorder"])), imported)
        raise Rejected(
            "refused without a reason, and no such order is there",
            self._asking.client.faults.where("SORTOI"),
            "Import the order by hand to see why, correct that, then replay it.",
        )

    def _read_number(self, order: AddSalesOrder) -> str:
        heads = self._ask_after(order, "taken without an order number")
        if not heads:
            raise self._asking.client.faults.unknown(
                f"taken without a number, and no order carries PO {order.purchase_order!r}",
                "SORTOI",
            )
        return str(number(heads[0]["salesorder"]))

    def _ask_after(self, order: AddSalesOrder, what: str) -> list[Row]:
        try:
            return self._heads(order)
        except IntegrationError as fault:
            raise self._asking.client.faults.unknown(
                f"{what}; reading it back failed: {fault.what}", "SORTOI"
            ) from None

    def _demand_ours(self, order: AddSalesOrder, imported: ImportedOrder) -> None:
        theirs = imported.purchase_order
        if theirs and theirs.casefold() != order.purchase_order.casefold():
            raise self._asking.client.faults.unknown(
                f"the answer is about PO {theirs!r}, not {order.purchase_order!r}", "SORTOI"
            )


def _receipt(sales_order: str, imported: ImportedOrder) -> Receipt:
    name = str(number(sales_order))
    warnings = [redact(text) for text in imported.warnings]
    return Receipt(name, {"sales_order": name, "warnings": warnings})


def _sums(order: AddSalesOrder, rows: Sequence[Row], part_flag: str) -> dict[str, object]:
    """Add lines up: quantity and value of each stock code, the charges together and by class."""
    stock: dict[str, tuple[int, int]] = {}
    charges, classes = 0, Counter[str]()
    for row in rows:
        code = row.get("mstockcode", "").casefold()
        if code:
            quantity, price = _count(row, "morderqty", 6), _count(row, "mprice", PRICE_DIGITS)
            value = quantity * price
            if row.get("mbomflag", "").upper() == part_flag:
                quantity = 0  # SYSPRO's own; the same code may have been ordered by itself, too
            had = stock.get(code, (0, 0))
            stock[code] = (had[0] + quantity, had[1] + value)
        elif row.get("nmscchargevalue", ""):
            value = minor(row["nmscchargevalue"], order.currency)
            charges += value
            if row.get("linetype") == _MISC_LINE:  # a freight line has no class of ours
                classes[row.get("nmscproductcls", "").casefold()] += value
    return {"stock": stock, "charges": charges, "classes": dict(classes)}


def _class_differences(order: AddSalesOrder, theirs: object) -> Sequence[Difference]:
    """Compare the charges of each product class that was sent."""
    ours: Counter[str] = Counter()
    for line in order.lines:
        if line.kind is not LineKind.goods and (name := order.charge_for(line.kind).product_class):
            ours[name.casefold()] += charge_of(order, line).minor
    found = theirs if isinstance(theirs, Mapping) else {}
    return [
        one
        for name in sorted(ours)
        for one in difference(f"charges of product class {name}", ours[name], found.get(name, 0))
    ]


def _discounts(row: Row, columns: Sequence[str], where: str) -> list[str]:
    """Name what is not zero, e.g. ``line 1 MDiscPct1 2.50``."""
    found = {column: row.get(column.lower(), "") for column in columns}
    return [
        f"{'line ' if where.isdigit() else ''}{where} {column} {text}"
        for column, text in found.items()
        if text.strip("0.")
    ]


def _count(row: Row, column: str, digits: int) -> int:
    try:
        return read_millionths(row.get(column, "") or "0", f"SorDetail {column}", digits)
    except Rejected as fault:
        raise Illegible(fault.what, fault.where, "Read the order in SYSPRO by hand.") from None
