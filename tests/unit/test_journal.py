"""A journal cannot be built unbalanced, and equal journals are equal bytes."""

from dataclasses import replace
from datetime import date

import pytest

from include.domain.journal import Journal, JournalKind, JournalLine
from include.domain.money import Money


def line(account: str, minor: int, source: str) -> JournalLine:
    return JournalLine(account, Money(minor, "USD"), Money(minor, "USD"), source)


def journal(*lines: JournalLine) -> Journal:
    return Journal(
        key="acme_us|2026-10-31|B1|USD|settlement|1",
        kind=JournalKind.settlement,
        merchant_id="acme_us",
        company_id="A",
        batch_id="B1",
        settlement_date=date(2026, 10, 31),
        posting_date=date(2026, 10, 31),
        version=1,
        rate_millionths=1_000_000,
        lines=lines,
    )


BALANCED = journal(line("1160", 26798, "net"), line("1150", -26798, "gross_sale"))


def test_a_journal_out_by_a_cent_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="does not balance"):
        journal(line("1160", 26798, "net"), line("1150", -26799, "gross_sale"))


def test_a_journal_must_balance_in_the_base_currency_too() -> None:
    euro = JournalLine("1160", Money(961, "EUR"), Money(1041, "USD"), "net")
    sale = JournalLine("1150", Money(-961, "EUR"), Money(-1042, "USD"), "gross_sale")
    with pytest.raises(ValueError, match="does not balance"):
        journal(euro, sale)


def test_a_journal_of_no_lines_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="does not balance"):
        journal()


def test_a_journal_in_two_currencies_cannot_be_built() -> None:
    euro = JournalLine("1160", Money(1, "EUR"), Money(1, "USD"), "net")
    back = JournalLine("1150", Money(-1, "EUR"), Money(-1, "USD"), "net")
    with pytest.raises(ValueError, match="mixes currencies"):
        journal(euro, back, line("1160", 5, "net"), line("1150", -5, "net"))


def test_the_payload_reads_back_to_the_same_journal_and_digest() -> None:
    again = Journal.from_payload(BALANCED.to_payload())
    assert again == BALANCED
    assert again.digest == BALANCED.digest


def test_one_changed_cent_changes_the_digest() -> None:
    changed = journal(line("1160", 26797, "net"), line("1150", -26797, "gross_sale"))
    assert changed.digest != BALANCED.digest


def test_the_reference_is_a_function_of_the_key_and_fits_the_field() -> None:
    assert BALANCED.reference == replace(BALANCED, narrative="another").reference
    assert len(BALANCED.reference) == 20
    assert BALANCED.reference.isalnum()


def test_a_funding_without_its_bank_code_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="needs details"):
        replace(BALANCED, kind=JournalKind.funding)
