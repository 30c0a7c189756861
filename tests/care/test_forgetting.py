"""What a deletion request could be lost by: other cards, other writers, crashes, late orders."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from include.adapters.store.order_tables import orders
from include.domain.canonical import from_json, to_json
from include.domain.erp_orders import SetCustomField
from include.domain.errors import Retryable
from include.domain.order_state import OrderFacts
from include.domain.orders import Order, PaymentMethod, PaymentSource
from include.domain.payments import DeleteToken, PaymentStatus, StoredToken
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.orders.sagas import Event
from include.services.profiles.keep_tokens import keep_tokens
from include.services.profiles.ports import TokenState
from include.services.profiles.remove_tokens import GONE
from tests.care.conftest import Care
from tests.care.test_profiles import check, forgetter, joiner, run_sweep, there, two_of_one_card
from tests.orders.conftest import make_order
from tests.orders.partners import as_evidence, authorization


def facts_of(care: Care, order: Order) -> OrderFacts:
    return care.kit.service.orders.get(order.order_id).facts


def deletions(care: Care) -> list[DeleteToken]:
    done = (one for one in care.kit.partner.truth.done if one.kind is EffectKind.token_deletion)
    return [from_json(DeleteToken, one.payload) for one in done]


def fields(care: Care) -> list[SetCustomField]:
    done = (one for one in care.kit.partner.truth.done if one.kind is EffectKind.custom_field)
    return [from_json(SetCustomField, one.payload) for one in done]


def test_a_token_read_again_while_its_shopper_is_forgotten_stays_forgotten(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vault is asked before and answers after the wish is written."""
    token = care.token("A")
    order = care.order_with(token)
    keep_tokens(care.book, "A", order, facts_of(care, order))
    newer = replace(token, expiry="2035-01")

    def forgotten_meanwhile(_customer: str, _instrument: str) -> StoredToken:
        care.remover.remove([care.kept(token)], TokenState.deleting)
        return newer

    monkeypatch.setattr(care.vault, "instrument", forgotten_meanwhile)
    check(care).refresh(token.customer_token)
    assert care.kept(token).state is TokenState.deleting
    assert care.remover.finish().done == 1
    assert care.kept(token).state is TokenState.deleted


def test_a_card_added_since_the_known_one_went_is_forgotten_too(care: Care) -> None:
    """The shopper replaced the card on the shop's page; the gateway's customer stays."""
    token = care.token("A")
    order = care.order_with(token)
    keep_tokens(care.book, "A", order, facts_of(care, order))
    added = replace(token, instrument_token="e" * 32, identifier_token="8" * 19)
    care.vault.held[token.customer_token] = (added,)
    check(care).refresh(token.customer_token)
    assert care.kept(token).state is TokenState.deleted
    found = forgetter(care).forget("ann@example.com", "dpo")
    assert (found.tokens, found.gone) == (2, 2)
    assert deletions(care) == [DeleteToken("acme_us_org", token.customer_token)]
    assert care.vault.customer(token.customer_token) is None
    again = forgetter(care).forget("ann@example.com", "dpo")
    assert again.gone == again.tokens
    assert len(deletions(care)) == 1


@pytest.mark.parametrize("is_finished", [True, False])
def test_what_was_joined_is_forgotten_with_every_card_of_its_customer(
    care: Care, is_finished: bool
) -> None:
    older, newer = two_of_one_card(care)
    other = replace(older, instrument_token="e" * 32, identifier_token="8" * 19)
    care.vault.held[older.customer_token] = (other, older)
    assert joiner(care).run().done == 1
    if is_finished:
        care.remover.finish()
    forgetter(care).forget("ann@example.com", "dpo")
    for one in (older, newer):
        assert care.vault.customer(one.customer_token) is None


def test_a_customer_whom_syspro_has_deleted_holds_no_request_up(care: Care) -> None:
    token = care.token("A")
    order = care.order_with(token)
    keep_tokens(care.book, "A", order, facts_of(care, order))
    before = len(fields(care))
    found = forgetter(care).forget("ann@example.com", "dpo")
    assert (found.tokens, found.gone) == (1, 1)
    assert len(fields(care)) == before
    assert care.open_letters() == []


def test_a_request_goes_on_after_a_crash_between_gateway_and_syspro(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = care.token("A")
    order = care.order_with(token)
    there(care, facts_of(care, order).customer)

    def die(_customer: str) -> object:
        raise Retryable("SYSPRO does not answer", "SYSPRO", "Ask again.")

    with monkeypatch.context() as broken:
        broken.setattr(care.kit.erp, "credit", die)
        with pytest.raises(Retryable):
            forgetter(care).forget("ann@example.com", "dpo")
    assert care.kept(token).state is TokenState.deleting
    assert care.remover.finish().done == 1
    assert len(deletions(care)) == 1
    assert fields(care)[-1].value == GONE


def test_a_token_that_an_order_notes_after_it_is_forgotten_is_taken_out_again(care: Care) -> None:
    token = care.token("A")
    order = care.order_with(token)
    known = facts_of(care, order)
    keep_tokens(care.book, "A", order, replace(known, customer=""))
    there(care, known.customer)
    (row,) = care.book.having("acme_us", token.customer_token)
    care.remover.remove([row], TokenState.deleting)  # before SYSPRO's customer was made
    care.remover.finish()
    assert care.kept(token).state is TokenState.deleted
    care.kit.service.orders.amend(
        order.order_id, lambda facts: replace(facts, forms_noted=("token",)), Event("noted")
    )
    for _ in range(2):
        run_sweep(care)
    late = [one for one in fields(care) if one.value == GONE]
    assert late == [SetCustomField("A", "CUS", known.customer, "TOKEN", GONE)]


def test_an_order_whose_payment_may_still_store_a_card_is_told(care: Care) -> None:
    def lose(_effect: Effect) -> Receipt:
        raise Retryable("the gateway does not answer", "gateway", "Ask again.")

    care.kit.partner.say(EffectKind.payment_authorization, lose)
    source = PaymentSource(PaymentMethod.transient_token, transient_id="f" * 64, keep=True)
    care.kit.service.place(make_order(payment=source), "test")
    found = forgetter(care).forget("ann@example.com", "dpo")
    assert (found.tokens, found.may_store, found.is_whole) == (0, 1, False)
    assert "1 orders wait for a payment that may store a card: ask again" in str(found)


def declined(care: Care, email: str = "ann@example.com", **changes: object) -> Order:
    care.kit.partner.say(
        EffectKind.payment_authorization,
        lambda it: care.kit.partner.do(it, authorization(it, 7, PaymentStatus.declined, None)),
    )
    order = make_order(**changes)  # type: ignore[arg-type]
    order = replace(order, shopper=replace(order.shopper, email=email))
    care.kit.run(order)
    return order


@pytest.mark.parametrize("is_swept", [False, True])
def test_a_stored_card_that_paid_anew_is_forgotten_too(care: Care, is_swept: bool) -> None:
    order, token = declined(care), care.token("B")
    source = PaymentSource(PaymentMethod.stored_token, customer_token=token.customer_token)
    care.kit.service.pay_anew(order.order_id, source, "shop")
    if is_swept:
        assert run_sweep(care).startswith("1 read")
    found = forgetter(care).forget("ann@example.com", "dpo")
    assert (found.tokens, found.gone) == (1, 1)
    assert care.vault.customer(token.customer_token) is None


def test_an_order_paid_anew_whose_payment_may_store_a_card_is_told(care: Care) -> None:
    order = declined(care)

    def lose(_effect: Effect) -> Receipt:
        raise Retryable("the gateway does not answer", "gateway", "Ask again.")

    care.kit.partner.say(EffectKind.payment_authorization, lose)
    source = PaymentSource(PaymentMethod.transient_token, transient_id="a" * 64, keep=True)
    care.kit.service.pay_anew(order.order_id, source, "shop")
    found = forgetter(care).forget("ann@example.com", "dpo")
    assert (found.tokens, found.may_store) == (0, 1)


def test_what_another_shopper_keeps_is_not_deleted_because_it_paid_anew(care: Care) -> None:
    token = care.token("A")
    order = care.order_with(token)
    keep_tokens(care.book, "A", order, facts_of(care, order))
    other = declined(care, email="bob@example.com")
    source = PaymentSource(PaymentMethod.stored_token, customer_token=token.customer_token)
    care.kit.service.pay_anew(other.order_id, source, "shop")
    assert forgetter(care).forget("bob@example.com", "dpo").tokens == 0
    assert care.kept(token).state is TokenState.active


def test_a_card_that_a_declined_payment_has_stored_is_forgotten_once_another_paid(
    care: Care,
) -> None:
    """A part was approved, and the card kept; then the part went back, and the order goes on."""
    token = care.token("A")

    def part(effect: Effect) -> Receipt:
        told = authorization(effect, 7, PaymentStatus.partial, 5_000)
        evidence = {**told.evidence, "stored": as_evidence(token)}
        return care.kit.partner.do(effect, replace(told, evidence=evidence))

    care.kit.partner.say(EffectKind.payment_authorization, part)
    order = make_order()
    assert care.kit.run(order).state == "declined"
    source = PaymentSource(PaymentMethod.transient_token, transient_id="a" * 64)
    care.kit.service.pay_anew(order.order_id, source, "shop")
    found = forgetter(care).forget("ann@example.com", "dpo")
    assert (found.tokens, found.gone) == (1, 1)
    assert care.vault.customer(token.customer_token) is None


def test_what_another_shopper_keeps_is_not_deleted_because_it_was_declined(care: Care) -> None:
    token = care.token("A")
    order = care.order_with(token)
    keep_tokens(care.book, "A", order, facts_of(care, order))
    source = PaymentSource(PaymentMethod.stored_token, customer_token=token.customer_token)
    other = declined(care, email="bob@example.com", payment=source)
    card = PaymentSource(PaymentMethod.transient_token, transient_id="a" * 64)
    care.kit.service.pay_anew(other.order_id, card, "shop")
    assert forgetter(care).forget("bob@example.com", "dpo").tokens == 0
    assert care.kept(token).state is TokenState.active


def test_a_token_of_a_merchant_that_the_shop_has_left_is_not_taken_for_gone(care: Care) -> None:
    """Its vault alone can delete it; ours answers 404, which would read as deleted."""
    token = care.token("A")
    order = care.order_with(token)
    old = replace(order, merchant_id="acme_old")
    with care.store.begin() as connection:
        connection.execute(
            update(orders)
            .where(orders.c.order_id == order.order_id)
            .values(merchant_id="acme_old", content=to_json(old))
        )
    found = forgetter(care).forget("ann@example.com", "dpo")
    assert (found.tokens, found.gone) == (1, 0)
    assert deletions(care) == []
    (row,) = care.book.in_state("acme_old", [TokenState.deleting])  # its own night ends it
    assert row.token.customer_token == token.customer_token


def test_what_another_shopper_keeps_is_not_deleted_because_an_order_named_it(care: Care) -> None:
    token = care.token("A")
    order = care.order_with(token)
    keep_tokens(care.book, "A", order, facts_of(care, order))
    bob = replace(order.shopper, email="bob@example.com")
    source = PaymentSource(PaymentMethod.stored_token, customer_token=token.customer_token)
    other = make_order(payment=source, shopper=bob, number="6000")
    care.kit.service.place(other, "shop")
    assert forgetter(care).forget("bob@example.com", "dpo").tokens == 0
    assert care.kept(token).state is TokenState.active


@pytest.mark.parametrize(
    "mail", ['"ann"@example.com', "an\\n@example.com", "ZOË@example.com", "a_n%n@example.com"]
)
def test_an_odd_address_is_found_as_it_was_written(care: Care, mail: str) -> None:
    token = care.token("A")
    order = care.order_with(token)
    odd = replace(order, shopper=replace(order.shopper, email=mail))
    with care.store.begin() as connection:
        connection.execute(update(orders).values(content=to_json(odd)))
    assert forgetter(care).forget(mail.lower(), "dpo").gone == 1
    assert care.vault.customer(token.customer_token) is None


def test_what_was_stored_under_an_earlier_address_of_the_account_is_forgotten(care: Care) -> None:
    old, new, other = (care.token(letter) for letter in "ABC")
    for token, mail, reference in (
        (old, "old@example.com", "77"),
        (new, "new@example.com", "77"),
        (other, "bob@example.com", "770"),
    ):
        order = care.order_with(token, number={old: "1", new: "2", other: "3"}[token] * 4)
        whose = replace(order, shopper=replace(order.shopper, email=mail, reference=reference))
        with care.store.begin() as connection:
            mine = orders.c.order_id == order.order_id
            connection.execute(update(orders).where(mine).values(content=to_json(whose)))
    assert forgetter(care).forget("new@example.com", "dpo").gone == 2
    assert [care.vault.customer(one.customer_token) is None for one in (old, new, other)] == [
        True,
        True,
        False,
    ]
