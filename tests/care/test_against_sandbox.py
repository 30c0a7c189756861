"""Profiles and the nightly comparison against the sandbox: real hooks, real HTTP, a real store."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import delete

from include.adapters.store import audit
from include.adapters.store.order_tables import payment_tokens
from include.adapters.store.payment_tokens import SqlTokenBook
from include.domain.calendar import settlement_window
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.orders import (
    Address,
    LineKind,
    Order,
    OrderLine,
    PaymentMethod,
    PaymentSource,
    Shopper,
    order_id_of,
)
from include.services.effects.ports import EffectKind, EffectState
from include.services.inbox.ports import InboxRow, InboxState
from include.services.next_actions import suggest
from include.services.profiles.keep_tokens import is_leaving
from include.services.profiles.ports import KeptToken, TokenState
from include.services.sync.ports import Tally
from tests.integration.play import BEGIN, LIVE, SHOP, SKU, Play
from tests.integration.play import play as play
from tieout import cli
from tieout.desks import care_desk
from tieout.desks.order_feeds import decision_poll, whose_token
from tieout.desks.webhook_desk import handlers
from tieout.tasks import care, orders

UK = "acme_uk_web"
_numbers = count(70001)
ZONE = "America/New_York"


def compare(play: Play) -> Tally:
    desk = play.desks.of(SHOP)
    made = care_desk.comparison(play.desks, desk)
    return made.run(LIVE, settlement_window(LIVE, ZONE), desk.erp.session)


def open_letters(play: Play) -> list[tuple[str, str]]:
    return [(one.kind, one.reason) for one in play.desks.context.dead_letters.listing()]


def test_a_day_of_good_trade_fits(play: Play) -> None:
    play.take()
    play.take("declined")
    play.take("review")
    tally = compare(play)
    assert tally.set_aside == 0
    assert tally.done >= 4


def test_a_partial_approval_fits_by_what_was_approved(play: Play) -> None:
    """The search's row shows what was asked for, and no more."""
    play.take("partial")
    assert (compare(play).set_aside, open_letters(play)) == (0, [])


# Comparison --------------------------------------------------------------------------------------


def test_an_order_that_never_reached_us_is_taken_in_by_its_payment(play: Play) -> None:
    """The shop's plugin authorised it, and neither webhook nor poll told us of the order."""
    known = play.take()
    code = play.purchase_order(known)
    assert care_desk._take_order(play.desks, "acme_us", code)
    assert not care_desk._take_order(play.desks, "acme_us", "W999999")
    assert not care_desk._take_order(play.desks, "acme_us", "WALMART")


def _place(play: Play, shop_id: str, email: str) -> str:
    """Have a shopper pay with a card to be kept; return the order's id."""
    number, currency = str(next(_numbers)), "USD" if shop_id == SHOP else "GBP"
    home = {
        SHOP: Address("Eve Orr", ("1 Main St",), "New York", "US", "10001", "NY"),
        UK: Address("Eve Orr", ("1 High St",), "London", "GB", "N1 1AA"),
    }[shop_id]
    amount = Money(1_999, currency)
    token = play.control("transient_token", count=1)["tokens"][0]["jti"]
    shop = play.desks.of(shop_id).shop
    order = Order(
        order_id=order_id_of(shop_id, number),
        shop_id=shop_id,
        merchant_id=shop.merchant_id,
        number=number,
        purchase_order=shop.purchase_order(number),
        currency=currency,
        amount=amount,
        shopper=Shopper("Eve Orr", email, home, home),
        lines=(OrderLine(1, LineKind.goods, "Tea", 1_000_000, amount, Money(0, currency), SKU),),
        payment=PaymentSource(PaymentMethod.transient_token, transient_id=token, keep=True),
    )
    play.desks.service.place(order, "test")
    play.sweep()
    return order.order_id


def keep(play: Play, shop_id: str) -> str:
    """Have a shopper's card kept, and return its customer token."""
    order_id = _place(play, shop_id, "Eve@example.com")
    desk = play.desks.of(shop_id)
    assert care_desk.token_sweep(desk).run(BEGIN).done == 0  # the saga has kept it already
    payment = play.order(order_id).facts.payment
    assert payment is not None
    assert payment.stored is not None
    return payment.stored.customer_token


def rows(play: Play, shop_id: str, token: str) -> list[KeptToken]:
    merchant_id = play.desks.of(shop_id).merchant.merchant_id
    return list(SqlTokenBook(play.desks.context.store).having(merchant_id, token))


def handled(play: Play, links: dict[str, list[str]]) -> str:
    """Have a token's notification handled, in the shape of a recorded one."""
    named = ("customers", "paymentInstruments", "instrumentIdentifiers")
    shown = {name: [{"href": href} for href in links[name]] for name in named}
    data = {"_links": shown, "id": "P" * 32, "type": "tokenizedCardUpdates", "version": "1.0"}
    kind = "tms.networktoken.updated"
    body = {"eventType": kind, "payload": [{"data": data, "organizationId": "acme_us"}]}
    raw, at = json.dumps(body).encode(), datetime.now(UTC)
    row = InboxRow(1, "cybersource|acme_us", "key", kind, raw, InboxState.received, "", 0, at)
    return handlers(play.desks)[kind](row)


def test_a_kept_card_is_read_from_the_vault_and_followed_by_notification(play: Play) -> None:
    token = keep(play, SHOP)
    desk = play.desks.of(SHOP)
    tally = care_desk.profile_check(desk).run(desk.erp.session)
    assert tally.set_aside == 0  # its SYSPRO customer is there
    before = rows(play, SHOP, token)[0]
    assert len(before.token.suffix) == 4
    assert before.token.expiry
    assert before.customer.startswith("W")
    named = {"organization_id": "acme_us", "customer": token}
    links = play.control("network_token", **named, month="07", year="2033")
    assert handled(play, links) == "3 tokens read again"  # by customer, instrument, identifier
    assert rows(play, SHOP, token)[0].token.expiry == "2033-07"
    links = play.control("network_token", **named, card="sent in its place")
    handled(play, links)  # the issuer has sent another card: another identifier, the same ids
    after = rows(play, SHOP, token)[0].token
    assert after.identifier_token not in ("", before.token.identifier_token)
    assert after.identifier_token in links["instrumentIdentifiers"][0]
    assert after.suffix != before.token.suffix
    care_desk.forgetter(desk).forget("eve@example.com", "dpo")


def test_a_card_whose_account_the_issuer_has_closed_is_kept_as_closed(play: Play) -> None:
    token = keep(play, SHOP)
    desk = play.desks.of(SHOP)
    links = play.control(
        "network_token", organization_id="acme_us", customer=token, closed=True
    )  # fmt: skip
    handled(play, links)
    kept = rows(play, SHOP, token)[0]
    assert kept.state is TokenState.closed
    book = SqlTokenBook(play.desks.context.store)
    assert is_leaving(book, "acme_us", kept.token)  # so no renewal asks it, and no form names it
    assert token not in [one.token.customer_token for one in book.of_customer("A", kept.customer)]
    care_desk.profile_check(desk).run(desk.erp.session)
    assert rows(play, SHOP, token)[0].state is TokenState.closed
    care_desk.forgetter(desk).forget("eve@example.com", "dpo")
    assert rows(play, SHOP, token)[0].state is TokenState.deleted


@pytest.mark.parametrize("shop_id", [SHOP, UK])
def test_a_shopper_is_forgotten_at_the_gateway_in_syspro_and_here(play: Play, shop_id: str) -> None:
    token = keep(play, shop_id)
    desk = play.desks.of(shop_id)
    assert desk.gateway.tokens.customer(token) is not None
    found = care_desk.forgetter(desk).forget("eve@EXAMPLE.com", "dpo")
    assert found.gone == found.tokens
    assert desk.gateway.tokens.customer(token) is None
    kept = rows(play, shop_id, token)[0]
    assert kept.state is TokenState.deleted
    if shop_id == UK:  # its tokens also live in a custom form of SYSPRO's customer
        effect = desk.engine.find(EffectKind.custom_field, f"forget|{kept.name}|CUS.TOKEN")
        assert effect is not None
        shown = desk.engine.read_back(effect.kind, effect.key)
        assert [dict(one.facts) for one in shown.found] == [{"value": "DELETED"}]
    again = care_desk.forgetter(desk).forget("eve@example.com", "dpo")
    assert again.gone == again.tokens
    verdict = audit.verify(play.desks.context.store)
    assert verdict.is_unbroken


def test_the_gateway_says_whose_a_token_is_that_is_in_no_book(play: Play) -> None:
    """As one that the shop's own page stored: we have neither the token nor its shopper."""
    other, order_id = keep(play, SHOP), _place(play, SHOP, "Eve@example.com")
    order = play.desks.service.orders.content(order_id)
    payment = play.order(order_id).facts.payment
    assert payment is not None
    token = payment.stored
    assert token is not None
    store = play.desks.context.store
    with store.begin() as connection:
        connection.execute(
            delete(payment_tokens).where(payment_tokens.c.customer_token == token.customer_token)
        )
    judge = whose_token(play.desks)
    named = PaymentSource(PaymentMethod.stored_token, customer_token=token.customer_token)
    eve = replace(order, payment=named)
    bob = replace(eve, shopper=replace(order.shopper, email="bob@example.com"))
    assert not judge.is_of_another(eve)
    assert judge.is_of_another(bob)
    instrument = rows(play, SHOP, other)[0].token.instrument_token
    assert judge.is_of_another(replace(bob, payment=replace(named, instrument_token=instrument)))
    nobodys = replace(named, customer_token="F" * 32)
    assert not judge.is_of_another(replace(bob, payment=nobodys))
    care_desk.forgetter(play.desks.of(SHOP)).forget("eve@example.com", "dpo")
    assert play.desks.of(SHOP).gateway.tokens.buyer(token.customer_token) is None


# Tasks and the command line ----------------------------------------------------------------------


@pytest.fixture
def joined(play: Play, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Have tasks and command line use the store and the partners of the play."""
    for tasks in (care, orders):
        monkeypatch.setattr(tasks, "desks", lambda: play.desks)
    monkeypatch.setattr(care, "tieout", lambda: play.desks.context)
    monkeypatch.setattr(cli, "tieout", lambda: play.desks.context)
    return play


def test_each_task_is_of_one_merchant(joined: Play) -> None:
    keep(joined, SHOP)
    for merchant_id in orders.merchant_ids():
        assert "removed 0 read" in care.end_deletions(merchant_id)
        assert "checked" in care.keep_profiles(merchant_id)
        assert " read: " in care.compare_systems(merchant_id)
    assert "not delivered" in care.raise_alerts()
    care_desk.forgetter(joined.desks.of(SHOP)).forget("eve@EXAMPLE.com", "dpo")


def test_an_analyst_accepts_from_the_command_line(joined: Play) -> None:
    order_id = joined.take("review")
    assert joined.order(order_id).state == OrderState.in_review
    assert cli.main(["reviews", "list"]) == 0
    line = ["reviews", "accept", order_id, "--comment", "called her", "--who", "ann"]
    assert cli.main(line) == 0
    joined.sweep()
    assert joined.order(order_id).state == OrderState.captured
    # The gateway's own report brings the decision back, and nothing changes.
    waiting = joined.desks.context.orders.under_review("acme_us")
    decision_poll(joined.desks, joined.desks.of(SHOP)).poll(BEGIN, waiting)
    assert not joined.order(order_id).facts.is_contradicted
    assert joined.executed(order_id)["capture"] == 1
    assert cli.main(["reviews", "reject", order_id, "--who", "bob"]) == 1


def test_tokens_are_listed_and_forgotten_from_the_command_line(
    joined: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    token = keep(joined, SHOP)
    shopper = ["--shop", SHOP, "--email", "eve@example.com"]
    assert cli.main(["tokens", "list", *shopper]) == 0
    assert token in capsys.readouterr().out
    assert cli.main(["tokens", "forget", *shopper]) == 0
    assert joined.desks.of(SHOP).gateway.tokens.customer(token) is None
    assert cli.main(["tokens", "forget", "--shop", "nowhere", "--email", "a@b.c"]) == 1


def test_webhooks_are_subscribed_once_and_their_keys_made_into_a_file(
    joined: Play, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"{joined.sandbox.urls()['shop']}/callbacks/{SHOP}"
    key_file = tmp_path / "key"
    line = ["webhooks", "keys", "acme_us", "--rotate", "--out", str(key_file)]
    assert cli.main(line) == 0
    key_id, _, key = key_file.read_text().strip().partition("=")
    assert key_file.stat().st_mode & 0o077 == 0
    shown = capsys.readouterr().out
    assert key_id in shown
    assert key not in shown
    assert cli.main(line) == 1  # a key that is there is not written over
    subscribe = ["webhooks", "subscribe", "acme_us", "--url", url]
    assert cli.main(subscribe) == 0
    assert cli.main(subscribe) == 0
    assert "so already" in capsys.readouterr().out
    assert cli.main(["webhooks", "list", "acme_us"]) == 0
    listed = capsys.readouterr().out
    assert "1 subscriptions" in listed
    (webhook,) = [line.split()[0] for line in listed.splitlines() if "  Tieout  " in line]
    assert cli.main(["webhooks", "test", "acme_us", webhook]) == 0
    assert cli.main(["audit", "verify"]) == 0


def test_a_refused_subscription_is_not_told_as_one_that_is_there(
    joined: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["webhooks", "subscribe", "acme_us", "--url", "notaurl"]) == 1
    shown = capsys.readouterr()
    assert "nothing is subscribed as asked" in shown.err
    assert "so already" not in shown.out
    (letter,) = joined.desks.context.dead_letters.every(kind="webhook_subscription")
    assert suggest(letter).startswith("Mend what it names and subscribe again")


def test_what_only_a_certificate_could_read_is_not_subscribed(
    joined: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    """Product payments of 2026 is encrypted; the others are subscribed without it."""
    joined.control("cybersource", payment_events=True)
    url = f"{joined.sandbox.urls()['shop']}/callbacks/{SHOP}"
    assert cli.main(["webhooks", "subscribe", "acme_us", "--url", url]) == 0
    assert "are left out, their payload is encrypted" in capsys.readouterr().out
    subscriptions = joined.desks.of(SHOP).gateway.webhooks.subscriptions("acme_us")
    (ours,) = [one for one in subscriptions if one.name == "Tieout"]
    assert "payments" not in ours.products
    assert "decisionManager" in ours.products
    joined.control("cybersource", payment_events=False)


def test_a_key_whose_answer_was_lost_is_told_and_closed_by_the_next_one(
    joined: Play, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key_file = tmp_path / "key"
    line = ["webhooks", "keys", "acme_us", "--rotate", "--out", str(key_file)]
    joined.sandbox.faults.add("drop_after_commit", system="cybersource", match="keys-sym")
    assert cli.main(line) == 1
    shown = capsys.readouterr().err
    assert "a key may have been made, and it is lost" in shown
    assert "Rotate once more: a key nobody holds harms nobody" in shown
    assert not key_file.exists()
    assert [kind for kind, _ in open_letters(joined)].count("webhook_key") == 1
    assert cli.main(line) == 0
    assert "webhook_key" not in [kind for kind, _ in open_letters(joined)]
    secret = key_file.read_text().strip().partition("=")[2]
    kept = joined.desks.context.effects.listing(list(EffectState))
    assert all(secret not in repr(one) for one in kept)
    assert cli.main(["webhooks", "keys", "acme_us", "--rotate", "--out", "/nowhere/key"]) == 1
    assert "/nowhere/key cannot be made" in capsys.readouterr().err


def test_a_test_notification_is_on_record(joined: Play, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["webhooks", "test", "acme_us", "nobody"]) == 1
    assert "See `webhooks list`" in capsys.readouterr().err
    refused = joined.desks.context.effects.listing([EffectState.rejected])
    assert [one.kind for one in refused].count(EffectKind.webhook_test) == 1


def test_a_real_second_delivery_is_reversed_once_somebody_replays_its_proposal(
    joined: Play,
) -> None:
    joined.control("cybersource", mti_guard=False)  # an account without the vendor's guard
    joined.sandbox.faults.add(
        "second_delivery", system="cybersource", match="POST /pts/v2/payments$"
    )
    order_id = joined.take()
    joined.sandbox.faults.clear()
    joined.control("cybersource", mti_guard=True)
    assert joined.executed(order_id) == {"authorization": 2, "capture": 1}
    assert compare(joined).set_aside == 1
    letters = joined.desks.context.dead_letters
    (copy,) = [one for one in letters.listing() if one.kind == "gateway_duplicate"]
    assert joined.executed(order_id)["reversal"] == 0
    assert cli.main(["dead-letters", "replay", str(copy.dead_letter_id), "--who", "ann"]) == 0
    assert joined.executed(order_id)["reversal"] == 1
    assert letters.show(copy.dead_letter_id).state == "resolved"
    assert compare(joined).set_aside == 0
    assert joined.executed(order_id) == {"authorization": 2, "capture": 1, "reversal": 1}


def test_a_sales_order_that_a_clerk_cancelled_after_the_payment_is_found(joined: Play) -> None:
    """SYSPRO's cancellation was never polled: the comparison has the saga look."""
    order_id = joined.take()
    number = joined.order(order_id).facts.sales_order
    joined.clerk("cancel", sales_order=number)
    assert compare(joined).set_aside == 0
    joined.sweep()
    joined.sweep()
    assert joined.order(order_id).state == OrderState.cancelled
    assert joined.executed(order_id)["void"] == 1
