"""Many at once with one key, one order or one event: once is a constraint, not an if."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

from httpx import Response
from sqlalchemy import update

from include.adapters.store.api_answers import SqlAnswers
from include.adapters.store.order_tables import answers as rows
from include.services.api.ports import Answer, Standing
from include.services.effects.ports import EffectKind
from tests.api.conftest import Kit, order_body
from tests.api.senders import event, signed

AT_ONCE = 12


def together(work: Callable[[int], Response]) -> list[Response]:
    """Run at the same moment in as many threads."""
    barrier = Barrier(AT_ONCE)

    def one(number: int) -> Response:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def test_one_key_at_once_authorises_once(both: Kit) -> None:
    body = order_body()
    answers = together(lambda _: both.call("POST", "/v1/orders", body, key="k-1"))
    codes = Counter(one.status_code for one in answers)
    assert set(codes) <= {201, 409}, codes
    assert codes[201] >= 1
    assert len({one.text for one in answers if one.status_code == 201}) == 1
    for one in answers:
        if one.status_code == 409:
            assert one.json()["type"] == "urn:tieout:problem:in-progress"
            assert one.headers["Retry-After"]
    assert both.partner.truth.count(EffectKind.payment_authorization) == 1
    assert both.call("POST", "/v1/orders", body, key="k-1").status_code == 201


def test_one_order_under_many_keys_authorises_once(both: Kit) -> None:
    body = order_body()
    answers = together(lambda n: both.call("POST", "/v1/orders", body, key=f"k-{n}"))
    assert {one.status_code for one in answers} <= {200, 201, 202}
    assert both.count("orders") == 1
    assert both.partner.truth.count(EffectKind.payment_authorization) == 1


def test_one_key_with_many_contents_takes_one(both: Kit) -> None:
    answers = together(lambda _: both.call("POST", "/v1/orders", order_body(), key="k-1"))
    codes = Counter(one.status_code for one in answers)
    assert codes == {201: 1, 422: AT_ONCE - 1}
    assert both.count("orders") == 1


def test_refunds_at_once_never_pass_what_was_captured(both: Kit) -> None:
    order_id = both.place().json()["order_id"]
    both.service.advance(order_id)
    body: dict[str, Any] = {"amount": "30.00", "reason": "race"}
    path = f"/v1/orders/{order_id}/refunds"
    answers = together(lambda n: both.call("POST", path, body, key=f"r-{n}"))
    codes = Counter(one.status_code for one in answers)
    assert codes == {202: 3, 409: AT_ONCE - 3}  # 3 x 30.00 of 102.21


def test_a_thousand_copies_of_an_event_are_one_row(both: Kit) -> None:
    raw, headers = signed(event())
    path = "/v1/webhooks/cybersource/acme_us"

    def hundred(_: int) -> list[int]:
        sent = [both.call("POST", path, raw, "", **headers) for _ in range(84)]
        return [one.status_code for one in sent]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        codes = Counter(code for codes in pool.map(hundred, range(AT_ONCE)) for code in codes)
    assert codes == {200: 84 * AT_ONCE}
    assert both.count("inbox") == 1


def test_a_turn_whose_process_died_is_taken_over_by_one(both: Kit) -> None:
    answers = SqlAnswers(both.database)
    patience = timedelta(minutes=2)
    dead = answers.claim("c", "k", "f", patience)
    assert dead.standing is Standing.ours
    assert answers.claim("c", "k", "f", patience).standing is Standing.in_progress
    assert dead.begun_at is not None
    early = update(rows).values(begun_at=dead.begun_at - timedelta(minutes=3))
    with both.database.begin() as connection:
        connection.execute(early)
    dead = replace(dead, begun_at=dead.begun_at - timedelta(minutes=3))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        claims = list(pool.map(lambda _: answers.claim("c", "k", "f", patience), range(AT_ONCE)))
    ours = [one for one in claims if one.standing is Standing.ours]
    assert len(ours) == 1
    # The dead one comes back to life: its answer is not taken, its release frees nothing.
    answers.keep("c", "k", dead, Answer(201, "late"))
    answers.release("c", "k", dead)
    assert answers.claim("c", "k", "f", patience).standing is Standing.in_progress
    answers.keep("c", "k", ours[0], Answer(201, "right"))
    assert answers.claim("c", "k", "f", patience).answer == Answer(201, "right")
    assert answers.claim("c", "k", "other", patience).standing is Standing.other_content


def test_keys_are_forgotten_after_half_a_year(both: Kit) -> None:
    answers = SqlAnswers(both.database)
    claim = answers.claim("c", "k", "f", timedelta(minutes=2))
    answers.keep("c", "k", claim, Answer(201, "x"))
    assert answers.purge(timedelta(days=180)) == 0
    assert answers.purge(timedelta(0)) == 1
