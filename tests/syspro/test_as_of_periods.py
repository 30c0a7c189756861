"""A SYSPRO that lists only what was posted to the period asked for: nothing is sent twice there."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import pytest

from include.domain.journal import Journal, JournalLine
from include.domain.money import Money
from include.sandbox import Sandbox, start
from include.services.effects.ports import Effect, EffectState
from tests.syspro.sandbox_desk import Desk

LAST_MONTH = date(2026, 10, 31)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sandbox = start(seed=11, volume=5, start=date(2026, 10, 20), days=25)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def open_desk(running: Sandbox, effect_for: Callable[..., Effect]) -> Callable[..., Desk]:
    running.reset()
    return lambda company="A", **extra: Desk(running, effect_for, company, **extra)


def in_last_month(deposit: Journal) -> Journal:
    return replace(deposit, settlement_date=LAST_MONTH, posting_date=LAST_MONTH)


def test_a_deposit_that_the_cash_book_does_not_list_is_found_in_the_ledger(
    open_desk: Callable[..., Desk], deposit: Journal
) -> None:
    desk, booked = open_desk(), in_last_month(deposit)
    desk.control("syspro", lists_as_of_alone=1)
    desk.fault("drop_after_commit", "CSHTWD")
    found = desk.drive(booked)
    assert (found.state, desk.posted(booked)) == (EffectState.verified, 1), found.reason
    facts = desk.read_back(booked)
    assert (facts["total_minor"], facts["value"], facts["kind"]) == (267_98, 267_98, "D")
    assert facts["is_in_ledger"]


def test_what_the_ledger_shows_of_such_a_deposit_is_compared(
    open_desk: Callable[..., Desk], deposit: Journal
) -> None:
    desk, booked = open_desk(), in_last_month(deposit)
    desk.control("syspro", lists_as_of_alone=1)
    desk.fault("second_delivery", "CSHTWD")
    twice = desk.drive(booked)
    assert twice.state is EffectState.mismatched
    assert "2 carry" in twice.reason


def test_a_foreign_withdrawal_is_compared_in_the_companys_currency(
    open_desk: Callable[..., Desk], deposit: Journal
) -> None:
    """-50.00 EUR at 0.868200 is -43.41 GBP."""
    euros = replace(
        in_last_month(deposit),
        company_id="B",
        rate_millionths=868_200,
        lines=(
            JournalLine("1000", Money(-50_00, "EUR"), Money(-43_41, "GBP"), "bank"),
            JournalLine("1160", Money(50_00, "EUR"), Money(43_41, "GBP"), "net"),
        ),
        details=(("bank_code", "BEU"), ("contra_account", "1000")),
    )
    desk = open_desk("B", base_currency="GBP")
    desk.control("syspro", lists_as_of_alone=1)
    desk.fault("drop_after_commit", "CSHTWD")
    found = desk.drive(euros)
    assert (found.state, desk.posted(euros)) == (EffectState.verified, 1), found.reason
    facts = desk.read_back(euros)
    assert (facts["total_minor"], facts["value"], facts["kind"]) == (43_41, None, "W")


def test_a_site_that_names_the_periods_to_ask_for_finds_it_in_the_cash_book(
    open_desk: Callable[..., Desk], deposit: Journal
) -> None:
    desk, booked = open_desk(cash_book_as_of="C|P"), in_last_month(deposit)
    desk.control("syspro", lists_as_of_alone=1)
    desk.fault("drop_after_commit", "CSHTWD")
    assert desk.drive(booked).state is EffectState.verified
    assert desk.posted(booked) == 1
    assert not desk.read_back(booked)["is_in_ledger"]


def test_a_restored_store_that_forgot_such_a_deposit_sends_no_second_one(
    running: Sandbox, effect_for: Callable[..., Effect], deposit: Journal
) -> None:
    running.reset()
    desk, restored = (Desk(running, effect_for, is_doubted=x) for x in (False, True))
    booked = in_last_month(deposit)
    desk.control("syspro", lists_as_of_alone=1)
    for each in (desk, restored):
        assert each.drive(booked).state is EffectState.verified
    assert desk.posted(booked) == 1
