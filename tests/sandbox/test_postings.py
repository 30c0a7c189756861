"""What posting does to the books (reference 10.7 and 10.8); every expected figure is by hand."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from xml.etree.ElementTree import Element

import pytest

Wire = Any


def rows(wire: Wire, table: str) -> list[dict[str, str]]:
    root = wire.query("COMFND", f"<Query><TableName>{table}</TableName></Query>")
    return [{c.tag: (c.text or "").strip() for c in row} for row in root.findall("Row")]


def close(wire: Wire, period: int, state: str = "closed") -> None:
    facts = {"company": "A", "year": 2026, "period": period, "state": state}
    wire.control("POST", "periods", facts)


def ap_invoice(number: str = "ST-1", *, value: str = "22.02", **changes: str) -> str:
    facts = {
        "Supplier": "ACQ001",
        "TransactionCode": "I",
        "Invoice": number,
        "TransactionValue": value,
        "InvoiceDate": "2026-11-02",
        **changes,
    }
    head = "".join(f"<{name}>{text}</{name}>" for name, text in facts.items())
    lines = "".join(
        f"<LedgerDistribution><LedgerCode>{code}</LedgerCode><LedgerValue>{amount}</LedgerValue>"
        "</LedgerDistribution>"
        for code, amount in (("6150", "7.02"), ("1160", "15.00"))
    )
    return f"<PostApInvoice><Item>{head}{lines}</Item></PostApInvoice>"


def deposit(reference: str = "B1", **changes: str) -> str:
    facts = {
        "Bank": "BUS",
        "DepositOrWithdrawal": "D",
        "Reference": reference,
        "TransactionValue": "267.98",
        "TransactionDate": "2026-11-02",
        "Narration": "funding",
        **changes,
    }
    head = "".join(f"<{name}>{text}</{name}>" for name, text in facts.items())
    line = (
        "<LedgerDistribution><LedgerCode>1160</LedgerCode>"
        f"<LedgerValue>{facts['TransactionValue']}</LedgerValue></LedgerDistribution>"
    )
    return (
        "<PostCbDepositsWithdrawals><Item><AddTransaction>"
        f"{head}{line}</AddTransaction></Item></PostCbDepositsWithdrawals>"
    )


def bank_lines(wire: Wire, bank: str = "BUS", option: str = "") -> list[Element]:
    query = f"<Query><Key><Bank>{bank}</Bank></Key><Option>{option}</Option></Query>"
    found: list[Element] = wire.query("CSHQRY", query).findall("BankItem/CshTrnItem")
    return found


def test_a_journal_is_found_again_by_its_reference(wire: Wire, journal: str) -> None:
    wire.post("GENTJL", journal)
    head = rows(wire, "GenJournalCtl")[0]
    assert (head["GlYear"], head["GlPeriod"], head["GlJournal"]) == ("2026", "11", "117")
    assert (head["Reference"], head["JnlStatus"], head["NumOfEntries"]) == ("TO1", "P", "2")
    assert (head["DebitAmount"], head["CreditAmount"]) == ("10.00", "10.00")
    assert head["JournalDate"] == "2026-11-03"
    details = rows(wire, "GenJournalDetail")
    found = [(d["GlCode"], d["EntryType"], d["EntryValue"]) for d in details]
    assert found == [("1160", "D", "10.00"), ("1150", "C", "10.00")]
    assert {d["Reference"] for d in details} == {"TO1"}


def test_a_repeated_journal_posts_again_under_the_next_number(wire: Wire, journal: str) -> None:
    numbers = [
        wire.post("GENTJL", journal).findtext("Item/Transaction/Key/GlJournal") for _ in range(2)
    ]
    assert numbers == ["00117", "00118"]
    assert wire.executed() == 2
    balance = {row["GlCode"]: row["CurrentBalance"] for row in rows(wire, "GenMaster")}
    assert (balance["1160"], balance["1150"]) == ("20.00", "-20.00")


def test_posts_at_the_same_time_never_share_a_number(wire: Wire, journal: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: wire.post("GENTJL", journal), range(40)))
    numbers = [reply.findtext("Item/Transaction/Key/GlJournal") for reply in replies]
    assert sorted(numbers) == [f"{n:05d}" for n in range(117, 157)]


def test_each_company_has_its_own_numbers_and_books(wire: Wire, journal: str) -> None:
    wire.post("GENTJL", journal)
    wire.log_on("B")
    key = wire.post("GENTJL", journal).findtext("Item/Transaction/Key/GlJournal")
    assert key == "00117"
    assert len(rows(wire, "GenJournalCtl")) == 1


def test_a_journal_that_does_not_balance_is_refused(wire: Wire, make_journal: Any) -> None:
    reply = wire.post("GENTJL", make_journal(("1160", "10.00"), ("1150", "-9.99")))
    text = reply.findtext("Item/EntryAmount/ErrorDescription")
    assert text == "Journal is out of balance: debits 10.00 credits 9.99"
    assert rows(wire, "GenJournalCtl") == []


def test_zero_lines_are_dropped_and_none_left_is_an_error(wire: Wire, make_journal: Any) -> None:
    lines = (("1160", "10.00"), ("6150", "0.00"), ("1150", "-10.00"))
    entries = wire.post("GENTJL", make_journal(*lines)).findtext("Item/Transaction/NumOfEntries")
    assert entries == "00002"
    reply = wire.post("GENTJL", make_journal(("1160", "0.00")))
    text = reply.findtext("Item/JournalDetails/ErrorDescription")
    assert text == "Journal has no entries"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("9999", "Ledger code '9999' not found"),
        ("1300", "Ledger code '1300' is on hold"),
        ("1200", "Ledger code '1200' is a control account"),
    ],
)
def test_an_account_that_takes_no_posting_is_refused_at_its_line(
    wire: Wire, make_journal: Any, code: str, text: str
) -> None:
    reply = wire.post("GENTJL", make_journal(("1160", "10.00"), (code, "-10.00")))
    line = reply.find("Item/JournalDetails")
    assert line.findtext("EntryNumber") == "00002"
    assert line.findtext("LedgerCode/ErrorDescription") == text
    assert wire.executed() == 0


@pytest.mark.parametrize(("mode", "warnings"), [("Y", []), ("W", ["1200"])])
def test_a_control_account_warning_can_be_ignored_or_reported(
    wire: Wire, make_journal: Any, mode: str, warnings: list[str]
) -> None:
    document = make_journal(("1160", "10.00"), ("1200", "-10.00"))
    ignore = f"<Parameters><IgnoreWarnings>{mode}</IgnoreWarnings></Parameters>"
    reply = wire.post("GENTJL", document, f"<PostGlJournal>{ignore}</PostGlJournal>")
    assert reply.findtext("Item/Transaction/Jnlstatus") == "P"
    found = [w.text for w in reply.iter("WarningDescription")]
    assert found == [f"Ledger code '{code}' is a control account" for code in warnings]


def test_a_period_closed_between_two_calls_refuses_the_second(
    wire: Wire, make_journal: Any
) -> None:
    lines = (("1160", "10.00"), ("1150", "-10.00"))
    october = make_journal(*lines, PostingPeriod="10", JournalDate="2026-10-31")
    assert wire.post("GENTJL", october).findtext("StatusOfItems/JournalsProcessed") == "1"
    close(wire, 10)
    reply = wire.post("GENTJL", october)
    text = reply.findtext("Item/PostingPeriod/ErrorDescription")
    assert text == "Posting period '10' of year '2026' is closed"
    close(wire, 10, "open")
    assert wire.post("GENTJL", october).findtext("StatusOfItems/JournalsProcessed") == "1"
    assert wire.executed() == 2


@pytest.mark.parametrize(
    ("year", "period", "text"),
    [
        ("2026", "08", "Posting period '08' of year '2026' is closed"),
        ("2026", "12", "Posting period '12' of year '2026' is in the future"),
        ("2027", "01", "Posting period '01' of year '2027' is in the future"),
        ("2026", "13", "Posting period '13' of year '2026' is in the future"),
        ("2026", "C", "XML element 'PostingPeriod' must be numeric"),
    ],
)
def test_the_ledger_takes_only_the_three_open_periods(
    wire: Wire, make_journal: Any, year: str, period: str, text: str
) -> None:
    lines = (("1160", "1.00"), ("1150", "-1.00"))
    reply = wire.post("GENTJL", make_journal(*lines, PostingPeriod=period, PostingYear=year))
    assert reply.findtext("Item/PostingPeriod/ErrorDescription") == text


def test_an_unauthorized_journal_is_not_posted_where_the_company_asks_for_it(
    wire: Wire, make_journal: Any
) -> None:
    wire.control("POST", "syspro", {"authorization_required": True})
    lines = (("1160", "1.00"), ("1150", "-1.00"))
    reply = wire.post("GENTJL", make_journal(*lines, AuthorizeJournal="D"))
    assert "authorized" in reply.findtext("Item/AuthorizeJournal/ErrorDescription")
    entered = make_journal(*lines, AuthorizeJournal="D", PostJournal="N")
    assert wire.post("GENTJL", entered).findtext("Item/Transaction/Jnlstatus") == "U"


def test_one_bad_item_stops_the_document_unless_items_stand_alone(
    wire: Wire, make_journal: Any
) -> None:
    good = make_journal(("1160", "1.00"), ("1150", "-1.00"))
    bad = make_journal(("1160", "1.00"), ("9999", "-1.00"))
    item = bad.removeprefix("<PostGlJournal>").removesuffix("</PostGlJournal>")
    both = good.replace("</PostGlJournal>", item + "</PostGlJournal>")
    assert wire.post("GENTJL", both).findtext("StatusOfItems/JournalsProcessed") == ""
    alone = (
        "<PostGlJournal><Parameters><ApplyIfEntireDocumentValid>N</ApplyIfEntireDocumentValid>"
        "</Parameters></PostGlJournal>"
    )
    assert wire.post("GENTJL", both, alone).findtext("StatusOfItems/JournalsProcessed") == "1"
    assert wire.executed() == 1


def test_validate_only_writes_nothing(wire: Wire, journal: str) -> None:
    only = "<PostGlJournal><Parameters><ValidateOnly>Y</ValidateOnly></Parameters></PostGlJournal>"
    reply = wire.post("GENTJL", journal, only)
    assert reply.findtext("StatusOfItems/JournalsInvalid") == ""
    assert rows(wire, "GenJournalCtl") == []


def test_a_supplier_invoice_debits_its_accounts_and_credits_the_payable(wire: Wire) -> None:
    reply = wire.post("APSTIN", ap_invoice())
    assert reply.tag == "postapinvoice"
    key = {part.tag: part.text for part in reply.find("Item/Transaction/Key")}
    expected = {"TrnYear": "2026", "TrnMonth": "11", "Journal": "00017", "EntryNumber": "001"}
    assert key == expected
    assert reply.findtext("StatusOfItems/GlJournal/GlJournal") == "00117"
    assert reply.findtext("StatusOfItems/GlJournal/GlJournalError") == ""
    found = [(d["GlCode"], d["EntryType"], d["EntryValue"]) for d in rows(wire, "GenJournalDetail")]
    assert found == [("6150", "D", "7.02"), ("1160", "D", "15.00"), ("2050", "C", "22.02")]
    invoice = rows(wire, "ApInvoice")[0]
    assert (invoice["Supplier"], invoice["Invoice"]) == ("ACQ001", "ST-1")
    assert invoice["OrigInvValue"] == "22.02"


def test_a_repeated_supplier_invoice_is_refused_as_a_duplicate_key(wire: Wire) -> None:
    wire.post("APSTIN", ap_invoice())
    reply = wire.post("APSTIN", ap_invoice())
    assert reply.findtext("Item/Invoice/ErrorNumber") == "120001"
    assert reply.findtext("StatusOfItems/ItemsInvalid") == "1"
    assert wire.executed("APSTIN") == 1
    assert len(rows(wire, "ApInvoice")) == 1


def test_a_distribution_that_misses_the_value_is_refused(wire: Wire) -> None:
    reply = wire.post("APSTIN", ap_invoice(value="22.03"))
    text = reply.findtext("Item/LedgerValue/ErrorDescription")
    assert text == "Ledger distribution 22.02 differs from transaction value 22.03"


@pytest.mark.parametrize(("letter", "lines"), [("F", ("7.02", "15.00")), ("L", ("7.61", "16.25"))])
def test_a_foreign_invoice_is_distributed_in_its_own_or_the_local_currency(
    wire: Wire, letter: str, lines: tuple[str, str]
) -> None:
    document = ap_invoice(Supplier="ACQ002", ExchRateAtEntry="1.083700")
    for sent, wanted in zip(("7.02", "15.00"), lines, strict=True):
        document = document.replace(f"<LedgerValue>{sent}<", f"<LedgerValue>{wanted}<")
    option = f"<LedgerDistributionCurrency>{letter}</LedgerDistributionCurrency>"
    parameters = f"<PostApInvoice><Parameters>{option}</Parameters></PostApInvoice>"
    wire.post("APSTIN", document, parameters)
    found = [(d["GlCode"], d["EntryType"], d["EntryValue"]) for d in rows(wire, "GenJournalDetail")]
    # 22.02 * 1.0837 = 23.863074 -> 23.86; 7.02 -> 7.607574 -> 7.61; 15.00 -> 16.2555 -> 16.26,
    # and the cent of rounding is taken from the larger line: 16.25.
    assert found == [("6150", "D", "7.61"), ("1160", "D", "16.25"), ("2050", "C", "23.86")]


def test_payables_post_into_the_period_the_letter_names(wire: Wire) -> None:
    previous = "<Parameters><PostingPeriod>P</PostingPeriod></Parameters>"
    parameters = f"<PostApInvoice>{previous}</PostApInvoice>"
    reply = wire.post("APSTIN", ap_invoice(), parameters)
    assert reply.findtext("Item/Transaction/Key/TrnMonth") == "10"
    close(wire, 10)
    reply = wire.post("APSTIN", ap_invoice("ST-2"), parameters)
    text = reply.findtext("Item/PostingPeriod/ErrorDescription")
    assert text == "Posting period '10' of year '2026' is closed"


def test_the_sub_ledger_can_succeed_while_its_journal_fails(wire: Wire) -> None:
    wire.control("POST", "syspro", {"gl_journal_error": {"APSTIN": "no", "CSHTWD": "no"}})
    block = wire.post("APSTIN", ap_invoice()).find("StatusOfItems/GlJournal")
    assert (block.findtext("GlJournalError"), block.findtext("GlJournalMessage")) == (
        "000001",
        "no",
    )
    block = wire.post("CSHTWD", deposit()).find("Item/AddTransaction/Key/GlJournal")
    assert block.findtext("GlJournalMessage") == "no"
    assert len(rows(wire, "ApInvoice")) == 1
    assert len(bank_lines(wire)) == 1
    assert rows(wire, "GenJournalCtl") == []


def test_a_deposit_debits_the_bank_and_shows_in_the_bank_query(wire: Wire) -> None:
    reply = wire.post("CSHTWD", deposit())
    assert reply.tag == "postcbdepositswithdrawals"
    assert reply.findtext("Item/AddTransaction/Key/GlJournal/GlJournal") == "00117"
    found = [(d["GlCode"], d["EntryType"], d["EntryValue"]) for d in rows(wire, "GenJournalDetail")]
    assert found == [("1000", "D", "267.98"), ("1160", "C", "267.98")]
    line = bank_lines(wire)[0]
    assert line.findtext("TrnReference") == "B1"
    assert line.findtext("TrnValue").strip() == "267.98"
    assert line.findtext("TrnDate") == "2026-11-02"
    assert line.findtext("ReconciledFlag") == "N"


def test_a_repeated_deposit_posts_again(wire: Wire) -> None:
    for _ in range(2):
        wire.post("CSHTWD", deposit())
    assert len(bank_lines(wire)) == 2
    assert wire.executed("CSHTWD") == 2


def test_a_foreign_bank_posts_the_ledger_at_the_given_rate(wire: Wire) -> None:
    document = deposit(Bank="BEU", TransactionValue="9.61", ExchangeRate="1.083700")
    wire.post("CSHTWD", document)
    found = [(d["GlCode"], d["EntryType"], d["EntryValue"]) for d in rows(wire, "GenJournalDetail")]
    # 9.61 * 1.0837 = 10.414357, to the cent 10.41
    assert found == [("1000", "D", "10.41"), ("1160", "C", "10.41")]


def test_a_withdrawal_needs_its_type_and_reverses_the_sides(wire: Wire) -> None:
    reply = wire.post("CSHTWD", deposit(DepositOrWithdrawal="W"))
    assert reply.find("Item/WithdrawalType") is not None
    wire.post("CSHTWD", deposit(DepositOrWithdrawal="W", WithdrawalType="N"))
    found = [(d["GlCode"], d["EntryType"]) for d in rows(wire, "GenJournalDetail")]
    assert found == [("1000", "C"), ("1160", "D")]


def test_leaving_the_reconcile_flag_out_toggles_the_state(wire: Wire) -> None:
    key = wire.post("CSHTWD", deposit()).find("Item/AddTransaction/Key")
    place = (
        f"<Bank>BUS</Bank><PostingDate>{key.findtext('CbTrnDate')}</PostingDate>"
        f"<PostingTime>{key.findtext('CbTrnTime')}</PostingTime>"
    )

    def reconcile(flag: str) -> str | None:
        part = f"<ReconOrUnreconByTransaction>{place}{flag}</ReconOrUnreconByTransaction>"
        wire.post(
            "CSHTWD",
            f"<PostCbDepositsWithdrawals><Item>{part}</Item></PostCbDepositsWithdrawals>",
        )
        state: str | None = bank_lines(wire)[0].findtext("ReconciledFlag")
        return state

    assert reconcile("") == "Y"
    assert reconcile("") == "N"
    given = "<ReconcileOrUnreconcile>R</ReconcileOrUnreconcile>"
    assert [reconcile(given), reconcile(given)] == ["Y", "Y"]
    assert bank_lines(wire, option="<IncludeReconciled>N</IncludeReconciled>") == []
