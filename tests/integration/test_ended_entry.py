"""An entry that ends strands no order: what was taken goes to its end, and nothing new is taken."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from shutil import copytree

import pytest
import requests
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from include.adapters.store.alerts import SqlAlertBook
from include.adapters.store.api_clients import SqlApiClients
from include.domain.alerts import AlertKind
from include.domain.errors import IntegrationError, Rejected
from include.domain.expectations import Expectation, ExpectationKind, ExpectationState
from include.domain.matching import Cause
from include.domain.money import Money
from include.domain.open_items import OpenItem, Stage
from include.domain.order_state import OrderState
from include.domain.orders import order_id_of
from include.domain.refunds import RefundState
from include.domain.settlement import SettlementDay
from include.mappings.load import SHIPPED, load_mappings
from include.services.api.clients import add_client
from include.services.api.ports import Role
from tests.api.calling import Caller
from tests.api.conftest import order_body
from tests.integration.play import SHOP, Play
from tieout import cli
from tieout.api import joined
from tieout.api.app import build_app
from tieout.api.runtime import Api
from tieout.api.settings import ApiSettings
from tieout.desks.order_desk import Desks
from tieout.desks.order_feeds import shop_sync
from tieout.desks.webhook_desk import find_account
from tieout.tasks import care, days, orders, refunds

# Every table's entry that an order of the shop is worked on by; the play's day is 2026-11-03.
ENDED = {
    "merchants.yaml": "merchant_id: acme_us",
    "shops.yaml": f"shop_id: {SHOP}",
    "order_rules.yaml": "merchant_id: acme_us",
    "shop_fields.yaml": "shop_kind: woocommerce",
    "order_statuses.yaml": "shop_kind: woocommerce",
    "shopper_messages.yaml": "language: en",
    "payment_statuses.yaml": "operation: capture",
}


@pytest.fixture
def ended(play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    """Have tasks and pages work for the play, in whose mappings ``end`` ends the shop."""
    for module in (orders, care, refunds, days, cli):
        if hasattr(module, "desks"):
            monkeypatch.setattr(module, "desks", lambda: play.desks)
        monkeypatch.setattr(module, "tieout", lambda: play.desks.context)
    shipped = play.desks.context.mappings
    yield play
    _rule(play, shipped)


def end(play: Play, folder: Path) -> None:
    """Let every entry of the shop have ended yesterday."""
    copied = copytree(SHIPPED, folder / "mappings")
    for file, named in ENDED.items():
        path = copied / file
        head, *entries = path.read_text().split("\n  - ")
        (found,) = (i for i, one in enumerate(entries) if one.startswith(named))
        begins = "effective_from: 2026-01-01\n"
        assert begins in entries[found]
        over = f"{begins}    effective_to: 2026-11-02\n"
        entries[found] = entries[found].replace(begins, over, 1)
        path.write_text("\n  - ".join([head, *entries]))
    _rule(play, load_mappings(copied))


def remove(play: Play, folder: Path) -> None:
    """Take the shop out of its file; its merchant has no other one."""
    copied = copytree(SHIPPED, folder / "mappings")
    path = copied / "shops.yaml"
    head, *entries = path.read_text().split("\n  - ")
    kept = [one for one in entries if not one.startswith(f"shop_id: {SHOP}\n")]
    path.write_text("\n  - ".join([head, *kept]))
    _rule(play, load_mappings(copied))
    assert "acme_us" not in play.desks.by_merchant()


def _rule(play: Play, mappings: object) -> None:
    context = play.desks.context
    context.__dict__.update(mappings=mappings)  # parts that are made once
    context.__dict__.pop("today", None)
    play.desks = Desks(context)


def test_an_order_goes_to_its_end_after_its_shop_has_ended(ended: Play, tmp_path: Path) -> None:
    number = ended.shopper_orders()
    ended.poll_shop()  # authorised; nothing is booked or captured yet
    order_id = order_id_of(SHOP, number)
    end(ended, tmp_path)
    orders.desks().sweep(100)
    saga = ended.order(order_id)
    assert (saga.state, bool(saga.facts.captures[0].receipt)) == (OrderState.captured, True)
    ended.clerk("ship", sales_order=saga.facts.sales_order)
    ended.clerk("invoice", sales_order=saga.facts.sales_order)
    assert "acme_us" in orders.merchant_ids()
    orders.poll_erp("acme_us")
    orders.desks().sweep(100)
    ended.desks.sweep_effects()
    saga = ended.order(order_id)
    assert (saga.state, saga.facts.callback_state) == (OrderState.completed, OrderState.completed)
    assert ended.shop_status(order_id) == "completed"
    assert "0 set aside" in care.compare_systems("acme_us")


def test_a_decision_is_heard_and_a_refund_moves_after_the_end(ended: Play, tmp_path: Path) -> None:
    held, taken = ended.take("review"), ended.take()
    end(ended, tmp_path)
    assert cli.main(["reviews", "accept", held, "--comment", "called her", "--who", "ann"]) == 0
    orders.poll_decisions("acme_us")
    refund_id = ended.desks.service.refund(
        taken, Money(1_00, "USD"), origin="cli", origin_key="1", who="ann", reason="broken"
    )
    ended.sweep()
    assert ended.order(held).state == OrderState.captured
    assert ended.desks.service.refunds.get(refund_id).state == RefundState.done
    assert ended.executed(taken)["refund"] == 1


def test_nothing_new_is_taken_after_the_end(ended: Play, tmp_path: Path) -> None:
    number = ended.shopper_orders()
    end(ended, tmp_path)
    assert SHOP not in orders.open_shop_ids()
    assert "acme_uk_web" in orders.open_shop_ids()
    for work in (orders.keep_webhooks, orders.push_stock):
        assert work(SHOP) == orders.ENDED
    known = find_account(ended.desks)  # its webhooks still come, of orders that it brought before
    assert known("woocommerce", SHOP) is not None
    assert known("cybersource", "acme_us") is not None
    shop_sync(ended.desks, SHOP).import_one(number)
    (letter,) = (
        one for one in ended.desks.context.dead_letters.listing() if one.key == f"{SHOP}|{number}"
    )
    assert f"shop '{SHOP}' takes no new orders" in letter.reason


def test_what_an_ended_shop_cancels_is_polled_and_what_it_sells_is_passed_over(
    ended: Play, tmp_path: Path
) -> None:
    """Its webhooks may be lost, or there may be none; new orders wait for the shop to be back."""
    order_id = ended.take()
    number = ended.desks.service.orders.content(order_id).number
    shipped = ended.desks.context.mappings
    end(ended, tmp_path)
    assert SHOP in orders.shop_ids()
    ended.control("shop_cancel_order", shop=SHOP, order=number)
    sold = order_id_of(SHOP, ended.shopper_orders())
    assert "1 new, and the shop takes no new orders" in orders.poll_shop(SHOP)
    for _ in range(3):
        ended.sweep()
    assert ended.order(order_id).state == OrderState.cancelled
    assert ended.executed(order_id)["void"] == 1
    _rule(ended, shipped)
    orders.poll_shop(SHOP)
    assert ended.order(sold).state == OrderState.authorized


def test_an_ended_shop_that_is_switched_off_fails_nothing(ended: Play, tmp_path: Path) -> None:
    faults = f"{ended.sandbox.urls()['control']}/control/faults"
    ended.control("faults", system="shop", match="orders", times=0, fault="500")
    try:
        with pytest.raises(IntegrationError):
            orders.poll_shop(SHOP)
        end(ended, tmp_path)
        assert orders.poll_shop(SHOP) == orders.GONE
    finally:
        requests.delete(faults, timeout=10).raise_for_status()


def test_the_settlement_of_the_other_merchants_goes_on_after_the_end(
    ended: Play, tmp_path: Path
) -> None:
    every = ["acme_uk", "acme_us"]
    assert days.choose_days("2026-11-03", every, "r") == [
        "acme_uk|2026-11-03",
        "acme_us|2026-11-03",
    ]
    end(ended, tmp_path)
    assert days.choose_days("2026-11-03", every, "r") == ["acme_uk|2026-11-03"]
    assert len(days.choose_days("2026-11-02", every, "r")) == 2  # its last day
    for unfit in (["acme_us"], ["acme_us", "acme_us"], ["acme_uk", "nobody"]):
        with pytest.raises(Rejected, match=r"acme_us|nobody"):
            days.choose_days("2026-11-03", unfit, "r")


def test_a_merchant_that_ended_is_followed_until_its_last_money_has_come(
    ended: Play, tmp_path: Path
) -> None:
    """Its funding comes days after its end: unseen, neither money nor an open item would tell."""
    end(ended, tmp_path)
    context, last = ended.desks.context, date(2026, 11, 2)
    batch = Expectation(
        "acme_us", ExpectationKind.funding, "B-1", "USD", 5_000, last, last + timedelta(days=5),
        detail={"batch_id": "B-1", "full": 5_000},
    )  # fmt: skip
    context.expectations.save([batch])
    asked = ("2026-11-03", ["acme_us"], "r")
    assert days.choose_days(*asked) == ["acme_us|2026-11-03"]
    day = SettlementDay("acme_us", date(2026, 11, 3))
    followed = context.merchant(day)
    assert not any(source.is_required for source in followed.sources)
    assert [s.name for s in followed.sources if s.awaited_days] == ["funding", "bank"]
    # It did not come in time: an open item tells of it, and it may still come.
    context.expectations.save([replace(batch, state=ExpectationState.missing)])
    item = OpenItem.found(
        SettlementDay("acme_us", last), Stage.fund, Cause.short_funding, "1", "ar",
        money=Money(5_000, "USD"), why="late", do="Ask the acquirer.",
    )  # fmt: skip
    context.open_items.open([item])
    assert days.choose_days(*asked) == ["acme_us|2026-11-03"]
    context.open_items.resolve([item.item_key], resolved_by="ann", resolution="it never came")
    with pytest.raises(Rejected, match="acme_us"):
        days.choose_days(*asked)
    # It has come: the day that met it may be run again, a later one has nothing to bring.
    met = replace(batch, state=ExpectationState.met, amount_minor=0, met_date=day.settlement_date)
    context.expectations.save([met])
    assert days.choose_days(*asked) == ["acme_us|2026-11-03"]
    context.expectations.save([replace(met, met_date=last)])
    with pytest.raises(Rejected, match="acme_us"):
        days.choose_days(*asked)


def test_an_order_of_a_merchant_whose_last_shop_is_gone_is_told(
    ended: Play, tmp_path: Path
) -> None:
    shipped, number = ended.desks.context.mappings, ended.shopper_orders()
    ended.poll_shop()
    order_id = order_id_of(SHOP, number)
    remove(ended, tmp_path)
    orders.desks().sweep(100)
    assert ended.order(order_id).state == OrderState.stuck
    (letter,) = (one for one in ended.desks.context.dead_letters.listing() if one.key == order_id)
    assert f"shop_id '{SHOP}' is not configured" in letter.reason
    _rule(ended, shipped)
    ended.desks.service.advance(order_id)
    assert ended.order(order_id).state == OrderState.captured
    assert not ended.desks.context.dead_letters.is_open("order", order_id)


@contextmanager
def api(play: Play, key: str) -> Iterator[Callable[..., Response]]:
    """Serve the API as a process that starts now would; yield what calls it with a client's key."""
    context = play.desks.context
    parts = joined.parts_of(context, joined.joined(context))
    with Caller(build_app(Api(parts, ApiSettings(worker=False)))) as http:

        def call(method: str, path: str, body: object = None, key_of: str = "") -> Response:
            sent = {"Authorization": f"Bearer {key}", "Idempotency-Key": key_of or path}
            return http.request(method, path, json=body, headers=sent)

        yield call


def test_the_api_refuses_new_orders_and_serves_the_old_ones(ended: Play, tmp_path: Path) -> None:
    first, second = ended.take(), ended.take()
    clients = SqlApiClients(ended.desks.context.store)
    key = add_client(clients, "shop", SHOP, frozenset(Role))
    known, new = order_body(number="9001"), order_body(number="9002")
    with api(ended, key) as call:
        assert call("POST", "/v1/orders", known, "a").status_code == 201
    end(ended, tmp_path)
    with api(ended, key) as call:
        placed = call("POST", "/v1/orders", new, "b")
        assert placed.status_code == 422, placed.text
        assert (
            "takes no new orders: shop 'acme_us_web' is not in force since 2026-11-02"
            in (placed.json()["detail"])
        )
        # A repeat, whose first answer may have been lost, is told how it ended.
        assert call("POST", "/v1/orders", known, "c").status_code == 200
        shown = call("GET", f"/v1/orders/{first}").json()
        assert (shown["state"], bool(shown["outcome"]["message"])) == ("captured", True)
        asked = {"amount": "1.00", "reason": "broken"}
        refund = call("POST", f"/v1/orders/{first}/refunds", asked)
        assert refund.status_code in (201, 202), refund.text
        cancelled = call("POST", f"/v1/orders/{second}/cancel", {"reason": "by mistake"})
        assert cancelled.status_code in (200, 202), cancelled.text
    ended.sweep()
    ended.sweep()
    assert ended.executed(first)["refund"] == 1
    assert ended.order(second).state == OrderState.cancelled


def test_alerts_questions_pages_and_lists_answer_after_the_end(
    ended: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tieout.web import order_pages, rendering

    held = ended.take("review")
    taken = ended.take(fees=[{"name": "Engraving", "amount": "1000.00"}])
    asked = ended.desks.service.refund(  # more than one person may give back
        taken, ended.amount(taken), origin="cli", origin_key="2", who="ann", reason="broken"
    )
    end(ended, tmp_path)
    care.raise_alerts()
    book = SqlAlertBook(ended.desks.context.store)
    assert [one.cause for one in book.raised(AlertKind.refunds_waiting)] == [
        "refunds_waiting|acme_us"
    ]
    assert orders.review_question(held) is not None
    assert refunds.refund_question(asked) is not None
    assert cli.main(["orders", "list", "--expiring"]) == 0
    assert held not in capsys.readouterr().err
    for module in (order_pages, rendering):
        monkeypatch.setattr(module, "tieout", lambda: ended.desks.context)
    app = FastAPI()
    app.include_router(order_pages.router)
    app.dependency_overrides = {
        one.dependency: lambda: None for one in order_pages.router.dependencies if one.dependency
    }
    pages = TestClient(app)
    for address in ("/reviews", "/orders", f"/orders/{held}", "/refunds"):
        assert pages.get(address).status_code == 200, address
    assert held in pages.get("/reviews").text
    assert "ar.us@acme.example" in pages.get(f"/orders/{held}").text
