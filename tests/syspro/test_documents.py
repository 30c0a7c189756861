"""What we send: golden documents, and everything that must be refused before it is sent."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from include.adapters.syspro.adapter import SysproAdapter
from include.adapters.syspro.documents import comlgn, cshqry, gentjl, ledger_queries
from include.adapters.syspro.documents.comfnd import Find
from include.adapters.syspro.documents.schema import (
    Amount,
    Choice,
    Document,
    Element,
    Group,
    Key,
    Note,
    Rate,
)
from include.adapters.syspro.documents.text import to_cp1252
from include.adapters.syspro.partners.cash_book import parameters
from include.domain.errors import Rejected
from include.domain.journal import Journal
from include.domain.money import Money
from include.services.effects.ports import EffectKind

GOLDEN = Path(__file__).parents[1] / "golden" / "syspro"
SMALL = Document(
    "TEST",
    "Root",
    "TEST.XSD",
    (
        Group(
            "Item",
            (
                Element("Code", Key(5), is_required=True),
                Element("Words", Note(12)),
                Element("Value", Amount()),
                Element("Flag", Choice("Y N")),
            ),
            repeats=True,
        ),
    ),
)
HEAD = (
    '<?xml version="1.0" encoding="Windows-1252"?>'
    '<Root xmlns:xsd="http://www.w3.org/2001/XMLSchema-instance"'
    ' xsd:noNamespaceSchemaLocation="TEST.XSD">'
)


def same_as_golden(name: str, document: str) -> None:
    """Compare with the file, which has one element a line for the reader's sake."""
    wanted = "".join(part.strip() for part in (GOLDEN / name).read_text("ascii").splitlines())
    assert document == wanted


def test_a_journal_is_built_element_by_element_as_declared_and_without_its_zero_line(
    make_adapter: Callable[..., SysproAdapter], settlement: Journal
) -> None:
    partner = make_adapter().partners[EffectKind.gl_journal]
    same_as_golden("gentjl.xml", partner.document(settlement))  # type: ignore[attr-defined]


def test_a_foreign_journal_posts_base_amounts_and_shows_its_own_in_the_comments(
    make_adapter: Callable[..., SysproAdapter], euro_settlement: Journal
) -> None:
    partner = make_adapter().partners[EffectKind.gl_journal]
    same_as_golden("gentjl_eur_base.xml", partner.document(euro_settlement))  # type: ignore[attr-defined]


def test_a_setting_posts_a_foreign_journal_in_its_own_currency_without_the_rounding_line(
    make_adapter: Callable[..., SysproAdapter], euro_settlement: Journal
) -> None:
    partner = make_adapter(journal_currency="original").partners[EffectKind.gl_journal]
    same_as_golden("gentjl_eur_original.xml", partner.document(euro_settlement))  # type: ignore[attr-defined]


def test_a_fee_invoice_distributes_all_but_the_payable(
    make_adapter: Callable[..., SysproAdapter], fee_invoice: Journal
) -> None:
    partner = make_adapter().partners[EffectKind.ap_invoice]
    same_as_golden("apstin.xml", partner.document(fee_invoice))  # type: ignore[attr-defined]


def test_a_deposit_names_the_bank_and_always_says_that_it_is_not_reconciled(
    make_adapter: Callable[..., SysproAdapter], deposit: Journal
) -> None:
    partner = make_adapter().partners[EffectKind.cash_book_entry]
    same_as_golden("cshtwd.xml", partner.document(deposit))  # type: ignore[attr-defined]


def test_money_that_the_bank_took_back_is_a_withdrawal_of_a_positive_value(
    make_adapter: Callable[..., SysproAdapter], deposit: Journal
) -> None:
    turned = tuple(replace(one, amount=-one.amount, base=-one.base) for one in deposit.lines)
    partner = make_adapter().partners[EffectKind.cash_book_entry]
    document = partner.document(replace(deposit, lines=turned))  # type: ignore[attr-defined]
    assert "<DepositOrWithdrawal>W</DepositOrWithdrawal>" in document
    assert "<TransactionValue>267.98</TransactionValue>" in document
    assert "<WithdrawalType>N</WithdrawalType>" in document
    assert "<LedgerCode>1160</LedgerCode>" in document
    assert "<LedgerValue>267.98</LedgerValue>" in document


def test_a_fee_invoice_in_our_favor_is_a_credit_note(
    make_adapter: Callable[..., SysproAdapter], fee_invoice: Journal
) -> None:
    turned = tuple(replace(one, amount=-one.amount, base=-one.base) for one in fee_invoice.lines)
    partner = make_adapter().partners[EffectKind.ap_invoice]
    document = partner.document(replace(fee_invoice, lines=turned))  # type: ignore[attr-defined]
    assert "<TransactionCode>C</TransactionCode>" in document
    assert "<TransactionValue>22.02</TransactionValue>" in document


def test_queries_are_built_as_declared() -> None:
    find = Find(
        "GenJournalCtl",
        (("Reference", "EQ", "TO1"), ("GlYear", "GE", "2026")),
        ("GlYear", "Reference"),
        ("GlYear",),
        50,
    )
    same_as_golden("comfnd.xml", find.build())
    same_as_golden("cshqry.xml", cshqry.build("BUS"))
    same_as_golden("genqso.xml", ledger_queries.build_options("A"))
    same_as_golden("genqpp.xml", ledger_queries.build_previous(1))
    same_as_golden("comlgn.xml", comlgn.build(is_eviction_refused=True))
    same_as_golden("cshtwd_parameters.xml", parameters("P", "N"))


def test_no_columns_named_means_all_columns() -> None:
    document = Find("ApInvoice", (("Supplier", "EQ", "ACQ001"),)).build()
    assert "<AllColumns>Y</AllColumns>" in document
    assert "<Columns>" not in document


def test_an_element_outside_the_schema_cannot_be_built_and_the_nearest_name_is_shown() -> None:
    with pytest.raises(ValueError, match=r"TEST Root/Item: element 'Cod' .* mean 'Code'"):
        SMALL.build({"Item": [{"Cod": "A"}]})


def test_a_required_element_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match="TEST Root/Item/Code: required"):
        SMALL.build({"Item": [{"Words": "hello"}]})


def test_a_repeating_group_needs_at_least_one_member() -> None:
    with pytest.raises(ValueError, match="at least one"):
        SMALL.build({"Item": []})


def test_the_order_of_the_table_is_the_order_on_the_wire() -> None:
    built = SMALL.build({"Item": [{"Flag": "Y", "Value": Money(-5, "USD"), "Code": "A"}]})
    parts = "<Item><Code>A</Code><Value>-0.05</Value><Flag>Y</Flag></Item>"
    assert built == f"{HEAD}{parts}</Root>"


def test_a_key_that_is_too_long_is_refused_and_never_cut() -> None:
    with pytest.raises(Rejected, match=r"'ABCDEF' has 6 characters, SYSPRO takes 5 \(at TEST"):
        SMALL.build({"Item": [{"Code": "ABCDEF"}]})


@pytest.mark.parametrize("code", ["Ł1", "a\nb", "\u0661"])
def test_a_key_outside_windows_1252_is_refused(code: str) -> None:
    with pytest.raises(Rejected, match="cannot hold"):
        SMALL.build({"Item": [{"Code": code}]})


def test_words_are_transliterated_cut_and_escaped() -> None:
    built = SMALL.build({"Item": [{"Code": "A&B", "Words": "<Łódź> café\x00\n etc"}]})
    assert "<Code>A&amp;B</Code>" in built
    assert "<Words>&lt;L&#243;dz&gt; caf&#233; </Words>" in built  # 12 characters
    assert built.isascii()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("café", "café"),
        ("Łódź", "Lódz"),
        ("a → b", "a -> b"),
        ("５", "5"),  # noqa: RUF001 - a full-width digit is the point
        ("日本", "??"),
        ("e\u0301", "é"),
    ],
)
def test_letters_beyond_windows_1252_become_plain_ones(text: str, wanted: str) -> None:
    assert to_cp1252(text) == wanted


@pytest.mark.parametrize(
    ("money", "wanted"),
    [
        (Money(-1234, "USD"), "-12.34"),
        (Money(1234, "JPY"), "1234"),
        (Money(1230, "KWD"), "1.23"),
        (Money(99_999_999_999_999, "USD"), "999999999999.99"),
    ],
)
def test_amounts_are_written_with_two_decimals_at_most(money: Money, wanted: str) -> None:
    assert Amount().write(money, "x") == wanted


@pytest.mark.parametrize("money", [Money(1234, "KWD"), Money(100_000_000_000_000, "USD")])
def test_an_amount_that_does_not_fit_is_refused(money: Money) -> None:
    with pytest.raises(Rejected, match="12 digits and 2 decimals"):
        Amount().write(money, "x")


def test_a_rate_has_six_decimals() -> None:
    assert Rate().write(1_083_700, "x") == "1.083700"


@pytest.mark.parametrize("value", [12.5, "12.50", 1250])
def test_an_amount_is_money_and_nothing_else(value: object) -> None:
    with pytest.raises(TypeError, match="an amount is Money"):
        Amount().write(value, "x")


def test_a_choice_outside_the_vendors_list_is_our_own_bug() -> None:
    with pytest.raises(ValueError, match="one of 'Y N', not 'X'"):
        SMALL.build({"Item": [{"Code": "A", "Flag": "X"}]})


def test_a_date_is_a_date(settlement: Journal) -> None:
    assert gentjl.JOURNAL.business_object == "GENTJL"
    with pytest.raises(TypeError, match="a date"):
        gentjl.JOURNAL.build(
            {
                "Item": {
                    "JournalType": "N",
                    "AuthorizeJournal": "A",
                    "PostJournal": "Y",
                    "JournalDate": str(date(2026, 10, 31)),
                    "JournalReference": settlement.reference,
                    "PostingPeriod": 10,
                    "PostingYear": 2026,
                    "JournalDetails": [{}],
                }
            }
        )
