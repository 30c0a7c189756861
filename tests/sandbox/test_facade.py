"""The synthetic JSON facade writes into the same books as e.net."""

import base64
import json
from typing import Any

Wire = Any
BASE = "/APIServices"
GOOD = "TIEOUT_A:sandbox-A"


def call(
    wire: Wire, method: str, path: str, body: object = None, credentials: str = GOOD
) -> tuple[int, Any]:
    token = base64.b64encode(credentials.encode()).decode()
    data = json.dumps(body).encode() if body is not None else b""
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
    status, _, answer = wire.raw(method, f"{BASE}/{path}", data, headers)
    return status, json.loads(answer)


def entry(**changes: object) -> dict[str, object]:
    return {
        "CompanyId": "A",
        "JournalReference": "TO9",
        "JournalDate": "2026-11-03",
        "PostingYear": 2026,
        "PostingPeriod": 11,
        "Lines": [
            {"LedgerCode": "1160", "Amount": "10.00", "Reference": "TO9"},
            {"LedgerCode": "1150", "Amount": "-10.00", "Reference": "TO9"},
        ],
        **changes,
    }


def test_a_journal_entry_is_added_and_read_back(wire: Wire) -> None:
    status, answer = call(wire, "POST", "GLJournalService/AddJournalEntry", entry())
    assert status == 200
    assert answer["Success"] is True
    assert (answer["GlYear"], answer["GlPeriod"], answer["GlJournal"]) == ("2026", "11", "00117")
    path = "GLJournalService/GetJournalEntries?CompanyId=A&JournalReference=TO9"
    (journal,) = call(wire, "GET", path)[1]["Journals"]
    assert journal["DebitAmount"] == "10.00"
    assert [line["Amount"] for line in journal["Lines"]] == ["10.00", "-10.00"]
    assert wire.executed() == 1


def test_e_net_sees_what_the_facade_posted(wire: Wire) -> None:
    call(wire, "POST", "GLJournalService/AddJournalEntry", entry())
    root = wire.query("COMFND", "<Query><TableName>GenJournalCtl</TableName></Query>")
    assert root.findtext("Row/Reference") == "TO9"


def test_a_refusal_names_field_code_and_message(wire: Wire) -> None:
    body = entry(PostingPeriod=8)
    status, answer = call(wire, "POST", "GLJournalService/AddJournalEntry", body)
    assert status == 200
    assert answer["Success"] is False
    (error,) = answer["Errors"]
    assert error["Field"] == "PostingPeriod"
    assert error["Message"] == "Posting period '8' of year '2026' is closed"


def test_an_invoice_is_added_once(wire: Wire) -> None:
    body = {
        "CompanyId": "A",
        "Supplier": "ACQ001",
        "Invoice": "ST-7",
        "InvoiceDate": "2026-11-02",
        "TransactionValue": "22.02",
        "Lines": [{"LedgerCode": "6150", "Amount": "22.02"}],
    }
    path = "APInvoiceService/AddAPInvoice"
    assert call(wire, "POST", path, body)[1]["Success"] is True
    again = call(wire, "POST", path, body)[1]
    assert again["Errors"][0]["Code"] == "120001"
    path = "APInvoiceService/GetAPInvoice?CompanyId=A&Supplier=ACQ001&Invoice=ST-7"
    (invoice,) = call(wire, "GET", path)[1]["Invoices"]
    assert invoice["TransactionValue"] == "22.02"


def test_wrong_credentials_and_broken_bodies_are_refused(wire: Wire) -> None:
    path = "GLJournalService/AddJournalEntry"
    assert call(wire, "POST", path, entry(), "TIEOUT_A:no")[0] == 401
    assert call(wire, "POST", path, ["a list"])[0] == 400
    assert call(wire, "POST", path, entry(CompanyId="B"))[0] == 400
    float_amount = entry(Lines=[{"LedgerCode": "1160", "Amount": 10.1}])
    assert call(wire, "POST", path, float_amount)[0] == 400
    assert call(wire, "GET", path)[0] == 405
    assert wire.executed() == 0
