"""The person at the dead letters: looks at each, mends the cause, and tries again."""

from contextlib import suppress
from typing import TYPE_CHECKING

from include.adapters.store.trust import KIND
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderFacts, OrderState
from include.domain.order_steps import name_of
from include.domain.reviews import Decision
from include.services.effects.dead_letters import DeadLetter
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.orders.gateway_refusals import CAPTURE_REFUSED, REVERSAL_REFUSED, refusal_of
from include.services.orders.own_letters import REFUNDED_EARLY, REST_UNPAID
from tests.prove import caring
from tests.prove.aged import TOO_OLD
from tests.prove.partner import erp_order
from tests.prove.restored import is_the_last

if TYPE_CHECKING:
    from tests.prove.product import Kit
    from tests.prove.world import World

WHO = "controller"
_ANOTHER = "another controller"  # who asked for a refund may not say what becomes of it


def work_off(world: "World", kit: "Kit") -> None:
    """Go through everything that is open, once."""
    is_quiet = kit.trust.check() and caring.compare(world, kit)
    # Captured back by hand is only what nobody finds who tries the other letters again.
    for letter in sorted(kit.letters.listing(), key=lambda one: one.kind in caring.KINDS):
        if letter.kind in set(EffectKind):
            _of_effect(world, kit, letter)
        elif letter.kind == KIND:
            if is_quiet and is_the_last(kit) and not world.restored.saves_in_shop():
                kit.letters.resolve(letter.dead_letter_id, WHO, "all is done again")
        elif letter.kind in caring.KINDS:
            caring.take_back(world, kit, letter)
        elif letter.kind == "inbox_event":
            about = world.truth.by_their_key[letter.key.split("|")[2]]
            if about.is_undone:  # the surplus authorisation of a doubled one; it is reversed
                kit.letters.resolve(letter.dead_letter_id, WHO, "about one that was reversed")
            else:
                kit.inbox.retry(letter.key, WHO)
        else:
            _MENDERS.get(letter.kind, _mend_row)(world, kit, letter)
    _mend_orders(world, kit)
    _mend_refunds(world, kit)
    _decide_the_undecided(world, kit)


def _of_effect(world: "World", kit: "Kit", letter: DeadLetter) -> None:
    if _is_left_behind(world, letter.key):
        kit.letters.resolve(letter.dead_letter_id, WHO, "the order has left it behind")
    elif letter.kind == EffectKind.review_decision and _is_decided(kit, letter.key):
        kit.letters.resolve(letter.dead_letter_id, WHO, "what the case says stands")
    elif letter.kind == EffectKind.ar_application and "left" in letter.reason:
        _match_by_hand(world, kit, letter)
    else:
        _mend_effect(world, kit, EffectKind(letter.kind), letter.key)


def _match_by_hand(world: "World", kit: "Kit", letter: DeadLetter) -> None:
    """Apply by hand what is left; where that is not what was asked for it is never found."""
    order_id = letter.key.partition("|")[0]
    if world.receivables.has_doubled(order_id):
        return
    world.receivables.match_all(order_id)
    effect = kit.engine.recheck(EffectKind.ar_application, letter.key)
    if effect.state is EffectState.rejected:
        kit.letters.resolve(letter.dead_letter_id, WHO, "what was left is applied by hand")


def _is_decided(kit: "Kit", key: str) -> bool:
    """Say whether the case was decided otherwise: that stands, and the order knows it."""
    effect = kit.engine.find(EffectKind.review_decision, key)
    return effect is not None and effect.state is EffectState.mismatched


def _is_left_behind(world: "World", key: str) -> bool:
    """The timeline says so: to try such a step again would move what nobody wants moved."""
    order_id, _, step = key.partition("|")
    asked = "SELECT 1 FROM order_events WHERE order_id = ? AND what = ?"
    return bool(world.database.rows(asked, order_id, f"{step} left behind"))


def _decide_the_undecided(world: "World", kit: "Kit") -> None:
    """Held before the bank was asked: nothing lapses, so somebody must say no in the end."""
    waiting = "SELECT order_id FROM orders WHERE state = 'in_review' AND next_at IS NULL"
    for (order_id,) in world.database.rows(waiting):
        kit.service.cancel(order_id, WHO, "nobody decided")


def _mend_effect(world: "World", kit: "Kit", kind: EffectKind, key: str) -> None:
    effect = kit.engine.find(kind, key)
    if effect is None:
        raise AssertionError(f"a dead letter without its effect: {key}")
    if effect.state is EffectState.mismatched:
        _reverse_surplus(world, effect)
    effect = kit.engine.recheck(kind, key)
    if effect.state in (EffectState.rejected, EffectState.dead_letter):
        kit.engine.replay(kind, key, WHO)


def _reverse_surplus(world: "World", effect: Effect) -> None:
    """Keep the one that the dead letter names, and see that it says what was meant."""
    entries = world.truth.standing(effect.reference)
    if not entries:
        return  # it was taken back by hand
    named = [one for one in entries if one.their_key == effect.their_key]
    used = [one for one in entries if world.truth.about(one.their_key)]  # by what was forgotten
    kept = [*(used if world.restored.has_happened else named), *named, *entries][0]
    for entry in entries:
        if entry is kept:
            continue
        world.truth.undo(entry)
        if entry.kind is EffectKind.sales_order:
            orders = world.truth.sales_orders
            world.truth.keep_order(orders[kept.their_key], orders[entry.their_key])
            world.people.show_end(orders[entry.their_key])
            if orders[kept.their_key].is_over:
                world.people.show_end(orders[kept.their_key])
            world.people.go_on(orders[kept.their_key])
    kept.digest = effect.digest


def _mend_in_shop(world: "World", kit: "Kit", letter: DeadLetter) -> None:
    """Have the shop's order taken in again; what cannot be done to the end is seen to by hand."""
    number = letter.key.rpartition("|")[2]
    if letter.kind == "shop_order":
        tally = kit.shop_sync.import_one(number)
        if TOO_OLD in letter.reason:
            _pay_for_the_shop(world, letter, number)
        asked = "SELECT 1 FROM orders WHERE number = ? AND state IN "
        asked += "('completed', 'declined', 'cancelled')"
        if not (tally.set_aside and world.database.rows(asked, number)):
            return  # it has closed by itself, or may be done once the order has gone on
    kit.letters.resolve(letter.dead_letter_id, WHO, "seen to in the shop")


def _pay_for_the_shop(world: "World", letter: DeadLetter, number: str) -> None:
    for order_id, plan in world.plans.items():
        for one in world.shop.made(number) if plan.order.number == number else ():
            known = "SELECT 1 FROM refunds WHERE order_id = ? AND origin_key = ?"
            if not world.database.rows(known, order_id, one.refund_id):
                world.aged.pay(letter, order_id, one.refund_id, one.minor)


def _mend_row(world: "World", kit: "Kit", letter: DeadLetter) -> None:
    """Try an invoice, a credit note or a cancellation again; where nothing is left, say so."""
    kind, name = letter.kind, letter.key.partition("|")[2]
    try:
        if kind == "erp_order" and not world.truth.sales_orders[name].invoices:
            order_id = world.truth.sales_orders[name].order_id
            kit.service.cancel(order_id, WHO, "closed, and never invoiced")
        for row in world.feeds.orders_since("0"):
            if kind == "erp_order" and row.sales_order == name:
                kit.follower.take_order(row)
        for note in world.feeds.credit_notes:
            if kind == "credit_note" and note.invoice == name:
                kit.refund_push.take_note(note)
        if kind == "erp_cancellation":
            _collect(world, kit, name)
            kit.refund_push.take_cancellation(erp_order(world.truth.sales_orders[name]))
    except Rejected as told:
        if TOO_OLD in told.what:
            _pay_by_hand(world, letter, name, told)
        elif _may_be_done_yet(world, kit, kind, name):
            return
    kit.letters.resolve(letter.dead_letter_id, WHO, "looked at, and tried again")


def _may_be_done_yet(world: "World", kit: "Kit", kind: str, name: str) -> bool:
    """Say whether a letter waits for what is mended first."""
    if kind == "erp_cancellation":
        return not _call_off_the_other(world, kit, name)
    if kind == "erp_order":  # how it was paid is looked for
        order_id = world.truth.sales_orders[name].order_id
        return kit.service.orders.get(order_id).facts.payment is None
    return kind == "credit_note" and not _has_ended(world, name)


def _pay_by_hand(world: "World", letter: DeadLetter, name: str, told: Rejected) -> None:
    """Pay a credit note; or what was never invoiced of an order that was closed, as it says."""
    for note in world.feeds.credit_notes:
        if letter.kind == "credit_note" and note.invoice == name:
            order_id = world.truth.sales_orders[note.sales_order].order_id
            world.aged.pay(letter, order_id, name, note.amount.minor)
    if letter.kind == "erp_order":
        order = world.truth.sales_orders[name]
        _, amount, currency, *_ = told.do.split()
        minor = Money.parse(amount, currency, told.where).minor
        world.aged.pay(letter, order.order_id, "closed short", minor)  # a copy tells it, too


def _collect(world: "World", kit: "Kit", name: str) -> None:
    """Leave what had left of an order that is unwound to be collected, as its letter says."""
    order = world.truth.sales_orders[name]
    if order.standing().invoices and kit.service.orders.get(order.order_id).facts.stop:
        world.people.collects.add(order.order_id)


def _call_off_the_other(world: "World", kit: "Kit", name: str) -> bool:
    """Cancel what a clerk had entered anew for an order that is unwound by now; say whether."""
    order = world.truth.sales_orders[name]
    if not kit.service.orders.get(order.order_id).facts.sales_order:
        return False  # which of them is the order's own is not known yet
    for other in world.truth.orders_of(order.purchase_order):
        if not other.is_over:
            other.call_off()
            world.people.show_end(other)
    return True


def _has_ended(world: "World", note: str) -> bool:
    purchase_order = next(n.purchase_order for n in world.feeds.credit_notes if n.invoice == note)
    asked = "SELECT 1 FROM orders WHERE purchase_order = ? AND state IN "
    asked += "('completed', 'declined', 'cancelled')"
    return bool(world.database.rows(asked, purchase_order))


def _mend_orders(world: "World", kit: "Kit") -> None:
    stuck = "SELECT order_id FROM orders WHERE state = 'stuck' ORDER BY accepted_at, 1"
    for (order_id,) in world.database.rows(stuck):
        facts = kit.service.orders.get(order_id).facts
        if facts.is_contradicted:
            with suppress(Rejected):
                decision = Decision.accept if world.dice.random() < 0.5 else Decision.reject
                kit.service.settle_contradiction(order_id, decision, WHO)
        elif _stays_invoiced(facts) and facts.decision is Decision.reject:
            world.people.given_up.add(order_id)
            kit.service.give_up(order_id, WHO, "rejected after it had been invoiced")


def _stays_invoiced(facts: OrderFacts) -> bool:
    """Say whether SYSPRO cancels it no more; one that it has ended goes on by itself."""
    return bool(facts.stop) and facts.is_invoiced and not facts.is_order_cancelled


def _mend_refused(world: "World", kit: "Kit", letter: DeadLetter) -> None:
    """Ask the gateway once more; what it refuses for good ends as the letter says."""
    order_id = letter.key
    facts = kit.service.orders.get(order_id).facts
    refusal = refusal_of(facts)
    if refusal is None and letter not in kit.letters.listing():
        return  # what was tried again before it has changed the order, and closed it
    if refusal is None:
        raise AssertionError(f"a dead letter of what was not refused: {order_id}")
    name = name_of(refusal.step)
    if sum(name_of(step) == name for step in facts.left_behind) == 1:
        kit.service.try_again(order_id, WHO, via="cli")
    elif refusal.kind == REVERSAL_REFUSED:
        kit.service.hold_is_gone(order_id, WHO, "the gateway's page shows nothing held")
    elif facts.is_invoiced:
        world.people.given_up.add(order_id)
        kit.service.give_up(order_id, WHO, "the gateway refused the capture")
    else:
        kit.service.cancel(order_id, WHO, "the gateway refused the capture")


def _mend_rest(world: "World", kit: "Kit", letter: DeadLetter) -> None:
    """Cancel in SYSPRO what is left of an order that nobody is charged for."""
    for order in list(world.truth.sales_orders.values()):
        if order.order_id == letter.key and not (order.kept or order.is_over):
            order.call_off()
            world.people.show_end(order)
    if kit.service.orders.get(letter.key).state == OrderState.completed:
        kit.letters.resolve(letter.dead_letter_id, WHO, "the rest is not shipped any more")


def _mend_early(_world: "World", kit: "Kit", letter: DeadLetter) -> None:
    """Lower the price in SYSPRO; one whose order was called off meanwhile has closed by itself."""
    if letter in kit.letters.listing():
        kit.letters.resolve(letter.dead_letter_id, WHO, "the price is lower in SYSPRO")


def _mend_refunds(world: "World", kit: "Kit") -> None:
    stuck = "SELECT refund_id FROM refunds WHERE state = 'stuck' ORDER BY 1"
    for (refund_id,) in world.database.rows(stuck):
        facts = kit.service.refunds.get(refund_id).facts
        if "refused the refund" not in facts.problem:
            continue
        if all(part.attempt == 1 for part in facts.parts):
            kit.service.try_refund_again(refund_id, _ANOTHER)
            continue
        try:
            world.people.refuse(kit, refund_id, "the gateway gives no more back")
        except Rejected:  # of a cancelled order: it must go back, one way or the other
            kit.service.pay_refund_outside(refund_id, "wire 7", _ANOTHER)
            left = [part.amount.minor for part in facts.parts if not part.request_id]
            world.people.paid_outside[refund_id] = sum(left)


_MENDERS = {
    CAPTURE_REFUSED: _mend_refused,
    REVERSAL_REFUSED: _mend_refused,
    REST_UNPAID: _mend_rest,
    REFUNDED_EARLY: _mend_early,
    "shop_order": _mend_in_shop,
    "shop_changed": _mend_in_shop,
}
