"""A capture or a reversal that the gateway refuses is a dead letter, and there are ways on."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.engine import open_store
from include.domain.canonical import from_json
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen
from include.domain.order_state import OrderState
from include.domain.payments import Capture, Moved
from include.services.effects.dead_letters import DeadLetter
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.next_actions import suggest
from include.services.orders.sagas import Event
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import as_evidence

Letters = Callable[[], list[DeadLetter]]
CAPTURE, REVERSAL = EffectKind.payment_capture, EffectKind.payment_reversal


@pytest.fixture
def letters(kit: Kit, migrated_url: str) -> Iterator[Letters]:
    store = open_store(migrated_url)
    yield lambda: list(SqlDeadLetters(store).listing())
    store.dispose()


def refuse(kit: Kit, kind: EffectKind, reason: str, times: int = 1) -> None:
    def no(effect: Effect) -> Receipt:
        found = Moved("", "INVALID_REQUEST", None, reason)
        return kit.partner.do(effect, Receipt("", as_evidence(found), is_no=True))

    for _ in range(times):
        kit.partner.say(kind, no)


def captures(kit: Kit) -> list[tuple[str, int]]:
    """List what was asked of the gateway: the step and the amount."""
    asked = [one for one in kit.partner.truth.done if one.kind is CAPTURE]
    amounts = [from_json(Capture, one.payload).amount.minor for one in asked]
    return [(one.key.partition("|")[2], minor) for one, minor in zip(asked, amounts, strict=True)]


def test_a_refused_capture_is_a_letter_until_it_is_tried_again(kit: Kit, letters: Letters) -> None:
    refuse(kit, CAPTURE, "AUTH_ALREADY_REVERSED", times=2)
    order = make_order()
    assert kit.run(order).state == OrderState.stuck
    (letter,) = letters()
    assert (letter.kind, letter.key) == ("capture_refused", order.order_id)
    assert (letter.amount_minor, letter.currency) == (10_221, "USD")
    assert letter.owner == "orders@acme.example"
    assert "refused the capture: INVALID_REQUEST AUTH_ALREADY_REVERSED" in letter.reason
    assert "Nothing is held any more" in suggest(letter)
    kit.service.try_again(order.order_id, "ann", via="cli")
    assert letters() == []  # and one of its own tells of the second no
    kit.clock.move(minutes=1)
    assert kit.service.advance(order.order_id).state == OrderState.stuck
    assert [one.kind for one in letters()] == ["capture_refused"]
    kit.service.try_again(order.order_id, "ann", via="cli")
    assert kit.service.advance(order.order_id).state == OrderState.captured
    assert captures(kit) == [(f"capture|{number}", 10_221) for number in (1, 2, 3)]
    assert letters() == []
    with pytest.raises(Rejected, match="refused nothing"):
        kit.service.try_again(order.order_id, "ann", via="cli")


def test_a_call_that_is_refused_as_wrong_is_its_effects_letter_whatever_its_words(
    kit: Kit, letters: Letters
) -> None:
    def wrong(_effect: Effect) -> Receipt:
        what = "the gateway refused the call as wrong: MISSING_FIELD"
        raise Rejected(what, "payment_capture", "Mend the mapping.")

    kit.partner.say(CAPTURE, wrong)
    order = make_order()
    assert kit.run(order).state == OrderState.stuck
    assert [one.kind for one in letters()] == ["payment_capture"]
    with pytest.raises(Rejected, match="refused nothing"):
        kit.service.try_again(order.order_id, "ann", via="cli")


def test_a_refusal_whose_effect_a_restored_store_has_forgotten_is_told_with_its_order(
    kit: Kit, letters: Letters
) -> None:
    order = make_order()
    kit.run(order)
    kit.service.orders.amend(
        order.order_id, lambda facts: facts.with_problem("it said no", "reverse|1"), Event("seen")
    )
    (letter,) = letters()
    assert (letter.kind, letter.amount_minor) == ("reversal_refused", 10_221)
    assert letter.owner == "orders@acme.example"


def test_what_was_asked_for_is_tried_again_and_only_that(kit: Kit, letters: Letters) -> None:
    kit.rules = replace(kit.rules, capture_when=CaptureWhen.shipment)
    order = make_order()
    kit.run(order)
    refuse(kit, CAPTURE, "PROCESSOR_DECLINED")
    kit.service.capture_delivered(order.order_id, Money(4_000, "USD"), "dispatch 1")
    kit.service.advance(order.order_id)
    assert [one.amount_minor for one in letters()] == [4_000]
    # The next dispatch brings both; nothing of the first one's claim is lost.
    kit.service.capture_delivered(order.order_id, Money(6_221, "USD"), "dispatch 2")
    kit.service.advance(order.order_id)
    assert captures(kit) == [("capture|1", 4_000), ("capture|2", 4_000), ("capture|3", 6_221)]
    assert letters() == []
    assert kit.service.orders.get(order.order_id).facts.captured_minor() == 10_221


@pytest.mark.parametrize("is_invoiced", [True, False], ids=["given up", "cancelled"])
def test_a_capture_that_is_refused_for_good_ends_with_its_order(
    kit: Kit, letters: Letters, is_invoiced: bool
) -> None:
    refuse(kit, CAPTURE, "PROCESSOR_DECLINED")
    order = make_order()
    kit.run(order)
    if is_invoiced:
        invoiced(kit, order.order_id)
        kit.service.give_up(order.order_id, "ann", "she pays by cheque", via="cli")
    else:
        kit.service.cancel(order.order_id, "ann", "she pays anew", via="cli")
    assert letters() == []
    assert kit.service.advance(order.order_id).state == OrderState.cancelled
    assert kit.partner.truth.count(REVERSAL) == 1


def invoiced(kit: Kit, order_id: str) -> None:
    kit.service.orders.amend(
        order_id, lambda facts: replace(facts, invoices=("I1",)), Event("invoiced in SYSPRO")
    )


def test_a_refused_reversal_is_tried_again_or_said_to_hold_nothing(
    kit: Kit, letters: Letters
) -> None:
    refuse(kit, REVERSAL, "TRANSACTION_ALREADY_SETTLED", times=2)
    kit.rules = replace(kit.rules, capture_when=CaptureWhen.shipment)
    tried, freed = make_order(), make_order()
    for order in (tried, freed):
        kit.run(order)
        kit.service.cancel(order.order_id, "shop", "changed her mind")
        assert kit.service.advance(order.order_id).state == OrderState.stuck
    assert {(one.kind, one.key, one.amount_minor) for one in letters()} == {
        ("reversal_refused", order.order_id, 10_221) for order in (tried, freed)
    }
    assert all("hold-gone" in suggest(one) for one in letters())
    kit.service.try_again(tried.order_id, "ann", via="cli")
    assert kit.service.advance(tried.order_id).state == OrderState.cancelled
    steps = [one.key.partition("|")[2] for one in kit.partner.truth.done if one.kind is REVERSAL]
    assert steps == ["reverse|1", "reverse|1", "reverse|1.2"]
    kit.service.hold_is_gone(freed.order_id, "ann", "says the bank", via="cli")
    assert kit.service.advance(freed.order_id).state == OrderState.cancelled
    assert letters() == []


def test_a_letter_closes_in_the_commit_of_the_person_who_dealt_with_it(
    kit: Kit, migrated_url: str
) -> None:
    refuse(kit, CAPTURE, "PROCESSOR_DECLINED")
    order = make_order()
    kit.run(order)
    kit.service.cancel(order.order_id, "ann", "she pays anew", via="cli")
    store = open_store(migrated_url)
    (letter,) = SqlDeadLetters(store).listing("resolved")
    store.dispose()
    assert (letter.resolved_by, letter.resolution) == ("ann", "cancel asked for")
    words = kit.timeline(order)
    assert words.index("capture refused") < words.index("cancel asked for")
