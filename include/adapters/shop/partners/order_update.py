"""Status, note and meta data of an order at the shop.

Each update plants a mark of its own, ``_tieout_<reference>`` = ``<sequence>|<status>``, in the
call that also sets the status; the note goes before it. So a mark proves all of the update, and
the marks of an order together say which of two updates is the newer one.
"""

import time
from collections.abc import Mapping
from dataclasses import replace

from include.adapters.shop.calls import looking
from include.adapters.shop.partners.common import (
    MARK,
    content_of,
    demand_order,
    difference,
    is_untouched,
    stamp,
    unknown,
)
from include.adapters.shop.shop_writes import ShopWrites
from include.services.effects.ports import Difference, Effect, Found, Receipt
from include.services.shop.commands import OrderUpdate
from include.services.shop.ports import ShopOrder

_FRESH_S = 2.0  # nobody reads and changes an order of the shop in one step, so neither need we


class OrderUpdatePartner:
    """Satisfies ``effects.ports.Partner`` for ``shop_order_update``."""

    def __init__(self, shop: ShopWrites) -> None:
        self._shop = shop
        self._looked: tuple[str, ShopOrder, float] | None = None  # reference, order, when

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return the order where it carries our mark."""
        update = self._content(effect)
        with looking():
            order = self._shop.order(update.order_number)
            if order is None:
                return ()
            marks = self._shop.order_marks(order)
            if MARK + effect.reference not in marks:
                self._looked = effect.reference, order, time.monotonic()
                return ()
            has_note = not update.note or self._shop.has_note(order, effect.reference)
        facts = {
            "status": order.status,
            "modified_at": stamp(order.modified_at),
            "is_superseded": newest(marks) > update.sequence,
            "newest_statuses": sorted(newest_statuses(marks)),
            "has_note": has_note,
            "meta": {name: marks.get(name, "") for name, _ in update.meta},
        }
        return (Found(order.order_id, facts),)

    def send(self, effect: Effect) -> Receipt:
        """Update once; see the port for the errors."""
        update = self._content(effect)
        order = self._just_looked(effect) or demand_order(self._shop, update.order_number)
        is_late = newest(self._shop.order_marks(order)) > update.sequence
        marks = {MARK + effect.reference: f"{update.sequence}|{update.status}"}
        sent = update
        if is_late:
            sent = self._without_status(update, "superseded")
        elif self._is_kept(update, order.status):  # its clerk would be overruled, and not heard
            sent = self._without_status(update, f"not set: the order is {order.status!r}")
        answer = self._shop.update_order(order, sent, marks, effect.reference)
        self._demand_echo(answer, sent, marks)
        return Receipt(
            answer.order_id, {"modified_at": stamp(answer.modified_at), "status": answer.status}
        )

    def _just_looked(self, effect: Effect) -> ShopOrder | None:
        """Return the order as the look before this send found it, which was moments ago."""
        looked, self._looked = self._looked, None
        if looked is None or looked[0] != effect.reference:
            return None
        return looked[1] if time.monotonic() - looked[2] < _FRESH_S else None

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare status, note and meta; what was changed after us is not ours to judge.

        But for a status of ours that stands where a newer update had set its own: it was in the
        network until after that one, and no look before its send could hold it back.
        """
        update, facts = self._content(effect), found.facts
        differences = list(difference("note", True, facts["has_note"]))
        is_kept = self._is_kept(update, facts["status"])
        if facts["is_superseded"] and not is_kept and facts["status"] == update.status:
            newer = facts["newest_statuses"]
            if isinstance(newer, list) and newer and update.status not in newer:
                what, ours = "status, set anew by an older update", " or ".join(newer)
                differences += difference(what, ours, update.status)
        is_ours = is_untouched(effect, facts["modified_at"])
        if facts["is_superseded"] or is_kept or not is_ours:
            return tuple(differences)
        if update.status:
            differences += difference("status", update.status, facts["status"])
        return (*differences, *difference("meta data", dict(update.meta), facts["meta"]))

    def _is_kept(self, update: OrderUpdate, status: object) -> bool:
        """Say whether the shop's people have set a status that this update leaves alone."""
        return status in self._shop.discarded_statuses or status in update.kept

    def _content(self, effect: Effect) -> OrderUpdate:
        """Read the payload; a status that the shop derives by itself becomes a note at most."""
        update = content_of(OrderUpdate, effect, self._shop)
        if update.status not in self._shop.derived_statuses:
            return update
        return replace(update, status="", note=update.note or f"Status: {update.status}.")

    def _demand_echo(self, answer: ShopOrder, sent: OrderUpdate, marks: Mapping[str, str]) -> None:
        kept = self._shop.order_marks(answer)
        if any(kept.get(name) != value for name, value in marks.items()):
            raise unknown("the shop answered without our mark", self._shop)
        if sent.status and answer.status != sent.status:
            what = f"the shop answered status {answer.status!r} to {sent.status!r}"
            raise unknown(what, self._shop)

    @staticmethod
    def _without_status(update: OrderUpdate, why: str) -> OrderUpdate:
        """Leave note and mark: status and meta belong to a newer update, or to nobody.

        The note is for the shop's people now: a shopper would take it for the latest news.
        """
        note = update.note or f"Status {update.status or 'and details'}: {why}."
        return replace(update, status="", meta=(), note=note, is_note_for_shopper=False)


def newest_statuses(marks: Mapping[str, str]) -> frozenset[str]:
    """Return what the newest updates among an order's marks set; none that left the status."""
    last = f"{newest(marks)}|"
    values = (value for name, value in marks.items() if name.startswith(MARK))
    return frozenset(
        value.removeprefix(last) for value in values if value.startswith(last) and value != last
    )


def newest(marks: Mapping[str, str]) -> int:
    """Return the highest sequence among an order's marks; -1 where there is none."""
    found = [
        int(value.partition("|")[0])
        for name, value in marks.items()
        if name.startswith(MARK) and value.partition("|")[0].isdecimal()
    ]
    return max(found, default=-1)
