"""Bad input: a definite 4xx with a reason and no state, never a 500, never an echo."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.adapters.store.stock_list import SqlStockList
from tests.api.conftest import Kit, order_body
from tests.api.refusing import refused

SQL = ("' OR '1'='1", "1; DROP TABLE orders", "x' UNION SELECT secret_hash FROM api_clients --")


CARD = {"method": "transient_token", "transient_token": "E" * 64}


def proved(authentication: dict[str, str]) -> dict[str, Any]:
    return {**CARD, "authentication": authentication}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": 102.21}, "amount"),
        ({"amount": 102}, "amount"),
        ({"amount": "102.210"}, ""),  # finer by a zero only: taken
        ({"amount": "102.211"}, "amount"),
        ({"amount": "1,022.10"}, "amount"),
        ({"amount": "\uff11\uff10\uff12.\uff12\uff11"}, "amount"),  # full-width digits
        ({"amount": "1e2"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "-102.21"}, "amount"),
        ({"amount": "102.20"}, "amount"),  # not the sum of the lines
        ({"currency": "XXX"}, "currency"),
        ({"currency": "EUR"}, "currency"),  # not sold in by this shop
        ({"currency": "usd"}, "currency"),
        ({"lines": []}, "lines"),
        ({"number": "A" * 30}, "number"),  # with the shop's prefix 31 characters
        ({"number": "1' OR '1'='1"}, "number"),
        ({"number": ""}, "number"),
        ({"state": "captured"}, "state"),  # mass assignment
        ({"approved_by": "me"}, "approved_by"),
        ({"note": "x" * 2001}, "note"),
        ({"payment": {"method": "card", "number": "x"}}, "payment.method"),
        ({"payment": {"method": "transient_token"}}, "payment.transient_token"),
        ({"payment": {"method": "authorized", "request_id": "12"}}, "payment.request_id"),
        (
            {"payment": {"method": "stored_token", "customer_token": "a" * 32, "keep": True}},
            "payment.keep",
        ),
        ({"payment": {"method": "transient_token", "transient_token": "a.b.c"}}, "payment"),
        ({"payment": proved({}) | {"ip_address": "at home"}}, "payment.ip_address"),
        (
            {"payment": {**CARD, "ip_address": "999.1.1.1"}},
            "payment.ip_address",
        ),
        ({"payment": proved({}) | {"device_session": "a b"}}, "payment.device_session"),
        ({"payment": proved({})}, "payment.authentication"),
        ({"payment": proved({"cavv": "AAABCSIIAAAAAAACcwgAEMCoNh8="})}, "payment.authentication"),
        ({"payment": proved({"transaction_id": "4" * 20, "eci_raw": "05"})}, "payment.authent"),
        ({"payment": proved({"transaction_id": "4"})}, "payment.authentication.transaction_id"),
        ({"payment": proved({"commerce_indicator": "moto"})}, "payment.authentication.commerce"),
        (
            {"payment": {**proved({"transaction_id": "4" * 20}), "method": "authorized"}},
            "payment.authentication",
        ),
    ],
)
def test_each_wrong_member_is_named(kit: Kit, change: dict[str, Any], field: str) -> None:
    if not field:
        assert kit.place(**change).status_code == 201
        return
    problem = refused(kit, order_body(**change), 422, "invalid")
    assert any(one["field"].startswith(field) for one in problem["fields"]), problem


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b'{"number": "1",\n "amount": 1.0.0}', "at line 2, column 15: "),
        (b'{"number": "1\x07"}', "at line 1, column 14: Invalid control character"),
        (b'{"number": "\xff"}', "at byte 13"),
        (b'{"number": ' + b"9" * 5_000 + b"}", "a number of it is too long"),
        (b'{"lines": [{}, {"stock_code": "a\\u0007b"}]}', "characters: lines[1].stock_code"),
        (b'{"shopper": {"na\\u0007me": "ann"}}', "characters: shopper"),
        (b'{"note": {"4111111111111111": "\\u0007"}}', "characters: note...."),
        (b'{"note": "\\ud800"}', "surrogate): note"),
        (b'["\\u0007"]', "characters: [0]"),
    ],
)
def test_a_body_that_cannot_be_read_is_told_where(kit: Kit, raw: bytes, place: str) -> None:
    problem = refused(kit, raw, 400, "malformed")
    assert place in problem["detail"]
    assert "4111" not in problem["detail"]


@pytest.mark.parametrize("query", ["state=captured&state=booked", "limit=1&limit=1"])
def test_a_query_parameter_that_is_given_twice_is_refused(kit: Kit, query: str) -> None:
    answer = kit.call("GET", f"/v1/orders?{query}")
    assert answer.status_code == 422, answer.text
    name = query.partition("=")[0]
    assert answer.json()["fields"] == [{"field": name, "problem": "it is given more than once"}]


@pytest.mark.parametrize("email", ["a,b@example.com", "ann@example.com;eve@example.com", "<a>@b.c"])
def test_two_mail_addresses_are_not_one(kit: Kit, email: str) -> None:
    body = order_body()
    body["shopper"]["email"] = email
    problem = refused(kit, body, 422, "invalid")
    assert [one["field"] for one in problem["fields"]] == ["shopper.email"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity": "-1"}, "lines[0].quantity"),
        ({"quantity": "0"}, "lines[0].quantity"),
        ({"quantity": "99999999999"}, "lines[0].quantity"),
        ({"quantity": 1}, "lines[0].quantity"),
        ({"quantity": "1.1234567"}, "lines[0].quantity"),
        ({"net": "-96.42"}, "lines[0].net"),
        ({"net": 96.42}, "lines[0].net"),
        ({"stock_code": ""}, "lines[0].stock_code"),
        ({"stock_code": "x' OR 1=1"}, "lines[0].stock_code"),
        ({"stock_code": "TEA "}, "lines[0].stock_code"),
        ({"stock_code": "T" * 31}, "lines[0].stock_code"),
        ({"kind": "gift"}, "lines[0].kind"),
        ({"number": 0}, "lines[0].number"),
        ({"number": True}, "lines[0].number"),
        ({"parent": 7}, "lines[0].parent"),
        ({"price": "1"}, "lines[0].price"),
    ],
)
def test_each_wrong_line_is_named(kit: Kit, change: dict[str, Any], field: str) -> None:
    body = order_body()
    body["lines"] = [body["lines"][0] | change]
    problem = refused(kit, body, 422, "invalid")
    assert field in [one["field"] for one in problem["fields"]], problem


def line(number: int, net: str, kind: str = "goods", parent: int = 0) -> dict[str, Any]:
    code = {"stock_code": "WIDGET-1"} if kind == "goods" else {}
    about = {"number": number, "kind": kind, "description": "Widget", "parent": parent}
    return {**about, **code, "net": net, "tax": "0"}


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([line(1, "20"), line(2, "20", parent=1), line(3, "62.21", parent=2)], "lines[2].parent"),
        ([line(1, "50", parent=2), line(2, "52.21", parent=1)], "lines[0].parent"),
        ([line(1, "102.21", parent=1)], "lines[0].parent"),
        ([line(1, "-3", "discount"), line(2, "105.21", parent=1)], "lines[1].parent"),
        ([line(1, "100"), line(2, "2.21", "freight", parent=1)], "lines[1].parent"),
        ([line(1, "102.21", "freight")], "lines"),
        ([line(1, "50"), line(1, "52.21")], "lines"),
    ],
)
def test_lines_that_would_not_become_one_sales_order_are_refused(
    kit: Kit, lines: list[dict[str, Any]], field: str
) -> None:
    problem = refused(kit, order_body(lines=lines), 422, "invalid")
    assert field in [one["field"] for one in problem["fields"]], problem


@pytest.mark.parametrize("country", ["ZZ", "XX", "us", "USA", ""])
def test_an_unknown_country_is_refused(kit: Kit, country: str) -> None:
    body = order_body()
    body["shopper"]["bill_to"]["country"] = country
    refused(kit, body, 422, "invalid")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"currency": "GBP"}, "takes no orders in GBP"),
        ({"amount": "0.49"}, "less than"),
        ({"amount": "10000.01"}, "more than"),
        ({"country": "FR"}, "nothing is shipped to"),
    ],
)
def test_what_the_merchants_rules_refuse_is_a_422_without_state(
    kit: Kit, change: dict[str, str], words: str
) -> None:
    body = order_body() | {name: text for name, text in change.items() if name != "country"}
    body["lines"] = [body["lines"][0] | {"net": body["amount"], "tax": "0"}]
    home = body["shopper"]["bill_to"]
    body["shopper"]["ship_to"] = home | {"country": change.get("country", "US")}
    problem = refused(kit, body, 422, "refused-by-rules")
    assert words in problem["detail"]


def test_a_product_that_the_stock_feed_has_not_shown_is_refused_before_the_card(kit: Kit) -> None:
    stocked, now = SqlStockList(kit.database), datetime.now(UTC)
    stocked.note("A", "W1", ["TEA"], now, is_whole=True)
    problem = refused(kit, order_body(), 422, "refused-by-rules")
    assert problem["fields"][0]["field"] == "lines[0].stock_code"
    assert kit.partner.truth.done == []
    stocked.note("A", "W1", ["widget-1"], now, is_whole=False)  # entered in SYSPRO since
    assert kit.place().status_code == 201


def test_a_list_of_products_that_is_not_whole_or_not_fresh_refuses_nothing(kit: Kit) -> None:
    stocked, now = SqlStockList(kit.database), datetime.now(UTC)
    stocked.note("A", "W1", ["TEA"], now, is_whole=False)
    assert kit.place().status_code == 201
    stocked.note("A", "W1", ["TEA"], now - timedelta(hours=2), is_whole=True)
    assert kit.place().status_code == 201


def test_what_the_shop_has_authorised_is_taken_and_ended_with_its_hold_given_back(kit: Kit) -> None:
    SqlStockList(kit.database).note("A", "W1", ["TEA"], datetime.now(UTC), is_whole=True)
    made = {"method": "authorized", "request_id": "7" * 22}
    assert kit.place(payment=made).status_code == 202


RAW: list[tuple[bytes, int, str]] = [
    (b"", 400, "malformed"),
    (b"{", 400, "malformed"),
    (b'{"a":1,"a":1}', 400, "malformed"),
    (b'{"a":NaN}', 400, "malformed"),
    (b"[" * 100_000, 400, "malformed"),
    (b"[" * 40 + b"]" * 40, 400, "malformed"),
    (b'{"note":"\\ud800"}', 400, "malformed"),
    (b'{"note":"\\u0000"}', 400, "malformed"),
    (b'{"note":"\xff"}', 400, "malformed"),
    (b"\xef\xbb\xbf{}", 400, "malformed"),
    (b'{"amount":' + b"9" * 5000 + b"}", 400, "malformed"),
    (b'{"amount":1e999999999999999999999}', 422, "invalid"),
    (b"[]", 422, "invalid"),
    (b"null", 422, "invalid"),
    (b'"text"', 422, "invalid"),
    (b"{}", 422, "invalid"),
    (b" " * 1_000_001, 413, "too-large"),
]


@pytest.mark.parametrize(("raw", "status", "code"), RAW, ids=range(len(RAW)))
def test_bytes_that_are_no_order_are_refused(kit: Kit, raw: bytes, status: int, code: str) -> None:
    refused(kit, raw, status, code)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/json; charset=latin-1", "", "a/b/c"]
)
def test_another_content_type_is_refused(kit: Kit, kind: str) -> None:
    raw = json.dumps(order_body()).encode()
    refused(kit, raw, 415, "media-type", Content_Type=kind)


def test_a_chunked_body_is_refused_as_soon_as_it_is_too_long(kit: Kit) -> None:
    sent = 0

    async def chunks() -> Any:
        nonlocal sent
        for _ in range(1000):
            sent += 65_536
            yield b" " * 65_536

    headers = {
        "Authorization": f"Bearer {kit.keys['web_shop']}",
        "Idempotency-Key": "k",
        "Content-Type": "application/json",
    }
    answer = kit.http.request("POST", "/v1/orders", content=chunks(), headers=headers)
    assert answer.status_code == 413
    assert sent < 10_000_000


@pytest.mark.parametrize("sql", SQL)
def test_sql_text_is_a_value_nowhere_a_statement(kit: Kit, sql: str) -> None:
    placed = kit.place(note=sql)
    assert placed.status_code == 201
    assert kit.service.orders.content(placed.json()["order_id"]).note == sql
    for name in ("number", "state", "accepted_from", "cursor", "limit"):
        answer = kit.http.request(
            "GET",
            "/v1/orders",
            params={name: sql},
            headers={"Authorization": f"Bearer {kit.keys['web_shop']}"},
        )
        assert answer.status_code == 422, answer.text
    for path in ("/v1/orders/{}", "/v1/orders/{}/timeline", "/v1/refunds/{}"):
        assert kit.call("GET", path.format(sql), who="web_operator").status_code == 404
    assert kit.call("GET", f"/v1/dead-letters/{sql}", who="house").status_code in (404, 422)
    assert kit.call("POST", "/v1/orders", order_body(), key=sql.replace(" ", "")).status_code == 201
    assert kit.count("orders") == 2


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1/orders/", 404),
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 404),
        ("DELETE", "/v1/orders", 405),
        ("PUT", "/v1/health", 405),
        ("GET", "/v1/webhooks/cybersource/acme_us", 405),
        ("OPTIONS", "/v1/orders", 405),
    ],
)
def test_what_the_framework_refuses_is_a_problem_too(
    kit: Kit, method: str, path: str, status: int
) -> None:
    answer = kit.call(method, path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["instance"] == path
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if status == 405:
        assert answer.headers["Allow"]


def test_a_fault_of_ours_is_a_500_that_tells_nothing(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("the secret word")

    monkeypatch.setattr(type(kit.service), "place", broken)
    answer = kit.place()
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:tieout:problem:internal"
    assert "secret" not in answer.text + caplog.text
    assert "KeyError" in caplog.text
    monkeypatch.undo()
    assert kit.count("answers") == 0  # the key is free: the retry is the first try


def test_a_store_that_does_not_answer_is_a_503(kit: Kit) -> None:
    with kit.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE answers RENAME TO gone")
    answer = kit.place()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "gone" not in answer.text


def test_an_amount_that_is_too_fine_has_one_fault(kit: Kit) -> None:
    answer = kit.place(amount="102.219")
    assert answer.json()["fields"] == [
        {"field": "amount", "problem": "'102.219' is finer than USD allows"}
    ]


@pytest.mark.parametrize("key", ["a b", "x" * 201])
def test_a_key_that_cannot_be_read_is_told_what_a_key_is(kit: Kit, key: str) -> None:
    answer = kit.call("POST", "/v1/orders", order_body(), key=key)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:tieout:problem:malformed")
    assert "key" in answer.json()["do"]


def test_an_empty_key_in_quotes_is_none(kit: Kit) -> None:
    answer = kit.call("POST", "/v1/orders", order_body(), key='""')
    assert answer.json()["type"] == "urn:tieout:problem:missing-idempotency-key"
