"""What SYSPRO is told of an order: customer, sales order, receipt. Pure; the effects carry it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

from include.domain.erp_orders import AddCustomer, AddSalesOrder, BookReceipt
from include.domain.errors import Rejected
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.order_lines import is_kept
from include.domain.order_rules import OnShortStock, OrderRules
from include.domain.orders import PRICE_DIGITS, QUANTITY_DIGITS, LineKind, Order, Shopper
from include.domain.shops import RateSource, Shop, TaxMode
from include.services.translate.lines import erp_lines
from include.services.translate.ports import Addresses
from include.services.translate.request_lines import MOST_LINES

_NAME, _SHORT_NAME, _PHONE, _MAIL, _MARK = 50, 20, 20, 255, 10  # SYSPRO's lengths
_INSTRUCTIONS = 30  # SorMaster.SpecialInstrs
_DESCRIPTION = 50


def add_customer(
    order: Order, shop: Shop, merchant: Merchant, customer: str, addresses: Addresses
) -> AddCustomer:
    """Return the customer to create under a code of ours."""
    shopper, defaults = order.shopper, shop.customer
    name = _name_of(shopper, addresses)
    return AddCustomer(
        company_id=merchant.company_id,
        customer=customer,
        name=_cut(name, _NAME),
        short_name=_cut(name, _SHORT_NAME),
        email=_mail_of(shopper, addresses),
        phone=_cut(addresses.latin(shopper.phone), _PHONE),
        currency=order.currency,
        sold_to=addresses.harmonize(shopper.bill_to).address,
        ship_to=addresses.harmonize(shopper.ship_to).address,
        branch=defaults.branch,
        terms_code=defaults.terms_code,
        area=defaults.area,
        salesperson=defaults.salesperson,
        customer_class=defaults.customer_class,
        tax_status=defaults.tax_status,
        user_field=shop.shop_id[:_MARK],
    )


def add_sales_order(
    order: Order,
    shop: Shop,
    rules: OrderRules,
    merchant: Merchant,
    customer: str,
    order_date: date,
    addresses: Addresses,
    *,
    is_suspended: bool = False,
    is_short: bool = False,
) -> AddSalesOrder:
    """Return the sales order to create.

    Args:
        order: as accepted.
        shop: where it comes from.
        rules: its merchant's.
        merchant: whose company it is written into.
        customer: the SYSPRO key.
        order_date: the merchant's business date.
        addresses: national formats.
        is_suspended: straight into suspense, for a fraud review or a credit limit.
        is_short: stock was asked for and does not suffice.

    Raises:
        Rejected: the shop does not say how a kind of charge is written.
    """
    shopper = order.shopper
    harmonized = addresses.harmonize(shopper.ship_to)
    lines = tuple(
        replace(line, description=_cut(addresses.latin(line.description), _DESCRIPTION))
        for line in erp_lines(order.lines, shop)
    )
    instructions, _ = _instructions(harmonized.overflow, addresses.latin(order.note))
    return AddSalesOrder(
        company_id=merchant.company_id,
        customer=customer,
        purchase_order=order.purchase_order,
        order_date=order_date,
        currency=order.currency,
        amount=order.amount,
        lines=lines,
        ship_name=_cut(addresses.latin(shopper.ship_to.name or shopper.name), _NAME),
        ship_to=harmonized.address,
        email=_mail_of(shopper, addresses),
        warehouse=shop.warehouse,
        order_type=shop.order_type,
        special_instructions=instructions,
        is_suspended=is_suspended,
        allocation=allocation(rules, is_short=is_short),
        prices_include_tax=_prices_include_tax(shop),
        is_untaxed=shop.tax is TaxMode.override,
        charges={
            kind: shop.charge(kind)
            for kind in LineKind
            if kind is not LineKind.goods and any(line.kind is kind for line in lines)
        },
    )


def demand_kept(order: Order, shop: Shop, where: str) -> None:
    """Refuse an order whose amounts SYSPRO would round, before anybody's money is asked for.

    Raises:
        Rejected: a line's unit price of five decimals, or its value of two, is not its amount; or
            discounts and tax, which become lines too, are more lines than SYSPRO numbers.
    """
    holds_tax = _prices_include_tax(shop)
    lines = erp_lines(order.lines, shop)
    if lines[-1].number > MOST_LINES:
        what = f"the sales order would have a line {lines[-1].number}, and {MOST_LINES} is the last"
        raise Rejected(what, where, "Split the order.")
    for line in lines:
        worth = line.gross if holds_tax else line.net
        if not is_kept(worth, line.quantity_millionths):
            count = Decimal(line.quantity_millionths) / 10**QUANTITY_DIGITS
            raise Rejected(
                f"line {line.number} is {worth} for {count:f}, which SYSPRO cannot hold exactly: a "
                f"price has {PRICE_DIGITS} decimals there, and a value 2",
                where,
                "Sell it in fewer pieces or in a larger unit, at a price of whole cents.",
            )


def _prices_include_tax(shop: Shop) -> bool:
    return shop.prices_include_tax and shop.tax is TaxMode.override


def allocation(rules: OrderRules, *, is_short: bool) -> str:
    """Return SORTOI's allocation: F all or nothing, B all on back order, A what there is."""
    if rules.on_short_stock is OnShortStock.refuse:
        return "F"
    if rules.on_short_stock is OnShortStock.back_order and is_short:
        return "B"
    return "A"


def book_receipt(
    order: Order,
    shop: Shop,
    merchant: Merchant,
    customer: str,
    amount: Money,
    posting_date: date,
    reference: str,
    fx_rate: Callable[[str, str, date], int],
) -> BookReceipt:
    """Return the receipt of a capture, or with a negative amount of a refund.

    A foreign one has the dated rate of its posting date, where the shop's rates are dated.

    Raises:
        Rejected: the shop has no clearing bank for the currency, or there is no such rate.
    """
    base = merchant.base_currency
    is_dated = amount.currency != base and shop.exchange_rates is RateSource.dated
    return BookReceipt(
        company_id=merchant.company_id,
        customer=customer,
        reference=reference,
        purchase_order=order.purchase_order,
        amount=amount,
        bank=shop.clearing_bank(amount.currency),
        posting_date=posting_date,
        rate_millionths=fx_rate(amount.currency, base, posting_date) if is_dated else 0,
        base_currency=base if is_dated else "",
    )


def left_out(order: Order, addresses: Addresses) -> tuple[str, ...]:
    """Name what SYSPRO has no room for; the words themselves are the shopper's, and in the shop."""
    shopper, note = order.shopper, addresses.latin(order.note)
    ship = addresses.harmonize(shopper.ship_to)
    _, lost = _instructions(ship.overflow, note)
    fits = {
        "note": note not in lost,
        "ship-to address": not set(lost) - {note},
        "sold-to address": not addresses.harmonize(shopper.bill_to).overflow,
        "name": len(_name_of(shopper, addresses)) <= _NAME,
        "ship-to name": len(addresses.latin(shopper.ship_to.name or shopper.name)) <= _NAME,
        "phone": len(addresses.latin(shopper.phone)) <= _PHONE,
        "e-mail": shopper.email == _mail_of(shopper, addresses),
    }
    cut = [one for one in order.lines if len(addresses.latin(one.description)) > _DESCRIPTION]
    named = [f"description of line {line.number}" for line in cut]
    return (*(what for what, is_whole in fits.items() if not is_whole), *named)


def _name_of(shopper: Shopper, addresses: Addresses) -> str:
    """Return the first name in which anything can be read: SYSPRO takes no blank one."""
    bill_to = shopper.bill_to
    names = map(addresses.latin, (bill_to.company, shopper.name, bill_to.name, shopper.email))
    return next((name for name in names if name.strip()), "")


def _mail_of(shopper: Shopper, addresses: Addresses) -> str:
    """Return the mail address, or nothing where SYSPRO cannot hold it.

    In other letters, or cut, it is another person's; and the shopper's next order would not be.
    """
    email = shopper.email
    return email if len(email) <= _MAIL and addresses.latin(email) == email else ""


def _instructions(overflow: Iterable[str], note: str) -> tuple[str, tuple[str, ...]]:
    """Return the special instructions and what did not fit: the address first, then the note."""
    kept, lost = "", []
    for text in (*overflow, note):
        joined = f"{kept}; {text}" if kept else text
        if not text:
            continue
        if len(joined) <= _INSTRUCTIONS:
            kept = joined
        else:
            lost.append(text)
    return kept, tuple(lost)


def _cut(text: str, longest: int) -> str:
    """Return a text that fits, cut at a blank where one is near; ``left_out`` names the whole."""
    if len(text) <= longest:
        return text
    cut = text[: longest + 1].rpartition(" ")[0].rstrip(",;")
    return cut if len(cut) * 2 > longest else text[:longest].rstrip()
