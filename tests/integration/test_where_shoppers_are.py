"""Names, mails and addresses lie where the runbook `retention` says, and nowhere else.

A new place of them is a new line of that page: how long it is kept, and what for.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from include.adapters.store.api_answers import SqlAnswers
from include.adapters.store.inbox import SqlInbox
from include.adapters.store.order_tables import answers, orders
from include.adapters.store.order_tables import inbox as table_of_inbox
from include.adapters.store.schema import leases, metadata
from include.domain.canonical import to_plain
from include.domain.order_state import ENDED, OrderState
from include.services.inbox.handle_events import HandleEvents
from include.services.inbox.ports import Incoming
from tests.integration.play import SHOP, Play, make_due
from tieout import cli
from tieout.tasks import retention

KNOWN = {
    "orders.content",
    "effects.payload of payment_authorization",
    "effects.payload of customer",
    "effects.payload of sales_order",
}
_SAYS_LITTLE = {"country", "region", "reference"}  # a code or a number, which others have too


def test_a_shopper_is_nowhere_but_where_the_runbook_says(play: Play) -> None:
    taken = [play.take(), play.take("declined"), play.take("review")]
    sales_order = play.order(taken[0]).facts.sales_order
    play.clerk("ship", sales_order=sales_order)
    (invoice,) = play.clerk("invoice", sales_order=sales_order)["invoices"]
    play.clerk("credit", invoice=invoice, amount="10.00", reason="RMA 7")
    play.poll_erp()
    play.sweep()
    play.control("shop_cancel_order", shop=SHOP, order=number_of(play, taken[2]))
    play.poll_shop()
    play.sweep()
    states = [play.order(order_id).state for order_id in taken]
    assert states == [OrderState.completed, OrderState.declined, OrderState.cancelled]
    assert play.executed(taken[0])["refund"] == 1

    words = {word for order_id in taken for word in words_of(play, order_id)}
    assert len(words) >= 4
    assert "192.0.2.10" in words  # as the shop shows where its shoppers paid from
    assert places(play, words) == KNOWN


def test_the_night_empties_a_webhook_of_long_ago(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "tieout", lambda: play.desks.context)
    words = set(words_of(play, play.take()))
    store = play.desks.context.store
    inbox = SqlInbox(store)
    body = ", ".join(words).encode()
    inbox.store([Incoming("woocommerce|acme_us_web", "1", "coupon.created", body)])
    assert HandleEvents(inbox, {}, "integration").run().unhandled == 1
    assert "0 events" in retention.drop_old()
    assert places(play, words) == KNOWN | {"inbox.body"}
    with store.begin() as connection:
        long_ago = datetime.now(UTC) - timedelta(days=31)
        connection.execute(update(table_of_inbox).values(next_at=long_ago))
    assert retention.drop_old().startswith("1 events older than 30 days emptied")
    assert places(play, words) == KNOWN


def test_the_night_removes_old_answers_of_the_api(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside Airflow alone, too: the API has no worker there."""
    monkeypatch.setattr(retention, "tieout", lambda: play.desks.context)
    store, now = play.desks.context.store, datetime.now(UTC)
    for key, days in (("old", 181), ("young", 179)):
        begun = now - timedelta(days=days)
        SqlAnswers(store, lambda _, at=begun: at).claim("shop", key, "f", timedelta())  # type: ignore[misc]
    assert retention.drop_old().endswith(" and 1 answers older than 180 days gone")
    with store.connect() as connection:
        assert connection.scalars(select(answers.c.idempotency_key)).all() == ["young"]


def test_a_shopper_who_is_forgotten_is_nowhere(
    play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "tieout", lambda: play.desks.context)
    monkeypatch.setattr("tieout.commands.shoppers.desks_of", lambda _context: play.desks)
    store, service = play.desks.context.store, play.desks.service
    with store.connect() as connection:
        taken = connection.scalars(select(orders.c.order_id)).all()
    for order_id in taken:
        if play.order(order_id).state not in ENDED:
            service.cancel(order_id, "shop", "the test ends", via="api")
    play.sweep()
    make_due(store, "done")
    with store.begin() as connection:
        connection.execute(delete(leases))  # of the first sends: they lapse by themselves
    play.desks.of(SHOP).engine.sweep()
    words = {word for order_id in taken for word in words_of(play, order_id)}
    assert places(play, words) == KNOWN

    mails = sorted({service.orders.content(one).shopper.email for one in taken})
    asked = ["shoppers", "forget", "--shop", SHOP, "--who", "dpo", "--email"]
    assert [cli.main([*asked, mail]) for mail in mails] == [1] * len(mails)
    captured = sum(bool(play.order(order_id).facts.captures) for order_id in taken)
    assert capsys.readouterr().out.count("so it may still be disputed") == captured > 0
    assert [cli.main([*asked, mail, "--days", "0"]) for mail in mails] == [0] * len(mails)
    assert "orders forgotten, 0 kept\nSYSPRO has" in capsys.readouterr().out
    assert places(play, words) == set()


def number_of(play: Play, order_id: str) -> str:
    return play.desks.service.orders.content(order_id).number


def words_of(play: Play, order_id: str) -> Iterator[str]:
    """Yield what the shop told of the shopper, in small letters."""
    order = play.desks.service.orders.content(order_id)
    told = (to_plain(order.shopper), order.payment.ip_address)
    yield from (word.casefold() for word in leaves(told) if len(word) > 4)


def leaves(plain: Any) -> Iterator[str]:
    if isinstance(plain, dict):
        for name, value in plain.items():
            if name not in _SAYS_LITTLE:
                yield from leaves(value)
    elif isinstance(plain, list | tuple):
        for value in plain:
            yield from leaves(value)
    elif isinstance(plain, str):
        yield plain


def places(play: Play, words: set[str]) -> set[str]:
    """Name each column of the store that holds one of the words."""
    found = set()
    with play.desks.context.store.connect() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                of_kind = f" of {row['kind']}" if table.name == "effects" else ""
                for column, value in row.items():
                    text = value.decode() if isinstance(value, bytes) else str(value)
                    if any(word in text.casefold() for word in words):
                        found.add(f"{table.name}.{column}{of_kind}")
    return found
