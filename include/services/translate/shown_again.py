"""What an order that was taken shows by now: its goods without their codes, or another payment.

WooCommerce reads a line's SKU from the product as it is: null once it is deleted, another once it
is renamed, in every order that it was ever sold in. Text, quantity and price are the line's own.
Source: WooCommerce, class-wc-rest-orders-v2-controller.php, ``get_order_item_data``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from include.domain.orders import LineKind, Order, OrderLine, PaymentSource
from include.domain.shops import FieldMap
from include.services.translate.shop_fields import Request

_ANY = "0"  # in place of the codes, while lines are compared by all the rest


def without_codes(fields: FieldMap) -> FieldMap:
    """Return the field map by which goods may come without a stock code, which is '' then."""
    lines = []
    for rules in fields.lines:
        free = {
            name: replace(rule, default=rule.default or "") if name == "stock_code" else rule
            for name, rule in rules.fields.items()
        }
        lines.append(replace(rules, fields=free))
    return replace(fields, lines=tuple(lines))


def with_codes_taken(request: Request, taken: Order, read: Callable[[Request], Order]) -> Request:
    """Return the request with the codes as taken, of goods that are the same but for their code.

    Of goods that are not, e.g. in another quantity, the code stays as it is, '' where it is lost.

    Args:
        request: as read ``without_codes``.
        taken: the order as it was taken.
        read: makes an order of a request.
    """
    codes = [str(line.get("stock_code", "")) for line in _sold(request)]
    left = [line for line in taken.lines if line.kind is LineKind.goods]
    if codes == [line.stock_code for line in left]:
        return request
    shown = read(_coded(request, [_ANY] * len(codes))).lines
    goods = (line for line in shown if line.kind is LineKind.goods)
    for place, line in enumerate(goods):
        alike = [one for one in left if _likeness(one) == _likeness(line)]
        same = [one for one in alike if one.stock_code == codes[place]]
        for one in (same or alike)[:1]:
            left.remove(one)
            codes[place] = one.stock_code
    return _coded(request, codes)


def without_tried(request: Request, tried: Sequence[PaymentSource]) -> Request:
    """Return the request without the payments that were tried, where it names another beside them.

    A plugin writes what pays now into a field of its own, and leaves what was declined.
    """
    payment = request["payment"]
    card = payment.get("customer_id", ""), payment.get("instrument_id", "")
    is_tried = {
        "transient_id": payment.get("transient_id") in {one.transient_id for one in tried},
        "customer_id": card in {(one.customer_token, one.instrument_token) for one in tried},
        "request_id": payment.get("request_id") in {one.request_id for one in tried},
    }
    named = [name for name in is_tried if payment.get(name)]
    if all(is_tried[name] for name in named):
        return request
    gone = {name for name in named if is_tried[name]}
    gone |= {"keep"} if "transient_id" in gone else set()  # only a new card can be kept
    gone |= {"instrument_id"} if "customer_id" in gone else set()
    # What the shop has authorised itself needs no proof of ours; a proof is good for one payment.
    proofs = {one.authentication.transaction_id for one in tried if one.authentication}
    is_spent = payment.get("authentication_id") in proofs
    if is_spent or set(named) - gone == {"request_id"}:
        gone |= {"authentication_id"}
    return {**request, "payment": {k: v for k, v in payment.items() if k not in gone}}


def _sold(request: Request) -> Iterator[dict[str, str]]:
    return (line for line in request["lines"] if line["kind"] == LineKind.goods)


def _coded(request: Request, codes: Sequence[str]) -> Request:
    given = iter(codes)
    lines = [
        {**line, "stock_code": next(given)} if line["kind"] == LineKind.goods else line
        for line in request["lines"]
    ]
    return {**request, "lines": lines}


def _likeness(line: OrderLine) -> object:
    return line.description, line.quantity_millionths, line.unit, line.net, line.tax
