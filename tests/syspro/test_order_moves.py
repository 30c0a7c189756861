"""Moves of a sales order: held, released, cancelled, against every shape of answer."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from include.domain.erp_orders import OrderMove
from include.domain.errors import (
    OutcomeUnknown,
    Rejected,
    Retryable,
)
from include.services.effects.ports import EffectKind, Found
from tests.syspro.support_orders import (
    effect_of,
    head,
    move,
)

SENT_AT = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
SENT: dict[str, Any] = {"sent_at": SENT_AT, "sends": 1}
Make = Callable[..., Any]


def changed(status: str = "S", number: str = "015574") -> bytes:
    return (
        f"<postsororderstatus><Item><Order><SalesOrder>{number}</SalesOrder><OrderStatus>1"
        f"</OrderStatus><NewOrderStatus>{status}</NewOrderStatus></Order></Item><StatusOfItems>"
        "<ItemsProcessed>000001</ItemsProcessed><ItemsInvalid>000000</ItemsInvalid>"
        "</StatusOfItems></postsororderstatus>"
    ).encode()


def cancelled(flag: str = "Y") -> bytes:
    return (
        f"<postsalesordercancel><Item><SalesOrder>15574</SalesOrder><Cancelled>{flag}</Cancelled>"
        "</Item><StatusOfItems><ItemsProcessed>1</ItemsProcessed><ItemsInvalid>0</ItemsInvalid>"
        "</StatusOfItems></postsalesordercancel>"
    ).encode()


def not_moved(root: str, text: str) -> bytes:
    return (
        f"<{root}><Item><SalesOrder><Value>15574</Value><ErrorNumber>900099</ErrorNumber>"
        f"<ErrorDescription>{text}</ErrorDescription></SalesOrder></Item><StatusOfItems>"
        f"<ItemsProcessed/><ItemsInvalid>1</ItemsInvalid></StatusOfItems></{root}>"
    ).encode()


@pytest.mark.parametrize(
    ("kind", "status", "flag", "is_there"),
    [
        (OrderMove.hold, "S", "", True),
        (OrderMove.hold, "1", "", False),
        (OrderMove.hold, "\\", "", False),
        (OrderMove.release, "1", "", True),
        (OrderMove.release, "8", "", True),
        (OrderMove.release, "S", "", False),
        (OrderMove.release, "0", "", False),
        (OrderMove.release, "", "", False),
        (OrderMove.release, "\\", "", False),
        (OrderMove.cancel, "\\", "", True),
        (OrderMove.cancel, "*", "", True),
        (OrderMove.cancel, "1", "Y", True),
        (OrderMove.cancel, "1", "", False),
    ],
)
def test_a_move_is_done_where_the_order_already_is_so(
    fake: Any, make_adapter: Make, kind: OrderMove, status: str, flag: str, is_there: bool
) -> None:
    fake.on("query COMFND", head(OrderStatus=status, CancelledFlag=flag))
    found = make_adapter().partners[EffectKind.sales_order_move].look(effect_of(move(kind)))
    assert bool(found) is is_there
    assert not found or found[0].their_key == "15574"


def test_an_order_is_held_under_the_guard_and_the_answer_is_checked(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("post SORTOS", changed())
    partner = make_adapter().partners[EffectKind.sales_order_move]
    receipt = partner.send(effect_of(move(OrderMove.hold, expected_status="1")))
    assert (receipt.their_key, receipt.evidence) == ("15574", {"status": "S"})
    sent = fake.calls[1].fields["XmlIn"]
    assert "<OrderStatus>1</OrderStatus><NewOrderStatus>S</NewOrderStatus>" in sent


def test_a_release_names_who_allowed_it(fake: Any, make_adapter: Make) -> None:
    fake.on("post SORTOS", changed("1"))
    partner = make_adapter().partners[EffectKind.sales_order_move]
    receipt = partner.send(effect_of(move(OrderMove.release, authority="REV")))
    assert receipt.evidence == {"status": "1"}
    assert "<CreditAuthority>REV</CreditAuthority>" in fake.calls[1].fields["XmlIn"]


def test_a_cancelled_order_names_its_reason(fake: Any, make_adapter: Make) -> None:
    fake.on("post SORTOX", cancelled())
    partner = make_adapter().partners[EffectKind.sales_order_move]
    receipt = partner.send(effect_of(move(OrderMove.cancel, reason_code="FRAUD")))
    assert receipt.evidence == {"status": "\\"}
    assert "<CancelReasonCode>FRAUD</CancelReasonCode>" in fake.calls[1].fields["XmlIn"]


@pytest.mark.parametrize(
    ("kind", "answer", "error"),
    [
        (OrderMove.hold, changed("8"), OutcomeUnknown),
        (OrderMove.hold, changed(number="99"), OutcomeUnknown),
        (OrderMove.cancel, cancelled("N"), OutcomeUnknown),
        (OrderMove.hold, b"<html>", OutcomeUnknown),
        (OrderMove.hold, not_moved("postsororderstatus", "Order is complete"), Rejected),
        (OrderMove.cancel, not_moved("postsalesordercancel", "Order not found"), Rejected),
        (OrderMove.cancel, b"ERROR: e.net exception 100000", OutcomeUnknown),
    ],
)
def test_a_move_that_was_not_clearly_made_falls_into_its_family(
    fake: Any, make_adapter: Make, kind: OrderMove, answer: bytes, error: type[Exception]
) -> None:
    fake.on("post SORTOS", answer)
    fake.on("post SORTOX", answer)
    fake.on("query COMFND", head(OrderStatus="9"))
    with pytest.raises(error):
        make_adapter().partners[EffectKind.sales_order_move].send(effect_of(move(kind)))


def test_a_refused_move_is_done_if_the_order_is_so_by_now(fake: Any, make_adapter: Make) -> None:
    fake.on("post SORTOX", not_moved("postsalesordercancel", "Order has been cancelled"))
    fake.on("query COMFND", head(OrderStatus="\\"))
    partner = make_adapter().partners[EffectKind.sales_order_move]
    receipt = partner.send(effect_of(move(OrderMove.cancel)))
    assert receipt.evidence == {"status": "\\"}


@pytest.mark.parametrize("kind", list(OrderMove))
def test_a_move_of_an_order_that_somebody_has_open_is_made_later(
    fake: Any, make_adapter: Make, kind: OrderMove
) -> None:
    fake.on("post SORTOX", not_moved("postsalesordercancel", "Sales order has status '0'"))
    fake.on("post SORTOS", not_moved("postsororderstatus", "Sales order has status '0'"))
    fake.on("query COMFND", head(OrderStatus="0"))
    partner = make_adapter().partners[EffectKind.sales_order_move]
    with pytest.raises(Retryable, match="in process"):
        partner.send(effect_of(move(kind)))
    answered = effect_of(move(kind), their_key="15574", **SENT)
    with pytest.raises(Retryable, match="in process"):  # nor is it a difference to what was sent
        partner.look(answered)


def test_after_an_answer_the_order_is_shown_as_it_is_and_compared(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query COMFND", head(OrderStatus="1"))
    partner = make_adapter().partners[EffectKind.sales_order_move]
    effect = effect_of(move(OrderMove.hold), their_key="15574", **SENT)
    (found,) = partner.look(effect)
    (one,) = partner.compare(effect, found)
    assert (one.what, one.theirs) == ("order status", "1")


def test_what_was_left_of_an_order_invoiced_in_part_is_shown_as_complete_once_cancelled(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query COMFND", head(OrderStatus="9"))
    partner = make_adapter().partners[EffectKind.sales_order_move]
    assert partner.look(effect_of(move(OrderMove.cancel))) == ()  # we did not cancel it
    effect = effect_of(move(OrderMove.cancel), their_key="15574", **SENT)
    (found,) = partner.look(effect)
    assert partner.compare(effect, found) == ()
    since_cancelled = Found("15574", {"status": "\\"})
    assert partner.compare(effect, since_cancelled) == ()


def test_an_order_without_a_po_is_found_by_its_number_padded_or_not(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query COMFND", head(OrderStatus="S"))
    partner = make_adapter().partners[EffectKind.sales_order_move]
    assert partner.look(effect_of(move(OrderMove.hold, purchase_order="")))
    sent = fake.calls[1].fields["XmlIn"]
    assert "<Value>15574</Value>" in sent
    assert "<Value>000000000015574</Value>" in sent
