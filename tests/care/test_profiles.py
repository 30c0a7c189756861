"""Stored payments: kept once, joined by rule, followed, and forgotten on both sides."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from include.adapters.store import audit
from include.adapters.store.order_tables import customers
from include.domain.canonical import from_json
from include.domain.erp_orders import CustomerCredit, SetCustomField
from include.domain.errors import Rejected
from include.domain.order_state import OrderFacts
from include.domain.payments import DeleteToken, StoredToken
from include.domain.people import mail_key
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.orders.sagas import Event
from include.services.profiles.check_profiles import LETTER_KIND, REFUSED, ProfileCheck
from include.services.profiles.forget_shopper import ForgetShopper
from include.services.profiles.join_duplicates import DuplicateJoiner
from include.services.profiles.keep_tokens import TokenSweep, keep_tokens
from include.services.profiles.ports import TokenState
from include.services.profiles.remove_tokens import GONE
from tests.care.conftest import Care


def sweep(care: Care) -> TokenSweep:
    return TokenSweep("acme_us", "A", care.book, care.watermarks, care.remover)


def run_sweep(care: Care) -> str:
    return str(sweep(care).run(care.kit.clock.now() - timedelta(days=1)))


def joiner(care: Care) -> DuplicateJoiner:
    return DuplicateJoiner("acme_us", care.book, care.vault, care.remover)


def check(care: Care) -> ProfileCheck:
    return ProfileCheck("acme_us", care.book, care.vault, care.kit.erp, care.shelf, "ann@acme")


def forgetter(care: Care) -> ForgetShopper:
    return ForgetShopper("web", "A", care.book, care.remover, care.audit)


def complete(care: Care, order_id: str) -> None:
    """Have a clerk invoice an order, so that nothing is under way any more."""

    def invoice(facts: OrderFacts) -> OrderFacts:
        return replace(facts, invoices=("100",))

    care.kit.service.orders.amend(order_id, invoice, Event("invoiced"))
    assert care.kit.service.advance(order_id).state == "completed"


# Keeping -----------------------------------------------------------------------------------------


def test_a_token_is_kept_once_with_its_customer_and_shopper(care: Care) -> None:
    token = care.token("A")
    order = care.order_with(token)
    facts = care.kit.service.orders.get(order.order_id).facts
    assert keep_tokens(care.book, "A", order, facts)
    assert not keep_tokens(care.book, "A", order, facts)
    kept = care.kept(token)
    assert (kept.customer, kept.company_id, kept.state) == (facts.customer, "A", TokenState.active)
    with care.store.begin() as connection:
        links = connection.execute(select(customers.c.shopper_key, customers.c.customer)).all()
    assert links == [(mail_key("ANN@example.com "), facts.customer)]


def test_a_token_that_a_crash_left_out_is_found_by_the_sweep(care: Care) -> None:
    token = care.token("A")
    care.order_with(token)
    assert run_sweep(care) == "1 read: 1 done, 0 set aside, 0 not ours"
    assert care.kept(token).customer
    care.kit.clock.move(hours=1)
    care.order_with(care.token("B"))
    assert run_sweep(care).startswith("2 read: 1 done")  # the first is read again, in the overlap
    assert run_sweep(care).startswith("1 read: 0 done")  # the watermark has moved on


def test_a_token_kept_before_its_customer_was_known_is_linked_later(care: Care) -> None:
    token = care.token("A")
    order = care.order_with(token)
    facts = care.kit.service.orders.get(order.order_id).facts
    keep_tokens(care.book, "A", order, replace(facts, customer=""))
    assert care.kept(token).customer == ""
    keep_tokens(care.book, "A", order, facts)
    assert care.kept(token).customer == facts.customer


def test_the_sweep_reads_more_orders_than_one_page_holds_each_once(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.adapters.store.payment_tokens._PAGE", 2)
    for letter in "ABCDE":  # all in the same instant of the store's clock
        care.order_with(care.token(letter))
    assert run_sweep(care) == "5 read: 5 done, 0 set aside, 0 not ours"


def test_an_order_without_a_stored_card_keeps_nothing(care: Care) -> None:
    order = care.order_with(care.token("A"))
    saga = care.kit.service.orders.get(order.order_id)
    assert saga.facts.payment is not None
    bare = replace(saga.facts, payment=replace(saga.facts.payment, stored=None))
    assert not keep_tokens(care.book, "A", order, bare)


# Duplicates --------------------------------------------------------------------------------------


def two_of_one_card(care: Care) -> tuple[StoredToken, StoredToken]:
    """The same card kept twice for one SYSPRO customer, an hour apart; both orders are over."""
    older, newer = care.token("A"), care.token("B")
    for token in (older, newer):
        order = care.order_with(token, number="5000" if token is older else "5001")
        facts = care.kit.service.orders.get(order.order_id).facts
        keep_tokens(care.book, "A", order, replace(facts, customer="W000500"))
        complete(care, order.order_id)
        care.kit.clock.move(hours=1)
    return older, newer


def there(care: Care, customer: str) -> None:
    """Have SYSPRO know a customer."""
    care.kit.erp.credits[customer] = CustomerCredit(customer, True, False, None, None)


def test_of_two_tokens_of_one_card_the_newest_stays(care: Care) -> None:
    older, newer = two_of_one_card(care)
    assert joiner(care).run().done == 1
    assert care.remover.finish().done == 1
    assert care.kept(older).state is TokenState.deleted
    assert care.kept(newer).state is TokenState.active
    (deletion,) = [
        one for one in care.kit.partner.truth.done if one.kind is EffectKind.token_deletion
    ]
    # The older customer holds this card alone, so it goes whole.
    assert from_json(DeleteToken, deletion.payload) == DeleteToken(
        "acme_us_org", older.customer_token
    )
    assert joiner(care).run().read == 0


def test_syspro_is_pointed_at_the_token_that_stays(care: Care) -> None:
    _, newer = two_of_one_card(care)
    there(care, "W000500")
    joiner(care).run()
    care.remover.finish()
    (field,) = [
        one
        for one in care.kit.partner.truth.done
        if one.kind is EffectKind.custom_field and one.key.startswith("join|")
    ]
    wanted = SetCustomField("A", "CUS", "W000500", "TOKEN", newer.customer_token)
    assert from_json(SetCustomField, field.payload) == wanted


def test_a_token_that_an_order_under_way_may_need_is_left_alone(care: Care) -> None:
    older, newer = care.token("A"), care.token("B")
    for token in (older, newer):  # neither is invoiced yet
        order = care.order_with(token)
        facts = care.kit.service.orders.get(order.order_id).facts
        keep_tokens(care.book, "A", order, replace(facts, customer="W000500"))
        care.kit.clock.move(hours=1)
    tally = joiner(care).run()
    assert (tally.done, tally.not_ours) == (0, 1)
    assert care.kept(older).state is TokenState.active


def test_the_default_among_several_cards_is_left_alone_and_another_goes_singly(
    care: Care,
) -> None:
    older, _ = two_of_one_card(care)
    other = replace(older, instrument_token="e" * 32, identifier_token="8" * 19)
    care.vault.held[older.customer_token] = (older, other)
    assert joiner(care).run().not_ours == 1
    care.vault.held[older.customer_token] = (other, older)
    assert joiner(care).run().done == 1
    care.remover.finish()
    (deletion,) = [
        one for one in care.kit.partner.truth.done if one.kind is EffectKind.token_deletion
    ]
    assert from_json(DeleteToken, deletion.payload).instrument_token == older.instrument_token


def test_two_customers_may_keep_one_card(care: Care) -> None:
    for letter, customer in (("A", "W1"), ("B", "W2")):
        order = care.order_with(care.token(letter))
        facts = care.kit.service.orders.get(order.order_id).facts
        keep_tokens(care.book, "A", order, replace(facts, customer=customer))
    assert joiner(care).run().read == 0


def test_two_shoppers_of_one_syspro_customer_may_keep_one_card(care: Care) -> None:
    """A couple who buy as guests: the token that goes would be the one the other pays with."""
    for letter, mail in (("A", "ann@example.com"), ("B", "bob@example.com")):
        order = care.order_with(care.token(letter))
        facts = care.kit.service.orders.get(order.order_id).facts
        whose = replace(order, shopper=replace(order.shopper, email=mail))
        keep_tokens(care.book, "A", whose, replace(facts, customer="WGUEST"))
        complete(care, order.order_id)
    assert joiner(care).run().read == 0


# Following ---------------------------------------------------------------------------------------


def test_an_update_is_read_from_the_vault(care: Care) -> None:
    token = care.token("A")
    care.order_with(token)
    run_sweep(care)
    care.vault.held[token.customer_token] = (replace(token, expiry="2035-01", suffix="2222"),)
    assert check(care).refresh(token.identifier_token) == 1
    assert care.kept(token).token.expiry == "2035-01"
    assert care.kept(token).token.suffix == "2222"


def test_a_token_that_is_gone_at_the_gateway_is_gone_here_for_good(care: Care) -> None:
    token = care.token("A")
    order = care.order_with(token)
    run_sweep(care)
    del care.vault.held[token.customer_token]
    check(care).refresh(token.customer_token)
    assert care.kept(token).state is TokenState.deleted
    facts = care.kit.service.orders.get(order.order_id).facts
    keep_tokens(care.book, "A", order, facts)  # a late sweep brings nothing back
    assert care.kept(token).state is TokenState.deleted


def test_an_unknown_token_changes_nothing(care: Care) -> None:
    assert check(care).refresh("F" * 32) == 0


def test_a_token_whose_customer_is_gone_is_listed_until_it_is_there_again(care: Care) -> None:
    token = care.token("A")
    care.order_with(token)
    run_sweep(care)
    kept = care.kept(token)
    assert check(care).run(nullcontext).set_aside == 1
    assert care.open_letters() == [(LETTER_KIND, kept.name)]
    there(care, kept.customer)
    care.kit.clock.move(hours=24)
    assert check(care).run(nullcontext).done == 1
    assert care.open_letters() == []
    care.kit.clock.move(hours=24)
    assert check(care).run(nullcontext).read == 0  # every sixteen days


def test_no_card_is_read_while_syspros_operator_is_held(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, steps = care.token("A"), list[str]()
    care.order_with(replace(token, expiry=""))
    run_sweep(care)
    read, asked = care.vault.instrument, care.kit.erp.credit

    @contextmanager
    def session() -> Iterator[None]:
        steps.append("logon")
        yield
        steps.append("logoff")

    def instrument(*names: str) -> StoredToken | None:
        steps.append("card")
        return read(*names)

    def credit(customer: str) -> CustomerCredit:
        steps.append("customer")
        return asked(customer)

    monkeypatch.setattr(care.vault, "instrument", instrument)
    monkeypatch.setattr(care.kit.erp, "credit", credit)
    check(care).run(session)
    assert steps == ["card", "logon", "customer", "logoff"]


def test_a_token_that_may_not_be_read_keeps_no_other_from_its_turn(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = care.token("A"), replace(care.token("B"), expiry="")
    for token in (replace(bad, expiry=""), good):  # both are due every night
        care.order_with(token)
    run_sweep(care)
    there(care, care.kept(good).customer)
    read = care.vault.instrument

    def refuse(customer: str, instrument: str) -> StoredToken | None:
        if customer == bad.customer_token:
            raise Rejected("the gateway answers 403", "the vault", "Give the key the permission.")
        return read(customer, instrument)

    with monkeypatch.context() as refusing:
        refusing.setattr(care.vault, "instrument", refuse)
        check(care).run(nullcontext)
    assert (REFUSED, care.kept(bad).name) in care.open_letters()
    assert care.kept(good).token.expiry == "2031-12"
    care.kit.clock.move(hours=24)
    check(care).run(nullcontext)
    assert REFUSED not in dict(care.open_letters())


# Forgetting --------------------------------------------------------------------------------------


def test_a_shopper_is_forgotten_on_every_side(care: Care) -> None:
    token = care.token("A")
    order = care.order_with(token)
    there(care, care.kit.service.orders.get(order.order_id).facts.customer)
    found = forgetter(care).forget("ANN@example.com", "dpo")  # never kept before: found by orders
    assert (found.tokens, found.gone, found.orders_under_way) == (1, 1, 1)
    assert care.kept(token).state is TokenState.deleted
    field = care.kit.partner.truth.done[-1]
    customer = care.kit.service.orders.get(order.order_id).facts.customer
    assert from_json(SetCustomField, field.payload).value == GONE
    assert from_json(SetCustomField, field.payload).key == customer


def test_forgetting_twice_deletes_once(care: Care) -> None:
    care.order_with(care.token("A"))
    forgetter(care).forget("ann@example.com", "dpo")
    again = forgetter(care).forget("ann@example.com", "dpo")
    assert again.gone == again.tokens == 1
    assert care.kit.partner.truth.count(EffectKind.token_deletion) == 1


def test_another_shopper_keeps_a_card_even_in_a_shared_customer(care: Care) -> None:
    token = care.token("A")
    order = care.order_with(token)
    facts = care.kit.service.orders.get(order.order_id).facts
    keep_tokens(care.book, "A", order, facts)
    assert forgetter(care).forget("bob@example.com", "dpo").tokens == 0
    assert forgetter(care).forget("%@example.com", "dpo").tokens == 0
    assert care.kept(token).state is TokenState.active


def test_the_audit_tells_of_the_request_without_the_address(care: Care) -> None:
    care.order_with(care.token("A"))
    forgetter(care).forget("ann@example.com", "dpo")
    entries = audit.history(care.store, f"shopper|web|{mail_key('ann@example.com')}")
    assert [(one.who, one.what) for one in entries] == [
        ("dpo", "tokens to be forgotten"),
        ("dpo", "tokens forgotten"),
    ]
    assert json.loads(entries[1].detail) == {"gone": 1, "tokens": 1}
    assert audit.verify(care.store).is_unbroken


def test_a_refused_deletion_stays_a_wish_with_a_dead_letter(care: Care) -> None:
    def refuse(_effect: Effect) -> Receipt:
        raise Rejected("the token cannot be deleted", "gateway", "Make another the default.")

    token = care.token("A")
    care.order_with(token)
    care.kit.partner.say(EffectKind.token_deletion, refuse)
    found = forgetter(care).forget("ann@example.com", "dpo")
    assert (found.tokens, found.gone) == (1, 0)
    assert care.kept(token).state is TokenState.deleting
    assert [kind for kind, _ in care.open_letters()] == ["token_deletion"]
    # Somebody mends it and replays the letter; the next run ends what was begun.
    key = f"forget|{care.kept(token).name}"
    care.kit.engine.replay(EffectKind.token_deletion, key, "ops")
    assert care.remover.finish().done == 1
    assert care.kept(token).state is TokenState.deleted
