"""SORTOI's two documents for one order: which line becomes what.

Goods are stock lines with their unit price. All else is written as the shop's table of charges
says: a freight line, or a charge line with its product class. Discounts are charge lines, since
order discounts vanish in SYSPRO (reference, section 9).
"""

from include.adapters.syspro.documents import sortoi
from include.adapters.syspro.settings import SysproSettings
from include.domain.erp_orders import AddSalesOrder
from include.domain.money import Money
from include.domain.order_lines import unit_price
from include.domain.orders import QUANTITY_DIGITS, LineKind, OrderLine
from include.domain.shops import Charge, ChargeLine

_ONE = 10**QUANTITY_DIGITS
_NO_CREDIT = "Credit check failed"


def parameters(order: AddSalesOrder, settings: SysproSettings, *, validates: bool = False) -> str:
    """Return SORTOI's XmlParameters: a PO there must be, and it may not be there already.

    What goes into suspense is taken in spite of credit and holds: there a person decides. What is
    only validated makes no order.
    """
    accepts = order.is_suspended or settings.accept_without_credit
    return sortoi.PARAMETERS.build(
        {
            "Parameters": {
                "Process": "VALIDATE" if validates else "IMPORT",
                "TypeOfOrder": "ORD",
                "OrderStatus": "S" if order.is_suspended else settings.order_status,
                "AllowNonStockItems": "N",
                "AcceptOrdersIfNoCredit": "Y" if accepts else "N",
                "CreditFailMessage": _NO_CREDIT,
                "AllowDuplicateOrderNumbers": "N",
                "CheckForCustomerPoNumbers": "Y",
                "AlwaysUsePriceEntered": "Y",
                "AllowZeroPrice": "Y",
                "AllocationAction": order.allocation,
                "IgnoreWarnings": settings.order_warnings,
                "WarnIfCustomerOnHold": "Y" if order.is_suspended else "N",
                "AllowManualOrderNumberToBeUsed": "N",
            }
        }
    )


def build(order: AddSalesOrder, settings: SysproSettings, reference: str) -> str:
    """Return SORTOI's XmlIn.

    Raises:
        Rejected: a code, price or quantity does not fit SYSPRO; nothing was sent.
    """
    ship = order.ship_to
    header: dict[str, object] = {
        "CustomerPoNumber": order.purchase_order,
        "OrderActionType": "A",
        "Customer": order.customer,
        "OrderDate": order.order_date,
        "Currency": settings.syspro_currency(order.currency) or None,
        "ShippingInstrs": order.shipping_instructions or None,
        "CustomerName": order.ship_name,
        **{f"ShipAddress{n}": line or None for n, line in enumerate(ship.lines, 1)},
        "ShipPostalCode": ship.postal_code or None,
        "Email": order.email or None,
        "Warehouse": order.warehouse,
        "SpecialInstrs": order.special_instructions or None,
        "OrderType": order.order_type or None,
        "TaxExemptionStatus": tax_status_of(order, settings) or None,
    }
    lines = sorted(order.lines, key=lambda line: line.number)
    return sortoi.ORDER.build(
        {
            "TransmissionHeader": {"TransmissionReference": reference[-14:]},
            "Orders": {
                "OrderHeader": header,
                "OrderDetails": {"Lines": [_line(order, line, settings) for line in lines]},
            },
        }
    )


def charge_of(order: AddSalesOrder, line: OrderLine) -> Money:
    """Return what a line is worth in the order: gross where prices include tax."""
    return line.gross if order.prices_include_tax else line.net


def price_of(order: AddSalesOrder, line: OrderLine) -> int:
    """Return the unit price in 1/100,000 of the major unit, half-even, as it is sent."""
    return unit_price(charge_of(order, line), line.quantity_millionths)


def tax_status_of(order: AddSalesOrder, settings: SysproSettings) -> str:
    """Return the tax status that the order is sent with; '' leaves it to SYSPRO."""
    is_sent = order.is_untaxed and settings.order_tax_status != "none"
    return settings.order_tax_status if is_sent else ""


def tax_code_of(order: AddSalesOrder, line: OrderLine, settings: SysproSettings) -> str:
    """Return the tax code that a line is sent with; '' leaves it to SYSPRO."""
    is_goods = line.kind is LineKind.goods
    own = "" if is_goods else order.charge_for(line.kind).tax_code
    return own or settings.line_tax_code


def _line(
    order: AddSalesOrder, line: OrderLine, settings: SysproSettings
) -> tuple[str, dict[str, object]]:
    head: dict[str, object] = {"CustomerPoLine": line.number, "LineActionType": "A"}
    if line.kind is LineKind.goods:
        return "StockLine", head | _stock(order, line, settings)
    charge = order.charge_for(line.kind)
    if charge.line is ChargeLine.freight:
        return "FreightLine", head | _freight(order, line, settings)
    return "MiscChargeLine", head | _charge(order, line, charge, settings)


def _stock(order: AddSalesOrder, line: OrderLine, settings: SysproSettings) -> dict[str, object]:
    return {
        "StockCode": line.stock_code,
        "Warehouse": order.warehouse,
        "OrderQty": line.quantity_millionths,
        "OrderUom": line.unit,
        "Price": price_of(order, line),
        "PriceUom": line.unit,
        "StockTaxCode": tax_code_of(order, line, settings) or None,
    }


def _charge(
    order: AddSalesOrder, line: OrderLine, charge: Charge, settings: SysproSettings
) -> dict[str, object]:
    return {
        "MiscChargeValue": charge_of(order, line),
        "MiscQuantity": _ONE,
        "MiscProductClass": charge.product_class or None,
        "MiscTaxCode": tax_code_of(order, line, settings) or None,
        "MiscDescription": line.description,
        "MiscChargeCode": charge.charge_code or None,
    }


def _freight(order: AddSalesOrder, line: OrderLine, settings: SysproSettings) -> dict[str, object]:
    return {
        "FreightValue": charge_of(order, line),
        "FreightTaxCode": tax_code_of(order, line, settings) or None,
    }
