"""What the people around an order will do: drawn from the seed before anything happens."""

import random
from dataclasses import dataclass, field, replace
from enum import StrEnum

from include.domain.money import Money
from include.domain.orders import (
    Address,
    LineKind,
    Order,
    OrderLine,
    PaymentMethod,
    PaymentSource,
    Shopper,
    order_id_of,
)
from include.domain.reviews import Decision
from tests.orders.partners import PlainTranslator
from tests.prove.faults import Swarm

SCARCE = "SCARCE-1"  # never in stock
PRICES = (115, 1999, 10_221, 4_350, 829, 60_000, 3)  # two beyond binary fractions, one above limits


class FewShoppers(PlainTranslator):
    """Every second seed's shoppers come three times: SYSPRO knows one customer for all three."""

    def customer_code(self, order: Order) -> str:
        seed, _, number = order.number.partition("-")
        if int(seed) % 2:
            return super().customer_code(order)
        return f"W{seed}S{int(number) // 3}"


class Outcome(StrEnum):
    """How the gateway takes an authorisation; the words of ``PaymentStatus``."""

    good = "authorized"
    in_review = "in_review"
    review_first = "review_first"
    risk_declined = "risk_declined"
    partial = "partial"
    declined = "declined"


HOLD = 7 * 86_400.0  # an authorisation lives as long
RENEWAL = HOLD - 86_400.0  # after the authorisation
APPLIED_FROM = 4500.0  # before that hardly a receipt meets an invoice
_LATE = 6.6 * 86_400.0  # after the rule for its last day has been followed
_RENEWALS = (Outcome.good, Outcome.in_review, Outcome.partial, Outcome.declined)
_OUTCOMES = (Outcome.good,) * 13 + (Outcome.in_review,) * 3 + tuple(Outcome)[2:]


@dataclass(slots=True)
class Plan:
    """One order and what becomes of it."""

    order: Order
    at: float
    outcome: Outcome
    decisions: list[tuple[float, Decision]] = field(default_factory=list)  # seconds after
    cancel_after: float | None = None  # by the shopper
    clerk_cancels_after: float | None = None
    invoices: list[tuple[float, int]] = field(default_factory=list)  # seconds after, per cent
    gives_back: list[tuple[float, int, str]] = field(default_factory=list)  # after, per cent, who
    is_discounted: bool = False  # by the clerk, on the last invoice
    is_on_hold: bool = False
    release_after: float = 0.0
    is_by_shop: bool = False  # the shop authorised it
    enters_anew_after: float | None = None  # a clerk, who then cancels the sales order of ours
    frees_after: float | None = None  # a person reverses the hold in the gateway's own pages
    is_polled: bool = False  # the shop's feed brings it; nobody calls
    renewal: Outcome = Outcome.good  # of its authorisation; a second one is declined
    pays_again: tuple[Outcome, ...] = ()  # what other cards are answered, after a decline


def draw_plans(dice: random.Random, seed: int, count: int, swarm: Swarm) -> list[Plan]:
    return [_plan(dice, seed, number, swarm) for number in range(count)]


def _plan(dice: random.Random, seed: int, number: int, swarm: Swarm) -> Plan:
    draw = dice.random()
    order = _order(dice, f"{seed}-{number}", SCARCE if 0.11 <= draw < 0.13 else "WIDGET-1")
    outcomes = (
        (Outcome.in_review, *_OUTCOMES[::8]) if swarm.focus == "SM" or swarm.reviews else _OUTCOMES
    )
    plan = Plan(order, dice.uniform(0, 1200), dice.choice(outcomes))
    if draw < 0.07:
        plan.cancel_after = dice.uniform(0, 2500)
    elif draw < 0.11 or dice.random() < swarm.clerk_cancels:
        plan.clerk_cancels_after = dice.uniform(0, 2500)
    elif 0.13 <= draw < 0.17:
        plan.is_on_hold, plan.release_after = True, dice.uniform(60, 4000)
    if draw > 0.9 and plan.outcome is Outcome.good:
        plan = _paid_at_the_shop(plan, number)
    if plan.outcome in (Outcome.in_review, Outcome.review_first) and dice.random() < 0.95:
        first, other = dice.sample((Decision.accept, Decision.reject), 2)
        if first is Decision.reject and dice.random() < 0.5:
            first, other = other, first
        plan.decisions.append((dice.uniform(30, 3000), first))
        if dice.random() < 0.2:
            later = dice.uniform(1, 2500)
            later = 0.0 if _falls_on(later, 3) else later  # two people at once
            plan.decisions.append((plan.decisions[0][0] + later, other))
    plan.invoices = _invoices(dice, swarm.at_shipment, late=swarm.focus == "SQ")
    is_left = plan.cancel_after is None and plan.clerk_cancels_after is None
    if is_left and len(plan.invoices) > 1 and _falls_on(plan.invoices[0][0], 3):
        plan.clerk_cancels_after = plan.invoices[0][0] + 50  # the rest is not delivered any more
    plan.is_discounted = bool(plan.invoices) and _falls_on(plan.invoices[-1][0], 7)
    plan.gives_back = _returns(dice, often=swarm.focus in ("RF", "SR"))
    if is_left and plan.clerk_cancels_after is not None and _falls_on(plan.at, 2):
        plan.gives_back = [(dice.uniform(0, 100), 30, "clerk")]  # before it is asked what had left
    return _turned(plan, seed, number, swarm)


def _turned(plan: Plan, seed: int, number: int, swarm: Swarm) -> Plan:
    """Let more befall some orders; chosen by what was drawn already."""
    plan.is_polled = swarm.sells and _falls_on(plan.at * 7, 4)
    is_cancelled = plan.cancel_after is not None
    if plan.invoices and not plan.is_on_hold and (is_cancelled or _falls_on(plan.at * 3, 8)):
        plan.enters_anew_after = plan.invoices[0][0] * (int(plan.at * 1000) % 10) / 10
        if plan.cancel_after is not None:  # the clerk is about it while the shopper cancels
            plan.enters_anew_after = max(0.0, plan.cancel_after - 300)
    if _falls_on(plan.at * 5, 30):
        plan.frees_after = int(plan.at * 1000) % 2000
    is_late = swarm.at_shipment and _falls_on(plan.at, 16 if seed % 2 else 4)
    return _shipped_late(plan, number) if is_late else plan


def _shipped_late(plan: Plan, number: int) -> Plan:
    """Let goods leave when the authorisation has been renewed; its card is on file."""
    if plan.order.payment is PAYMENT:
        plan.order = replace(plan.order, payment=ON_FILE)
    plan.invoices = [(after + _LATE, share) for after, share in plan.invoices]
    is_held = plan.outcome is Outcome.in_review
    plan.renewal = plan.outcome if is_held else _RENEWALS[number % len(_RENEWALS)]
    _turn_at_renewal(plan)
    return plan


def _turn_at_renewal(plan: Plan) -> None:
    """Let somebody change their mind while the authorisation is made anew, or lapses."""
    drawn = int(plan.at * 1000) // 16
    turn, after = drawn % 6, RENEWAL + drawn % 1800 - 300
    decisions = plan.decisions
    if turn == 1:
        plan.cancel_after = after
    elif turn == 2:
        plan.clerk_cancels_after = after
    elif (
        turn in (0, 3, 4) and plan.outcome is Outcome.good
    ):  # the desk rejects what nobody had held
        after = RENEWAL + drawn % 500  # while the renewal is in doubt
        plan.decisions, plan.renewal = [(after, Decision.reject)], Outcome.in_review
        plan.invoices = [(after + drawn % 900 - 300, 100)]  # and the goods leave as well
    elif turn == 3 and decisions:
        is_accepted = decisions[0][1] is Decision.accept
        other = Decision.reject if is_accepted else Decision.accept
        plan.decisions = [decisions[0], (after, other)]
    elif turn == 4 and decisions:  # nobody has decided until then
        plan.decisions = [(after, decisions[-1][1])]
    elif turn == 5 and len(plan.invoices) > 1:  # what is left is shipped when the hold has lapsed
        first, last = plan.invoices
        plan.invoices = [(first[0] - _LATE, first[1]), (last[0] + 86_400, last[1])]


def _paid_at_the_shop(plan: Plan, number: int) -> Plan:
    source = PaymentSource(PaymentMethod.authorized, request_id=f"9{number:021}")
    old = plan.order
    plan.order = replace(old, payment=source)
    plan.is_by_shop = True
    return plan


def _invoices(dice: random.Random, at_shipment: bool, *, late: bool) -> list[tuple[float, int]]:
    first = dice.uniform(600, 6000) * (5 if late else 1)  # late: looked for before it is there
    if not at_shipment:
        return [(first, 40), (first + 1800, 60)] if _falls_on(first, 8) else [(first, 100)]
    if dice.random() < 0.1:
        return []  # never shipped: the authorisation lapses
    if dice.random() < 0.3:
        return [(first, 40), (first + dice.uniform(60, 3000), 60)]
    return [(first, 100)]


def _falls_on(drawn: float, one_in: int) -> bool:
    """Choose once more by what was drawn already, so that every other draw stays as it is."""
    return int(drawn * 1000) % one_in == 0


def _returns(dice: random.Random, *, often: bool) -> list[tuple[float, int, str]]:
    """Refunds: some twice at once, and together more than was taken."""
    draw = dice.random() * (0.4 if often else 1)
    if draw < 0.10:
        return [(dice.uniform(0, 4000), dice.choice((100, 30)), "clerk")]
    if draw < 0.17:
        return [(dice.uniform(0, 4000), dice.choice((100, 50)), "api")]
    if draw < 0.25:
        at = dice.uniform(0, 2500)
        return [(at, 60, "api"), (at + dice.choice((0.0, 0.4, 30.0)), 60, "api")]
    if draw < 0.27:
        at = dice.uniform(0, 2500)
        return [(at, 50, "clerk"), (at + 400, 70, "clerk")]
    return []


_HOME = Address("Ann Lee", ("1 Main St",), "New York", "US", "10001", "NY")
_SHOPPER = Shopper("Ann Lee", "ann@example.com", _HOME, _HOME)
PAYMENT = PaymentSource(PaymentMethod.transient_token, transient_id="f" * 64)
ON_FILE = PaymentSource(PaymentMethod.stored_token, customer_token="C" * 32)


def _order(dice: random.Random, number: str, stock_code: str) -> Order:
    amount = Money(dice.choice(PRICES) * dice.choice((1, 1, 3)), "USD")
    line = OrderLine(1, LineKind.goods, "Widget", 1_000_000, amount, Money(0, "USD"), stock_code)
    return Order(
        order_id=order_id_of("web", number),
        shop_id="web",
        merchant_id="acme_us",
        number=number,
        purchase_order=f"PO{number}",
        currency="USD",
        amount=amount,
        shopper=_SHOPPER,
        lines=(line,),
        payment=PAYMENT,
    )
