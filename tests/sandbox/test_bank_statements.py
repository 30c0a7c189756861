"""Statements are well formed, add up, and need the key."""

import csv
import io
import json
from datetime import date, timedelta

import pytest
from defusedxml.ElementTree import fromstring

from include.sandbox.bank import BankApp
from include.sandbox.bank.statements import bai2
from include.sandbox.ledger import Ledger
from include.sandbox.server import Request, Response
from include.sandbox.world import World
from include.sandbox.world.bank import Statement
from include.sandbox.world.model import BankEntry

DAY = date(2026, 3, 12)
CAMT = "{urn:iso:std:iso:20022:tech:xsd:camt.053.001.02}"


@pytest.fixture(scope="module")
def app() -> BankApp:
    return BankApp(World(days=60), Ledger())


def call(
    app: BankApp, path: str, key: str = "sandbox-bank", method: str = "GET", body: bytes = b""
) -> Response:
    return app.handle(Request(method, path, path, {}, {"x-api-key": key}, body))


def statement(app: BankApp, account: str, day: date = DAY) -> bytes:
    answer = call(app, f"/bank/accounts/{account}/statements/{day}")
    assert answer.status == 200
    return answer.whole()


def test_bai2_by_hand() -> None:
    entry = BankEntry("E1", DAY, "USD", 26_798, "B1", "ACQUIRER")
    out = BankEntry("E2", DAY, "USD", -98, "B2", "ACQUIRER")
    # 49: 1000 + 27700 balances, 26798 and 98 totals, 26798 and 98 entries.
    assert bai2(Statement("US-001", DAY, "USD", 1_000, (entry, out))).decode().splitlines() == [
        "01,SANDBANK,ACME,260312,2359,1,80,,2/",
        "02,ACME,SANDBANK,1,260312,2359,USD,2/",
        "03,US-001,USD,010,1000,,,015,27700,,,100,26798,1,,400,98,1,/",
        "16,165,26798,Z,E1,B1,ACQUIRER",
        "16,455,98,Z,E2,B2,ACQUIRER",
        "49,82492,4/",
        "98,82492,1,6/",
        "99,82492,1,8/",
    ]


def test_bai2_control_totals_and_counts_hold(app: BankApp) -> None:
    lines = statement(app, "US-001").decode().splitlines()
    fields = [line.rstrip("/").split(",") for line in lines]
    summary = next(f for f in fields if f[0] == "03")
    details = [f for f in fields if f[0] == "16"]
    in_summary = [int(summary[n]) for n in (4, 8, 12, 16)]
    total = sum(in_summary) + sum(int(f[2]) for f in details)
    assert [int(f[1]) for f in fields if f[0] in ("49", "98", "99")] == [total] * 3
    assert fields[-3][2] == str(len(lines) - 4)
    assert fields[-2][3] == str(len(lines) - 2)
    assert fields[-1][3] == str(len(lines))


def test_camt_closes_with_opening_and_entries(app: BankApp) -> None:
    root = fromstring(statement(app, "UK-EUR-001"))
    balances = {}
    for item in root.iter(f"{CAMT}Bal"):
        code = item.findtext(f".//{CAMT}Cd")
        sign = 1 if item.findtext(f"{CAMT}CdtDbtInd") == "CRDT" else -1
        balances[code] = sign * int(item.findtext(f"{CAMT}Amt").replace(".", ""))
    entries = [
        int(item.findtext(f"{CAMT}Amt").replace(".", "")) for item in root.iter(f"{CAMT}Ntry")
    ]
    assert entries
    assert balances["CLBD"] == balances["OPBD"] + sum(entries)
    reference = root.findtext(f".//{CAMT}EndToEndId")
    batches = {
        app.world.settled("acme_uk", DAY - timedelta(days=n)).batch("EUR") for n in range(1, 6)
    }
    assert reference in batches


def test_the_csv_balance_runs_on_from_day_to_day(app: BankApp) -> None:
    balance: int | None = None
    seen = 0
    for n in range(14):
        text = statement(app, "JP-001", DAY + timedelta(days=n)).decode()
        for row in csv.DictReader(io.StringIO(text)):
            assert balance is None or int(row["balance"]) == balance + int(row["amount"])
            balance = int(row["balance"])
            seen += 1
    assert seen >= 8


def test_a_weekend_has_a_statement_without_entries(app: BankApp) -> None:
    assert statement(app, "JP-001", date(2026, 3, 14)).decode().splitlines() == [
        "date,value_date,amount,currency,reference,text,balance"
    ]


def test_the_acquirers_trailer_adds_up(app: BankApp) -> None:
    for n in range(50):
        day = date(2026, 3, 1) + timedelta(days=n)
        answer = call(app, f"/acquirer/acme_jp/statements/{day}")
        lines = [line.split("|") for line in answer.whole().decode().splitlines()]
        assert lines[0][:5] == ["H", "ACQ", "acme_jp", day.isoformat(), "JPY"]
        rows = lines[1:-1]
        fees = sum(int(r[3]) for r in rows if r[0] == "F")
        reserve = sum(int(r[2]) * (1 if r[1] == "RELEASE" else -1) for r in rows if r[0] == "R")
        adjusted = sum(int(r[2]) for r in rows if r[0] == "A")
        assert lines[-1] == ["T", str(len(rows)), str(fees), str(reserve), str(adjusted)]
        settled = app.world.settled("acme_jp", day)
        parts = settled.gross("JPY") + settled.refunded("JPY") - fees + reserve + adjusted
        assert settled.net("JPY") == parts


def test_a_reserve_comes_back_after_thirty_days(app: BankApp) -> None:
    first = app.world.settled("acme_jp", date(2026, 3, 2))
    later = app.world.settled("acme_jp", date(2026, 4, 1))
    assert first.reserve_held_minor > 0
    assert later.reserve_released_minor == first.reserve_held_minor


def test_a_wrong_key_is_401_and_an_unknown_account_404(app: BankApp) -> None:
    path = f"/bank/accounts/US-001/statements/{DAY}"
    assert call(app, path, key="").status == 401
    assert call(app, path, key="guess").status == 401
    assert call(app, f"/acquirer/acme_jp/statements/{DAY}", key="").status == 401
    assert call(app, f"/bank/accounts/US-002/statements/{DAY}").status == 404
    assert call(app, "/bank/accounts/US-001/statements/2026-02-30").status == 404
    assert call(app, "/bank/accounts/US-001/statements/2027-01-01").status == 404
    assert call(app, f"/acquirer/acme_us/statements/{DAY}").status == 404


def test_the_chat_webhook_keeps_what_it_is_sent() -> None:
    app = BankApp(World(days=2), Ledger())
    assert call(app, "/chat/hook", method="POST", body=b'{"text": "3 open items"}').status == 200
    assert call(app, "/chat/hook", method="POST", body=b"{").status == 400
    answer = app.control("chat", {})
    assert answer is not None
    assert [m["body"] for m in answer["messages"]] == [{"text": "3 open items"}]
    assert json.loads(call(app, "/chat/messages").whole()) == answer["messages"]
    app.reset()
    assert app.messages() == []
