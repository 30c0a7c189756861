"""One alert for each cause, by rules as data; quiet hours, repeats, and the end of it."""

import re
from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from include.adapters.store import audit
from include.adapters.store.alerts import SqlAlertBook, SqlSightings
from include.adapters.store.open_items import SqlOpenItems
from include.domain.alerts import AlertKind, Channel, QuietHours
from include.domain.card_numbers import refuse_card_numbers
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.payments import PaymentStatus
from include.domain.settlement import SettlementDay
from include.mappings.load import load_mappings
from include.services.alerts.raise_alerts import RaiseAlerts
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.late_files import awaited_items
from include.services.orders.sagas import Event
from include.services.sync.ports import Tally, work_on
from tests.care.watching import KEY_LIFE, Watch, rule
from tests.care.watching import watch as watch
from tests.orders.conftest import make_order
from tests.orders.partners import authorization

US = load_mappings().merchant("acme_us", date(2026, 11, 3))


def test_a_rule_that_cannot_be_held_silences_no_other_one(watch: Watch) -> None:
    """The dead letter is told of, though nobody knows a merchant's company any more."""
    kit = watch.care.kit
    kit.erp.fault = Retryable("it is left alone", "SYSPRO", "Wait.")
    kit.run(make_order())
    kit.clock.move(minutes=10)
    watch.care.shelf.set_aside("shop_order", "web|1", Rejected("x", "y", "z"), owner="ops")
    gone = Rejected("merchant 'acme_us' is not configured", "merchants.yaml", "Add an entry.")

    def company_of(_merchant: str) -> str:
        raise gone

    book = SqlAlertBook(watch.care.store, lambda _c: kit.clock.now())
    sightings = SqlSightings(watch.care.store, lambda _merchant: kit.rules, company_of, KEY_LIFE)
    rules = (rule(AlertKind.erp_unreachable), rule(AlertKind.dead_letters))
    with pytest.raises(ExceptionGroup, match=r"1 alert rules could not be held.* 1 told") as found:
        RaiseAlerts(rules, sightings, book, watch.post.send).run()
    assert found.value.exceptions == (gone,)
    assert "erp_unreachable (alerts.yaml:1)" in gone.__notes__[0]
    assert [one.startswith("Tieout: dead letters: 1") for one in watch.post.subjects()] == [True]


def lose(effect: Effect) -> Receipt:
    raise OutcomeUnknown("no answer", "gateway", "Look.")


def stay_down(_effect: Effect) -> Receipt:
    raise Retryable("refused", "SYSPRO", "Wait.")


def test_many_orders_waiting_for_one_gateway_are_one_alert(watch: Watch) -> None:
    for _ in range(3):
        watch.care.kit.partner.say(EffectKind.payment_authorization, lose)
        watch.care.kit.place(make_order())
    told = watch.run(rule(AlertKind.gateway_timeouts, threshold=3))
    assert (told.lasting, told.told) == (1, 1)
    assert watch.post.subjects() == [
        "Tieout: gateway timeouts: 3 (the gateway gave no clear answer, organization acme_us_org)"
    ]
    assert {channel for channel, _ in watch.post.sent} == {Channel.mail, Channel.chat}


def test_a_late_janitor_is_told_of_and_hides_no_doubt(watch: Watch) -> None:
    watch.care.kit.partner.say(EffectKind.payment_authorization, lose)
    watch.care.kit.place(make_order())
    late = rule(AlertKind.effects_late, window=timedelta(hours=1))
    assert watch.run(late).told == 0
    watch.care.kit.clock.move(hours=3)  # and nobody has swept
    assert watch.run(late, rule(AlertKind.gateway_timeouts)).told == 2
    late_one, doubt = watch.post.subjects()
    assert late_one.startswith("Tieout: effects late: 1 (writes wait for their look, the oldest")
    assert late_one.endswith("UTC, at acme_us_org)")
    assert doubt.startswith("Tieout: gateway timeouts: 1 (")


def test_below_the_threshold_nobody_is_told(watch: Watch) -> None:
    watch.care.kit.partner.say(EffectKind.payment_authorization, lose)
    watch.care.kit.place(make_order())
    assert watch.run(rule(AlertKind.gateway_timeouts, threshold=2)).told == 0
    assert watch.post.sent == []


def test_an_unreachable_erp_is_told_by_company(watch: Watch) -> None:
    for _ in range(5):
        watch.care.kit.partner.say(EffectKind.sales_order, stay_down)
    watch.care.kit.run(make_order())
    assert watch.run(rule(AlertKind.erp_unreachable)).told == 1
    assert watch.post.subjects() == [
        "Tieout: erp unreachable: 1 (orders or postings wait for SYSPRO A)"
    ]
    assert watch.run(rule(AlertKind.gateway_timeouts)).told == 0


def test_paid_orders_that_syspro_was_not_even_asked_to_book_count_as_well(watch: Watch) -> None:
    kit = watch.care.kit
    kit.erp.fault = Retryable("it is left alone", "SYSPRO", "Wait.")
    for _ in range(3):
        kit.run(make_order())
    down = rule(AlertKind.erp_unreachable, threshold=3)
    assert watch.run(down).told == 0  # a moment ago: nothing is late yet
    kit.clock.move(minutes=5)
    assert watch.run(down).told == 1
    kit.erp.fault = None
    kit.pass_time(minutes=10)
    assert watch.run(down).over == 1


def test_a_cause_is_told_again_only_after_its_time_and_once_when_it_is_over(watch: Watch) -> None:
    dead = rule(AlertKind.dead_letters)
    fault = Rejected("unknown SKU", "shop", "Add it.")
    watch.care.shelf.set_aside("shop_order", "web|1", fault, owner="ann")
    assert watch.run(dead).told == 1
    watch.care.kit.clock.move(minutes=59)
    assert watch.run(dead).told == 0
    watch.care.kit.clock.move(minutes=1)
    assert watch.run(dead).told == 1
    watch.care.shelf.settle("shop_order", "web|1", "added")
    assert watch.run(dead).over == 1
    assert watch.post.subjects()[-1].startswith("Tieout: dead letters: over")
    assert watch.run(dead).over == 0
    # A new occurrence is news at once, however short the time since the last.
    watch.care.shelf.set_aside("shop_order", "web|2", fault, owner="ann")
    assert watch.run(dead).told == 1


def test_in_quiet_hours_only_what_is_urgent_goes_out_and_the_rest_after_them(
    watch: Watch,
) -> None:
    watch.care.shelf.set_aside("shop_order", "1", Rejected("a", "b", "c"), owner="ann")
    night = QuietHours(time(0), time(7), "UTC")  # the clock stands at 06:00 UTC
    quiet = rule(AlertKind.dead_letters, quiet=night)
    assert watch.run(quiet).told == 0
    assert watch.run(replace(quiet, is_urgent=True)).told == 1
    watch.post.sent.clear()
    watch.care.kit.clock.move(hours=2)
    assert watch.run(quiet).told == 1


def test_a_mail_that_fails_neither_fails_the_run_nor_silences_the_chat(watch: Watch) -> None:
    watch.care.shelf.set_aside("shop_order", "1", Rejected("a", "b", "c"), owner="ann")
    watch.post.broken = {Channel.mail}
    told = watch.run(rule(AlertKind.dead_letters))
    assert (told.told, told.failed) == (1, 1)
    assert [channel for channel, _ in watch.post.sent] == [Channel.chat]


def test_what_no_way_took_is_tried_again_by_the_next_run(watch: Watch) -> None:
    watch.care.shelf.set_aside("shop_order", "1", Rejected("a", "b", "c"), owner="ann")
    watch.post.broken = {Channel.mail, Channel.chat}
    assert watch.run(rule(AlertKind.dead_letters)).told == 0
    watch.post.broken = set()
    assert watch.run(rule(AlertKind.dead_letters)).told == 1


def test_without_any_way_the_log_is_told_and_not_again_each_time(watch: Watch) -> None:
    watch.care.shelf.set_aside("shop_order", "1", Rejected("a", "b", "c"), owner="ann")
    watch.post.missing = {Channel.mail, Channel.chat}
    assert watch.run(rule(AlertKind.dead_letters)).told == 1
    assert watch.run(rule(AlertKind.dead_letters)).told == 0


def test_stuck_orders_and_waiting_refunds_are_counted_by_merchant(watch: Watch) -> None:
    def refuse(_effect: Effect) -> Receipt:
        raise Rejected("price must be numeric", "SYSPRO", "Correct it.")

    watch.care.kit.partner.say(EffectKind.sales_order, refuse)
    watch.care.kit.run(make_order())
    paid = make_order(minor=90_000)
    watch.care.kit.run(paid)
    watch.care.kit.service.refund(
        paid.order_id, Money(80_000, "USD"), origin="api", origin_key="1", who="ann", reason="r"
    )
    assert watch.run(rule(AlertKind.orders_stuck), rule(AlertKind.refunds_waiting)).told == 2
    assert watch.post.subjects() == [
        "Tieout: orders stuck: 1 (orders need a person at acme_us)",
        "Tieout: refunds waiting: 1 (refunds wait for a second person at acme_us)",
    ]


def test_a_source_that_has_not_come_in_its_time_is_told_until_a_person_resolves_it(
    watch: Watch,
) -> None:
    """Meanwhile ``late_files`` asks for it; afterwards nobody would."""
    store, today = watch.care.store, watch.care.kit.clock.now().date()
    items = SqlOpenItems(store, watch.care.kit.clock)
    for day in (today, today - timedelta(days=7)):
        one = SettlementDay("acme_us", day)
        bank = replace(US.source("bank"), awaited_days=7)
        items.open(awaited_items(one, replace(US, sources=(bank,)), {"bank": "no statement"}))
    missing = rule(AlertKind.sources_missing, window=timedelta(days=7))
    assert watch.run(missing).told == 0
    watch.care.kit.clock.move(days=1)
    assert watch.run(missing).told == 1
    assert watch.post.subjects() == [
        "Tieout: sources missing: 1 (sources have never come, of settlement days of acme_us)"
    ]
    keys = [item.item_key for item in items.of_stage("acme_us", "download")]
    items.resolve(keys, resolved_by="ann", resolution="a holiday")
    assert watch.run(missing).over == 1


def test_a_review_alarms_before_its_authorisation_lapses(watch: Watch) -> None:
    watch.care.kit.partner.say(
        EffectKind.payment_authorization,
        lambda it: watch.care.kit.partner.do(it, authorization(it, 1, PaymentStatus.in_review)),
    )
    watch.care.kit.run(make_order())
    ageing, expiring = rule(AlertKind.reviews_ageing), rule(AlertKind.authorizations_expiring)
    watch.care.kit.clock.move(days=4, hours=23)  # seven days less 48 hours, less an hour
    assert watch.run(ageing, expiring).told == 0
    watch.care.kit.clock.move(hours=1)
    assert watch.run(ageing, expiring).told == 1
    assert watch.post.subjects()[0].startswith("Tieout: reviews ageing: 1")


def test_a_review_of_goods_that_have_left_is_told_at_once(watch: Watch) -> None:
    kit, order, ageing = watch.care.kit, make_order(), rule(AlertKind.reviews_ageing)
    kit.partner.say(
        EffectKind.payment_authorization,
        lambda it: kit.partner.do(it, authorization(it, 1, PaymentStatus.in_review)),
    )
    kit.run(order)
    assert watch.run(ageing).told == 0
    kit.service.orders.amend(
        order.order_id, lambda facts: replace(facts, invoices=("I1",)), Event("invoiced in SYSPRO")
    )
    assert watch.run(ageing).told == 1
    assert "their goods have left, at acme_us" in watch.post.subjects()[0]
    kit.service.orders.amend(
        order.order_id, lambda facts: replace(facts, is_contradicted=True), Event("seen")
    )
    assert kit.service.advance(order.order_id).state == OrderState.stuck
    assert watch.run(rule(AlertKind.authorizations_expiring)).told == 0  # not for days


def test_card_numbers_and_forged_webhooks_are_counted_until_told(watch: Watch) -> None:
    forged = rule(AlertKind.webhook_signature_failures, threshold=10)
    kind = AlertKind.webhook_signature_failures.value
    watch.alarms().sight(f"{kind}|woo|bad", kind, "woo: bad_signature", 9)
    assert watch.run(forged).told == 0
    watch.alarms().sight(f"{kind}|woo|bad", kind, "woo: bad_signature", 1)
    assert watch.run(forged).told == 1
    assert watch.post.subjects() == ["Tieout: webhook signature failures: 10 (woo: bad_signature)"]
    # What was told does not count again: five more are no alert, and a quiet window ends it.
    watch.care.kit.clock.move(hours=2)
    watch.alarms().sight(f"{kind}|woo|bad", kind, "woo: bad_signature", 5)
    assert watch.run(forged).told == 0


def test_a_few_sightings_are_forgotten_after_their_window(watch: Watch) -> None:
    forged = rule(AlertKind.webhook_signature_failures, threshold=10)
    kind = AlertKind.webhook_signature_failures.value
    watch.alarms().sight(f"{kind}|woo|bad", kind, "woo: bad_signature", 9)
    watch.care.kit.clock.move(minutes=11)
    assert watch.run(forged).over == 1
    watch.alarms().sight(f"{kind}|woo|bad", kind, "woo: bad_signature", 9)
    assert watch.run(forged).told == 0  # nine of now, not eighteen
    assert watch.post.sent == []


def test_what_was_told_is_over_a_window_after_it_was_told(watch: Watch) -> None:
    kind = AlertKind.webhook_signature_failures.value
    forged, clock = rule(AlertKind(kind), threshold=10), watch.care.kit.clock
    watch.alarms().sight(f"{kind}|woo|bad", kind, "woo: bad_signature", 9)
    clock.move(minutes=9)
    watch.alarms().sight(f"{kind}|woo|bad", kind, "woo: bad_signature", 1)
    assert watch.run(forged).told == 1
    clock.move(minutes=2)
    assert watch.run(forged).over == 0
    clock.move(minutes=9)
    assert watch.run(forged).over == 1


def test_each_who_sent_card_numbers_is_a_cause_of_its_own(watch: Watch) -> None:
    kind = AlertKind.card_number_refused.value
    for who in ("shop_a", "shop_b"):
        watch.alarms().sight(f"{kind}|{who}", kind, f"{who}: lines[0].description", 1)
    assert watch.run(rule(AlertKind.card_number_refused)).told == 2


def test_twice_as_many_are_told_before_their_time(watch: Watch) -> None:
    letters, shelf = rule(AlertKind.dead_letters, threshold=10), watch.care.shelf

    def set_aside(first: int, last: int) -> None:
        for number in range(first, last + 1):
            shelf.set_aside("shop_order", f"web|{number}", Rejected("x", "y", "z"), owner="ops")

    set_aside(1, 10)
    assert watch.run(letters).told == 1
    set_aside(11, 19)
    assert watch.run(letters).told == 0
    set_aside(20, 20)
    assert watch.run(letters).told == 1
    assert watch.run(letters).told == 0  # of twenty they know
    shelf.settle("shop_order", "web|1", "mended")
    assert watch.run(letters).told == 0
    assert [one.split(": ")[2].split()[0] for one in watch.post.subjects()] == ["10", "20"]


def test_a_card_number_in_a_feed_is_alarmed_once(watch: Watch) -> None:
    shelf, cards = watch.care.shelf, rule(AlertKind.card_number_refused)
    number = "4111 1111 1111 1111"
    for order in ("web|7", "web|7", "web|8"):  # a feed gives its last rows at every poll

        def work() -> bool:
            refuse_card_numbers({"customer_note": number}, "shop web")
            return True

        work_on(Tally(), shelf, "shop_order", order, "ops", work)
    assert watch.run(cards).told == 1
    (subject,) = watch.post.subjects()
    assert subject.startswith("Tieout: card number refused: 2 (web: the field customer_note")
    assert number not in watch.post.texts[0]


def test_a_subject_stays_one_line_whatever_the_cause_says(watch: Watch) -> None:
    kind = AlertKind.card_number_refused.value
    watch.alarms().sight(f"{kind}|x", kind, "x\r\nBcc: everybody@example.com", 1)
    watch.run(rule(AlertKind.card_number_refused))
    assert "\n" not in watch.post.subjects()[0]
    assert "\r" not in watch.post.subjects()[0]


def test_the_head_of_the_audit_chain_is_told_once_a_day(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    daily = rule(AlertKind.audit_head, repeat_after=timedelta(days=1))
    assert watch.run(daily).told == 0  # nothing was ever decided
    care, heads = watch.care, list[str]()
    for number in ("1001", "1002"):
        care.kit.run(make_order(number=number))
        heads.append(audit.verify(care.store).head)
        watch.run(daily)
        care.kit.clock.move(minutes=5)
        care.audit.note("cli:ann", "something else", "a subject")
        watch.run(daily)
        care.kit.clock.move(hours=24)
    subjects = watch.post.subjects()
    assert [re.findall("[0-9a-f]{64}", one) for one in subjects] == [[head] for head in heads]
    assert all(head in text for head, text in zip(heads, watch.post.texts[::2], strict=True))
    assert all(head in caplog.text for head in heads)


def test_every_shipped_rule_is_evaluated(watch: Watch) -> None:
    rules = load_mappings().orders.alert_rules(date(2026, 11, 3))
    assert {one.kind for one in rules} == set(AlertKind)
    assert str(watch.run(*rules)) == "0 last, 0 told, 0 over, 0 not delivered"
