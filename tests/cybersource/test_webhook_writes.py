"""Keys and test notifications through the effects engine: what is kept of them, and what never is.

Against the sandbox, lost answers included; the store is asked for every byte it holds.
"""

import hashlib
import logging
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from include.adapters.cybersource.timings import ROTATE_AGAIN, webhook_timings
from include.adapters.cybersource.webhooks.admin import Webhooks
from include.adapters.cybersource.webhooks.keys import KeyPartner
from include.adapters.cybersource.webhooks.partner import SubscriptionPartner, Wish
from include.adapters.cybersource.webhooks.probe import AskTest, TestCallPartner
from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.schema import metadata
from include.domain.canonical import to_json
from include.domain.errors import OutcomeUnknown, Rejected
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.wiring import UtcClock
from tests.cybersource.support import MERCHANT, Shop, client_of
from tests.cybersource.test_webhooks_against_sandbox import ACCEPT, wish
from tests.cybersource.webhook_keys import Ring, key_effect, make_key
from tests.effects import ManualClock
from tests.sandbox.receiver import Receiver

KEYS, TESTS = "POST /kms/egress/v2/keys-sym$", "POST /notification-subscriptions/v1/webhooks/"


class Office:
    """An engine over a real store, whose janitor has no ring."""

    def __init__(self, sandbox: Any, url: str) -> None:
        sandbox.reset()
        self.shop = Shop(sandbox)
        self.shop.control("cybersource", webhook_review=False, webhook_minute_s=0.002)
        self.client, self.ring = client_of(sandbox), Ring()
        self.database = open_store(url)
        metadata.create_all(self.database)
        self.clock = ManualClock()
        self.store = SqlEffectStore(self.database, lambda _: self.clock.now())
        self.letters = SqlDeadLetters(self.database)

    def engine(self, ring: Ring | None = None) -> Engine:
        partners = {
            EffectKind.webhook_key: KeyPartner(self.client, ring),
            EffectKind.webhook_test: TestCallPartner(self.client),
        }
        return Engine(self.store, partners, UtcClock(), webhook_timings(self.client.settings))

    def rotate(self, number: int = 1) -> Effect:
        return self.engine(self.ring).perform(key_effect(MERCHANT, number))

    def test(self, webhook_id: str) -> Effect:
        payload = to_json(AskTest(MERCHANT, webhook_id))
        digest = hashlib.sha256(payload.encode()).hexdigest()
        return self.engine().perform(
            Effect(
                *(EffectKind.webhook_test, f"test|{webhook_id}", "TOTEST", payload, digest),
                *(MERCHANT, "", 0, "integration"),
            )
        )

    def subscribe(self, receiver: Receiver) -> str:
        make_key(self.client, MERCHANT, Ring())
        SubscriptionPartner(self.client).send(wish(receiver, Wish.active, ACCEPT))
        (listed,) = Webhooks(self.client).subscriptions(MERCHANT)
        return listed.webhook_id

    def spoil(self, fault: str, match: str) -> None:
        self.shop.sandbox.faults.add(fault, system="cybersource", match=match)

    def later(self, **span: float) -> None:
        """Let time pass and the janitor come by."""
        self.clock.move(**span)
        self.engine().sweep()

    def everything_kept(self) -> str:
        """Return every byte the store holds, as text."""
        with self.database.begin() as connection:
            return "\n".join(
                str(row)
                for table in metadata.tables
                for row in connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608
            )


@pytest.fixture
def office(sandbox: Any, store_url: str) -> Office:
    return Office(sandbox, store_url)


# Keys ---------------------------------------------------------------------------------------------


def test_of_a_key_the_store_and_the_log_hold_its_id_alone(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    import base64

    with caplog.at_level(logging.DEBUG):
        effect = office.rotate()
    ((key_id, secret),) = office.ring.kept.items()
    assert (effect.state, effect.their_key, effect.sends) == (EffectState.done, key_id, 1)
    kept = office.everything_kept()
    assert key_id in kept
    for form in (base64.b64encode(secret).decode(), secret.hex(), repr(secret)):
        assert form not in kept
        assert form not in caplog.text


@pytest.mark.parametrize("fault", ["drop_after_commit", "half_body", "garbage", "503"])
def test_a_lost_answer_is_a_persons_at_once_and_is_not_sent_again(
    office: Office, fault: str
) -> None:
    office.spoil(fault, KEYS)
    effect = office.rotate()
    assert effect.state is EffectState.dead_letter
    assert (effect.their_key, office.ring.kept) == ("", {})
    (letter,) = office.letters.listing()
    assert (letter.kind, letter.next_action) == ("webhook_key", ROTATE_AGAIN)
    office.later(days=7)
    assert office.store.get(effect.kind, effect.key) == effect  # no key is made behind our backs
    assert office.rotate(2).state is EffectState.done


def test_a_worker_that_dies_while_a_key_is_made_leaves_a_dead_letter(office: Office) -> None:
    class Dying(Ring):
        def add(self, key_id: str, key: bytes) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        office.engine(Dying()).perform(key_effect(MERCHANT))
    office.later(days=1)
    (letter,) = office.letters.listing()
    assert (letter.reason, letter.next_action) == ("the worker ended during the send", ROTATE_AGAIN)


def test_a_key_that_cannot_be_kept_is_as_good_as_lost(office: Office) -> None:
    class Full(Ring):
        def add(self, key_id: str, key: bytes) -> None:
            raise OSError(28, "No space left on device", "/keys/new")

    effect = office.engine(Full()).perform(key_effect(MERCHANT))
    assert effect.state is EffectState.dead_letter
    assert "was made and could not be kept: No space left on device" in effect.reason


def test_nothing_is_made_where_nobody_takes_it(office: Office) -> None:
    with pytest.raises(Rejected, match="only where somebody takes it"):
        KeyPartner(office.client).send(key_effect(MERCHANT))


def test_a_refused_key_is_a_dead_letter_that_says_so(office: Office) -> None:
    office.spoil("403", KEYS)
    assert office.rotate().state is EffectState.rejected
    assert office.ring.kept == {}


def test_a_key_is_verified_by_our_own_record_for_theirs_cannot_be_listed(office: Office) -> None:
    effect = office.rotate()
    office.later(hours=2)
    found = office.store.get(effect.kind, effect.key)
    assert found is not None
    assert found.state is EffectState.verified
    assert office.letters.listing() == []


# Test notifications -------------------------------------------------------------------------------


def test_a_test_notification_arrives_and_is_on_record(office: Office, receiver: Receiver) -> None:
    webhook_id = office.subscribe(receiver)
    effect = office.test(webhook_id)
    assert (effect.state, effect.their_key) == (EffectState.done, webhook_id)
    assert len(receiver.got(1)) == 1


def test_a_test_whose_answer_was_lost_is_asked_for_again_by_itself(
    office: Office, receiver: Receiver
) -> None:
    webhook_id = office.subscribe(receiver)
    office.spoil("drop_after_commit", TESTS)
    effect = office.test(webhook_id)
    assert effect.state is EffectState.in_doubt
    for _ in range(3):  # two looks a gap apart, then the second send
        office.later(minutes=10)
    found = office.store.get(effect.kind, effect.key)
    assert found is not None
    assert (found.sends, found.their_key) == (2, webhook_id)
    assert len(receiver.got(2)) == 2
    assert office.letters.listing() == []


def test_a_webhook_nobody_knows_cannot_be_tested(office: Office) -> None:
    assert office.test("nobody").state is EffectState.rejected


def test_the_order_desks_janitor_knows_every_kind_of_webhook_write(office: Office) -> None:
    timings = webhook_timings(office.client.settings)
    assert set(timings) == {kind for kind in EffectKind if kind.value.startswith("webhook_")}
    assert timings[EffectKind.webhook_test].quiescence > timedelta(minutes=1)


def test_a_lost_key_is_told_with_what_to_do(office: Office) -> None:
    office.spoil("drop_after_commit", KEYS)
    with pytest.raises(OutcomeUnknown, match="Rotate once more"):
        KeyPartner(office.client, office.ring).send(key_effect(MERCHANT))
