"""Whether a merchant that has ended still waits for money, so that its days must go on."""

from include.domain.expectations import ExpectationKind, ExpectationState
from include.domain.open_items import Stage
from include.domain.settlement import SettlementDay
from include.services.matching.ports import Expectations, StageItems


def is_money_under_way(
    day: SettlementDay, expectations: Expectations, open_items: StageItems
) -> bool:
    """Say whether a day may bring money that a merchant still waits for.

    That is a batch that no open item tells of yet, because its funding is not due, or one that
    came on this day or later; and whatever an open item tells of, until a person resolves it.
    """
    on = day.settlement_date
    known = expectations.load(day.merchant_id, ExpectationKind.funding, since_until=on, met_from=on)
    untold = (e.state is ExpectationState.open and not e.parts for e in known)
    met = (e.state is ExpectationState.met for e in known)
    return any(untold) or any(met) or bool(open_items.of_stage(day.merchant_id, Stage.fund))
