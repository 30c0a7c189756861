"""How documents look and what is done to them on the way in (reference 10.4, 10.5, 10.10)."""

from typing import Any
from xml.etree.ElementTree import Element

import pytest

Wire = Any
TABLE = "<TableName>{}</TableName><ReturnRows>10</ReturnRows>"


def find(wire: Wire, table: str, *where: tuple[str, str, str], rest: str = "") -> list[Element]:
    """Ask COMFND with conditions joined by And."""
    parts = "".join(
        f"<Expression><AndOr>And</AndOr><Column>{c}</Column><Condition>{o}</Condition>"
        f"<Value>{v}</Value></Expression>"
        for c, o, v in where
    )
    query = f"<Query>{TABLE.format(table)}<Where>{parts}</Where>{rest}</Query>"
    rows: list[Element] = wire.query("COMFND", query).findall("Row")
    return rows


def texts(rows: list[Element], column: str) -> list[str]:
    return [(row.findtext(column) or "").strip() for row in rows]


def test_a_reply_is_windows_1252_in_single_quotes_one_element_a_line_with_a_blank_at_the_end(
    wire: Wire,
) -> None:
    xml = f"<Query>{TABLE.format('ArCustomer')}<Columns><Column>Name</Column></Columns></Query>"
    answer = wire.get("Query/Query", UserId=wire.user, BusinessObject="COMFND", XmlIn=xml)
    lines = answer.split(b"\n")
    assert lines[0] == b'<?xml version="1.0" encoding="Windows-1252"?>'
    assert lines[1].startswith(b"<ArCustomer Language='05' Language2='EN' CssStyle=''")
    assert "<Name>Café Zoë</Name>".encode("cp1252") in lines
    assert lines[-2:] == [b"</ArCustomer>", b" "]


def test_the_root_of_a_posting_reply_is_the_request_root_in_lower_case(
    wire: Wire, journal: str
) -> None:
    assert wire.post("GENTJL", journal).tag == "postgljournal"


def test_counters_that_are_zero_are_empty_elements(wire: Wire, journal: str) -> None:
    status = wire.post("GENTJL", journal).find("StatusOfItems")
    assert {c.tag: c.text for c in status} == {
        "JournalsProcessed": "1",
        "JournalsInvalid": None,
        "PostingsProcessed": "2",
        "PostingsInvalid": None,
    }


def test_rows_show_padded_keys_and_object_replies_plain_ones(wire: Wire) -> None:
    assert texts(find(wire, "ArCustomer"), "Customer") == ["000000000000183"]
    row = find(wire, "ArInvoice", ("InvoiceDate", "EQ", "2026-11-02"))[0]
    assert row.findtext("CurrencyValue") == "          100.00"
    assert row.findtext("Invoice") == "000000000000021"


def test_unknown_elements_are_dropped_in_silence(wire: Wire, make_journal: Any) -> None:
    document = make_journal(("1160", "10.00"), ("1150", "-10.00"), JournalRefrence="mistyped")
    document = document.replace("<JournalReference>TO1</JournalReference>", "")
    assert wire.post("GENTJL", document).findtext("Item/Transaction/Key/GlJournal") == "00117"
    assert texts(find(wire, "GenJournalCtl"), "Reference") == [""]


def test_a_mistyped_where_finds_everything(wire: Wire) -> None:
    condition = "<Column>Customer</Column><Condition>EQ</Condition><Value>nobody</Value>"
    for name, count in (("Where", 0), ("Were", 1)):
        where = f"<{name}><Expression>{condition}</Expression></{name}>"
        query = f"<Query>{TABLE.format('ArCustomer')}{where}</Query>"
        assert len(wire.query("COMFND", query).findall("Row")) == count


def test_characters_outside_windows_1252_become_question_marks(
    wire: Wire, make_journal: Any
) -> None:
    lines = (("1160", "10.00"), ("1150", "-10.00"))
    wire.post("GENTJL", make_journal(*lines, Notation="€ 日本"))
    assert texts(find(wire, "GenJournalCtl"), "Notation") == ["€ ??"]


@pytest.mark.parametrize(
    ("amount", "is_good"),
    [
        ("10", True),
        ("10.00-", True),
        ("+10.5", True),
        ("10.001", False),
        ("1,000.00", False),
        ("1e3", False),
        ("ten", False),
        ("", False),
        ("1234567890123.00", False),
    ],
)
def test_an_amount_has_12_digits_and_2_decimals_and_one_sign(
    wire: Wire, make_journal: Any, amount: str, is_good: bool
) -> None:
    opposite = amount.strip("+-") + ("" if amount.endswith("-") else "-")
    reply = wire.post("GENTJL", make_journal(("1160", amount), ("1150", opposite)))
    error = reply.find("Item/JournalDetails/EntryAmount/ErrorDescription")
    assert (error is None) is is_good
    if error is not None:
        assert error.text == "XML element 'EntryAmount' must be numeric"
    assert wire.executed() == int(is_good)


def test_a_refused_field_carries_value_number_and_description(
    wire: Wire, make_journal: Any
) -> None:
    lines = (("1160", "10.00"), ("1150", "-10.00"))
    reply = wire.post("GENTJL", make_journal(*lines, JournalDate="03/11/2026"))
    field = reply.find("Item/JournalDate")
    assert [part.text for part in field] == [
        "03/11/2026",
        "100028",
        "Date '03/11/2026' is invalid for XML element 'JournalDate' it must be CCYY-MM-DD format",
    ]
    assert reply.findtext("Item/ItemNumber") == "000001"
    assert reply.findtext("StatusOfItems/JournalsInvalid") == "1"


def test_a_text_that_is_too_long_is_refused(wire: Wire, make_journal: Any) -> None:
    document = make_journal(("1160", "1.00"), ("1150", "-1.00"), reference="R" * 31)
    reply = wire.post("GENTJL", document)
    text = reply.findtext("Item/JournalReference/ErrorDescription")
    assert text == "XML element 'JournalReference' is longer than 30 characters"


def test_a_mandatory_element_cannot_be_spaces(wire: Wire) -> None:
    document = "<PostApInvoice><Item><TransactionCode>I</TransactionCode></Item></PostApInvoice>"
    reply = wire.post("APSTIN", document)
    assert reply.findtext("Item/Supplier/ErrorNumber") == "100030"
    text = reply.findtext("Item/Supplier/ErrorDescription")
    assert text == "XML element '{Item}{Supplier}' cannot be spaces"


def test_comfnd_understands_every_condition(wire: Wire) -> None:
    assert wire.post("GENTJL", "<PostGlJournal/>").tag == "postgljournal"
    expected = {
        "EQ": ["1160"],
        "NE": ["1000", "1150", "1200", "1300", "2050", "6150"],
        "GT": ["1200", "1300", "2050", "6150"],
        "GE": ["1160", "1200", "1300", "2050", "6150"],
        "LT": ["1000", "1150"],
        "LE": ["1000", "1150", "1160"],
    }
    for condition, codes in expected.items():
        assert texts(find(wire, "GenMaster", ("GlCode", condition, "1160")), "GlCode") == codes
    assert texts(find(wire, "GenMaster", ("GlCode", "LIKE", "11%")), "GlCode") == ["1150", "1160"]


def test_comfnd_binds_and_closer_than_or_and_obeys_brackets(wire: Wire) -> None:
    def expression(joint: str, opening: str, code: str, closing: str) -> str:
        return (
            f"<Expression><AndOr>{joint}</AndOr><OpenBracket>{opening}</OpenBracket>"
            f"<Column>GlCode</Column><Condition>EQ</Condition><Value>{code}</Value>"
            f"<CloseBracket>{closing}</CloseBracket></Expression>"
        )

    def codes(*parts: str) -> list[str]:
        where = f"<Where>{''.join(parts)}</Where>"
        root = wire.query("COMFND", f"<Query>{TABLE.format('GenMaster')}{where}</Query>")
        return texts(root.findall("Row"), "GlCode")

    first = expression("And", "", "1000", ""), expression("Or", "", "1150", "")
    assert codes(*first, expression("And", "", "1160", "")) == ["1000"]
    opened = expression("And", "(", "1000", ""), expression("Or", "", "1150", ")")
    assert codes(*opened, expression("And", "", "1160", "")) == []


def test_comfnd_orders_and_caps_rows_and_counts_them(wire: Wire) -> None:
    query = (
        "<Query><TableName>GenMaster</TableName><ReturnRows>2</ReturnRows>"
        "<Columns><Column>GlCode</Column></Columns><OrderBy><Column>GlCode</Column></OrderBy>"
        "<Sequence><Column Name='GlCode' Orderby='D'/></Sequence></Query>"
    )
    root = wire.query("COMFND", query)
    assert texts(root.findall("Row"), "GlCode") == ["6150", "2050"]
    assert root.findtext("RowsReturned") == "       2"
    assert [c.text for c in root.findall("HeaderDetails/Columns/Column")] == ["GlCode"]


def test_comfnd_takes_a_range_of_days(wire: Wire) -> None:
    rows = find(
        wire, "ArInvoice", ("InvoiceDate", "GE", "2026-11-02"), ("InvoiceDate", "LT", "2026-11-03")
    )
    assert texts(rows, "CustomerPoNumber") == ["PO-21", "PO-22"]
    assert texts(rows, "InvoiceDate") == ["2026-11-02", "2026-11-02"]
    rows = find(wire, "ArInvoice", ("CustomerPoNumber", "EQ", "po-31 "))
    assert texts(rows, "DocumentType") == ["I"]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("<TableName>NoTable</TableName>", b"ERROR: Table 'NoTable' not found"),
        (
            "<TableName>GenMaster</TableName><Columns><Column>Nope</Column></Columns>",
            b"ERROR: Column 'Nope' not found in table 'GenMaster'",
        ),
        (
            "<TableName>GenMaster</TableName><Where><Expression><Column>GlCode</Column>"
            "<Condition>IS</Condition></Expression></Where>",
            b"ERROR: Condition 'IS' is not valid",
        ),
        (
            "<TableName>GenMaster</TableName><Where><Expression><OpenBracket>(</OpenBracket>"
            "<Column>GlCode</Column><Condition>EQ</Condition></Expression></Where>",
            b"ERROR: Brackets in the where clause do not match",
        ),
    ],
)
def test_comfnd_refuses_what_it_does_not_know(wire: Wire, query: str, text: bytes) -> None:
    xml = f"<Query>{query}</Query>"
    answer = wire.get("Query/Query", UserId=wire.user, BusinessObject="COMFND", XmlIn=xml)
    assert answer == text


def test_comqer_turns_numbers_into_texts(wire: Wire) -> None:
    query = (
        "<Query><ErrorMessage><ErrorCode>240004</ErrorCode><Parameter1>1004</Parameter1>"
        "</ErrorMessage><ErrorMessage><ErrorCode>240001</ErrorCode></ErrorMessage></Query>"
    )
    root = wire.query("COMQER", query)
    assert [m.text for m in root.iter("TranslatedMessage")] == [
        "Stock code '1004' not found",
        "Inventory control module not installed",
    ]
