"""Turn an order request into our order, or say exactly what is wrong with it.

The request's shape is that of ``shop_fields.read_order``; the API takes the same. Nothing is
guessed: a total that is not the sum of its lines, an unknown country or currency, an absurd
quantity is refused before anybody's money is asked for.
"""

from include.domain.card_numbers import refuse_card_numbers
from include.domain.errors import Rejected
from include.domain.money import Money, total
from include.domain.order_rules import OrderRules
from include.domain.orders import (
    Address,
    Order,
    OrderLine,
    PayerAuthentication,
    PaymentMethod,
    PaymentSource,
    Shopper,
    order_id_of,
)
from include.domain.shops import Shop
from include.services.translate.fields import Fields, Table
from include.services.translate.ports import Addresses
from include.services.translate.request_lines import read_lines
from include.services.translate.rounded_tax import with_order_tax

_NUMBER = r"[A-Za-z0-9][A-Za-z0-9._/#\-]{0,23}"
_TRANSIENT = r"[A-Za-z0-9_\-]{8,80}"  # a jti; the token itself has dots and is far longer
_HEX = r"[0-9A-Fa-f]{32}"
_REQUEST_ID = r"[0-9]{22}"
_SESSION = r"[0-9A-Za-z_-]{1,88}"
_AUTHENTICATION = r"[0-9A-Za-z-]{16,36}"


def to_order(
    request: Table,
    shop: Shop,
    rules: OrderRules,
    addresses: Addresses,
    where: str = "",
    *,
    payment: PaymentSource | None = None,
) -> Order:
    """Return the domain order that a request asks for.

    Args:
        request: of ``shop_fields.read_order``'s shape; texts, or whole numbers for quantities.
        shop: the shop it comes from.
        rules: its merchant's.
        addresses: national formats.
        where: what messages name; by default shop and number.
        payment: of an order that was taken before; by default the request says how it is paid.

    Raises:
        CardNumberRefused: a card number stands in any field.
        Rejected: anything else is wrong; the message names the field or line, and the fix.
    """
    where = where or f"shop {shop.shop_id}"
    refuse_card_numbers(request, where)
    top = Fields(request, "", where)
    number = top.matching("number", _NUMBER, "at most 24 letters, digits, '.', '-', '/' or '#'")
    where = where if number in where else f"{where}, order {number}"
    top = Fields(request, "", where)
    amount = _total(top, shop)
    currency = amount.currency
    rules.check_amount(amount, where)
    lines = read_lines(top, currency, rules, where)
    if top.has("tax"):
        is_in_price = top.flag("prices_hold_tax")
        lines = with_order_tax(lines, amount, top.money("tax", currency), is_in_price=is_in_price)
    _check_sum(lines, amount, where)
    shopper = _shopper(top.inside("shopper"), addresses, where)
    rules.check_country(shopper.ship_to.country, where)
    return Order(
        order_id=order_id_of(shop.shop_id, number),
        shop_id=shop.shop_id,
        merchant_id=shop.merchant_id,
        number=number,
        purchase_order=shop.purchase_order(number),
        currency=currency,
        amount=amount,
        shopper=shopper,
        lines=lines,
        payment=payment or _payment(top.inside("payment"), amount, where),
        note=top.text("note", 2000, default=""),
    )


def to_total(request: Table, shop: Shop, where: str) -> Money:
    """Return the total that a request names, whatever else it says.

    Raises:
        Rejected: it is no amount, or in no currency that the shop sells in.
    """
    return _total(Fields(request, "", where), shop)


def _total(top: Fields, shop: Shop) -> Money:
    return top.money("amount", top.currency("currency", shop.currencies))


def _check_sum(lines: tuple[OrderLine, ...], amount: Money, where: str) -> None:
    summed = total((line.gross for line in lines), amount.currency)
    if summed == amount:
        return
    difference = amount - summed
    suspects = [
        f"line {line.number} ({line.description[:30]!r}: {name} {value})"
        for line in lines
        for name, value in (("tax", line.tax), ("net", line.net), ("gross", line.gross))
        if abs(value.minor) == abs(difference.minor)
    ]
    named = f" Look at {' or '.join(suspects[:3])}." if suspects else ""
    raise Rejected(
        f"the lines sum to {summed}, the order says {amount}: {difference} is missing",
        where,
        f"Send every line, freight, fee, discount and tax, so that they sum to the total.{named}",
    )


def _shopper(fields: Fields, addresses: Addresses, where: str) -> Shopper:
    bill_to = _address(fields.inside("bill_to"))
    ship_fields = fields.inside("ship_to")
    # A shop that ships to the billing address leaves the other empty, in part or whole.
    has_own = ship_fields.has("country") and bool(ship_fields.rows("lines"))
    # A company that names no person at either is the billing address's name, and this one's.
    ship_to = _address(ship_fields, bill_to.name) if has_own else bill_to
    return Shopper(
        name=fields.text("name", 120),
        email=fields.mail("email"),
        bill_to=addresses.normalize(bill_to, f"{where}, bill_to"),
        ship_to=addresses.normalize(ship_to, f"{where}, ship_to"),
        reference=fields.text("reference", 40, default=""),
        phone=fields.text("phone", 40, default=""),
    )


def _address(fields: Fields, usual_name: str | None = None) -> Address:
    rows = fields.rows("lines")
    if len(rows) > 4:
        raise fields.no("lines", f"has {len(rows)} lines", "Send at most four.")
    numbered = {str(i): row for i, row in enumerate(rows, 1)}
    inside = Fields(numbered, "address lines", fields.where)
    return Address(
        name=fields.text("name", 120, usual_name),
        lines=tuple(inside.text(name, 120) for name in numbered),
        city=fields.text("city", 80, default=""),
        country=fields.text("country", 80),
        postal_code=fields.text("postal_code", 20, default=""),
        region=fields.text("region", 80, default=""),
        company=fields.text("company", 120, default=""),
    )


def _payment(fields: Fields, amount: Money, where: str) -> PaymentSource:
    names = {
        "transient_id": PaymentMethod.transient_token,
        "customer_id": PaymentMethod.stored_token,
        "request_id": PaymentMethod.authorized,
    }
    given = [name for name in names if fields.has(name)]
    if not amount.minor:
        if given:
            raise Rejected(
                f"it costs nothing, and names a payment ({' and '.join(given)})",
                where,
                "Nothing is authorised for a free order, a card is not kept by one either: take "
                "the payment out of it in the shop.",
            )
        return PaymentSource(PaymentMethod.none)
    if len(given) != 1:
        raise Rejected(
            f"the payment has {' and '.join(given) or 'no reference'}",
            where,
            f"Send one of payment.{', payment.'.join(names)}.",
        )
    method = names[given[0]]
    keep = fields.flag("keep")
    if keep and method is not PaymentMethod.transient_token:
        raise fields.no("keep", "is true", "Only a new card, a transient token, can be kept.")
    proof = fields.matching(
        "authentication_id", _AUTHENTICATION, "16 to 36 letters and digits", default=""
    )
    if proof and method is PaymentMethod.authorized:
        raise fields.no("authentication_id", "is given", "The shop's own payment needs no proof.")
    return PaymentSource(
        method=method,
        transient_id=fields.matching(
            "transient_id", _TRANSIENT, "the transient token's jti, not the token", default=""
        ),
        customer_token=fields.matching("customer_id", _HEX, "32 hexadecimal digits", default=""),
        instrument_token=fields.matching(
            "instrument_id", _HEX, "32 hexadecimal digits", default=""
        ),
        request_id=fields.matching("request_id", _REQUEST_ID, "22 digits", default=""),
        keep=keep,
        authentication=PayerAuthentication(proof) if proof else None,
        ip_address=fields.ip_address("ip_address"),
        device_session=fields.matching(
            "device_session", _SESSION, "letters, digits, - and _, at most 88", default=""
        ),
    )
