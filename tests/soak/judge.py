"""Holds what the partners really did against what people were promised, and against the store.

The partners' side is the sandbox's truth ledger and its list of requests; of the product only its
final states and letters are read. Amounts are decimals of one currency; a customer code belongs to
one shopper.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.soak.town import Bought, Town

ENDED = ("completed", "cancelled", "declined")
UNDONE = ("VOIDED", "CANCELLED", "REVERSED")  # by the gateway's word, of a capture or refund
Row = Mapping[str, Any]


@dataclass
class Moved:
    """What moved for one customer PO."""

    total: Decimal = Decimal(0)  # as its shop has it
    held: int = 0  # authorisations that hold something still
    approved: int = 0
    taken: Decimal = Decimal(0)
    returned: Decimal = Decimal(0)
    standing: set[str] = field(default_factory=set)  # sales orders
    invoiced: Decimal = Decimal(0)
    credited: Decimal = Decimal(0)
    customers: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Kept:
    """How an order stands in the store, and whether a letter says that its cancel came too late."""

    state: str
    is_told_late: bool


def judge(
    bought: Sequence[Bought], kept: Mapping[str, Kept], requests: Sequence[Row], rows: Iterable[Row]
) -> list[str]:
    """Return a sentence for everything that is not as it must be.

    Args:
        bought: by whom everything was begun.
        kept: the store's orders by customer PO.
        requests: the gateway's, of the sandbox's own list.
        rows: of the truth ledger.
    """
    done = [row for row in rows if row.get("committed")]
    moved = _of_gateway(requests)
    _of_erp(done, moved)
    _of_shops(done, moved)
    found = [] if bought else ["nobody bought anything"]
    for one in bought:
        code = Town.purchase_order(one)
        stands = kept.get(code, Kept("", is_told_late=False))
        odds = _odds(one, stands, moved[code])
        found += [f"{code} ({stands.state or 'unknown'}): {odd}" for odd in odds]
    ours = {Town.purchase_order(one) for one in bought}
    busy = {code for code, one in moved.items() if one.approved or one.standing}
    found += [f"{code}: an order that nobody placed" for code in sorted((set(kept) | busy) - ours)]
    return [*found, *_receipts(done, moved)]


def _odds(one: Bought, kept: Kept, moved: Moved) -> Iterable[str]:
    if not kept.state:
        if not one.is_cancelled:
            yield f"lost: nobody knows it (the API said {one.answered or 'nothing'})"
        if moved.approved or moved.standing:
            yield "money or goods move for an order that nobody knows"
        return
    if kept.state not in ENDED:
        yield "it has not ended"
    if kept.state != "completed" and not one.is_cancelled and not one.wish:
        yield "nobody asked for its end"
    if kept.state == "completed" and one.is_cancelled and not kept.is_told_late:
        yield "it was to be cancelled, and nobody is told that it was not"
    if one.wish == "declined" and (moved.taken or moved.standing):
        yield "the bank had declined"
    yield from _money_odds(one, moved, is_sold=kept.state == "completed")


def _money_odds(one: Bought, moved: Moved, *, is_sold: bool) -> Iterable[str]:
    if len(moved.standing) != is_sold:
        yield f"sales orders that stand: {', '.join(sorted(moved.standing)) or 'none'}"
    if moved.held:
        yield f"{moved.held} authorisations hold money still"
    if is_sold and moved.invoiced != moved.total:
        yield f"invoiced {moved.invoiced} of {moved.total}"
    by_api = sum((Decimal(amount) for amount in one.refunds), Decimal(0))
    due = moved.total - moved.credited - by_api if is_sold else Decimal(0)
    if moved.taken - moved.returned != max(due, Decimal(0)):
        yield (f"{moved.taken} taken, {moved.returned} returned of {moved.total}; "
               f"{moved.credited} credited, {by_api} refunded by the API")  # fmt: skip


def _of_gateway(requests: Sequence[Row]) -> defaultdict[str, Moved]:
    found: defaultdict[str, Moved] = defaultdict(Moved)
    for row in requests:
        moved, amount = found[row["code"]], Decimal(row["amount"])
        is_undone = row["status"] in UNDONE
        if row["kind"] == "authorization":
            moved.held += Decimal(row["open_hold"]) > 0
            moved.approved += Decimal(row["authorized"]) > 0
        elif row["kind"] == "capture" and not is_undone:
            moved.taken += amount
        elif row["kind"] in ("refund", "credit") and not is_undone:
            moved.returned += amount
    return found


def _of_erp(rows: Sequence[Row], found: defaultdict[str, Moved]) -> None:
    for row in rows:
        verb, facts, moved = row["verb"], row["facts"], found[row["reference"]]
        if row["system"] != "syspro":
            continue
        if verb == "SORTOI A":
            moved.standing.add(facts["sales_order"])
            moved.customers.add((facts["company"], facts["customer"]))
        elif verb == "SORTOX" and not facts["line"]:  # of a line, the order goes on
            moved.standing.discard(facts["sales_order"])
        elif facts.get("document_type") == "I":
            moved.invoiced += Decimal(facts["value"])
        elif facts.get("document_type") == "C":
            moved.credited += abs(Decimal(facts["value"]))


def _of_shops(rows: Sequence[Row], found: defaultdict[str, Moved]) -> None:
    for row in rows:
        if row["verb"] in ("orders.create", "api.order.create"):
            facts = row["facts"]
            one = Bought(facts["shop"], facts["number"])
            found[Town.purchase_order(one)].total = Decimal(facts["amount_minor"]) / 100


def _receipts(rows: Sequence[Row], moved: Mapping[str, Moved]) -> Iterable[str]:
    """Receipts less what was given back must be what the gateway kept, customer by customer."""
    booked: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    kept: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["system"] == "syspro" and row["verb"].startswith("ARSTPY"):
            facts = row["facts"]
            booked[facts["company"], facts["customer"]] += Decimal(facts["value"])
    for one in moved.values():
        for who in one.customers:
            kept[who] += one.taken - one.returned
    for who in sorted({*booked, *kept}):
        if booked[who] != kept[who]:
            yield f"customer {who}: {booked[who]} booked in AR, {kept[who]} kept at the gateway"
