"""What comes back: every wrapping seen in the wild, and hostile answers."""

import json
from collections.abc import Callable
from datetime import date

import pytest

from include.adapters.syspro.documents import apstin, cshqry, cshtwd, gentjl, ledger_queries
from include.adapters.syspro.documents.comfnd import Find
from include.adapters.syspro.documents.reply import (
    CallFailed,
    Unreadable,
    count,
    problems,
    read_amount,
    read_date,
    read_document,
    read_text,
)
from include.adapters.syspro.documents.verdict import Answer
from include.domain.erp_orders import key_number, same_key
from include.domain.errors import Rejected

DECLARATION = "<?xml version='1.0' encoding='Windows-1252'?>"
TAKEN = """<postgljournal Language='05' Version='8.0.161'>
<item><transaction>
<key><glyear>2026</glyear><glperiod>10</glperiod><gljournal>00117</gljournal></key>
<journaldate>20261031</journaldate>
<numofentries>00008</numofentries>
<debitamount>          400.00</debitamount>
<creditamount>          400.00</creditamount>
<jnlstatus>P</jnlstatus>
</transaction></item>
<statusofitems><journalsprocessed>00001</journalsprocessed><journalsinvalid/>
<postingsprocessed>00008</postingsprocessed><postingsinvalid/></statusofitems>
</postgljournal>
 """
WRAPPINGS: dict[str, Callable[[str], bytes]] = {
    "as recorded": lambda text: f"{DECLARATION}\n{text}".encode("cp1252"),
    "no declaration": lambda text: text.encode("cp1252"),
    "upper case": lambda text: text.replace("gl", "GL").replace("item", "Item").encode("cp1252"),
    "declared utf-8, is not": lambda text: (
        "<?xml version='1.0' encoding='utf-8'?>" + text.replace("05", "caf\u00e9")
    ).encode("cp1252"),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "JSON string": lambda text: json.dumps(f"{DECLARATION}{text}").encode(),
    "string element": lambda text: (
        '<string xmlns="http://schemas.microsoft.com/2003/10/Serialization/">'
        + f"{DECLARATION}{text}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        + "</string>"
    ).encode(),
    "JSON string of a string element": lambda text: json.dumps(
        f"<string>{text.replace('<', '&lt;').replace('>', '&gt;')}</string>"
    ).encode(),
    "default namespace": lambda text: text.replace(
        "<postgljournal ", "<postgljournal xmlns='urn:x' "
    ).encode(),
}


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
def test_a_posted_journal_is_read_in_every_wrapping(wrap: Callable[[str], bytes]) -> None:
    posted = gentjl.parse(wrap(TAKEN))
    assert (posted.year, posted.period, posted.journal) == ("2026", "10", "00117")
    assert (posted.entries, posted.debit_text, posted.status) == (8, "400.00", "P")
    assert posted.verdict.answer is Answer.taken


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \r\n ",
        b"\x00",
        b"<html><body>Sign in</body></html>",
        b"<!DOCTYPE html><html></html>",
        TAKEN[:300].encode(),
        TAKEN[:-40].encode(),
        b"<postapinvoice/>",
        b"<postgljournal/><postgljournal/>",
        b'"no end',
        b'{"Success": true}',
        b"Thank you",
        json.dumps(json.dumps(json.dumps(json.dumps(TAKEN)))).encode(),
    ],
    ids=[
        "nothing",
        "blank",
        "nul",
        "html",
        "html with doctype",
        "half",
        "almost whole",
        "answer to another object",
        "two roots",
        "half a JSON string",
        "JSON object",
        "words",
        "wrapped without end",
    ],
)
def test_what_is_no_answer_is_never_taken_for_one(body: bytes) -> None:
    with pytest.raises(Unreadable):
        gentjl.parse(body)


@pytest.mark.parametrize("body", [b"ERROR: Invalid operator password", b'"Error: x"', b" error\n"])
def test_text_that_begins_with_error_is_a_failed_call(body: bytes) -> None:
    with pytest.raises(CallFailed, match=r"(?i)error"):
        gentjl.parse(body)


def bomb(depth: int) -> bytes:
    entities = '<!ENTITY a0 "ha">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, depth)
    )
    return f"<!DOCTYPE x [{entities}]><postgljournal>&a{depth - 1};</postgljournal>".encode()


@pytest.mark.parametrize(
    "body",
    [
        bomb(8),
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><postgljournal>&e;</postgljournal>',
        b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]><postgljournal/>',
        b'<!DOCTYPE x [<!ATTLIST item a CDATA "AAAA">]><postgljournal><item/></postgljournal>',
        b'<postgljournal xmlns:b="' + b"A" * 201 + b'"><b:item1/><b:item2/></postgljournal>',
    ],
    ids=[
        "billion laughs",
        "external entity",
        "parameter entity",
        "attribute for every item",
        "name of a namespace in every name",
    ],
)
def test_what_makes_much_of_little_is_refused_at_once(body: bytes) -> None:
    with pytest.raises(Unreadable, match="declarations"):
        gentjl.parse(body)


def test_a_session_id_keeps_its_two_blanks() -> None:
    assert read_text(b"0123456789ABCDEF0123456789ABCDEF00  ").endswith("00  ")


def test_a_complaint_is_found_wherever_it_stands() -> None:
    tree = read_document(
        b"<postgljournal><Item><JournalDetails><EntryNumber>1</EntryNumber><LedgerCode>"
        b"<Value>9</Value><ErrorNumber>240004</ErrorNumber><ErrorDescription>Ledger code '9' not"
        b" found</ErrorDescription></LedgerCode></JournalDetails></Item></postgljournal>",
        "PostGlJournal",
    )
    assert [str(found) for found in problems(tree)] == [
        "ledgercode: Ledger code '9' not found [240004]"
    ]


def refusal(text: str, processed: str = "<JournalsProcessed/>") -> bytes:
    return (
        f"<postgljournal><Item><PostingPeriod><Value>10</Value><ErrorNumber>900014</ErrorNumber>"
        f"<ErrorDescription>{text}</ErrorDescription></PostingPeriod><ItemNumber>1</ItemNumber>"
        f"</Item><StatusOfItems>{processed}<JournalsInvalid>1</JournalsInvalid></StatusOfItems>"
        "</postgljournal>"
    ).encode()


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (refusal("no"), Answer.refused),
        (refusal("no", "<JournalsProcessed>00000</JournalsProcessed>"), Answer.refused),
        (refusal("no", "<JournalsProcessed>1</JournalsProcessed>"), Answer.unclear),
        (refusal("no", ""), Answer.unclear),
        (refusal("no", "<JournalsProcessed>*****</JournalsProcessed>"), Answer.unclear),
        (TAKEN.replace("00001", "").encode(), Answer.unclear),
        (TAKEN.replace("00001", "00002").encode(), Answer.unclear),
        (b"<postgljournal/>", Answer.unclear),
        (
            TAKEN.replace("<journalsinvalid/>", "<journalsinvalid>1</journalsinvalid>").encode(),
            Answer.unclear,
        ),
    ],
    ids=[
        "complaint and empty counter",
        "complaint and zero",
        "complaint and counted",
        "complaint and no counter",
        "complaint and a damaged counter",
        "neither",
        "two were counted",
        "nothing said",
        "counted and invalid",
    ],
)
def test_yes_needs_one_counted_item_and_no_complaint(body: bytes, answer: Answer) -> None:
    assert gentjl.parse(body).verdict.answer is answer


AP = """<postapinvoice><Item><Transaction><Key><TrnYear>2026</TrnYear><TrnMonth>10</TrnMonth>
<Journal>00017</Journal><EntryNumber>001</EntryNumber></Key><Supplier>ACQ001</Supplier>
<Invoice>ST-1</Invoice></Transaction></Item><StatusOfItems><GlJournal><GlYear>2026</GlYear>
<GlPeriod>10</GlPeriod><GlJournal>{number}</GlJournal><GlJournalError>{error}</GlJournalError>
<GlJournalMessage>{message}</GlJournalMessage></GlJournal><ItemsProcessed>000001</ItemsProcessed>
<ItemsInvalid/></StatusOfItems></postapinvoice>"""


@pytest.mark.parametrize(
    ("number", "error", "message", "wanted"),
    [
        ("00268", "", "", ""),
        ("00268", "000000", "", ""),
        ("00268", "N", "posted", ""),
        ("", "000001", "Period closed", "000001 Period closed"),
        ("", "", "Period closed", "Period closed"),
        ("00268", "000007", "", "000007"),
    ],
)
def test_a_failed_gl_journal_is_seen_although_the_item_succeeded(
    number: str, error: str, message: str, wanted: str
) -> None:
    posted = apstin.parse(AP.format(number=number, error=error, message=message).encode())
    assert posted.verdict.answer is Answer.taken
    assert posted.verdict.gl_error == wanted


def test_the_cash_book_keeps_its_gl_journal_in_the_items_key_beside_stray_text() -> None:
    posted = cshtwd.parse(
        b"<postcbdepositswithdrawals><Item><AddTransaction><Key><Bank>BUS</Bank><CbTrnYear>2026"
        b"</CbTrnYear><CbTrnMonth>11</CbTrnMonth><Journal>0009</Journal><EntryNumber>0001"
        b"</EntryNumber>\n- <GlJournal><GlYear>2026</GlYear><GlPeriod>11</GlPeriod><GlJournal>00268"
        b"</GlJournal><GlJournalError/></GlJournal></Key></AddTransaction></Item><StatusOfItems>"
        b"<ItemsProcessed>1</ItemsProcessed><ItemsInvalid/></StatusOfItems>"
        b"</postcbdepositswithdrawals>\n "
    )
    assert (posted.bank, posted.gl_journal) == ("BUS", "2026/11/00268")
    assert posted.verdict.answer is Answer.taken


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-09-12", date(2026, 9, 12)),
        ("20260912", date(2026, 9, 12)),
        ("2026/09/12", date(2026, 9, 12)),
        ("2026-09-12T00:00:00", date(2026, 9, 12)),
        ("2026-09-12 00:00:00.000", date(2026, 9, 12)),
        ("0000-00-00", None),
        ("00000000", None),
        ("  ", None),
    ],
)
def test_all_forms_of_a_date_are_read(text: str, wanted: date | None) -> None:
    assert read_date(text, "x") == wanted


@pytest.mark.parametrize("text", ["2026-02-30", "12/09/2026", "2026-W10-7", "20260912x"])
def test_other_dates_are_refused(text: str) -> None:
    with pytest.raises(Rejected, match="is not a date"):
        read_date(text, "x")


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("          747.800000", "USD", 747_80),
        ("-747.80", "USD", -747_80),
        ("747.80-", "USD", -747_80),
        ("+1.5", "USD", 1_50),
        (".50", "USD", 50),
        ("-.50", "USD", -50),
        ("1234.00", "JPY", 1234),
    ],
)
def test_padded_and_signed_numbers_are_exact(text: str, currency: str, minor: int) -> None:
    assert read_amount(text, currency, "x").minor == minor


@pytest.mark.parametrize("text", ["1,234.50", "1e3", "NaN", "", "1.001", "--5", "５"])  # noqa: RUF001
def test_what_is_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        read_amount(text, "USD", "x")


def test_an_empty_counter_is_zero_and_a_missing_one_is_unknown() -> None:
    tree = read_document(b"<a><b/><c> 00002</c><d>x</d></a>", "A")
    assert [count(tree, name) for name in "bcde"] == [0, 2, None, None]


@pytest.mark.parametrize("text", ["\u00b2", "\u0663", "9" * 5000, "-1", "1.0", "x"])
def test_a_counter_that_is_damaged_is_unknown_and_no_crash(text: str) -> None:
    body = TAKEN.replace(">00001<", f">{text}<", 1).encode("utf-8")
    assert gentjl.parse(body).verdict.answer is Answer.unclear


def test_keys_compare_without_padding_and_case() -> None:
    assert key_number(" 000000000000183") == "183"
    assert same_key("183", "000000000000183")
    assert same_key("acq001", "ACQ001 ")
    assert not same_key("0183A", "183A")


def rows_of(names: list[str], table: str = "ArInvoice", returned: int | None = None) -> bytes:
    rows = "".join(f"<Row><Invoice>{name} </Invoice></Row>" for name in names)
    number = len(names) if returned is None else returned
    return f"<{table}>{rows}<RowsReturned>{number:8d}</RowsReturned></{table}>".encode()


def test_rows_are_read_with_lower_case_columns_and_stripped_values() -> None:
    assert Find("ArInvoice", ()).parse(rows_of(["1", "2"])) == ({"invoice": "1"}, {"invoice": "2"})


@pytest.mark.parametrize(
    "body",
    [rows_of(["1"], returned=2), b"<ArInvoice/>", rows_of([], table="ApInvoice")],
    ids=["fewer rows than said", "no count", "another table"],
)
def test_an_answer_that_contradicts_itself_is_not_an_empty_table(body: bytes) -> None:
    with pytest.raises(Unreadable):
        Find("ArInvoice", ()).parse(body)


def test_the_current_period_is_read_under_any_configured_name() -> None:
    body = (
        b"<GeneralLedgerOptions><X><GlThisYear>2026</GlThisYear><GlThisPeriod>11</GlThisPeriod>"
        b"<GlCurYrFlagPeriod10>C</GlCurYrFlagPeriod10></X></GeneralLedgerOptions>"
    )
    found = ledger_queries.parse_options(body, ("No", "GlThisYear"), ("GlThisPeriod",))
    assert (found.year, found.period, found.flags) == (2026, 11, {10: False})
    with pytest.raises(Unreadable, match="CurrentYear"):
        ledger_queries.parse_options(body, ("CurrentYear",), ("CurrentPeriod",))


def test_previous_periods_are_open_by_flag_o() -> None:
    body = (
        b"<GlPostPreviousQuery><Periods><GlPreviousYear>2025</GlPreviousYear><GlPrevYrFlagPeriod1>"
        b"C</GlPrevYrFlagPeriod1><GlPrevYrFlagPeriod12>O</GlPrevYrFlagPeriod12></Periods>"
        b"</GlPostPreviousQuery>"
    )
    assert ledger_queries.parse_previous(body) == (2025, {1: False, 12: True})


def test_the_cash_book_of_another_bank_is_no_answer() -> None:
    body = b"<CshTrnQuery><BankItem><Bank>BEU</Bank></BankItem></CshTrnQuery>"
    assert cshqry.parse(body, "BEU") == ()
    with pytest.raises(Unreadable, match="not about bank 'BUS'"):
        cshqry.parse(body, "BUS")
