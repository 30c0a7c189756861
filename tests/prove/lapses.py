"""Holds that lapse: the rest of what ships in parts, and orders that a clerk keeps for days.

What is chosen is chosen by what was drawn already, so that every other draw stays as it is.
"""

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from include.domain.order_rules import OnExpiry
from include.services.effects.ports import Effect
from include.services.effects.ports import EffectKind as K
from tests.prove.faults import HELD, LAPSED, REST
from tests.prove.plans import ON_FILE, PAYMENT, Outcome, Plan

if TYPE_CHECKING:
    from tests.prove.world import World

DAY = 86_400.0
# By seed modulo sixteen. Others are not played: a week of waiting is half as much work again.
_ONE_IN = 16
_RULES = {2: OnExpiry.renew, 3: OnExpiry.capture, 13: OnExpiry.release}
_BANKS = (
    Outcome.good, Outcome.in_review, Outcome.good, Outcome.partial, Outcome.good, Outcome.declined
)  # fmt: skip
_LATE = (6.5 * DAY, 7.6 * DAY, 7.6 * DAY)  # before the hold is gone, and after
_KEPT = (6.5 * DAY, 9.0 * DAY)


def rule_of(seed: int) -> OnExpiry:
    """Return what this seed's merchant does with a hold before it lapses."""
    return _RULES.get(seed % _ONE_IN, OnExpiry.renew)


def let_lapse(plan: Plan, seed: int, number: int) -> None:
    """Let the hold of some orders lapse before they are released, or wholly shipped."""
    if seed % _ONE_IN not in _RULES:
        return
    drawn = int(plan.at * 1000)
    is_left = plan.cancel_after is None and plan.clerk_cancels_after is None
    is_early = bool(plan.invoices) and plan.invoices[0][0] < DAY
    if plan.is_on_hold and drawn % 2:
        plan.release_after = _KEPT[drawn // 2 % 2]
        _keep_card(plan, is_kept=number % 3 > 0)
    elif is_left and is_early and plan.enters_anew_after is None and len(plan.invoices) == 2:
        _ship_rest_late(plan, number, drawn)
    if rule_of(seed) is OnExpiry.capture and is_left and not plan.invoices:
        plan.clerk_cancels_after = 8 * DAY  # paid, never shipped: somebody must end it


def _ship_rest_late(plan: Plan, number: int, drawn: int) -> None:
    """Or have a clerk cancel it in time, who has read the letter."""
    if drawn % 3 == 0:
        return
    _keep_card(plan, is_kept=drawn % 5 > 0)
    plan.renewal = _BANKS[number % len(_BANKS)]
    first, last = plan.invoices
    late = _LATE[drawn // 3 % len(_LATE)]
    plan.invoices = [first, (last[0] + late, last[1])]
    if drawn % 7 == 0:
        plan.clerk_cancels_after = late


def _keep_card(plan: Plan, *, is_kept: bool) -> None:
    if is_kept and plan.order.payment is PAYMENT:
        plan.order = replace(plan.order, payment=ON_FILE)


class Lapses:
    """Notes what is done about holds of a seed."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.charged: list[str] = []  # captures of what a clerk kept

    def hear(self, effect: Effect) -> None:
        """Note a write of the gateway as it is executed."""
        order_id = effect.key.partition("|")[0]
        if effect.kind is K.payment_capture and self._is_kept(order_id):
            self.charged.append(effect.key)
        if effect.kind is not K.payment_authorization or not json.loads(effect.payload)["renews"]:
            return
        coverage, whole = self._world.coverage, self._world.plans[order_id].order.amount.minor
        coverage[LAPSED, "AU", REST] += effect.amount_minor < whole
        coverage[LAPSED, "AU", HELD] += self._is_kept(order_id)

    def _is_kept(self, order_id: str) -> bool:
        return any(
            one.order_id == order_id
            and one.status == "S"
            and not (one.invoices or one.kept or one.is_over)
            and self._world.is_held(one.customer)
            for one in self._world.truth.sales_orders.values()
        )
