"""What a shop says of a refund: who made it, by the login there, and why."""

from include.adapters.shop.shop_writes import RefundTold
from tests.shop.conftest import Bench


def told(bench: Bench, number: str) -> RefundTold:
    (refund,) = bench.desk.refunds(number)
    found: RefundTold = bench.desk.refund_told(refund)
    return found


def test_the_login_and_the_reason_are_read(bench: Bench) -> None:
    number = bench.order()
    amount = bench.word("5.00", "500")
    facts = {"order": number, "amount": amount, "by": "alice", "reason": "broken cup"}
    bench.sandbox.control("shop_refund", shop=bench.shop_id, **facts)
    assert told(bench, number) == RefundTold("alice", "broken cup")


def test_who_cannot_be_named_is_told_by_number(woo: Bench) -> None:
    """The key may not read users, or the user is gone: somebody made it all the same."""
    number = woo.order()
    woo.sandbox.control(
        "shop_refund", shop=woo.shop_id, order=number, amount="5.00", by="alice", reason=""
    )
    (refund,) = woo.desk.refunds(number)
    woo.sandbox.spoil("403", r"GET .*/customers/", times=1)
    assert woo.desk.refund_told(refund).by == f"user {refund.raw['refunded_by']}"
    assert woo.desk.refund_told(refund).by == "alice"


def test_what_no_user_made_is_nobodys(woo: Bench) -> None:
    number = woo.order()
    woo.sandbox.app.woo.refund(int(number), {"amount": "5.00", "api_refund": False}, by=0)
    assert told(woo, number) == RefundTold("", "")
