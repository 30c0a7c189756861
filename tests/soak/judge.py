"""Holds what the partners really did against what people were promised, and against the store.

The partners' side is the sandbox's truth ledger and its list of requests; of the product only its
final states are read. Amounts are decimals of one currency; a customer code belongs to one shopper.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, select

from include.adapters.store.order_tables import orders
from tests.soak.town import Bought, Town

_ENDED = ("completed", "cancelled", "declined")
Row = Mapping[str, Any]


@dataclass
class Money:
    """What moved for one customer PO."""

    held: int = 0  # authorisations that hold something still
    approved: int = 0
    taken: Decimal = Decimal(0)
    returned: Decimal = Decimal(0)
    entered: int = 0  # sales orders
    called_off: int = 0
    invoiced: Decimal = Decimal(0)
    credited: Decimal = Decimal(0)
    customers: set[tuple[str, str]] = field(default_factory=set)


def judge(bought: Sequence[Bought], store: Engine, town: Town, rows: Iterable[Row]) -> list[str]:
    """Return a sentence for everything that is not as it must be."""
    rows = [row for row in rows if row.get("committed")]
    money = _of_gateway(town.control("live_requests")["requests"])
    _of_erp(rows, money)
    with store.connect() as connection:
        wanted = select(orders.c.purchase_order, orders.c.state, orders.c.reason)
        kept = {row.purchase_order: row for row in connection.execute(wanted)}
    found = []
    for one in bought:
        code = town.purchase_order(one)
        state = kept[code].state if code in kept else ""
        found += [f"{code} ({state or 'unknown'}): {odd}" for odd in _odds(one, state, money[code])]
    strangers = set(kept) - {town.purchase_order(one) for one in bought}
    found += [f"{code}: an order that nobody placed" for code in strangers]
    return [*found, *_receipts(rows, money)]


def _odds(one: Bought, state: str, moved: Money) -> Iterable[str]:
    if not state:
        if not one.is_cancelled and (not one.by_api or one.answered in (200, 201, 202)):
            yield f"lost: nobody knows it (the API said {one.answered or 'nothing'})"
        if moved.approved or moved.entered:
            yield "money or goods move for an order that nobody knows"
        return
    if state not in _ENDED:
        yield "it has not ended"
    if state != "completed" and not one.is_cancelled and not one.wish:
        yield "nobody asked for its end"
    yield from _money_odds(one, state, moved)


def _money_odds(one: Bought, state: str, moved: Money) -> Iterable[str]:
    standing = moved.entered - moved.called_off
    if standing > 1:
        yield f"{standing} sales orders stand"
    if moved.held:
        yield f"{moved.held} authorisations hold money still"
    back = sum((Decimal(amount) for amount in one.refunds), Decimal(0))
    due = moved.invoiced - moved.credited - (back if state == "completed" else 0)
    kept = moved.taken - moved.returned
    if kept != max(due, Decimal(0)):
        yield (f"{moved.taken} taken, {moved.returned} returned; {moved.invoiced} invoiced, "
               f"{moved.credited} credited, {back} refunded by the API")  # fmt: skip
    if state != "completed" and kept:
        yield f"{kept} is kept"
    if one.wish == "declined" and moved.taken:
        yield "the bank had declined"


def _of_gateway(requests: Sequence[Row]) -> defaultdict[str, Money]:
    found: defaultdict[str, Money] = defaultdict(Money)
    for row in requests:
        moved, amount = found[row["code"]], Decimal(row["amount"])
        is_undone = row["status"] in ("VOIDED", "CANCELLED", "REVERSED")
        if row["kind"] == "authorization":
            moved.held += Decimal(row["open_hold"]) > 0
            moved.approved += Decimal(row["authorized"]) > 0
        elif row["kind"] == "capture" and not is_undone:
            moved.taken += amount
        elif row["kind"] in ("refund", "credit") and not is_undone:
            moved.returned += amount
    return found


def _of_erp(rows: Sequence[Row], found: defaultdict[str, Money]) -> None:
    for row in rows:
        verb, facts, moved = row["verb"], row["facts"], found[row["reference"]]
        if row["system"] != "syspro":
            continue
        if verb == "SORTOI A":
            moved.entered += 1
            moved.customers.add((facts["company"], facts["customer"]))
        elif verb == "SORTOX":
            moved.called_off += 1
        elif facts.get("document_type") == "I":
            moved.invoiced += Decimal(facts["value"])
        elif facts.get("document_type") == "C":
            moved.credited += abs(Decimal(facts["value"]))


def _receipts(rows: Sequence[Row], money: Mapping[str, Money]) -> Iterable[str]:
    """Receipts less what was given back must be what the gateway kept, customer by customer."""
    booked: Counter[tuple[str, str]] = Counter()
    kept: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["system"] == "syspro" and row["verb"].startswith("ARSTPY"):
            facts = row["facts"]
            booked[facts["company"], facts["customer"]] += Decimal(facts["value"])  # type: ignore[assignment]
    for moved in money.values():
        for who in moved.customers:
            kept[who] += moved.taken - moved.returned
    for who in {*booked, *kept}:
        if booked[who] != kept[who]:
            yield f"customer {who}: {booked[who]} booked in AR, {kept[who]} kept at the gateway"
