"""A shopper is taken out of orders that have ended, and of nothing that is still needed."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from include.adapters.store.audit import verify
from include.adapters.store.customer_links import SqlCustomerLinks
from include.adapters.store.forgetting import SqlPersons
from include.adapters.store.order_tables import customer_links, customers, orders
from include.adapters.store.orders import SqlOrders
from include.adapters.store.schema import audit, effects
from include.domain.canonical import to_json
from include.domain.errors import Rejected
from include.domain.forgetting import GONE
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.orders import Order, PayerAuthentication, PaymentMethod, PaymentSource
from include.domain.payments import PaymentStatus
from include.domain.people import mail_key
from include.services.effects.ports import EffectKind
from include.services.profiles.forget_orders import DISPUTED_FOR, ForgetOrders, ForgottenOrders
from tests.care.conftest import Care
from tests.care.test_profiles import complete, forgetter, run_sweep
from tests.orders.conftest import make_order
from tests.orders.partners import authorization

AUTH = EffectKind.payment_authorization
MAIL = "ann@example.com"
_KEY = (effects.c.kind, effects.c.key)


def forget(care: Care, kept_for: timedelta = timedelta(0)) -> ForgottenOrders:
    persons = SqlPersons(care.store, lambda _: care.kit.clock.now())
    forgetter = ForgetOrders("web", care.book, persons, care.audit)
    return forgetter.forget(MAIL, "dpo", via="cli", kept_for=kept_for)


def read_anew(care: Care, order: Order) -> Order:
    """Read an order as a process does that begins now."""
    return SqlOrders(care.store, lambda _: "").content(order.order_id)


def cancelled(care: Care) -> Order:
    order = make_order()
    care.kit.run(order)
    care.kit.service.cancel(order.order_id, "shop", "changed their mind", via="api")
    care.kit.pass_time(minutes=10)
    care.kit.service.advance(order.order_id)
    care.kit.pass_time(minutes=10)
    assert care.kit.service.orders.get(order.order_id).state == OrderState.cancelled
    return order


def given_free(care: Care) -> Order:
    order, nothing = make_order(), Money(0, "USD")
    lines = tuple(replace(line, net=nothing) for line in order.lines)
    order = replace(order, amount=nothing, lines=lines, payment=PaymentSource(PaymentMethod.none))
    assert care.kit.run(order).state == OrderState.booked
    assert forget(care).forgotten == 0  # it goes on
    complete(care, order.order_id)
    care.kit.pass_time(minutes=10)
    return order


def decline(care: Care) -> None:
    care.kit.partner.say(
        AUTH,
        lambda it: care.kit.partner.do(it, authorization(it, 7, PaymentStatus.declined, None)),
    )


def declined(care: Care) -> Order:
    decline(care)
    order = make_order()
    care.kit.run(order)
    care.kit.pass_time(minutes=10)
    assert care.kit.service.orders.get(order.order_id).state == OrderState.declined
    return order


def sent_words(care: Care) -> str:
    with care.store.connect() as connection:
        return "\n".join(connection.scalars(select(effects.c.payload))).casefold()


def test_a_free_order_that_is_complete_names_nobody_any_more(care: Care) -> None:
    order = given_free(care)
    assert forget(care).forgotten == 1
    assert read_anew(care, order).shopper.name == GONE
    assert MAIL not in sent_words(care)


def test_an_order_that_has_ended_names_nobody_any_more(care: Care) -> None:
    order = cancelled(care)
    assert MAIL in sent_words(care)
    found = forget(care)
    assert (found.forgotten, found.kept, found.customers) == (1, (), (customer_of(care, order),))
    left = read_anew(care, order)
    assert (left.shopper.name, left.shopper.email, left.shopper.phone) == (GONE, "", "")
    assert left.shopper.ship_to.country == order.shopper.ship_to.country
    assert (left.amount, left.lines, left.payment) == (order.amount, order.lines, order.payment)
    assert MAIL not in sent_words(care)
    assert order.shopper.name.casefold() not in sent_words(care)
    assert "shopper forgotten" in care.kit.timeline(order)
    assert verify(care.store).is_whole


def test_nor_does_it_tell_where_its_payments_came_from(care: Care) -> None:
    first = PaymentSource(
        PaymentMethod.transient_token, transient_id="f" * 64,
        authentication=PayerAuthentication("4Q0DcXvR7tYbNf2LsJm9"), ip_address="192.0.2.7",
    )  # fmt: skip
    decline(care)
    order = make_order(payment=first)
    care.kit.run(order)
    decline(care)
    card = replace(first, transient_id="a" * 64, ip_address="192.0.2.8", device_session="page-2")
    care.kit.service.pay_anew(order.order_id, card, "shop")
    care.kit.service.advance(order.order_id)
    care.kit.pass_time(minutes=10)
    assert forget(care).forgotten == 1
    with care.store.connect() as connection:
        kept = connection.execute(select(orders.c.content, orders.c.facts)).one()
    for text in (sent_words(care), kept.content, kept.facts):
        for told in ("192.0.2.", "page-2", "4q0dcxvr"):
            assert told not in text.casefold()
    assert "a" * 64 in kept.facts


def test_what_was_sent_is_still_proved_by_its_digest(care: Care) -> None:
    order = cancelled(care)
    wanted = select(*_KEY, effects.c.digest).order_by(*_KEY)
    with care.store.connect() as connection:
        before = connection.execute(wanted).all()
    forget(care)
    with care.store.connect() as connection:
        assert connection.execute(wanted).all() == before
    # Looked at again, as the nightly comparison does, nothing of it differs.
    for kind, key, *_ in before:
        state = care.kit.engine.find(EffectKind(kind), key)
        assert care.kit.engine.recheck(EffectKind(kind), key) == state
    assert care.kit.service.advance(order.order_id).state == OrderState.cancelled


def test_a_repeat_finds_nobody(care: Care) -> None:
    cancelled(care)
    forget(care)
    assert forget(care).lines() == ["0 orders forgotten, 0 kept"]


def test_a_declined_order_is_paid_by_nobody_any_more(care: Care) -> None:
    order = declined(care)
    assert forget(care).forgotten == 1
    card = PaymentSource(PaymentMethod.transient_token, transient_id="a" * 64)
    with pytest.raises(Rejected, match="it was cancelled after its decline"):
        care.kit.service.pay_anew(order.order_id, card, "shop")


def test_an_order_under_way_is_kept_whole_and_so_is_its_customer(care: Care) -> None:
    gone, order = cancelled(care), make_order()
    care.kit.run(order)
    link(care)
    found = forget(care)
    assert found.forgotten == 1
    assert found.kept == (f"{order.order_id}: it is captured",)
    assert read_anew(care, order) == order
    assert read_anew(care, gone).shopper.name == GONE
    assert links(care) == 1


def test_once_all_are_forgotten_nobody_knows_which_customer_it_was(care: Care) -> None:
    cancelled(care)
    link(care)
    forget(care)
    assert links(care) == 0


def test_an_order_that_may_still_be_disputed_is_kept(care: Care) -> None:
    order = cancelled(care)
    (why,) = forget(care, DISPUTED_FOR).kept
    assert why.startswith(f"{order.order_id}: it was captured on ")
    assert read_anew(care, order) == order
    care.kit.clock.move(days=DISPUTED_FOR.days + 300)
    assert forget(care, DISPUTED_FOR).forgotten == 1


def test_an_order_that_a_person_must_look_at_is_kept(care: Care) -> None:
    order = cancelled(care)
    fault = Rejected("somebody must look", "here", "Look.")
    care.shelf.set_aside("shop_changed", order.order_id, fault, owner="x@example.com")
    assert forget(care).kept == (f"{order.order_id}: a dead letter of it is open",)
    care.shelf.settle("shop_changed", order.order_id, "seen")
    assert forget(care).forgotten == 1


@pytest.mark.parametrize("kind", ["shop_order", "gateway_duplicate", "gateway_difference"])
def test_so_is_one_that_a_letter_names_otherwise(care: Care, kind: str) -> None:
    order = cancelled(care)
    payment = care.kit.service.orders.get(order.order_id).facts.payment
    assert payment is not None
    key = {
        "shop_order": f"web|{order.number}",
        "gateway_duplicate": f"acme_us|capture|{order.order_id}|{9:022}",
        "gateway_difference": f"acme_us|{payment.request_id}|authorization",
    }[kind]
    fault = Rejected("somebody must look", "here", "Look.")
    care.shelf.set_aside(kind, key, fault, owner="x@example.com")
    assert forget(care).kept == (f"{order.order_id}: a dead letter of it is open",)


def test_an_order_captured_lately_is_kept_however_old_it_is(care: Care) -> None:
    order = cancelled(care)
    long_ago = care.kit.clock.now() - timedelta(days=400)
    with care.store.begin() as connection:
        connection.execute(update(orders).values(accepted_at=long_ago))
    (why,) = forget(care, DISPUTED_FOR).kept
    assert why.startswith(f"{order.order_id}: it was captured on ")


def test_the_way_to_an_order_under_another_address_is_kept_with_it(care: Care) -> None:
    gone, under_way = cancelled(care), make_order()
    care.kit.run(under_way)
    give_account(care, gone, MAIL)
    give_account(care, under_way, "ann@work.example")
    first = forget(care)
    assert first.forgotten == 0
    assert [one.partition(": ")[2] for one in first.kept] == [
        "it is captured",
        "another order of its account is found by it, and kept",
    ]
    care.kit.service.cancel(under_way.order_id, "shop", "changed their mind", via="api")
    care.kit.pass_time(minutes=30)
    assert forget(care).forgotten == 2


def test_a_sweep_that_reads_a_forgotten_order_links_nobody(care: Care) -> None:
    order = care.order_with(care.token("A"))
    care.kit.service.cancel(order.order_id, "shop", "changed their mind", via="api")
    care.kit.pass_time(minutes=30)
    run_sweep(care)
    forgetter(care).forget(MAIL, "dpo")
    assert forget(care).forgotten == 1
    run_sweep(care)
    with care.store.connect() as connection:
        assert connection.execute(select(customers.c.shopper_key)).all() == []


def test_links_that_go_are_in_the_audit_chain(care: Care) -> None:
    cancelled(care)
    link(care)
    assert "1 links to customers of SYSPRO forgotten" in forget(care).lines()
    with care.store.connect() as connection:
        wanted = select(audit.c.who).where(audit.c.what == "customer unlinked")
        assert connection.scalars(wanted).all() == ["cli:dpo"]


def test_where_no_order_is_found_no_link_goes(care: Care) -> None:
    link(care)
    assert forget(care).lines() == ["0 orders forgotten, 0 kept"]
    assert links(care) == 1


def test_every_refund_must_have_ended(care: Care) -> None:
    order = make_order()
    care.kit.run(order)
    care.kit.service.cancel(order.order_id, "shop", "changed their mind", via="api")
    care.kit.partner.lose(EffectKind.payment_void)
    care.kit.service.advance(order.order_id)
    (why,) = forget(care).kept
    assert why.partition(": ")[2] in ("it is cancelling", "a refund of it is under way")


def give_account(care: Care, order: Order, mail: str) -> None:
    shopper = replace(order.shopper, email=mail, reference="c-7")
    this = orders.c.order_id == order.order_id
    with care.store.begin() as connection:
        content = to_json(replace(order, shopper=shopper))
        connection.execute(update(orders).where(this).values(content=content))


def customer_of(care: Care, order: Order) -> str:
    with care.store.connect() as connection:
        wanted = select(orders.c.facts).where(orders.c.order_id == order.order_id)
        return str(json.loads(connection.scalars(wanted).one())["customer"])


def link(care: Care) -> None:
    SqlCustomerLinks(care.store).link("web", mail_key(MAIL), "USD", "C00001")


def links(care: Care) -> int:
    with care.store.connect() as connection:
        return len(connection.execute(select(customer_links)).all())
