"""What else befalls the orders of a seed, beside what ``plans`` draws for each by itself."""

import random

from tests.prove import again, aged, batches, disputes, free, lapses, plans
from tests.prove.faults import Swarm
from tests.prove.plans import Plan


def draw_plans(dice: random.Random, seed: int, count: int, swarm: Swarm) -> list[Plan]:
    """Draw the orders of a seed, with the turns that it is about."""
    drawn = plans.draw_plans(dice, seed, count, swarm)
    for number, plan in enumerate(drawn):
        lapses.let_lapse(plan, seed, number)
        again.let_pay_again(plan, seed)
        if swarm.disputes:
            disputes.refund_often(plan)
        if swarm.batches:
            batches.ship_twice(plan)
        if swarm.ages:
            aged.ask_late(plan)
    free.let_be_free(drawn, seed)
    return drawn
