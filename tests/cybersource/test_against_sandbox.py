"""The engine drives the partners against the sandbox, whose ledger counts what was executed.

Real HTTP and real signatures; only the store's clock is moved by hand, past Q and the look gap.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.decisions import DecisionPoller
from include.adapters.cybersource.pace import timings
from include.adapters.cybersource.partners import partners_of
from include.adapters.cybersource.payments import Payments
from include.adapters.cybersource.settings import Settings
from include.adapters.cybersource.signing import utc_now
from include.adapters.cybersource.tokens import Tokens, duplicates
from include.adapters.http.transport import HttpTransport
from include.adapters.settings_file import ROOT, read_settings
from include.domain.calendar import Window
from include.domain.orders import PaymentMethod, reference_of
from include.domain.payments import (
    Capture,
    DecideReview,
    DeleteToken,
    Refund,
    Reverse,
    Void,
)
from include.domain.reviews import Decision
from include.mappings.load import load_mappings
from include.services.effects.engine import Engine
from include.services.effects.memory import MemoryEffectStore
from include.services.effects.ports import Effect, EffectKind, EffectState
from tests.cybersource.scripted import (
    AMOUNT,
    SHOPPER,
    TRANSIENT,
    authorize,
    effect_of,
)
from tests.effects import ManualClock
from tests.sandbox.merchant import running

MERCHANT = "acme_us"
AUTH, CAPTURE, REFUND, REVERSE, VOID, REVIEW, DELETION = (
    EffectKind.payment_authorization,
    EffectKind.payment_capture,
    EffectKind.payment_refund,
    EffectKind.payment_reversal,
    EffectKind.payment_void,
    EffectKind.review_decision,
    EffectKind.token_deletion,
)
VERBS = {
    AUTH: "authorization", CAPTURE: "capture", REFUND: "refund", REVERSE: "reversal", VOID: "void"
}  # fmt: skip
CALLS = {
    AUTH: "POST /pts/v2/payments$", CAPTURE: "/captures$", REFUND: "/refunds$",
    REVERSE: "/reversals$", VOID: "/voids$",
}  # fmt: skip
KINDS = sorted(VERBS, key=lambda kind: kind.value)
_numbers = count(1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Any]:
    with running() as found:
        yield found


class Shop:
    """One order's effects, through a real engine over a store in memory."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox, self.clock = sandbox, ManualClock()
        self.client = client_of(sandbox)
        self.store = MemoryEffectStore(self.clock)
        settings = self.client.settings
        self.engine = Engine(
            self.store,
            partners_of(self.client, load_mappings().orders),  # as finance ships it
            self.clock,
            timings(settings),
            log=lambda event, **fields: None,
        )
        self.number = next(_numbers)
        self.code = f"WOO-{self.number}"
        self.app = next(app for app in sandbox.apps if app.system == "cybersource")

    def control(self, action: str, **facts: Any) -> Any:
        return self.app.control(action, facts)

    def intend(self, kind: EffectKind, command: Any) -> Effect:
        key = f"{kind.value}|{self.code}|{next(_numbers)}"
        effect = effect_of(kind, command, key=key, reference=reference_of(key))
        return self.engine.intend(replace(effect, intended_at=None))

    def run(self, kind: EffectKind, command: Any) -> Effect:
        effect = self.intend(kind, command)
        return self.engine.advance(kind, effect.key)

    def settle(self, effect: Effect, pause_s: float = 0.0) -> Effect:
        """Let the janitor work until the effect rests for good."""
        if pause_s:
            time.sleep(pause_s)  # what was dropped is executed meanwhile
        for _ in range(12):
            self.clock.move(seconds=400)
            effect = self.engine.advance(effect.kind, effect.key)
            if effect.state in (
                EffectState.verified,
                EffectState.declined,
                EffectState.dead_letter,
                EffectState.mismatched,
            ):
                break
        return effect

    def executed(self, effect: Effect) -> int:
        verb = VERBS[effect.kind]
        found: int = self.sandbox.ledger.count(verb=verb, reference=effect.reference)
        return found

    def pay(self, email: str = "ada@example.com", **changes: Any) -> Effect:
        effect = self.run(AUTH, self.order(email, **changes))
        assert effect.state in (EffectState.done, EffectState.declined), effect.reason
        return effect

    def order(self, email: str = "ada@example.com", **changes: Any) -> Any:
        token = self.control("transient_token")["tokens"][0]["jti"]
        source = replace(TRANSIENT, transient_id=token, keep=changes.pop("keep", False))
        shopper = replace(SHOPPER, email=email)
        return authorize(
            code=self.code, organization_id=MERCHANT, source=source, shopper=shopper, **changes
        )

    def command(self, kind: EffectKind) -> Any:
        """Return a command of this kind, after what it needs has been done."""
        if kind is AUTH:
            return self.order()
        paid = self.pay().their_key
        if kind is REVERSE:
            return Reverse("ord_1", MERCHANT, self.code, paid, AMOUNT, "cancelled")
        capture = Capture("ord_1", 1, MERCHANT, self.code, paid, AMOUNT)
        if kind is CAPTURE:
            return capture
        captured = self.run(CAPTURE, capture).their_key
        if kind is REFUND:
            return Refund("ord_1", "r-1", MERCHANT, self.code, captured, AMOUNT)
        return Void("ord_1", MERCHANT, self.code, "captures", captured, AMOUNT)


def client_of(sandbox: Any, **extra: Any) -> Client:
    fields = read_settings(ROOT / "airflow_settings.yaml", {}).connections[
        f"cybersource_{MERCHANT}"
    ]
    given = json.loads(fields["extra"]) | {"deadline_s": 3, "authorization_deadline_s": 3} | extra
    settings = Settings.from_connection(
        "c", sandbox.cybersource_url, None, fields["login"], fields["password"], given
    )
    return Client(settings, HttpTransport(), utc_now)


@pytest.fixture
def shop(sandbox: Any) -> Iterator[Shop]:
    yield Shop(sandbox)
    sandbox.faults.clear()
    next(a for a in sandbox.apps if a.system == "cybersource").control(
        "cybersource", {"mti_guard": True, "index_lag_s": 0.0}
    )


Prepare = Callable[[Shop], Any]


# -- every kind, every fault: once, and known ------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_fault_it_is_sent_once_and_read_back_equal(shop: Shop, kind: EffectKind) -> None:
    effect = shop.run(kind, shop.command(kind))
    assert (effect.state, effect.sends) == (EffectState.done, 1)
    effect = shop.settle(effect)
    assert (effect.state, effect.reason) == (EffectState.verified, "")
    assert shop.executed(effect) == 1


FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("drop_before_commit", {}),
    ("drop_after_commit", {}),
    ("late_commit", {"seconds": 0.2}),
    ("reset", {"commit": True}),
    ("reset", {"commit": False}),
    ("half_body", {}),
    ("wrong_length", {}),
    ("garbage", {}),
    ("garbage", {"commit": False}),
    ("html", {"commit": True}),
    ("redirect", {"commit": True}),
    ("empty", {}),
    ("502", {"commit": True}),
    ("502", {"commit": False}),
    ("503", {"commit": True}),
    ("429", {"commit": False}),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "settings"), FAULTS, ids=lambda value: str(value).replace(" ", "")
)
def test_a_fault_leaves_one_execution_and_a_definite_end(
    shop: Shop, kind: EffectKind, fault: str, settings: dict[str, Any]
) -> None:
    command = shop.command(kind)
    shop.sandbox.faults.add(fault, system="cybersource", match=CALLS[kind], **settings)
    effect = shop.run(kind, command)
    assert effect.state is EffectState.in_doubt, effect.reason
    effect = shop.settle(effect, settings.get("seconds", 0) * 2)
    assert (effect.state, effect.reason) == (EffectState.verified, "")
    assert shop.executed(effect) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_delivery_is_refused_there_and_resolved_here(shop: Shop, kind: EffectKind) -> None:
    command = shop.command(kind)
    shop.sandbox.faults.add("second_delivery", system="cybersource", match=CALLS[kind])
    effect = shop.settle(shop.run(kind, command))
    assert (effect.state, effect.reason) == (EffectState.verified, "")
    assert shop.executed(effect) == 1


@pytest.mark.parametrize("kind", [CAPTURE, REFUND])
def test_where_the_gateway_guards_nothing_a_second_copy_is_seen_at_the_read_back(
    shop: Shop, kind: EffectKind
) -> None:
    command = replace(shop.command(kind), amount=replace(AMOUNT, minor=1000))
    shop.control("cybersource", mti_guard=False)
    shop.sandbox.faults.add("second_delivery", system="cybersource", match=CALLS[kind])
    effect = shop.settle(shop.run(kind, command))
    assert shop.executed(effect) == 2
    assert effect.state is EffectState.mismatched
    assert "2 carry" in effect.reason


def test_a_search_that_lags_does_not_cause_a_second_authorization(shop: Shop) -> None:
    """Asked after Q but before the index has it: absent once, found at the second look."""
    shop.control("cybersource", index_lag_s=0.6)
    shop.sandbox.faults.add("drop_after_commit", system="cybersource", match=CALLS[AUTH])
    effect = shop.run(AUTH, shop.order())
    shop.clock.move(seconds=301)
    effect = shop.engine.advance(AUTH, effect.key)
    assert (effect.state, effect.absent_looks) == (EffectState.in_doubt, 1)
    time.sleep(0.7)
    effect = shop.settle(effect)
    assert (effect.state, effect.sends, shop.executed(effect)) == (EffectState.verified, 1, 1)


def test_nothing_listening_means_nothing_sent(shop: Shop) -> None:
    command = shop.order()
    gone = replace(shop.client.settings, base_url="http://127.0.0.1:9")
    engine = Engine(
        shop.store,
        partners_of(Client(gone, HttpTransport(), utc_now)),
        shop.clock,
        timings(gone),
        log=lambda event, **fields: None,
    )
    effect = shop.intend(AUTH, command)
    effect = engine.advance(AUTH, effect.key)
    assert (effect.state, effect.sends) == (EffectState.intended, 0)
    shop.clock.move(seconds=60)
    effect = shop.engine.advance(AUTH, effect.key)
    assert (effect.state, shop.executed(effect)) == (EffectState.done, 1)


# -- what an authorization comes to ----------------------------------------------------------------

OUTCOMES = {
    "ada@example.com": ("authorized", EffectState.done),
    "ada+partial@example.com": ("partial", EffectState.done),
    "ada+review@example.com": ("in_review", EffectState.done),
    "ada+avs_failed@example.com": ("in_review", EffectState.done),
    "ada+review_before@example.com": ("review_first", EffectState.done),
    "ada+risk_declined@example.com": ("risk_declined", EffectState.done),
    "ada+insufficient_fund@example.com": ("declined", EffectState.declined),
    "ada+risk_declined_before@example.com": ("declined", EffectState.declined),
    "ada+pending_authentication@example.com": ("authentication_needed", EffectState.declined),
}


@pytest.mark.parametrize(("email", "expected"), OUTCOMES.items(), ids=OUTCOMES)
def test_the_answer_and_a_later_look_agree_on_every_outcome(
    shop: Shop, email: str, expected: tuple[str, EffectState]
) -> None:
    status, state = expected
    answered = shop.pay(email)
    said = json.loads(answered.evidence)
    assert (said["status"], answered.state) == (status, state)
    shop.sandbox.faults.add("drop_after_commit", system="cybersource", match=CALLS[AUTH])
    again = Shop(shop.sandbox)
    lost = again.run(AUTH, again.order(email))
    assert lost.state is EffectState.in_doubt
    again.clock.move(seconds=301)
    lost = again.engine.advance(AUTH, lost.key)
    seen = json.loads(lost.evidence)
    assert (seen["status"], lost.state) == (status, state)
    assert seen["authorized"] == said["authorized"]
    assert again.settle(lost).state in (EffectState.verified, EffectState.declined)


def test_a_lost_decline_is_a_no_and_not_sent_again(shop: Shop) -> None:
    shop.sandbox.faults.add("drop_after_commit", system="cybersource", match=CALLS[AUTH])
    effect = shop.run(AUTH, shop.order("ada+declined@example.com"))
    effect = shop.settle(effect)
    assert (effect.state, effect.sends) == (EffectState.declined, 1)


def test_a_502_that_executed_and_one_that_did_not_both_end_with_one_hold(shop: Shop) -> None:
    for word in ("timeout", "timeout_commit", "system_error"):
        order = Shop(shop.sandbox)
        order.control("outcome", outcome=word, verb="authorization", code=order.code, times=1)
        effect = order.settle(order.run(AUTH, order.order()))
        assert (effect.state, order.executed(effect)) == (EffectState.verified, 1), word


# -- taking back -----------------------------------------------------------------------------------


def test_a_lost_authorization_is_reversed_by_its_reference(shop: Shop) -> None:
    shop.sandbox.faults.add("drop_after_commit", system="cybersource", match=CALLS[AUTH])
    lost = shop.run(AUTH, shop.order())
    command = Reverse("ord_1", MERCHANT, shop.code, f"mti:{lost.reference}", AMOUNT, "time-out")
    effect = shop.settle(shop.run(REVERSE, command))
    assert (effect.state, effect.reason) == (EffectState.verified, "")
    (held,) = shop.control("live_requests", code=shop.code, organization_id=MERCHANT)["requests"][
        :1
    ]
    assert (held["status"], held["open_hold"]) == ("REVERSED", "0.00")


@pytest.mark.parametrize("kind", [REVERSE, VOID])
def test_taking_back_what_never_arrived_is_a_clear_no(shop: Shop, kind: EffectKind) -> None:
    never = "mti:TO0000000000000000FF"
    command = (
        Reverse("ord_1", MERCHANT, shop.code, never, AMOUNT, "time-out")
        if kind is REVERSE
        else Void("ord_1", MERCHANT, shop.code, "captures", never, AMOUNT)
    )
    effect = shop.run(kind, command)
    assert effect.state is EffectState.in_doubt  # the same answer could come to a repeat
    assert shop.settle(effect).state is EffectState.declined


def test_a_lost_capture_is_voided_by_its_reference(shop: Shop) -> None:
    command = shop.command(CAPTURE)
    shop.sandbox.faults.add("drop_after_commit", system="cybersource", match=CALLS[CAPTURE])
    lost = shop.run(CAPTURE, command)
    void = Void("ord_1", MERCHANT, shop.code, "captures", f"mti:{lost.reference}", AMOUNT)
    effect = shop.settle(shop.run(VOID, void))
    assert (effect.state, effect.reason) == (EffectState.verified, "")


def test_a_capture_that_settled_cannot_be_voided_and_says_so(shop: Shop) -> None:
    command = shop.command(VOID)
    shop.control("settle")
    effect = shop.settle(shop.run(VOID, command))
    assert effect.state is EffectState.declined
    assert json.loads(effect.evidence)["reason"] == "NOT_VOIDABLE"


def test_a_hold_that_the_vendor_released_counts_as_reversed(shop: Shop) -> None:
    paid = shop.pay("ada+review@example.com")
    shop.control("decide", request_id=paid.their_key, decision="REJECT", act=True)
    command = Reverse("ord_1", MERCHANT, shop.code, paid.their_key, AMOUNT, "rejected")
    effect = shop.settle(shop.run(REVERSE, command))
    assert (effect.state, shop.executed(effect)) == (EffectState.verified, 0)


def test_a_refund_beyond_the_capture_ends_with_a_person_and_moves_nothing(shop: Shop) -> None:
    command = replace(shop.command(REFUND), amount=replace(AMOUNT, minor=AMOUNT.minor + 1))
    effect = shop.settle(shop.run(REFUND, command))
    assert (effect.state, shop.executed(effect)) == (EffectState.dead_letter, 0)


def test_partial_captures_and_refunds_are_told_apart(shop: Shop) -> None:
    paid, parts = shop.pay().their_key, (3000, 6019)
    captures = [
        shop.run(
            CAPTURE,
            Capture(
                "ord_1", number, MERCHANT, shop.code, paid, replace(AMOUNT, minor=minor),
                is_final=number == len(parts),
            ),
        )
        for number, minor in enumerate(parts, 1)
    ]  # fmt: skip
    refunds = [
        shop.run(
            REFUND,
            Refund("ord_1", f"r-{one.key}", MERCHANT, shop.code, one.their_key,
                   replace(AMOUNT, minor=1000)),
        )
        for one in captures
    ]  # fmt: skip
    ended = [shop.settle(one) for one in (*captures, *refunds)]
    assert {one.state for one in ended} == {EffectState.verified}
    assert len({one.their_key for one in ended}) == 4


# -- decisions -------------------------------------------------------------------------------------


def test_an_analysts_decision_reaches_the_case_and_comes_back_by_poll(shop: Shop) -> None:
    paid = shop.pay("ada+review@example.com")
    held = DecisionPoller(shop.client).reviews_between(_day_of(shop, paid.their_key))
    assert paid.their_key in {event.request_id for event in held}
    command = DecideReview("ord_1", MERCHANT, shop.code, paid.their_key, "ACCEPT", "ada", "known")
    effect = shop.run(REVIEW, command)
    assert shop.settle(effect).state is EffectState.verified
    window = _day_of(shop, paid.their_key)
    pages = list(DecisionPoller(shop.client).decisions_since(window.start_at, window.end_at))
    (event,) = [
        event for page in pages for event in page.events if event.request_id == paid.their_key
    ]
    assert event.decision is Decision.accept
    assert effect.reference in event.comments
    (asked,) = DecisionPoller(shop.client).decided([paid.their_key])
    assert asked.decision is Decision.accept


@pytest.mark.parametrize("fault", ["drop_after_commit", "second_delivery", "drop_before_commit"])
def test_a_decision_is_made_once_whatever_the_wire_does(shop: Shop, fault: str) -> None:
    paid = shop.pay("ada+review@example.com")
    shop.sandbox.faults.add(fault, system="cybersource", match="/actions$")
    command = DecideReview("ord_1", MERCHANT, shop.code, paid.their_key, "REJECT", "ada", "")
    effect = shop.settle(shop.run(REVIEW, command))
    assert (effect.state, effect.reason) == (EffectState.verified, "")
    made = shop.sandbox.ledger.rows(verb="decision", request_id=paid.their_key)
    assert sum(row.committed for row in made) == 1


def test_a_decision_against_one_made_at_the_vendors_desk_is_for_a_person(shop: Shop) -> None:
    paid = shop.pay("ada+review@example.com")
    shop.control("decide", request_id=paid.their_key, decision="REJECT", reviewer="eve")
    command = DecideReview("ord_1", MERCHANT, shop.code, paid.their_key, "ACCEPT", "ada", "")
    effect = shop.settle(shop.run(REVIEW, command))
    assert effect.state is EffectState.mismatched
    assert effect.sends == 0  # it was looked for first
    assert "ours ACCEPTED, theirs REJECTED" in effect.reason


def _day_of(shop: Shop, request_id: str) -> Window:
    made = Payments(shop.client).authorization(request_id)
    assert made is not None
    assert made.at is not None
    return Window(made.at - timedelta(minutes=1), made.at + timedelta(hours=1))


# -- tokens ----------------------------------------------------------------------------------------


def test_a_kept_card_is_charged_again_joined_by_another_and_forgotten(shop: Shop) -> None:
    first = json.loads(shop.pay(keep=True).evidence)["stored"]
    tokens = Tokens(shop.client)
    (stored,) = tokens.customer(first["customer_token"]) or ()
    assert stored.instrument_token == first["instrument_token"]
    assert len(stored.suffix) == 4
    source = replace(
        TRANSIENT,
        method=PaymentMethod.stored_token,
        transient_id="",
        customer_token=stored.customer_token,
        instrument_token=stored.instrument_token,
    )
    again = shop.run(AUTH, authorize(code=shop.code, organization_id=MERCHANT, source=source))
    assert json.loads(again.evidence)["status"] == "authorized"
    more = shop.order(keep=True)
    more = replace(more, source=replace(more.source, customer_token=stored.customer_token))
    assert json.loads(shop.run(AUTH, more).evidence)["stored"]["customer_token"] == (
        stored.customer_token
    )
    both = tokens.customer(stored.customer_token) or ()
    assert {len(one.suffix) for one in both} == {4}
    assert (len(both), duplicates(both)) == (2, [])  # two cards, not one card twice
    deletion = shop.run(DELETION, DeleteToken(MERCHANT, stored.customer_token))
    assert shop.settle(deletion).state is EffectState.verified
    assert tokens.customer(stored.customer_token) is None


def test_a_token_that_could_not_be_made_leaves_the_payment_good(shop: Shop) -> None:
    evidence = json.loads(shop.pay("ada+token_failed@example.com", keep=True).evidence)
    assert (evidence["status"], evidence["stored"]) == ("authorized", None)
    assert evidence["token_failure"] == "SYSTEM_ERROR"
