"""A refund whose step never left may be refused; then it never leaves, whoever was at it."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from include.adapters.store import audit
from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.orders import SqlOrders
from include.domain.errors import IntegrationError, OutcomeUnknown, Rejected, Retryable
from include.domain.money import Money
from include.domain.orders import Order
from include.domain.refunds import RefundState
from include.services.effects.ports import Effect, EffectKind, EffectState, Receipt
from include.services.effects.store import Lease, LeaseLost
from include.services.orders.refund_saga import RefundPlay, kind_of
from tests.orders.conftest import Kit, make_order
from tests.orders.test_deciding_refunds import ALL, ask, given_back, reserved

USD_30 = Money(3_000, "USD")
KIND = EffectKind.payment_refund


@pytest.fixture
def order(kit: Kit) -> Order:
    made = make_order()
    kit.run(made)
    return made


def down(_effect: Effect) -> Receipt:
    raise Retryable("connect failed: nothing left", "gateway", "Wait.")


def unsent(kit: Kit, order: Order) -> str:
    """A refund that was begun while the gateway could not be reached."""
    refund_id = ask(kit, order.order_id, USD_30)
    for _ in range(3):
        kit.partner.say(KIND, down)
    kit.service.advance_refund(refund_id)
    found = kit.engine.find(KIND, f"{refund_id}|refund|1")
    assert found is not None
    assert (found.state, found.sends) == (EffectState.intended, 0)
    return refund_id


def unbuilt(kit: Kit, order: Order, monkeypatch: pytest.MonkeyPatch) -> str:
    """A refund whose step was decided and could not be built."""
    refund_id = ask(kit, order.order_id, USD_30)

    def give(*_: object) -> object:
        raise Rejected("no way to give it", "mappings", "Map it.")

    with monkeypatch.context() as patched:
        patched.setattr(RefundPlay, "_give", give)
        with suppress(IntegrationError):
            kit.service.advance_refund(refund_id)
    assert kit.service.refunds.get(refund_id).facts.open_step == "refund|1"
    return refund_id


def nothing_leaves(kit: Kit, order: Order, refund_id: str) -> None:
    """What it had reserved is another's, and only that other one moves."""
    kit.partner.script.clear()
    other = ask(kit, order.order_id, ALL, "C2")
    kit.pass_time(hours=7)
    assert kit.service.refunds.get(refund_id).state == RefundState.refused
    assert kit.service.refunds.get(other).state == RefundState.done
    assert given_back(kit) == ALL.minor


def open_letters(kit: Kit) -> list[tuple[str, str]]:
    assert isinstance(kit.service.orders, SqlOrders)
    found = SqlDeadLetters(kit.service.orders._engine).listing()
    return [(one.kind, one.key) for one in found]


def test_a_refund_whose_step_could_not_be_built_is_refused(
    kit: Kit, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund_id = unbuilt(kit, order, monkeypatch)
    assert open_letters(kit) == [("refund", refund_id)]
    kit.service.refuse_refund(refund_id, "boss", "a mistake", via="cli")
    assert reserved(kit, order.order_id) == 0
    assert open_letters(kit) == []
    assert isinstance(kit.service.orders, SqlOrders)
    (entry,) = audit.history(kit.service.orders._engine, f"refund|{refund_id}")
    assert (entry.who, entry.what) == ("cli:boss", "refund refused")
    nothing_leaves(kit, order, refund_id)


def test_a_refund_that_was_never_sent_is_withdrawn_and_refused(kit: Kit, order: Order) -> None:
    refund_id = unsent(kit, order)
    kit.service.refuse_refund(refund_id, "boss", "a mistake")
    found = kit.engine.find(KIND, f"{refund_id}|refund|1")
    assert found is not None
    assert found.state is EffectState.withdrawn
    nothing_leaves(kit, order, refund_id)


def test_a_refund_of_a_cancelled_order_is_not_withdrawn_either(kit: Kit, order: Order) -> None:
    kit.service.cancel(order.order_id, "ann", "changed my mind")
    for _ in range(9):
        kit.partner.say(KIND, down)
        kit.partner.say(EffectKind.payment_void, down)
    kit.pass_time(minutes=5)
    ((row, saga),) = kit.service.refunds.of_order(order.order_id)
    assert saga.facts.open_step
    with pytest.raises(Rejected, match="cancelled order"):
        kit.service.refuse_refund(row.refund_id, "boss", "no")
    step = saga.facts.open_step
    found = kit.engine.find(kind_of(step), f"{row.refund_id}|{step}")
    assert found is not None
    assert found.state is EffectState.intended
    kit.partner.script.clear()
    kit.pass_time(hours=2)
    assert given_back(kit) == ALL.minor


def test_a_refund_that_the_janitor_is_sending_is_not_refused(kit: Kit, order: Order) -> None:
    refund_id, told = unsent(kit, order), list[str]()

    def refused_meanwhile(effect: Effect) -> Receipt:
        with pytest.raises(Rejected) as fault:
            kit.service.refuse_refund(refund_id, "boss", "a mistake")
        told.append(str(fault.value))
        return kit.partner.do(effect)

    kit.partner.script.clear()
    kit.partner.say(KIND, refused_meanwhile)
    kit.engine.advance(KIND, f"{refund_id}|refund|1")
    assert "is not known yet" in told[0]
    kit.pass_time(hours=1)
    assert kit.service.refunds.get(refund_id).state == RefundState.done
    assert given_back(kit) == USD_30.minor


def test_a_refund_that_a_driver_holds_is_not_refused(kit: Kit, order: Order) -> None:
    refund_id, told = ask(kit, order.order_id, USD_30), list[str]()

    def refused_meanwhile(effect: Effect) -> Receipt:
        with pytest.raises(Rejected) as fault:
            kit.service.refuse_refund(refund_id, "boss", "a mistake")
        told.append(str(fault.value))
        return kit.partner.do(effect)

    kit.partner.say(KIND, refused_meanwhile)
    kit.service.advance_refund(refund_id)
    assert "being worked on" in told[0]
    assert given_back(kit) == USD_30.minor


def test_who_slept_while_another_drove_the_refund_refuses_nothing(
    kit: Kit, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing had been begun when they looked; it has been sent when they say no."""
    refund_id, find = unbuilt(kit, order, monkeypatch), kit.engine.find

    def slow(kind: EffectKind, key: str) -> Effect | None:
        monkeypatch.undo()
        found = find(kind, key)
        assert found is None
        kit.clock.move(minutes=20)
        kit.service.advance_refund(refund_id)
        return found

    monkeypatch.setattr(kit.engine, "find", slow)
    with pytest.raises(Rejected, match="being worked on"):
        kit.service.refuse_refund(refund_id, "boss", "a mistake")
    kit.pass_time(hours=1)
    assert kit.service.refunds.get(refund_id).state == RefundState.done
    assert given_back(kit) == USD_30.minor
    lost = Lease(f"saga|{refund_id}", "test", 1, kit.clock.now() + timedelta(minutes=1))
    with pytest.raises(LeaseLost):
        kit.service.refunds.refuse(refund_id, "boss", "a mistake", under=replace(lost, fence=99))


def invalid(_effect: Effect) -> Receipt:
    raise Rejected("invalid: the reason code is unknown", "gateway", "Correct it.")


@pytest.mark.parametrize("is_replayed", [False, True])
def test_a_refund_whose_step_was_refused_at_its_first_send_is_refused_with_its_letter(
    kit: Kit, order: Order, is_replayed: bool
) -> None:
    refund_id = ask(kit, order.order_id, USD_30)
    key = f"{refund_id}|refund|1"
    kit.partner.say(KIND, invalid)
    kit.service.advance_refund(refund_id)
    if is_replayed:
        kit.clock.move(seconds=1)
        kit.partner.say(KIND, invalid)
        kit.engine.replay(KIND, key, "ann")
    assert (KIND.value, key) in open_letters(kit)
    kit.service.refuse_refund(refund_id, "boss", "no")
    assert open_letters(kit) == []
    with pytest.raises((Rejected, ValueError)):
        kit.engine.replay(KIND, key, "ann")
    nothing_leaves(kit, order, refund_id)


def test_a_refund_that_was_given_up_unsent_is_refused_with_its_letter(
    kit: Kit, order: Order
) -> None:
    refund_id = unsent(kit, order)
    for _ in range(9_999):
        kit.partner.say(KIND, down)
    kit.pass_time(days=6)
    key = f"{refund_id}|refund|1"
    found = kit.engine.find(KIND, key)
    assert found is not None
    assert (found.state, found.sends) == (EffectState.dead_letter, 0)
    assert (KIND.value, key) in open_letters(kit)
    kit.service.refuse_refund(refund_id, "boss", "no")
    assert open_letters(kit) == []
    nothing_leaves(kit, order, refund_id)


def test_one_that_was_refused_after_a_lost_answer_is_not_refused(kit: Kit, order: Order) -> None:
    def lose(effect: Effect) -> Receipt:
        kit.partner.do(effect)
        raise OutcomeUnknown("no answer", "gateway", "Look.")

    refund_id = ask(kit, order.order_id, USD_30)
    kit.partner.say(KIND, lose)
    kit.service.advance_refund(refund_id)
    with pytest.raises(Rejected, match="not known yet"):
        kit.service.refuse_refund(refund_id, "boss", "no")
