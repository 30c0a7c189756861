"""A refund above the limit, asked about and answered: by another person, about exactly this one."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from include.adapters.store import audit
from include.adapters.store.approvals import SqlApprovals
from include.adapters.store.waiting_refunds import refunds_to_ask, waiting_refunds
from include.domain.card_numbers import CardNumberRefused
from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.domain.refunds import RefundState
from include.services.effects.ports import EffectKind
from include.services.orders.ask_refunds import (
    DecideRefunds,
    digest_of,
    key_of,
    note_asked,
    question,
)
from tests.care.conftest import Care
from tests.orders.conftest import make_order

LOST = OperationalError("SELECT 1", {}, Exception("terminating connection"))


def answer(option: str, user: str | None) -> dict[str, Any]:
    """Return what Airflow hands over when somebody has answered, or the time has run out."""
    return {
        "chosen_options": [option],
        "params_input": {},
        "responded_at": SimpleNamespace(isoformat=lambda: ""),
        "responded_by_user": {"id": user, "name": user} if user else None,
    }


@pytest.fixture
def waiting(care: Care) -> str:
    """Return a refund of 800.00 USD that ann asked for and that waits."""
    order = make_order(minor=90_000)
    care.kit.run(order)
    return care.kit.service.refund(
        order.order_id, Money(80_000, "USD"), origin="api", origin_key="1", who="ann",
        reason="broken | <b>cup</b>",
    )  # fmt: skip


def desk(care: Care) -> DecideRefunds:
    approvals = SqlApprovals(care.store, care.kit.clock)
    return DecideRefunds(care.kit.service, approvals, care.audit)


def ask(care: Care, refund_id: str) -> None:
    (one,) = waiting_refunds(care.store, refund_id)
    note_asked(one, desk(care).approvals)


def state(care: Care, refund_id: str) -> str:
    return care.kit.service.refunds.get(refund_id).state


def chain(care: Care, refund_id: str) -> list[tuple[str, str]]:
    return [(one.who, one.what) for one in audit.history(care.store, key_of(refund_id))]


def refunded(care: Care) -> int:
    return care.kit.partner.truth.count(EffectKind.payment_refund)


def test_another_person_approves_and_the_money_goes_back_once(care: Care, waiting: str) -> None:
    ask(care, waiting)
    desk(care).approve(waiting, "bob")
    care.kit.pass_time(minutes=10)
    assert state(care, waiting) == RefundState.done
    assert refunded(care) == 1
    assert chain(care, waiting) == [("airflow:bob", "refund approved")]
    assert waiting_refunds(care.store) == []


def test_the_one_who_asked_cannot_approve_and_the_attempt_is_kept(care: Care, waiting: str) -> None:
    ask(care, waiting)
    with pytest.raises(Rejected, match="Another person"):
        desk(care).approve(waiting, "ann")
    care.kit.pass_time(minutes=10)
    assert state(care, waiting) == RefundState.waiting
    assert chain(care, waiting) == [("airflow:ann", "refund not approved")]


@pytest.mark.parametrize("decide", ["approve", "refuse", "hold"])
def test_an_answer_about_another_amount_is_void(care: Care, waiting: str, decide: str) -> None:
    ask(care, waiting)
    with care.store.begin() as connection:
        connection.exec_driver_sql("UPDATE refunds SET amount_minor = amount_minor + 1")
    given = (waiting, "bob") if decide == "approve" else (waiting, "bob", "")
    with pytest.raises(Retryable, match="void"):
        getattr(desk(care), decide)(*given)
    assert state(care, waiting) == RefundState.waiting
    assert chain(care, waiting) == []


def test_an_answer_that_was_used_cannot_be_used_again(care: Care, waiting: str) -> None:
    ask(care, waiting)
    desk(care).hold(waiting, "bob", "")
    with pytest.raises(Retryable, match="void"):
        desk(care).approve(waiting, "bob")
    assert state(care, waiting) == RefundState.waiting


def test_a_refused_refund_moves_nothing_and_frees_its_amount(care: Care, waiting: str) -> None:
    ask(care, waiting)
    desk(care).refuse(waiting, "bob", "the cup is fine")
    care.kit.pass_time(minutes=10)
    assert (state(care, waiting), refunded(care)) == (RefundState.refused, 0)
    assert chain(care, waiting) == [("airflow:bob", "refund refused")]


def test_a_reason_with_a_card_number_is_not_kept(care: Care, waiting: str) -> None:
    ask(care, waiting)
    with pytest.raises(Rejected, match="card number"):
        desk(care).refuse(waiting, "bob", "card 4111 1111 1111 1111")
    assert state(care, waiting) == RefundState.waiting


def test_what_a_person_holds_rests_for_a_day(care: Care, waiting: str) -> None:
    ask(care, waiting)
    taken, began = desk(care), care.kit.clock.now()
    taken.hold(waiting, "bob", "ask the clerk")
    held = SqlApprovals(care.store, care.kit.clock)
    digest = digest_of(care.kit.service.refunds.row(waiting))
    assert held.decided_since("held", began) == {(key_of(waiting), digest)}
    assert held.decided_since("held", began + timedelta(seconds=1)) == set()
    assert chain(care, waiting) == [("airflow:bob", "refund held")]


def test_what_is_held_hides_no_younger_refund_behind_the_most_asked(
    care: Care, waiting: str
) -> None:
    ask(care, waiting)
    taken, began = desk(care), care.kit.clock.now()
    taken.hold(waiting, "bob", "ask the clerk")
    care.kit.pass_time(minutes=1)
    order = make_order(minor=90_000)
    care.kit.run(order)
    younger = care.kit.service.refund(
        order.order_id, Money(80_000, "USD"), origin="api", origin_key="1", who="ann", reason=""
    )
    assert [one.row.refund_id for one in waiting_refunds(care.store, limit=1)] == [waiting]
    held = SqlApprovals(care.store, care.kit.clock).decided_since("held", began)
    assert refunds_to_ask(care.store, held, most=1) == [younger]
    assert refunds_to_ask(care.store, set(), most=1) == [waiting]


def test_the_question_says_who_asked_and_keeps_markup_inert(care: Care, waiting: str) -> None:
    (one,) = waiting_refunds(care.store, waiting)
    subject, body = question(one, Money(50_000, "USD"))
    assert "800.00 USD" in subject
    for shown in ("| asked by | ann |", "500.00 USD", digest_of(one.row)[:16], "ref\\_"):
        assert shown in body
    assert "<b>" not in body.replace("\\<b", "")


@pytest.mark.parametrize(
    ("user", "option", "expected"),
    [
        (None, "Hold", "skipped"),
        (None, "Approve", "skipped"),  # nobody with a name: never refunded
        ("bob", "Approve", "approve_refund"),
        ("bob", "Refuse", "refuse_refund"),
        ("bob", "Hold", "hold_refund"),
    ],
)
def test_silence_moves_nothing_and_each_option_does_its_own(
    user: str | None, option: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    from tieout.questions.refunds import ApproveRefund
    from tieout.tasks import refunds

    done: list[str] = []
    for name in ("approve_refund", "refuse_refund", "hold_refund"):
        monkeypatch.setattr(refunds, name, lambda *_given, name=name: done.append(name))
    task = ApproveRefund(task_id="decide", refund_id="ref_1", response_timeout=timedelta(1))
    try:
        task.execute_complete({}, answer(option, user))
    except AirflowSkipException:
        done.append("skipped")
    assert done == [expected]


@pytest.mark.parametrize(
    ("option", "ends_as", "signed_as"),
    [
        ("Approve", RefundState.approved, "refund approved"),
        ("Refuse", RefundState.refused, "refund refused"),
        ("Hold", RefundState.waiting, "refund held"),
    ],
)
def test_an_answer_is_recorded_once_though_the_store_is_lost_before_and_after(
    care: Care,
    waiting: str,
    option: str,
    ends_as: RefundState,
    signed_as: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Lost after it was recorded, as where a commit's own answer does not come."""
    from tieout.questions import recorded
    from tieout.questions.refunds import ApproveRefund
    from tieout.tasks import refunds

    ask(care, waiting)
    given: list[tuple[Any, ...]] = []

    def decide(*answer: Any) -> str:
        given.append(answer)
        if len(given) == 1:
            raise LOST
        said: str = getattr(desk(care), option.lower())(*answer)
        if len(given) == 2:
            raise LOST
        return said

    monkeypatch.setattr(recorded.time, "sleep", lambda _: None)
    monkeypatch.setattr(refunds, "_decide", lambda: SimpleNamespace(**{option.lower(): decide}))
    task = ApproveRefund(task_id="decide", refund_id=waiting, response_timeout=timedelta(1))
    assert "by bob" in task.execute_complete({}, answer(option, "bob"))
    assert len(given) == 3
    assert care.kit.service.refunds.get(waiting).state == ends_as
    assert chain(care, waiting) == [("airflow:bob", signed_as)]


@pytest.mark.parametrize("word", ["approved", "refused"])
def test_a_hold_after_the_word_of_another_is_told_to_be_too_late(
    care: Care, waiting: str, word: str
) -> None:
    ask(care, waiting)
    if word == "approved":
        desk(care).approve(waiting, "bob")
    else:
        desk(care).refuse(waiting, "bob", "")
    assert desk(care).hold(waiting, "eve", "") == f"too late: held by eve; it is {word} already"
    assert chain(care, waiting) == [("airflow:bob", f"refund {word}")]


def test_a_card_number_in_the_reason_of_a_hold_is_refused_though_it_came_too_late(
    care: Care, waiting: str
) -> None:
    ask(care, waiting)
    desk(care).approve(waiting, "bob")
    with pytest.raises(CardNumberRefused):
        desk(care).hold(waiting, "eve", "card 4111 1111 1111 1111")
