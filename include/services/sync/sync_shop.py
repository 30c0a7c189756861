"""Take a shop's new and changed orders in, so that a lost webhook loses nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

from include.domain.card_numbers import CardNumberRefused, mask_card_numbers, refuse_card_numbers
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import ENDED, OrderFacts, OrderState
from include.domain.orders import Order, PaymentSource, changes, order_id_of, total_changes
from include.domain.paying import is_tried, sources_of
from include.domain.people import name_of, named
from include.domain.shops import Ask
from include.domain.standing import news_of
from include.services.effects.ports import Effect, EffectKind
from include.services.effects.schedule import is_unsent
from include.services.orders.folds import is_there
from include.services.orders.order_service import OrderService
from include.services.orders.sagas import Event, Saga
from include.services.shop.ports import Checkout, ShopOrder, ShopReader, ShopRefund
from include.services.sync.ports import Shelf, Tally, Watermarks, work_on

OVERLAP = timedelta(minutes=10)  # shops commit late and count in whole seconds
WHO = "shop poller"
_NO_BRACKETS, _LONGEST = str.maketrans("()", "  "), 300
_REVIVED = "it goes on there"
_SEE_TO_IT = (
    "Change the sales order in SYSPRO, and take or give back the difference; or cancel the order "
    "and place it anew. Then resolve this."
)
_SOLD_WITHOUT_US = (
    "it is sold in the shop, and was never taken here",
    "Find out in the shop whether it is paid and sent. Is it not, set it back to a status that is "
    "taken, and replay this; else resolve it. Where orders come so by rule, say 'take' of the "
    "status (asks in order_statuses.yaml).",
)
_END_IT_THERE = (
    "Nobody ships it or pays for it: end it in the shop, or have it ordered anew under another "
    "number. Then resolve this."
)


@dataclass(frozen=True, slots=True)
class ShopSync:
    """Polls one shop."""

    reader: ShopReader
    service: OrderService
    translate: Callable[[ShopOrder], Order]  # raises Rejected, naming the field
    shown: Callable[[ShopOrder, Order], Order]  # the same of an order that was taken before
    # and as its shopper pays it once more, beside what was tried
    paid_again: Callable[[ShopOrder, Order, Sequence[PaymentSource]], Order]
    total_of: Callable[[ShopOrder], Money]  # alone, where the rest cannot be read
    checkout_of: Callable[[ShopOrder], Checkout]
    payment_methods: frozenset[str]  # ours, in the shop's words; empty: all
    is_anothers_token: Callable[[Order], bool]  # what would pay is another shopper's
    # None: it moved already, or is nothing; raises Rejected where its amount cannot be read
    refund_amount: Callable[[ShopOrder, ShopRefund], Money | None]
    asks: Mapping[str, Ask]  # by status of the shop
    watermarks: Watermarks
    shelf: Shelf
    owner: str
    told_of: Callable[[ShopRefund], tuple[str, str]] = lambda _refund: ("", "")  # by whom, and why
    takes_new: bool = True  # its entry is in force
    began: date = date.min  # of its first entry: what was sold before is another's business

    def poll(self, begin: datetime) -> Tally:
        """Work on everything changed since the watermark, oldest first.

        What an ended shop shows of new orders is passed over under a watermark of its own: should
        an entry begin again, the poll goes on where it took the last one.

        Args:
            begin: where a first poll starts.
        """
        tally = Tally()
        for status in ("", *sorted(self.reader.discarded_statuses)):
            name = "|".join(filter(None, ("shop", self.reader.shop_id, status)))
            mark = self.watermarks.get(name)
            if not self.takes_new:
                name = f"{name}|ended"
                mark = max(mark, self.watermarks.get(name))
            since = datetime.fromisoformat(mark) if mark else begin
            self._import(tally, self.reader.orders_changed_since(since, OVERLAP, status), name)
        return tally.check()

    def import_one(self, order_number: str) -> Tally:
        """Work on one order again, e.g. from a dead letter or a webhook.

        Raises:
            Rejected: the shop has deleted it for good, and it goes on here.
        """
        tally, found = Tally(), self.reader.order(order_number)
        if found is None:
            self._demand_ended(order_number)
            tally.read, tally.not_ours = 1, 1
            return tally
        self._import(tally, [found], "")
        return tally.check()

    def _demand_ended(self, order_number: str) -> None:
        saga = self._known(order_id_of(self.reader.shop_id, order_number))
        if saga is not None and saga.state not in ENDED:
            raise Rejected(
                f"the shop has no order {order_number!r} any more, and here it is {saga.state}",
                f"shop {self.reader.shop_id}",
                "Cancel it here (`orders cancel`), or resolve this and let it go on.",
            )

    def _import(self, tally: Tally, changed: Iterable[ShopOrder], name: str) -> None:
        for found in changed:
            key = f"{found.shop_id}|{found.order_number}"
            if name and not self.takes_new and not self._is_known(found):
                tally.read, tally.not_ours = tally.read + 1, tally.not_ours + 1
                tally.passed["new, and the shop takes no new orders"] += 1
            else:
                work = partial(self._work, found, tally)
                work_on(tally, self.shelf, "shop_order", key, self.owner, work)
            if name:
                self.watermarks.move(name, found.modified_at.isoformat())

    def _work(self, found: ShopOrder, tally: Tally) -> bool:
        try:
            is_ours = self._take_in(found, tally)
        except Rejected:
            self._refuse_card(found)  # a row has one letter, and none is as urgent
            raise
        self._refuse_card(found)
        return is_ours

    def _take_in(self, found: ShopOrder, tally: Tally) -> bool:
        order_id = order_id_of(found.shop_id, found.order_number)
        saga, ask = self._known(order_id), self.asks.get(found.status)
        if ask in (Ask.cancel, Ask.discard):
            if saga is None:
                return False
            has_left = saga.state == OrderState.completed or saga.facts.is_invoiced
            why = f"{found.status} in the shop"
            is_told = has_left and name_of(saga.facts.late_stop) == WHO  # by the invoice's letter
            if not is_told and not (has_left and ask is Ask.discard):
                self.service.cancel(order_id, WHO, why, told=why)
            if saga.facts.shop_changed.startswith(_REVIVED):
                self._hold_against(saga, found)
            return True
        if saga is None:
            why = self._why_not(found, ask)
            if why:
                tally.passed[why] += 1
                return False
            self.service.place(self._own(self.translate(found)), WHO)
        elif not self._is_paid_anew(saga, found, ask):
            self._hold_against(saga, found)
        self._refunds(order_id, found)
        return True

    def _refuse_card(self, found: ShopOrder) -> None:
        """Refuse what a clerk has put into an order that is known, whoever placed it.

        Last, so it holds up no cancellation and nobody's money; a new order is not taken at all.
        """
        if self._is_known(found):
            where = f"shop {found.shop_id}, order {found.order_number}"
            refuse_card_numbers(found.raw, where)

    def _own(self, order: Order) -> Order:
        """Refuse an order that another shopper's stored payment would pay, as the API does."""
        if order.payment.customer_token and self.is_anothers_token(order):
            raise Rejected(
                "the stored payment that it names is another shopper's",
                f"shop {order.shop_id}, order {order.number}",
                "Find out in the shop how that came; have the shopper pay anew.",
            )
        return order

    def _why_not(self, found: ShopOrder, ask: Ask | None) -> str:
        """Say why an order that is not known here is not taken; ``''``: it is.

        Raises:
            Rejected: it is sold, cannot be taken, and nobody else sees to it.
        """
        if ask not in (Ask.take, Ask.wait, Ask.sold):
            return f"{found.status!r} in the shop"
        checkout = self.checkout_of(found)
        if ask is Ask.wait and not checkout.is_named:
            return f"{found.status!r} and not paid yet"
        is_free = checkout.is_free and ask is not Ask.wait
        is_anothers = bool(self.payment_methods) and checkout.method not in self.payment_methods
        if is_anothers and (checkout.method or not is_free):
            return f"paid by {checkout.method!r}"
        if ask is not Ask.sold:
            return ""
        if checkout.placed_on is not None and checkout.placed_on < self.began:
            return f"{found.status!r} and placed before {self.began}"
        what, do = _SOLD_WITHOUT_US
        raise Rejected(what, f"shop {found.shop_id}, order {found.order_number}", do)

    def _is_paid_anew(self, saga: Saga[OrderFacts], found: ShopOrder, ask: Ask | None) -> bool:
        """Take another payment of a declined order, as WooCommerce's *Pay* makes it.

        Only once the shop has been told of the decline: before, nobody there knew to pay anew, and
        a plugin may write another token beside a payment.

        Raises:
            Rejected: there is one, and it is not taken: what was ordered has changed, say.
        """
        is_open = saga.state == OrderState.declined and ask in (Ask.take, Ask.wait)
        told = self._told(saga) if is_open and self._is_shops(saga) else None
        if told is None or is_unsent(told) or self._why_not(found, ask):
            return False
        where = f"shop {found.shop_id}, order {found.order_number}"
        taken = self.service.orders.content(saga.key)
        try:
            shown = self.paid_again(found, taken, sources_of(taken, saga.facts))
        except Rejected:
            return False  # it names no payment, say: whoever set its status is told of it
        if is_tried(taken, saga.facts, shown.payment):
            return False
        if not is_there(told):
            what = "its shopper may have paid once more, before the shop is known to be told"
            raise Rejected(what, where, f"Replay this once effect {told.key} has ended.")
        if changed := "; ".join(changes(taken, shown, money_only=False)):
            what = f"its shopper pays once more, and it was changed meanwhile: {changed}"
            raise Rejected(what, where, _END_IT_THERE)
        self.service.pay_anew(saga.key, self._own(shown).payment, WHO)
        return True

    def _hold_against(self, saga: Saga[OrderFacts], found: ShopOrder) -> None:
        """Tell a person of what was changed in the shop after we had taken the order."""
        do = _SEE_TO_IT
        if saga.state in (OrderState.declined, OrderState.cancelled):
            changed, do = self._revived(saga, found), _END_IT_THERE
            if not (changed or saga.facts.shop_changed.startswith(_REVIVED)):
                return
        else:
            changed = self._changed(saga, found)
        if changed == saga.facts.shop_changed:
            return
        if changed:
            fault = Rejected(
                f"it was changed in the shop after it was taken: {changed}",
                f"shop {found.shop_id}, order {found.order_number}",
                do,
            )
            self.shelf.set_aside("shop_changed", saga.key, fault, owner=self.owner)
        else:
            self.shelf.settle("shop_changed", saga.key, "the shop shows what was taken again")
        # Noted last: a process that ends in between tells it again, instead of never.
        told = Event("changed in the shop", {"what": changed or "nothing any more"})
        self.service.orders.amend(
            saga.key, lambda facts: replace(facts, shop_changed=changed), told
        )

    def _revived(self, saga: Saga[OrderFacts], found: ShopOrder) -> str:
        """Say that an order which has ended here goes on in the shop, although the shop was told.

        Somebody took it out of the trash, say, set its status back, or has sent it.
        """
        told = self._told(saga) if self.asks.get(found.status) in (Ask.take, Ask.sold) else None
        if told is None or is_unsent(told):
            return ""
        # One whose answer is lost has arrived as a rule; else it will, and is read again then.
        return f"{_REVIVED} ({found.status!r}), and it has ended here: {saga.state}"

    def _told(self, saga: Saga[OrderFacts]) -> Effect | None:
        """Return the effect that tells the shop of the order's state; ``None``: none was begun."""
        news = news_of(saga.state, saga.facts)
        if saga.facts.shop_told_state != news:
            return None
        engine = self.service.engine_of(self.reader.shop_id)
        return engine.find(EffectKind.shop_order_update, f"{saga.key}|tell|{news}")

    def _changed(self, saga: Saga[OrderFacts], found: ShopOrder) -> str:
        taken = self.service.orders.content(saga.key)
        has_left = saga.state == OrderState.completed or saga.facts.is_invoiced
        try:
            shown = self.shown(found, taken)
        except CardNumberRefused:
            return saga.facts.shop_changed  # ``_work`` refuses it; nothing can be compared
        except Rejected as fault:
            if not self._is_shops(saga):
                return self._other_total(saga, found, taken)
            if has_left:  # nothing can be put right by it any more
                return saga.facts.shop_changed
            return f"it cannot be read any more: {fault.what}"
        has_left = has_left and not saga.facts.shop_changed  # what was told stays true
        told = changes(taken, shown, money_only=has_left)
        if told and not self._is_shops(saga):
            told = changes(taken, shown, money_only=True)
        return "; ".join(told)

    def _other_total(self, saga: Saga[OrderFacts], found: ShopOrder, taken: Order) -> str:
        """Compare the total of an order whose lines, say, the shop cannot name as its client did.

        Where not even that can be read nothing is known, so what was told stays.
        """
        try:
            return "; ".join(total_changes(taken, self.total_of(found)))
        except Rejected:
            return saga.facts.shop_changed

    def _is_shops(self, saga: Saga[OrderFacts]) -> bool:
        """Say whether the shop's own order was taken: who calls the API says what goes where."""
        accepted, *_ = self.service.orders.timeline(saga.key)
        return accepted.who == WHO

    def _is_known(self, found: ShopOrder) -> bool:
        return self._known(order_id_of(found.shop_id, found.order_number)) is not None

    def _known(self, order_id: str) -> Saga[OrderFacts] | None:
        try:
            return self.service.orders.get(order_id)
        except Rejected:
            return None

    def _refunds(self, order_id: str, found: ShopOrder) -> None:
        """Move the money of refunds that the shop has recorded but could not move.

        One that cannot be moved holds up no other of the order.
        """
        if not found.raw.get("refunds"):
            return
        refused: list[tuple[str, Rejected]] = []
        for refund in self.reader.refunds(found.order_number):
            name = f"refund {refund.refund_id}"  # a letter that names no other is opened for it
            try:
                amount = self.refund_amount(found, refund)
                if amount is None:
                    continue
                name = f"{name} of {amount}"
                self._refund(order_id, amount, refund)
            except Rejected as fault:
                refused.append((name, fault))
        if refused:
            raise _joined(refused)

    def _refund(self, order_id: str, amount: Money, refund: ShopRefund) -> None:
        """Ask for it as who made it there: nobody approves their own, by whatever door."""
        by, why = (_plain(text) for text in self.told_of(refund))
        reason = "refunded in the shop"
        self.service.refund(
            order_id,
            amount,
            origin="shop",
            origin_key=refund.refund_id,
            who=named(WHO, by) if by else WHO,
            reason=f"{reason}: {why}" if why else reason,
        )


def _joined(refused: Sequence[tuple[str, Rejected]]) -> Rejected:
    """Make one fault of an order's refunds, each by its name: what is to be done differs."""
    what = "; ".join(f"{name}: {fault.what}" for name, fault in refused)
    steps = dict.fromkeys(fault.do for _, fault in refused)
    if len(steps) > 1:
        steps = dict.fromkeys(f"{name}: {fault.do}" for name, fault in refused)
    return Rejected(what, refused[0][1].where, " ".join(steps))


def _plain(text: str) -> str:
    """Return words of the shop's people in one line, without a card number or a bracket.

    A bracket would hide the login within what ``named`` writes.
    """
    return " ".join(mask_card_numbers(text, mask="*").translate(_NO_BRACKETS).split())[:_LONGEST]
