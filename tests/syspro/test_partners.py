"""Look, send and compare, against scripted answers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from include.domain.errors import IntegrationError, OutcomeUnknown, Parked, Rejected, Retryable
from include.domain.journal import Journal
from include.services.effects.ports import Effect, EffectKind
from include.services.ports import PeriodState

SENT_AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LINES = (
    ("1160", "D", "267.98"),
    ("6150", "D", "6.10"),
    ("6151", "D", "0.52"),
    ("6152", "D", "0.40"),
    ("6155", "D", "15.00"),
    ("1170", "D", "80.00"),
    ("1150", "D", "30.00"),
    ("1150", "C", "400.00"),
)
Make = Callable[..., Any]


def table(name: str, *rows: dict[str, str]) -> bytes:
    cells = "".join(
        f"<Row>{''.join(f'<{k}>{v}</{k}>' for k, v in row.items())}</Row>" for row in rows
    )
    return f"<{name}>{cells}<RowsReturned>{len(rows):8d}</RowsReturned></{name}>".encode()


def control(*journals: str) -> bytes:
    return table(
        "GenJournalCtl",
        *({"GlYear": "2026", "GlPeriod": "10", "GlJournal": number} for number in journals),
    )


def details(lines: tuple[tuple[str, str, str], ...] = LINES, *journals: str, **more: str) -> bytes:
    rows = (
        {
            "GlYear": "2026",
            "GlPeriod": "        10",
            "Journal": journal,
            "EntryNumber": f"{number:5d}",
            "GlCode": account,
            "EntryType": side,
            "EntryValue": f"{value:>16}",
            "EntryDate": "2026-10-31",
            "EntryPosted": "Y",
            **more,
        }
        for journal in journals or ("       117",)
        for number, (account, side, value) in enumerate(lines, 1)
    )
    return table("GenJournalDetail", *rows)


def posted(entries: str = "00008", debit: str = "400.00") -> bytes:
    return (
        "<postgljournal><Item><Transaction><Key><GlYear>2026</GlYear><GlPeriod>10</GlPeriod>"
        f"<GlJournal>00117</GlJournal></Key><NumOfEntries>{entries}</NumOfEntries>"
        f"<DebitAmount>{debit}</DebitAmount><Jnlstatus>P</Jnlstatus></Transaction></Item>"
        "<StatusOfItems><JournalsProcessed>1</JournalsProcessed><JournalsInvalid/></StatusOfItems>"
        "</postgljournal>"
    ).encode()


def refused(root: str, text: str, number: str = "900001", counters: str = "Items") -> bytes:
    return (
        f"<{root}><Item><F><Value>x</Value><ErrorNumber>{number}</ErrorNumber><ErrorDescription>"
        f"{text}</ErrorDescription></F></Item><StatusOfItems><{counters}Processed/>"
        f"<{counters}Invalid>1</{counters}Invalid></StatusOfItems></{root}>"
    ).encode()


def options(year: int = 2026, period: int = 11, flags: str = "") -> bytes:
    return (
        f"<GeneralLedgerOptions><Periods><CurrentYear>{year}</CurrentYear><CurrentPeriod>{period}"
        f"</CurrentPeriod>{flags}</Periods></GeneralLedgerOptions>"
    ).encode()


# -- journals ------------------------------------------------------------------------------------


def test_posting_one_journal_takes_five_calls(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make
) -> None:
    fake.on("query COMFND", control(), details())
    fake.on("post GENTJL", posted())
    adapter = make_adapter()
    partner = adapter.partners[EffectKind.gl_journal]
    with adapter.session():
        assert partner.look(effect_for(settlement)) == ()
        receipt = partner.send(effect_for(settlement))
        sent = effect_for(settlement, sent_at=SENT_AT, sends=1, their_key=receipt.their_key)
        (found,) = partner.look(sent)
        assert partner.compare(sent, found) == ()
    assert receipt.their_key == found.their_key == "2026/10/117"
    assert found.facts["total_minor"] == 400_00
    assert fake.verbs() == [
        "logon", "query COMFND", "post GENTJL", "query COMFND", "logoff",
    ]  # fmt: skip
    assert adapter.calls() == 5


def test_absence_after_a_send_is_asked_of_both_tables(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make
) -> None:
    fake.on("query COMFND", details(()), control())
    partner = make_adapter().partners[EffectKind.gl_journal]
    assert partner.look(effect_for(settlement, sent_at=SENT_AT, sends=1)) == ()
    tables = [c.fields["XmlIn"].partition("<TableName>")[2][:13] for c in fake.calls[1:3]]
    assert tables == ["GenJournalDet", "GenJournalCtl"]


def test_a_journal_whose_lines_lost_their_reference_is_found_by_its_head(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make
) -> None:
    fake.on("query COMFND", details(()), control("117"), details())
    partner = make_adapter().partners[EffectKind.gl_journal]
    (found,) = partner.look(effect_for(settlement, sent_at=SENT_AT, sends=1))
    assert found.their_key == "2026/10/117"


def test_two_journals_with_one_reference_are_both_returned(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make
) -> None:
    twice = details(LINES, "       117", "       118")
    fake.on("query COMFND", twice)
    partner = make_adapter().partners[EffectKind.gl_journal]
    found = partner.look(effect_for(settlement, sent_at=SENT_AT, sends=1))
    assert [one.their_key for one in found] == ["2026/10/117", "2026/10/118"]
    assert sum(int(str(one.facts["total_minor"])) for one in found) == 800_00


@pytest.mark.parametrize(
    ("answer", "differences"),
    [
        (
            details((("1160", "D", "267.88"), ("6152", "D", "0.50"), *LINES[1:3], *LINES[4:])),
            [
                "account 1160: ours 267.98 USD, theirs 267.88 USD",
                "account 6152: ours 0.40 USD, theirs 0.50 USD",
            ],
        ),
        (
            details((*LINES[:2], *LINES[3:])),
            [
                "debit total: ours 400.00 USD, theirs 399.48 USD",
                "entries: ours 8, theirs 7",
                "account 6151: ours 0.52 USD, theirs 0.00 USD",
            ],
        ),
        (details(GlPeriod="11"), ["year and period: ours (2026, 10), theirs (2026, 11)"]),
        (
            details(EntryDate="20261101"),
            ["journal date: ours 2026-10-31, theirs 2026-11-01"],
        ),
        (details(EntryPosted="N"), ["entries posted: ours Y, theirs N"]),
    ],
    ids=["two accounts", "a line dropped", "period", "date", "not posted"],
)  # fmt: skip
def test_everything_that_differs_is_named(
    fake: Any,
    make_adapter: Make,
    settlement: Journal,
    effect_for: Make,
    answer: bytes,
    differences: list[str],
) -> None:
    fake.on("query COMFND", answer)
    partner = make_adapter().partners[EffectKind.gl_journal]
    effect = effect_for(settlement, sent_at=SENT_AT, sends=1)
    (found,) = partner.look(effect)
    seen = [f"{d.what}: ours {d.ours}, theirs {d.theirs}" for d in partner.compare(effect, found)]
    assert seen == differences


@pytest.mark.parametrize(
    "answer", [posted(entries="00007"), posted(debit="300.00"), posted(debit="?"), b"<x/>"]
)
def test_the_answer_to_another_journal_leaves_ours_unknown(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make, answer: bytes
) -> None:
    fake.on("post GENTJL", answer)
    with pytest.raises(OutcomeUnknown):
        make_adapter().partners[EffectKind.gl_journal].send(effect_for(settlement))
    assert fake.count("post") == 1


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (
            refused("postgljournal", "Posting period '10' is closed", counters="Journals"),
            Parked,
            r"period 10/2026 of company A .* Open the period",
        ),
        (
            refused("postgljournal", "Ledger code '6150' not found", counters="Journals"),
            Rejected,
            r"Ledger code '6150' not found .* Correct the mapping",
        ),
        (
            refused("postgljournal", "Period 10 required", counters="Journals"),
            Rejected,
            "Period 10 required",
        ),
    ],
)
def test_a_refusal_is_parked_or_rejected_by_its_words(
    fake: Any,
    make_adapter: Make,
    settlement: Journal,
    effect_for: Make,
    answer: bytes,
    error: type[IntegrationError],
    words: str,
) -> None:
    fake.on("post GENTJL", answer)
    with pytest.raises(error, match=words) as caught:
        make_adapter().partners[EffectKind.gl_journal].send(effect_for(settlement))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "answer",
    [
        b"ERROR: e.net exception 100000",
        b"<html></html>",
        table("GenJournalCtl").replace(b"0</", b"3</"),
        details((("1160", "X", "1.00"),)),
        details((("1160", "D", "1,00"),)),
    ],
    ids=["licence", "html", "rows missing", "neither side", "no number"],
)
def test_a_look_that_cannot_read_never_says_absent(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make, answer: bytes
) -> None:
    fake.on("query COMFND", answer)
    partner = make_adapter().partners[EffectKind.gl_journal]
    with pytest.raises(Retryable):
        partner.look(effect_for(settlement, sent_at=SENT_AT, sends=1))


def test_a_wrong_password_while_looking_is_not_a_refusal_of_the_journal(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make
) -> None:
    fake.on("logon", b"ERROR: Invalid operator password")
    with pytest.raises(Retryable, match="Correct operator or password"):
        make_adapter().partners[EffectKind.gl_journal].look(effect_for(settlement))


def test_an_effect_that_names_another_journal_is_our_own_bug(
    make_adapter: Make, settlement: Journal, effect_for: Make
) -> None:
    effect: Effect = replace(effect_for(settlement), reference="TO0")
    with pytest.raises(ValueError, match="reference"):
        make_adapter().partners[EffectKind.gl_journal].send(effect)


# -- invoices and the cash book ------------------------------------------------------------------

AP = (
    "<postapinvoice><Item><Transaction><Key><TrnYear>2026</TrnYear><TrnMonth>{month}</TrnMonth>"
    "<Journal>00017</Journal><EntryNumber>001</EntryNumber></Key><Supplier>ACQ001</Supplier>"
    "<Invoice>{invoice}</Invoice></Transaction></Item><StatusOfItems><GlJournal><GlYear/>"
    "<GlPeriod/><GlJournal/><GlJournalError>{error}</GlJournalError><GlJournalMessage>{message}"
    "</GlJournalMessage></GlJournal><ItemsProcessed>000001</ItemsProcessed><ItemsInvalid/>"
    "</StatusOfItems></postapinvoice>"
)


def invoice_reply(
    invoice: str = "ST-20261031", month: str = "10", error: str = "", message: str = ""
) -> bytes:
    return AP.format(invoice=invoice, month=month, error=error, message=message).encode()


def ap_row(value: str = "22.02", **more: str) -> bytes:
    return table(
        "ApInvoice",
        {
            "Supplier": "ACQ001",
            "Invoice": "ST-20261031",
            "OrigInvValue": value,
            "InvoiceDate": "2026-10-31",
            **more,
        },
    )


def test_an_invoice_is_posted_into_the_previous_period_and_read_back(
    fake: Any, make_adapter: Make, fee_invoice: Journal, effect_for: Make
) -> None:
    fake.on("query COMFND", table("ApInvoice"), ap_row())
    fake.on("query GENQSO", options())
    fake.on("post APSTIN", invoice_reply())
    adapter = make_adapter()
    partner = adapter.partners[EffectKind.ap_invoice]
    with adapter.session():
        assert partner.look(effect_for(fee_invoice)) == ()
        receipt = partner.send(effect_for(fee_invoice))
        sent = effect_for(fee_invoice, sent_at=SENT_AT, sends=1, their_key=receipt.their_key)
        (found,) = partner.look(sent)
        assert partner.compare(sent, found) == ()
    assert found.facts["total_minor"] == 22_02
    assert adapter.calls() == 6
    call = next(call for call in fake.calls if call.verb == "post")
    assert "<PostingPeriod>P</PostingPeriod>" in call.fields["XmlParameters"]


def test_an_invoice_whose_gl_journal_failed_is_a_difference_although_it_was_taken(
    fake: Any, make_adapter: Make, fee_invoice: Journal, effect_for: Make
) -> None:
    fake.on("query GENQSO", options())
    fake.on("post APSTIN", invoice_reply(error="000001", message="Ledger locked"))
    fake.on("query COMFND", ap_row())
    partner = make_adapter().partners[EffectKind.ap_invoice]
    receipt = partner.send(effect_for(fee_invoice))
    sent = effect_for(fee_invoice, sent_at=SENT_AT, sends=1, their_key=receipt.their_key)
    (difference,) = partner.compare(sent, partner.look(sent)[0])
    assert difference.what == "general ledger journal"
    assert difference.theirs == "failed: 000001 Ledger locked"


def test_an_invoice_that_slipped_into_another_period_is_a_difference(
    fake: Any, make_adapter: Make, fee_invoice: Journal, effect_for: Make
) -> None:
    fake.on("query GENQSO", options())
    fake.on("post APSTIN", invoice_reply(month="11"))
    fake.on("query COMFND", ap_row("22.03", Reference="someone else's"))
    partner = make_adapter().partners[EffectKind.ap_invoice]
    receipt = partner.send(effect_for(fee_invoice))
    sent = effect_for(fee_invoice, sent_at=SENT_AT, sends=1, their_key=receipt.their_key)
    (found,) = partner.look(sent)
    names = [difference.what for difference in partner.compare(sent, found)]
    assert names == ["invoice value", "year and period", "reference"]
    assert found.facts["total_minor"] == 22_03


@pytest.mark.parametrize(
    "answer",
    [
        refused("postapinvoice", "Invoice 'ST' is there", "120001"),
        refused("postapinvoice", "Invoice 'ST' already exists"),
        invoice_reply(invoice="ST-OTHER"),
    ],
    ids=["number", "words", "answer for another invoice"],
)
def test_an_invoice_that_is_already_there_is_looked_at_again(
    fake: Any, make_adapter: Make, fee_invoice: Journal, effect_for: Make, answer: bytes
) -> None:
    fake.on("query GENQSO", options())
    fake.on("post APSTIN", answer)
    with pytest.raises(OutcomeUnknown):
        make_adapter().partners[EffectKind.ap_invoice].send(effect_for(fee_invoice))


@pytest.mark.parametrize(("year", "period"), [(2027, 2), (2026, 9)], ids=["too old", "future"])
def test_a_sub_ledger_posting_outside_the_last_three_periods_is_parked_unsent(
    fake: Any, make_adapter: Make, fee_invoice: Journal, effect_for: Make, year: int, period: int
) -> None:
    fake.on("query GENQSO", options(year, period))
    with pytest.raises(Parked, match="period 10/2026 of company A"):
        make_adapter().partners[EffectKind.ap_invoice].send(effect_for(fee_invoice))
    assert fake.count("post") == 0


def cash(*rows: tuple[str, str, str]) -> bytes:
    """Rows of reference, value and reconciled flag."""
    items = "".join(
        "<CshTrnItem><CbTrnYear>2026</CbTrnYear><CbTrnMonth>11</CbTrnMonth><TrnType>D</TrnType>"
        f"<TrnReference>{reference}</TrnReference><TrnValue>{value:>14}</TrnValue><TrnDate>"
        f"2026/11/02</TrnDate><ReconciledFlag>{flag}</ReconciledFlag><Journal>{place}</Journal>"
        "</CshTrnItem>"
        for place, (reference, value, flag) in enumerate(rows, 9)
    )
    return f"<CshTrnQuery><BankItem><Bank>BUS</Bank>{items}</BankItem></CshTrnQuery>".encode()


CSHTWD = (
    b"<postcbdepositswithdrawals><Item><AddTransaction><Key><Bank>BUS</Bank><CbTrnYear>2026"
    b"</CbTrnYear><CbTrnMonth>11</CbTrnMonth><Journal>0009</Journal><EntryNumber>1</EntryNumber>"
    b"</Key></AddTransaction></Item><StatusOfItems><ItemsProcessed>1</ItemsProcessed>"
    b"<ItemsInvalid/></StatusOfItems></postcbdepositswithdrawals>"
)


def test_a_deposit_is_found_among_others_by_its_reference(
    fake: Any, make_adapter: Make, deposit: Journal, effect_for: Make
) -> None:
    ours = deposit.reference
    fake.on("query CSHQRY", cash(("X", "1.00", "N")), cash((ours, "267.98", "N")))
    fake.on("query GENQSO", options())
    fake.on("post CSHTWD", CSHTWD)
    adapter = make_adapter()
    partner = adapter.partners[EffectKind.cash_book_entry]
    with adapter.session():
        assert partner.look(effect_for(deposit)) == ()
        receipt = partner.send(effect_for(deposit))
        sent = effect_for(deposit, sent_at=SENT_AT, sends=1, their_key=receipt.their_key)
        (found,) = partner.look(sent)
        assert partner.compare(sent, found) == ()
    assert found.their_key == receipt.their_key == "BUS/2026/11/9"
    assert adapter.calls() == 6


def test_a_second_deposit_and_a_wrong_state_are_seen(
    fake: Any, make_adapter: Make, deposit: Journal, effect_for: Make
) -> None:
    ours = deposit.reference
    fake.on("query CSHQRY", cash((ours, "267.00", "Y"), (ours, "267.98", "N")))
    partner = make_adapter().partners[EffectKind.cash_book_entry]
    effect = effect_for(deposit, sent_at=SENT_AT, sends=1)
    found = partner.look(effect)
    assert [one.their_key for one in found] == ["BUS/2026/11/9", "BUS/2026/11/10"]
    names = [difference.what for difference in partner.compare(effect, found[0])]
    assert names == ["value", "reconciled"]
    assert found[0].facts["total_minor"] == 267_00


# -- reading -------------------------------------------------------------------------------------


def ar_row(kind: str = "I", value: str = "100.00", **more: str) -> dict[str, str]:
    return {
        "Customer": "000000000000183",
        "Invoice": "000000000000011",
        "DocumentType": kind,
        "InvoiceDate": "2026-11-01",
        "CurrencyValue": value,
        "PostCurrency": "EUR",
        "CustomerPoNumber": "PO-1",
        "SalesOrder": "000000000015574",
        **more,
    }


def read_documents(fake: Any, make_adapter: Make, *rows: dict[str, str], **extra: Any) -> list[Any]:
    fake.on("query COMFND", table("ArInvoice", *rows))
    reader = make_adapter(**extra).reader
    return list(reader.documents("A", date(2026, 11, 1), date(2026, 11, 1)))


def test_a_document_has_the_declared_columns(fake: Any, make_adapter: Make) -> None:
    assert read_documents(fake, make_adapter, ar_row()) == [
        {
            "document_id": "000000000000183|000000000000011|I",
            "document_kind": "sale",
            "merchant_reference": "PO-1",
            "currency": "EUR",
            "amount_minor": 100_00,
            "document_date": date(2026, 11, 1),
            "sales_order": "000000000015574",
        }
    ]


@pytest.mark.parametrize("value", ["7.50", "-7.50"])
def test_a_credit_note_is_a_refund_whatever_sign_it_is_kept_with(
    fake: Any, make_adapter: Make, value: str
) -> None:
    (found,) = read_documents(fake, make_adapter, ar_row("C", value))
    assert (found["document_kind"], found["amount_minor"]) == ("refund", -7_50)


def test_blank_is_none_and_a_blank_currency_is_the_companys(fake: Any, make_adapter: Make) -> None:
    row = ar_row(CustomerPoNumber=" ", SalesOrder="000000000000000", PostCurrency=" ")
    (found,) = read_documents(fake, make_adapter, row)
    assert (found["merchant_reference"], found["sales_order"]) == (None, None)
    assert found["currency"] == "USD"
    with pytest.raises(Rejected, match="Set base_currency"):
        read_documents(fake, make_adapter, row, base_currency="")


@pytest.mark.parametrize("row", [ar_row("X"), ar_row(InvoiceDate="0000-00-00"), ar_row("I", "1,0")])
def test_a_document_that_cannot_be_read_is_named(
    fake: Any, make_adapter: Make, row: dict[str, str]
) -> None:
    with pytest.raises(Rejected, match=r"ArInvoice 000000000000183\|000000000000011"):
        read_documents(fake, make_adapter, row)


def test_another_company_is_refused(fake: Any, make_adapter: Make) -> None:
    with pytest.raises(Rejected, match="company 'B' was asked of a connection to 'A'"):
        next(make_adapter().reader.documents("B", date(2026, 11, 1), date(2026, 11, 1)))
    assert fake.calls == []


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (date(2026, 11, 30), PeriodState.open),
        (date(2026, 10, 1), PeriodState.open),
        (date(2026, 9, 30), PeriodState.closed),  # by its flag
        (date(2026, 8, 31), PeriodState.closed),
        (date(2026, 12, 1), PeriodState.future),
        (date(2027, 1, 1), PeriodState.future),
    ],
)
def test_the_period_of_a_date(fake: Any, make_adapter: Make, day: date, state: PeriodState) -> None:
    flags = "<GlCurYrFlagPeriod9>C</GlCurYrFlagPeriod9>"
    fake.on("query GENQSO", options(flags=flags))
    found = make_adapter().reader.posting_period("A", day)
    assert (found.year, found.period, found.state) == (day.year, day.month, state)


def test_a_period_of_last_year_is_open_by_its_own_flag(fake: Any, make_adapter: Make) -> None:
    fake.on("query GENQSO", options(2027, 1))
    fake.on(
        "query GENQPP",
        b"<GlPostPreviousQuery><Periods><GlPreviousYear>2026</GlPreviousYear>"
        b"<GlPrevYrFlagPeriod11>C</GlPrevYrFlagPeriod11></Periods></GlPostPreviousQuery>",
    )
    reader = make_adapter().reader
    assert reader.posting_period("A", date(2026, 12, 31)).state is PeriodState.open
    assert reader.posting_period("A", date(2026, 11, 30)).state is PeriodState.closed


def test_a_fiscal_year_may_begin_in_april(make_adapter: Make) -> None:
    settings = make_adapter(fiscal_year_start_month=4).settings
    assert settings.fiscal(date(2026, 3, 31)) == (2026, 12)
    assert settings.fiscal(date(2026, 4, 1)) == (2027, 1)
