"""What may go back, and who must agree: rules that need no database."""

from datetime import date

import pytest

from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import Captured, OrderFacts
from include.domain.refunds import (
    Part,
    RefundFacts,
    Ruling,
    Way,
    demand_approvable,
    demand_refusable,
    demand_young,
    is_within_limit,
    with_refused,
)

LIMIT = Money(5_000, "USD")
TEN = Money(1_000, "USD")
CAPTURES = (
    Captured(1, "7001", TEN, date(2026, 5, 1)),
    Captured(2, "7002", TEN, date(2026, 11, 1)),
)


def part(number: int, request_id: str = "") -> Part:
    return Part(number, f"700{number}", TEN, Way.refund, request_id)


@pytest.mark.parametrize(
    ("alone", "limit", "is_within"),
    [
        (0, LIMIT, True),
        (4_000, LIMIT, True),  # 40.00 before and 10.00 now are the limit of 50.00
        (4_001, LIMIT, False),
        (0, None, False),
    ],
)
def test_what_the_limit_let_go_before_counts(
    alone: int, limit: Money | None, is_within: bool
) -> None:
    assert is_within_limit(TEN, alone, limit) is is_within


def test_a_capture_of_the_first_day_still_gives_and_an_older_one_does_not() -> None:
    demand_young("ord_1", CAPTURES, [part(2)], date(2026, 11, 1))
    demand_young("ord_1", CAPTURES, [part(1), part(2)], None)
    with pytest.raises(
        Rejected, match="the capture of 2026-05-01 is older than refund_days"
    ) as told:
        demand_young("ord_1", CAPTURES, [part(1), part(2)], date(2026, 5, 2))
    assert told.value.do == "Pay 20.00 USD back outside the gateway and book it by hand."


def test_another_person_approves_what_waits() -> None:
    demand_approvable("ref_1", "waiting", "ann", "bob")
    with pytest.raises(Rejected, match="Another person"):
        demand_approvable("ref_1", "waiting", "ann", " ANN ")
    with pytest.raises(Rejected, match="it is moving"):
        demand_approvable("ref_1", "moving", "ann", "bob")


def test_a_no_holds_until_money_may_have_moved() -> None:
    waits, begun = RefundFacts(parts=(part(1),)), RefundFacts("refund|1", (part(1),))
    demand_refusable("ref_1", "waiting", "api", waits, unsent=False)
    demand_refusable("ref_1", "moving", "api", begun, unsent=True)
    with pytest.raises(Rejected, match=r"whether refund\|1 happened is not known"):
        demand_refusable("ref_1", "moving", "api", begun, unsent=False)
    for over in (RefundFacts(parts=(part(1, "8001"),)), RefundFacts(ruling=Ruling.refused)):
        with pytest.raises(Rejected, match="cannot be refused any more"):
            demand_refusable("ref_1", "moved", "api", over, unsent=True)


def test_who_asked_too_late_is_heard_again_once_the_refund_is_refused() -> None:
    asked = OrderFacts(is_refunded=True, late_stop="shop poller (ann)")
    assert with_refused(asked) == OrderFacts()
    cancelled = OrderFacts(late_stop="shop poller")  # a refund of a part was refused
    assert with_refused(cancelled) == cancelled


def test_the_money_of_a_cancelled_order_is_not_refused() -> None:
    with pytest.raises(Rejected, match="cancelled order"):
        demand_refusable("ref_1", "waiting", "cancellation", RefundFacts(), unsent=True)
