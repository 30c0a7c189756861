"""Decisions by poller, payments made by others, and the fields that pace it all."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.decisions import DecisionPoller
from include.adapters.cybersource.reasons import BuiltInReasons, ReasonTable
from include.adapters.cybersource.timings import GATEWAY_KINDS, timings
from include.domain.calendar import Window
from include.domain.errors import Rejected, Retryable
from include.domain.payment_meanings import Meaning
from include.domain.reviews import Decision
from include.mappings.load import load_mappings
from include.mappings.payment_words import CODES, REASONS, STATUSES
from include.mappings.today import Meanings
from include.services.effects.ports import EffectKind
from tests.cybersource.scripted import (
    AUTH_ID,
    NOW,
    ScriptedGateway,
    found,
    response,
    row,
)
from tieout.hooks.cybersource import CybersourceHook

Make = Callable[..., Client]
CONVERSIONS = "GET /reporting/v3/conversion-details"


def conversion(at: str, decision: str = "ACCEPT", request_id: str = AUTH_ID) -> dict[str, str]:
    return {
        "requestId": request_id, "conversionTime": at, "originalDecision": "REVIEW",
        "newDecision": decision, "reviewer": "ada", "reviewerComments": "known",
    }  # fmt: skip


class Desk:
    """A conversion report: knows decisions by time, and answers for the window asked for."""

    def __init__(self, *made: dict[str, str]) -> None:
        self.made = list(made)
        self.windows: list[tuple[datetime, datetime]] = []

    def __call__(self, request: Any) -> Any:
        query = parse_qs(urlsplit(request.url).query)
        start, end = (datetime.fromisoformat(query[name][0]) for name in ("startTime", "endTime"))
        self.windows.append((start, end))
        rows = [
            one for one in self.made if start <= datetime.fromisoformat(one["conversionTime"]) < end
        ]
        return response({"conversionDetails": rows}, 200) if rows else response({}, 404)


# -- poller ----------------------------------------------------------------------------------------


def test_a_poll_after_days_of_silence_loses_nothing_and_asks_for_a_day_at_a_time(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    desk = Desk(*(conversion(f"2026-10-{day}T01:00:00Z") for day in range(28, 32)))
    gateway.on(CONVERSIONS, desk)
    cursor = datetime(2026, 10, 29, tzinfo=UTC)
    pages = list(DecisionPoller(make_client()).decisions_since(cursor))
    events = [event for page in pages for event in page.events]
    assert [event.at.day for event in events] == [28, 29, 30, 31]
    assert all(end - start < timedelta(hours=24) for start, end in desk.windows)
    assert desk.windows[0][0] == cursor - timedelta(hours=24)
    assert desk.windows[-1][1] == NOW
    assert [one[1] for one in desk.windows[:-1]] == [one[0] for one in desk.windows[1:]]
    assert pages[-1].cursor == NOW


def test_a_page_of_the_overlap_does_not_take_the_cursor_back(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(CONVERSIONS, Desk())
    cursor = NOW - timedelta(hours=2)
    pages = DecisionPoller(make_client(), timedelta(hours=30)).decisions_since(cursor)
    assert [page.cursor for page in pages] == [cursor, NOW]  # the first ends 8 hours ago


def test_a_poller_that_dies_between_two_pages_goes_on_with_the_same_events(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    made = [conversion(f"2026-11-0{day}T06:00:00Z", request_id=str(day) * 22) for day in (1, 2, 3)]
    gateway.on(CONVERSIONS, Desk(*made))
    poller = DecisionPoller(make_client(), overlap=timedelta(hours=6))
    whole = [
        event.event_key
        for page in poller.decisions_since(datetime(2026, 11, 1, tzinfo=UTC))
        for event in page.events
    ]
    first = next(iter(poller.decisions_since(datetime(2026, 11, 1, tzinfo=UTC))))
    kept = {event.event_key for event in first.events}
    again = {e.event_key for page in poller.decisions_since(first.cursor) for e in page.events}
    assert (len(whole), kept | again) == (3, set(whole))


def test_a_decision_that_appears_late_in_the_report_is_still_read(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    desk = Desk()
    gateway.on(CONVERSIONS, desk)
    poller = DecisionPoller(make_client())
    pages = list(poller.decisions_since(NOW - timedelta(hours=1)))
    assert not any(page.events for page in pages)
    desk.made.append(conversion("2026-11-03T11:30:00Z"))  # made before, fed after that poll
    events = [e for page in poller.decisions_since(pages[-1].cursor) for e in page.events]
    assert [event.decision for event in events] == [Decision.accept]
    assert (events[0].origin, events[0].reviewer) == ("conversion_details", "ada")


def test_what_cannot_be_read_is_handed_over_and_holds_nothing_up(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    odd = conversion("2026-11-03T11:00:00Z", "PERHAPS")
    gateway.on(CONVERSIONS, Desk(odd, conversion("2026-11-03T11:00:00Z", "REJECT")))
    *_, page = DecisionPoller(make_client()).decisions_since(NOW - timedelta(hours=2))
    assert [event.decision for event in page.events] == [Decision.reject]
    assert len(page.unread) == 1
    assert "PERHAPS" in page.unread[0]


def test_a_poll_that_could_not_ask_moves_no_cursor(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(CONVERSIONS, response({}, 404), response({}, 500))
    pages = DecisionPoller(make_client()).decisions_since(NOW - timedelta(days=3))
    assert next(pages).cursor == NOW - timedelta(days=3)
    with pytest.raises(Retryable):
        next(pages)


def test_reviews_of_lost_answers_are_found_by_time(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    held = row(AUTH_ID, "TO1", ("ics_auth", "100"), ("ics_decision", "480"))
    plain = row("7300000000000000000002", "TO2", ("ics_auth", "100"))
    passed = row("7300000000000000000003", "TO3", ("ics_auth", "100"), ("ics_decision", "100"))
    gateway.on("POST /tss/v2/searches", found(held, plain, passed))
    window = Window(NOW - timedelta(hours=1), NOW)
    (event,) = DecisionPoller(make_client()).reviews_between(window)
    assert (event.request_id, event.decision) == (AUTH_ID, Decision.review)
    assert event.event_key == f"search|{AUTH_ID}|review"


def test_a_wrong_key_fails_the_poll_at_once_and_says_what_to_check(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on("POST /tss/v2/searches", response({}, 401))
    gateway.on(f"GET /tss/v2/transactions/{AUTH_ID}", response({}, 401))
    poller = DecisionPoller(make_client())
    with pytest.raises(Rejected, match="Check key, secret and clock"):
        list(poller.reviews_between(Window(NOW - timedelta(hours=1), NOW)))
    with pytest.raises(Rejected, match="Check key, secret and clock"):
        list(poller.decided([AUTH_ID]))


@pytest.mark.parametrize(
    ("code", "decision"),
    [("100", [Decision.accept]), ("481", [Decision.reject]), ("480", []), ("150", [])],
)
def test_an_open_review_is_asked_for_by_its_id(
    gateway: ScriptedGateway, make_client: Make, code: str, decision: list[Decision]
) -> None:
    one = row(AUTH_ID, "TO1", ("ics_auth", "100"), ("ics_decision", code))
    gateway.on(f"GET /tss/v2/transactions/{AUTH_ID}", one)
    gone = "7300000000000000000002"
    gateway.on(f"GET /tss/v2/transactions/{gone}", response({}, 404))
    gateway.on(CONVERSIONS, response({}, 404))
    events = DecisionPoller(make_client()).decided([gone, AUTH_ID])
    assert [event.decision for event in events] == decision
    assert (f"{CONVERSIONS}" in gateway.calls()) is (code == "480")


def test_a_row_that_stays_as_it_was_leaves_the_word_to_the_reviewers_decisions(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    other, third = "7300000000000000000002", "7300000000000000000003"
    for request_id in (AUTH_ID, other, third):
        held = row(request_id, None, ("ics_auth", "100"), ("ics_decision", "480"))
        gateway.on(f"GET /tss/v2/transactions/{request_id}", held)
    desk = Desk(
        conversion("2026-11-03T12:10:00Z", "REJECT"),
        conversion("2026-11-03T12:20:00Z"),  # he changed his mind
        conversion("2026-11-03T12:30:00Z", "REVIEW", other),  # reopened: no word yet
        conversion("2026-11-03T12:30:00Z", "REJECT", "7300000000000000000009"),
        conversion("2026-11-03T12:40:00Z", "REJECT", third) | {"newDecision": "MAYBE"},
    )
    gateway.on(CONVERSIONS, desk)
    (event,) = DecisionPoller(make_client()).decided([AUTH_ID, other, third])
    assert (event.request_id, event.decision) == (AUTH_ID, Decision.accept)
    assert (event.origin, event.reviewer) == ("conversion_details", "ada")
    assert len(desk.windows) == 1  # one reading for all of them


def test_a_very_old_case_does_not_hide_the_decision_on_a_young_one(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    """Search goes on showing both as held; a window of a month from the old one ends before."""
    old = "7300000000000000000002"
    for request_id, at in ((old, "2026-09-15T12:00:00Z"), (AUTH_ID, "2026-11-02T12:00:00Z")):
        held = row(request_id, None, ("ics_auth", "100"), ("ics_decision", "480"))
        gateway.on(f"GET /tss/v2/transactions/{request_id}", held | {"submitTimeUTC": at})
    gateway.on(CONVERSIONS, Desk(conversion("2026-11-03T11:00:00Z")))
    events = list(DecisionPoller(make_client()).decided([old, AUTH_ID]))
    assert [event.request_id for event in events] == [AUTH_ID]


def test_a_card_number_in_a_reviewers_comment_is_not_kept(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    number = "4111 1111 1111 " + "1111"
    said = conversion("2026-11-03T11:00:00Z") | {"reviewerComments": f"her card {number} is fine"}
    odd = said | {"newDecision": "PERHAPS", "merchantReferenceNumber": number}
    gateway.on(CONVERSIONS, Desk(said, odd))
    *_, page = DecisionPoller(make_client()).decisions_since(NOW - timedelta(hours=2))
    assert page.events[0].comments == "her card [card number] is fine"
    assert number not in repr(page)
    assert "fine" not in page.unread[0]  # letters are read by more people than cases


# -- tokens ----------------------------------------------------------------------------------------


def test_the_engine_waits_as_the_connection_says(make_client: Make) -> None:
    plain = timings(make_client().settings)
    assert set(plain) == set(GATEWAY_KINDS)
    assert plain[EffectKind.payment_authorization].deadline == timedelta(seconds=20)
    assert plain[EffectKind.payment_capture].deadline == timedelta(seconds=30)
    assert {one.quiescence for one in plain.values()} == {timedelta(seconds=300)}
    assert [kind for kind, one in plain.items() if one.looks_first] == [
        EffectKind.review_decision, EffectKind.token_deletion
    ]  # fmt: skip
    paced = timings(make_client(quiescence_s=90, look_gap_s=20, max_sends=2).settings)
    refund = paced[EffectKind.payment_refund]
    assert (refund.quiescence, refund.look_gap, refund.max_sends) == (
        timedelta(seconds=90), timedelta(seconds=20), 2
    )  # fmt: skip


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"quiescence_s": 59, "deadline_s": 20}, "at least 60"),
        ({"quiescence_s": 90, "deadline_s": 85}, "exceeds every deadline"),
        ({"quiescence_s": 90, "authorization_deadline_s": 80}, "exceeds every deadline"),
        ({"quiescence_s": "soon"}, "not a number"),
        ({"look_gap_s": -1}, "look_gap_s is positive"),
        ({"max_sends": -1}, "max_sends is at least 1"),
        ({"refused_means_not_accepted": "perhaps"}, "not yes or no"),
        ({"webhook_secrets": "id"}, "webhook_secrets is not"),
        ({"webhook_secrets": "id=?"}, "webhook_secrets is not"),
        ({"webhook_secrets": "id=YWJj id=ZGVm"}, "distinct"),
        ({"webhook_tolerance_s": "0"}, "up to a year"),
        ({"webhook_tolerance_s": "31622401"}, "up to a year"),
        ({"quiescence": 90}, "Did you mean 'quiescence_s'"),
    ],
)
def test_a_pace_that_cannot_be_right_is_refused_when_it_is_read(
    make_client: Make, extra: dict[str, Any], words: str
) -> None:
    with pytest.raises(Rejected, match=words):
        make_client(**extra)


def test_a_signatures_time_may_be_that_of_its_key_a_year_ago(make_client: Make) -> None:
    settings = make_client(webhook_tolerance_s="31536000").settings
    assert timedelta(seconds=settings.webhook_tolerance_s) == timedelta(days=365)


def test_two_webhook_keys_are_alive_at_once_and_none_is_shown(make_client: Make) -> None:
    settings = make_client(webhook_secrets="old=b2xkIGtleQ== new=bmV3IGtleQ==").settings
    assert settings.webhook_secrets == {"old": b"old key", "new": b"new key"}
    assert "old key" not in repr(settings)


def test_an_unknown_word_is_looked_for_in_every_operation() -> None:
    table: ReasonTable = BuiltInReasons()
    for operation in ("authorization", "capture", "refund", "reversal", "void", "decision"):
        for status in ("INVALID_REQUEST", "DECLINED", "SERVER_ERROR", "BRAND_NEW"):
            assert table.meaning(operation, status, "BRAND_NEW") is Meaning.look
        assert table.meaning(operation, "", "999") is Meaning.look


def test_the_hook_hands_out_everything_and_opens_nothing_before(
    gateway: ScriptedGateway, make_client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = CybersourceHook("nowhere", gateway, lambda: NOW)
    monkeypatch.setattr(hook, "_settings", lambda: make_client().settings)
    assert gateway.requests == []
    assert set(hook.partners) == set(hook.timings) == set(GATEWAY_KINDS)
    gateway.on(CONVERSIONS, Desk(conversion("2026-11-03T11:00:00Z")))
    pages = list(hook.decisions(NOW - timedelta(hours=2)))
    assert sum(len(page.events) for page in pages) == 1
    assert hook.webhook_tolerance == timedelta(hours=1)
    assert hook.webhook_keys == {}


def test_the_shipped_table_and_the_built_in_one_agree_on_every_documented_answer() -> None:
    """Finance may change the shipped one; until then neither can hide the other's mistake."""
    shipped: ReasonTable = Meanings(load_mappings().orders, lambda: date(2026, 11, 3))
    built_in: ReasonTable = BuiltInReasons()
    sent = ("authorization", "capture", "refund", "reversal", "void", "decision")
    differing = [
        (operation, status, reason)
        for operation in sent
        for status in STATUSES[operation]
        for reason in ("", *REASONS)
        if shipped.meaning(operation, status, reason)
        is not built_in.meaning(operation, status, reason)
    ] + [
        (operation, "", code)
        for operation in sent
        for code in CODES
        if shipped.meaning(operation, "", code) is not built_in.meaning(operation, "", code)
    ]
    assert differing == []
