"""The order pages: exact money, nothing unescaped, a long history that costs no more."""

import base64
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import insert

from include import wiring
from include.adapters.store import order_screen, order_tables, schema
from include.domain.canonical import to_json
from include.domain.fraud_checks import FraudChecks
from include.domain.money import Money
from include.domain.order_state import Captured, OrderFacts, OrderState
from include.domain.orders import (
    Address,
    LineKind,
    Order,
    OrderLine,
    PayerAuthentication,
    PaymentMethod,
    PaymentSource,
    Shopper,
    order_id_of,
)
from include.domain.payments import Authorized, PaymentStatus
from include.mappings.load import load_mappings
from include.services.orders.ask_reviews import WaitingReview, question

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
RULES = load_mappings().orders.order_rules("acme_us", date(2026, 11, 3))  # alarm: 48 hours
SHOP, HOSTILE = "acme_us_web", '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
REQUEST = "7000000000000000000001"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'tieout.db'}"


@pytest.fixture
def client(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setitem(os.environ, "TIEOUT_STORE_URL", url)
    monkeypatch.setitem(os.environ, "TIEOUT_LAKE", str(tmp_path / "lake"))
    wiring.tieout.cache_clear()
    from tieout.web import order_pages, pages

    schema.metadata.create_all(wiring.tieout().store)
    app = FastAPI()
    app.include_router(pages.router)
    app.include_router(order_pages.router)
    # The right to read the DAG is Airflow's own code; the scheduler test goes through it.
    guards = (*pages.router.dependencies, *order_pages.router.dependencies)
    app.dependency_overrides = {d.dependency: lambda: None for d in guards if d.dependency}
    yield TestClient(app, follow_redirects=False)
    wiring.tieout.cache_clear()


class TestOddAddresses:
    """On SQLite and on PostgreSQL, which takes no NUL."""

    @pytest.fixture
    def url(self, store_url: str) -> str:
        return store_url

    def test_an_odd_address_is_an_answer_and_no_fault(self, client: TestClient) -> None:
        hostile = base64.urlsafe_b64encode(b"2026-11-26T00:00:00+00:00|\x00").decode().rstrip("=")
        for address in (
            "/days?last=0001-01-01", "/days?last=9999-12-31", "/days?merchant=%00", "/runs/%00",
            "/days/%00/2026-11-02/report.html", "/orders?number=%00", "/orders?shop=x%00",
            f"/orders?cursor={hostile}", "/orders/%00", "/orders/of/%00/x", "/orders/of/x/%00",
            "/open-items?merchant=%00",
        ):  # fmt: skip
            assert client.get(address).status_code == 422, address
        for address in (
            "/days?last=2000-01-01&count=92",
            "/days?last=2200-12-31",
            "/runs/" + "a" * 5000,
        ):
            assert client.get(address).status_code == 200, address


def order(number: str, description: str = "Tea") -> Order:
    home = Address("Ann Lee", ("1 Main St",), "New York", "US", "10001", "NY")
    amount = Money(123_456, "USD")
    line = OrderLine(1, LineKind.goods, description, 2_500_000, amount, Money(0, "USD"), "TEA-1")
    payment = PaymentSource(PaymentMethod.transient_token, transient_id="f" * 64)
    return Order(
        order_id_of(SHOP, number), SHOP, "acme_us", number, f"W{number}", "USD", amount,
        Shopper("Ann Lee", "ann@example.com", home, home), (line,), payment,
    )  # fmt: skip


AUTHORIZED = Authorized(
    REQUEST, PaymentStatus.authorized, "AUTHORIZED", authorized=Money(123_456, "USD")
)


def paid(status: PaymentStatus = PaymentStatus.authorized) -> OrderFacts:
    payment = replace(AUTHORIZED, status=status, theirs=status.value.upper())
    return OrderFacts(payment=payment, expires_at=NOW + timedelta(days=7))


def row(given: Order, facts: OrderFacts, state: OrderState, **changes: object) -> dict[str, object]:
    return {
        "order_id": given.order_id, "shop_id": given.shop_id, "number": given.number,
        "merchant_id": given.merchant_id, "purchase_order": given.purchase_order,
        "purchase_order_key": given.purchase_order.casefold(),
        "currency": "USD", "amount_minor": given.amount.minor, "sales_order": "",
        "content": to_json(given), "state": state.value, "facts": to_json(facts),
        "refunding_minor": 0, "captured_minor": facts.captured_minor(), "version": 1,
        "next_at": None, "reason": "", "accepted_at": NOW, "updated_at": NOW,
        **changes,
    }  # fmt: skip


def keep(table: object, *rows: dict[str, object]) -> None:
    with wiring.tieout().store.begin() as connection:
        connection.execute(insert(table), list(rows))  # type: ignore[arg-type]


def effect(given: Order, step: str, **changes: object) -> dict[str, object]:
    return {
        "kind": "payment_capture", "key": f"{given.order_id}|{step}", "reference": f"TO{step}",
        "payload": "{}", "digest": "", "target": "acme_us", "currency": "USD",
        "amount_minor": 123_456, "owner": "orders", "state": "done", "sends": 1,
        "absent_looks": 0, "intended_at": NOW, "sent_at": NOW, "next_at": None,
        "their_key": REQUEST, "evidence": "", "reason": "", "fence": 1, **changes,
    }  # fmt: skip


def test_an_order_shows_its_money_its_story_and_its_writes(client: TestClient) -> None:
    one, other = order("1001"), order("1002")
    taken = (Captured(1, REQUEST, Money(123_456, "USD"), date(2026, 11, 3), "2026/11/7"),)
    checks = FraudChecks(score="12", avs="Y")
    payment = replace(AUTHORIZED, commerce_indicator="vbv", checks=checks)
    facts = replace(paid(), payment=payment, captures=taken)
    keep(order_tables.orders, row(one, facts, OrderState.captured),
         row(other, paid(), OrderState.authorized))  # fmt: skip
    keep(schema.effects, effect(one, "capture|1", state="dead_letter"),
         effect(other, "capture|9", reference="TOother"))  # fmt: skip
    keep(schema.dead_letters, {
        "kind": "payment_capture", "key": f"{one.order_id}|capture|1", "currency": "USD",
        "amount_minor": 1, "reason": "r", "next_action": "Replay it.", "owner": "o",
        "state": "open", "opened_at": NOW, "resolved_by": "", "resolution": "",
    })  # fmt: skip
    page = client.get(f"/orders/{one.order_id}").text
    for shown in (
        "1,234.56",
        REQUEST,
        "2026/11/7",
        "3-D Secure vbv",
        "<b>risk score</b> 12",
        "<b>billing address</b> Y: both fit",
        "3-D Secure vbv",
        "dead letter 1: Replay it.",
    ):
        assert shown in page
    assert ">2.5<" in page
    assert "TOother" not in page


@pytest.mark.parametrize(
    ("indicator", "attempt", "shown"),
    [
        ("vbv", 1, "3-D Secure vbv"),
        ("vbv", 2, ""),  # renewed by us, without a proof
        ("internet", 1, "3-D Secure proved nothing (internet)"),
        ("spa_failure", 1, "3-D Secure proved nothing (spa_failure)"),
    ],
)
def test_no_payment_is_shown_as_proved_that_was_not(
    client: TestClient, indicator: str, attempt: int, shown: str
) -> None:
    one, proof = order("1001"), PayerAuthentication(commerce_indicator=indicator)
    one = replace(one, payment=replace(one.payment, authentication=proof))
    keep(order_tables.orders, row(one, replace(paid(), attempt=attempt), OrderState.booked))
    page = client.get(f"/orders/{one.order_id}").text
    assert shown in page
    assert ("3-D Secure" in page) == bool(shown)


def test_a_free_order_says_that_nothing_is_to_be_paid(client: TestClient) -> None:
    nothing, one = Money(0, "USD"), order("1001")
    lines = tuple(replace(line, net=nothing) for line in one.lines)
    free = replace(one, amount=nothing, lines=lines, payment=PaymentSource(PaymentMethod.none))
    facts = OrderFacts(is_free=True)
    keep(order_tables.orders, row(free, facts, OrderState.booked))
    page = client.get(f"/orders/{free.order_id}")
    assert page.status_code == 200
    assert "nothing to pay" in page.text


def test_the_list_says_when_what_waits_is_looked_at_again(client: TestClient) -> None:
    soon = NOW + timedelta(minutes=5)
    keep(
        order_tables.orders,
        row(order("1001"), OrderFacts(), OrderState.pending, next_at=soon, reason="no answer"),
        row(order("1002"), paid(), OrderState.captured, next_at=soon, reason="waits for SYSPRO"),
    )
    page = client.get("/orders").text
    assert page.count("looked at again 2026-11-03 12:05 UTC") == 1, "SYSPRO's is heard by a poll"


def test_what_a_shop_sent_is_only_ever_text(client: TestClient) -> None:
    one, facts = order("1001", HOSTILE), paid(PaymentStatus.in_review)
    checks = FraudChecks(HOSTILE, HOSTILE, (HOSTILE,), (HOSTILE,), (HOSTILE,), avs=HOSTILE)
    facts = replace(facts, payment=replace(AUTHORIZED, theirs=HOSTILE, checks=checks))
    keep(order_tables.orders, row(one, facts, OrderState.in_review,
                                  reason=HOSTILE, sales_order=HOSTILE))  # fmt: skip
    keep(order_tables.order_events, {
        "order_id": one.order_id, "event_no": 1, "at": NOW, "what": HOSTILE,
        "detail": '{"<script>": "<script>alert(1)</script>"}', "who": HOSTILE,
    })  # fmt: skip
    keep(order_tables.refunds, {
        "refund_id": "ref_1", "order_id": one.order_id, "origin": "api", "origin_key": HOSTILE,
        "currency": "USD", "amount_minor": 500, "state": "waiting", "facts": "{}",
        "asked_by": HOSTILE, "approved_by": "", "reason": HOSTILE, "rest_reason": HOSTILE,
        "version": 1, "next_at": None, "asked_at": NOW, "updated_at": NOW,
    })  # fmt: skip
    for path in ("/orders", f"/orders/{one.order_id}", "/refunds", "/reviews",
                 "/orders/of/acme_us/<script>alert(1)<%2Fscript>"):  # fmt: skip
        page = client.get(path)
        assert "<script>" not in page.text, path
        assert "<img" not in page.text, path
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "5.00 USD" in client.get("/refunds").text


class TestManyReviews:
    """On SQLite and on PostgreSQL, which each read the facts in their own way."""

    @pytest.fixture
    def url(self, store_url: str) -> str:
        return store_url

    def test_what_ends_first_is_shown_though_it_was_touched_last(self, client: TestClient) -> None:
        store = wiring.tieout().store
        ends: list[datetime | None] = [
            NOW + timedelta(days=7), NOW + timedelta(seconds=1, microseconds=2000),
            NOW + timedelta(seconds=1), None,
        ]  # fmt: skip
        keep(order_tables.orders, *(
            row(order(str(n)), replace(paid(PaymentStatus.in_review), expires_at=at),
                OrderState.in_review, updated_at=NOW + timedelta(minutes=n))
            for n, at in enumerate(ends)
        ))  # fmt: skip
        found = order_screen.waiting(store)
        assert [one.number for one in found] == ["3", "2", "1", "0"]
        assert [one.number for one in order_screen.waiting(store, limit=2)] == ["3", "2"]
        assert order_screen.count_waiting(store) == 4
        assert "wait; these are" not in client.get("/reviews").text

    def test_the_page_says_that_more_wait(self, client: TestClient) -> None:
        facts = paid(PaymentStatus.in_review)
        keep(order_tables.orders, *(
            row(order(str(n)), facts, OrderState.in_review) for n in range(501)
        ))  # fmt: skip
        assert "501 wait; these are the 500 that end first." in client.get("/reviews").text


def test_ten_thousand_orders_are_paged_without_gap_or_repeat(client: TestClient) -> None:
    facts = paid()
    keep(order_tables.orders, *(
        row(order(str(n)), facts, OrderState.completed if n % 2 else OrderState.declined,
            accepted_at=NOW + timedelta(seconds=n // 3), sales_order=str(90_000 + n))
        for n in range(10_000)
    ))  # fmt: skip
    seen: list[str] = []
    cursor = ""
    for _ in range(4):
        page = client.get("/orders", params={"cursor": cursor}).text
        seen += [part.split('"')[0] for part in page.split('href="/tieout/orders/')[1:]]
        cursor = page.rsplit("cursor=", 1)[1].split('"')[0]
    assert len(seen) == len(set(seen)) == 400
    assert seen[0] == order("9999").order_id
    for number in ("4321", "W4321", "94321"):
        found = client.get("/orders", params={"number": number}).text
        assert found.count('href="/tieout/orders/') == 1
        assert order("4321").order_id in found
    declined = client.get("/orders", params={"state": "declined", "shop": SHOP}).text
    assert declined.count('href="/tieout/orders/') == 100
    assert "completed</span>" not in declined


@pytest.mark.parametrize(
    "query",
    [
        "state=closed",
        "cursor=!!",
        "cursor=YWJj",
        "cursor=MjAyNi0wMS0wMVQwMDowMDowMCswMDowMHzDqQ",
        "number=" + "9" * 65,
        "state=declined'--",
    ],
)
def test_a_bad_filter_is_refused_and_not_an_error_of_ours(client: TestClient, query: str) -> None:
    assert client.get(f"/orders?{query}").status_code == 422


def test_a_settlement_line_opens_to_its_order_by_reference_and_by_request(
    client: TestClient,
) -> None:
    one = order("1001")
    keep(order_tables.orders, row(one, paid(), OrderState.captured))
    keep(order_tables.payment_requests,
         {"request_id": REQUEST, "order_id": one.order_id, "what": "capture"})  # fmt: skip
    for reference in ("W1001", REQUEST):
        found = client.get(f"/orders/of/acme_us/{reference}")
        assert found.status_code == 303
        assert found.headers["location"] == f"/tieout/orders/{one.order_id}"
    for path in ("/orders/of/acme_uk/W1001", f"/orders/of/acme_uk/{REQUEST}", "/orders/ord_none"):
        assert client.get(path).status_code == 404


def test_an_open_item_about_a_payment_of_ours_opens_to_its_order(client: TestClient) -> None:
    one = order("1001")
    keep(order_tables.orders, row(one, paid(), OrderState.captured))
    keep(order_tables.payment_requests,
         {"request_id": REQUEST, "order_id": one.order_id, "what": "capture"})  # fmt: skip
    keep(schema.open_items, {
        "item_key": f"acme_us|2026-11-03|wrong_amount|{REQUEST}|gross_sale|USD|1",
        "merchant_id": "acme_us", "settlement_date": date(2026, 11, 3), "stage": "match",
        "cause": "wrong_amount", "currency": "USD", "amount_minor": 1, "source": "",
        "document_id": "", "explanation": "", "next_action": "", "owner": "", "state": "open",
        "opened_at": NOW, "resolved_by": "", "resolution": "",
    })  # fmt: skip
    assert f'href="/tieout/orders/{one.order_id}"' in client.get("/open-items").text


def review(**changes: object) -> WaitingReview:
    given = WaitingReview(
        "ord_1", SHOP, "acme_us", "1001", "W1001", Money(4328, "USD"), "US", REQUEST, "REVIEW",
        "15574", NOW - timedelta(hours=5), NOW + timedelta(hours=47),
    )  # fmt: skip
    return replace(given, **changes)  # type: ignore[arg-type]


def test_a_review_is_urgent_within_the_merchants_hours_before_the_hold_ends() -> None:
    assert question(review(), RULES, NOW)[0] == "URGENT: Order 1001, 43.28 USD: accept or reject"
    assert (
        question(review(), replace(RULES, review_alarm_hours=46), NOW)[0]
        == "Order 1001, 43.28 USD: accept or reject"
    )
    assert not review(expires_at=None).is_urgent(RULES, NOW)


def test_a_question_keeps_a_shops_text_inside_its_cell() -> None:
    body = question(review(country="US|x\n[a](b)<b>"), RULES, NOW)[1]
    assert "| goods go to | US/x (a](b)&lt;b> |" in body


def test_an_analyst_is_told_what_the_checks_found() -> None:
    checks = FraudChecks(score="61", rules=("Ships | abroad: REVIEW",), factors=("G",), cvn="N")
    body = question(review(checks=checks), RULES, NOW)[1]
    assert "| risk score | 61 |" in body
    assert "| rules that fired | Ships / abroad: REVIEW |" in body
    assert "| what weighed | G: places do not fit together |" in body
    assert "| card's check digits | N: does not fit |" in body
    assert "risk score" not in question(review(), RULES, NOW)[1]


def test_a_sandbox_may_settle_its_business_date_and_no_day_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from include.domain.errors import Rejected
    from tieout.tasks import days

    url = f"sqlite:///{tmp_path / 'tieout.db'}"
    context = wiring.Tieout(wiring.Settings(url, tmp_path, "sandbox", date(2099, 1, 2)))
    schema.metadata.create_all(context.store)
    monkeypatch.setattr(days, "tieout", lambda: context)
    assert days.choose_days("2099-01-02", ["acme_us"], "r") == ["acme_us|2099-01-02"]
    with pytest.raises(Rejected, match="has not ended"):
        days.choose_days("2099-01-03", ["acme_us"], "r")
    context.settings = wiring.Settings(url, tmp_path)
    with pytest.raises(Rejected, match="has not ended"):
        days.choose_days(str(context.clock.now().date()), ["acme_us"], "r")
