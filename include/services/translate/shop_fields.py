"""Read a shop's JSON by its field map: an order request comes out, in our names, all of it text.

The request has the shape that the API takes, so a poll, a webhook and a call end alike::

    {number, currency, amount, tax, prices_hold_tax, placed_at, note,
     shopper: {name, email, reference, phone, bill_to: ADDRESS, ship_to: ADDRESS},
     lines: [{kind, id, parent_id, stock_code, description, quantity, unit, unit_price,
              net | gross, tax, net_after_discount, tax_after_discount}],
     payment: {transient_id, customer_id, instrument_id, request_id, keep,
               authentication_id, ip_address, device_session}}
    ADDRESS: {name, company, lines: [...], city, region, postal_code, country}
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from include.domain.card_numbers import refuse_card_numbers
from include.domain.errors import Rejected
from include.domain.money import MINOR_UNIT_DIGITS, Money
from include.domain.shops import FieldMap, FieldRule, LineRules
from include.services.shop.ports import Checkout

Request = dict[str, Any]
_STEP = re.compile(r"([A-Za-z0-9_\-]+)|\[([A-Za-z0-9_\-]+)\]")
_MONEY = frozenset("amount net gross tax net_after_discount tax_after_discount unit_price".split())
_PAYMENTS = ("transient_id", "customer_id", "request_id")  # one of them names a payment
_ZERO = re.compile(r"0+(\.0+)?")  # a total that is not there is not nothing
_NOTHING = object()


def read_order(raw: Mapping[str, Any], fields: FieldMap, where: str) -> Request:
    """Return the order request that a shop's JSON holds.

    Args:
        raw: the JSON object; a number with a point must have been read as text or Decimal.
        fields: how this kind of shop is read.
        where: the message's name, e.g. ``shop acme_us_web, order 1001``.

    Raises:
        CardNumberRefused: a card number stands in any field, read or not.
        Rejected: a field is missing, empty or of another shape; the message names its path.
    """
    refuse_card_numbers(raw, where)
    reader = _Reader(raw, fields, where)
    order: Request = dict(reader.table(fields.order))
    request = {
        **order,
        "shopper": {
            **reader.table(fields.shopper),
            "bill_to": reader.address(fields.bill_to),
            "ship_to": reader.address(fields.ship_to),
        },
        "lines": [line for rules in fields.lines for line in reader.lines(rules)],
        "payment": reader.table(fields.payment),
    }
    if fields.ignored is not None:
        reader.refuse_unread(fields.ignored)
    return request


def read_checkout(raw: Mapping[str, Any], fields: FieldMap, where: str) -> Checkout:
    """Return how an order came about, of one that nobody has taken yet.

    Raises:
        Rejected: a field is of another shape; the message names its path.
    """
    reader = _Reader(raw, fields, where)
    payment, order = reader.table(fields.payment), fields.order
    amount = reader.field("amount", order["amount"], raw, "")
    placed_at = reader.text(order["placed_at"], raw, "") if "placed_at" in order else ""
    try:
        placed_on = datetime.fromisoformat(placed_at).date() if placed_at else None
    except ValueError:
        do = "See placed_at in shop_fields.yaml."
        raise Rejected(f"{placed_at[:40]!r} is no instant", where, do) from None
    return Checkout(
        method=payment.get("method", ""),
        is_named=any(payment.get(name) for name in _PAYMENTS),
        is_free=_ZERO.fullmatch(amount) is not None,
        placed_on=placed_on,
    )


def read_total(raw: Mapping[str, Any], fields: FieldMap, where: str) -> Request:
    """Return what an order request says of the total: currency and amount alone.

    Raises:
        Rejected: a field is missing, empty or of another shape; the message names its path.
    """
    names = ("currency", "amount")
    return dict(_Reader(raw, fields, where).table({one: fields.order[one] for one in names}))


class _Reader:
    """Reads one order; remembers which paths it has read."""

    def __init__(self, raw: Mapping[str, Any], fields: FieldMap, where: str) -> None:
        self._raw, self._fields, self._where = raw, fields, where
        self._read: set[str] = set()
        self._currency = ""
        self._currency = self.text(fields.order["currency"], raw, "")

    def table(self, rules: Mapping[str, FieldRule]) -> dict[str, str]:
        return {name: self.field(name, rule, self._raw, "") for name, rule in rules.items()}

    def address(self, rules: Mapping[str, FieldRule]) -> Request:
        found = self.table(rules)
        lines = [found.pop(f"line_{i}", "") for i in range(1, 5)]
        return {**found, "lines": [line for line in lines if line]}

    def lines(self, rules: LineRules) -> Iterator[dict[str, str]]:
        """Yield a list's items; an object stands for a list of one, nothing for none."""
        found = _follow(self._raw, rules.each)
        items = [found] if isinstance(found, Mapping) else found
        if items is None:
            self._read.add(rules.each)
            return
        if items is _NOTHING or not isinstance(items, list):
            raise self._no(rules.each, "is missing" if items is _NOTHING else "is no list")
        for i, item in enumerate(items):
            at = rules.each if isinstance(found, Mapping) else f"{rules.each}[{i}]"
            if not isinstance(item, Mapping):
                raise self._no(at, "is no object")
            yield {
                "kind": rules.kind.value,
                **{n: self.field(n, rule, item, at) for n, rule in rules.fields.items()},
            }

    def field(self, name: str, rule: FieldRule, root: Mapping[str, Any], at: str) -> str:
        text = self.text(rule, root, at)
        if name in _MONEY and self._fields.is_minor and text:
            return self._decimal(text, rule, at)
        return text

    def text(self, rule: FieldRule, root: Mapping[str, Any], at: str) -> str:
        if rule.literal:
            return "" if rule.literal in rule.blank else rule.literal
        is_off = rule.only_if is not None and not self._holds(rule.only_if, root)
        if is_off:  # what is empty there says nothing that nobody reads
            empty = [path for path in rule.paths if _follow(root, path) in ("", None)]
            self._read.update(_general(_join(at, path)) for path in empty)
        first, why = "", ""
        for paths in () if is_off else (rule.paths, rule.else_paths):
            words = [self._scalar(path, root, at) for path in paths]
            first = " ".join(word for word in words if word and word not in rule.blank)
            if first:
                break
            why = why or ("is missing" if None in words else "is empty")
        if not first:
            if rule.default is None:
                raise self._no(_join(at, " + ".join(rule.paths)), why, rule)
            first = rule.default
        if rule.words and first not in rule.words:
            raise self._no(_join(at, rule.paths[0]), f"{first[:40]!r} is not known", rule)
        return rule.words.get(first, first)

    def _holds(self, condition: tuple[str, str], root: Mapping[str, Any]) -> bool:
        return self._scalar(condition[0], root, "") == condition[1]

    def _scalar(self, path: str, root: Mapping[str, Any], at: str) -> str | None:
        """Return the text at a path, ``None`` where nothing is; trimmed."""
        self._read.add(_general(_join(at, path)))
        found = _follow(root, path)
        if found is _NOTHING:
            return None
        if found is None:
            return ""
        if isinstance(found, float):
            raise self._no(_join(at, path), "is a number with a point, so digits may be lost")
        if isinstance(found, Mapping | list):
            raise self._no(_join(at, path), "is no single value")
        text = ("true" if found else "false") if isinstance(found, bool) else str(found)
        if any(ord(character) < 32 and character not in "\t\r\n" for character in text):
            raise self._no(_join(at, path), "holds a control character")
        return " ".join(text.split())

    def _decimal(self, text: str, rule: FieldRule, at: str) -> str:
        if self._currency not in MINOR_UNIT_DIGITS:
            raise self._no("currency", f"{self._currency[:8]!r} is no currency")
        if re.fullmatch(r"-?[0-9]{1,15}", text) is None:
            raise self._no(_join(at, rule.paths[0]), f"{text[:40]!r} is no whole number", rule)
        return Money(int(text), self._currency).decimal

    def refuse_unread(self, ignored: tuple[str, ...]) -> None:
        known = self._read | set(ignored)
        for path in _leaves(self._raw, ""):
            general = _general(path)
            parents = {general[: m.start()] for m in re.finditer(r"[.\[]", general)}
            if general not in known and not parents & known:
                raise Rejected(
                    f"the field {path[:120]} is not known",
                    self._where,
                    f"Map it, or list it under ignored ({self._fields.where}).",
                )

    def _no(self, path: str, what: str, rule: FieldRule | None = None) -> Rejected:
        mapped = f" It is read as {rule.where} says." if rule and rule.where else ""
        return Rejected(
            f"the field {path} {what}" if " is not known" not in what else f"{path}: {what}",
            self._where,
            f"Send the order again with it.{mapped}",
        )


def _join(at: str, path: str) -> str:
    return f"{at}.{path}" if at else path


def _general(path: str) -> str:
    """Return a path without the places in lists: what the map speaks of."""
    return re.sub(r"\[[0-9]+\]", "", path)


def _follow(root: Any, path: str) -> Any:
    here = root
    for name, inside in _STEP.findall(path):
        here = _item(here, inside) if inside else _member(here, name)
        if here is _NOTHING or here is None:
            return here
    return here


def _member(here: Any, name: str) -> Any:
    return here.get(name, _NOTHING) if isinstance(here, Mapping) else _NOTHING


def _item(here: Any, inside: str) -> Any:
    if not isinstance(here, list):
        return _NOTHING
    if inside.isdecimal():
        return here[int(inside)] if int(inside) < len(here) else _NOTHING
    for one in here:
        if isinstance(one, Mapping) and one.get("key") == inside:
            return one.get("value", _NOTHING)
    return _NOTHING


def _leaves(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, _join(path, str(name)))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{i}]")
    else:
        yield path
