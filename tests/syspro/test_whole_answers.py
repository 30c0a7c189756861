"""Readers notice an answer that a server may have cut short, and go on to the rest of it."""

from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from include.adapters.syspro.documents.comfnd import Find, find_all
from include.adapters.syspro.partners.gl_journals import gl_debits
from include.domain.errors import Rejected
from include.domain.journal import Journal
from include.services.effects.ports import EffectKind
from tests.syspro.support import SENT_AT, Make
from tests.syspro.support_orders import asked, table

CEILING = 100  # rows that this server gives at once, though a thousand are asked for
ROWS = 230


def serve(fake: Any, name: str, rows: list[dict[str, str]], ceiling: int = CEILING) -> None:
    """Answer as a table does: alternatives of one column, GE of another, in the order asked for."""

    def answer(wire: Any) -> None:
        question = fromstring(asked(fake))
        tests = [
            tuple(test.findtext(part) or "" for part in ("Column", "Condition", "Value"))
            for test in question.iter("Expression")
        ]
        wanted = {value for _, condition, value in tests if condition == "EQ"}
        key = next(column for column, condition, _ in tests if condition == "EQ")
        from_on = [(column, value) for column, condition, value in tests if condition == "GE"]
        found = [
            row
            for row in rows
            if row[key] in wanted and all(row[column] >= value for column, value in from_on)
        ]
        by = question.findtext("OrderBy/Column")
        found.sort(key=lambda row: row[by] if by else "")
        most = min(ceiling, int(question.findtext("ReturnRows") or ""))
        wire.reply(table(name, *found[:most]))

    fake.on("query COMFND", answer)


def document(number: int, **more: str) -> dict[str, str]:
    return {
        "Customer": "W000001",
        "Invoice": f"{number:015d}",
        "DocumentType": "I",
        "InvoiceDate": "20261103",
        "CurrencyValue": "12.30",
        "PostCurrency": "",
        "CustomerPoNumber": "WEB-1",
        "SalesOrder": "000000000015580",
        **more,
    }


def test_all_documents_of_an_order_are_read(fake: Any, make_adapter: Make) -> None:
    serve(fake, "ArInvoice", [document(number) for number in range(ROWS)])
    found = make_adapter().orders.documents_of("WEB-1", "W000001")
    assert [int(one.invoice) for one in found] == list(range(ROWS))


def test_an_order_with_few_documents_is_one_question(fake: Any, make_adapter: Make) -> None:
    serve(fake, "ArInvoice", [document(number) for number in range(CEILING - 1)])
    assert len(make_adapter().orders.documents_of("WEB-1", "")) == CEILING - 1
    assert sum(call.verb == "query" for call in fake.calls) == 1


def test_documents_that_no_page_can_show_are_refused_and_not_left_out(
    fake: Any, make_adapter: Make
) -> None:
    serve(fake, "ArInvoice", [document(1, Customer=f"W{number}") for number in range(ROWS)])
    with pytest.raises(Rejected, match="a whole page of ArInvoice shares Invoice"):
        make_adapter().orders.documents_of("WEB-1", "W7")


def test_a_site_that_raises_its_return_rows_reads_them(fake: Any, make_adapter: Make) -> None:
    """As the refusal tells it to do, where the server gives as many."""
    shared = [document(1, Customer=f"W{number}") for number in range(1100)]
    serve(fake, "ArInvoice", shared, ceiling=5000)
    with pytest.raises(Rejected, match="Raise the connection's return_rows"):
        make_adapter().orders.documents_of("WEB-1", "")
    serve(fake, "ArInvoice", [*shared, document(2)], ceiling=5000)
    assert len(make_adapter(return_rows=2000).orders.documents_of("WEB-1", "")) == 1101


def test_all_orders_with_one_number_are_read(fake: Any, make_adapter: Make) -> None:
    """Anybody may use it: ours may lie behind a page of others'."""
    rows = [
        {
            "SalesOrder": f"{number:015d}",
            "Customer": "W000001" if number == ROWS - 1 else "000000000000007",
            "CustomerPoNumber": "1",
            "OrderStatus": "1",
            "DocumentType": "O",
        }
        for number in range(ROWS)
    ]
    serve(fake, "SorMaster", rows)
    found = make_adapter().orders.order(purchase_order="1", customer="W000001")
    assert found is not None
    assert found.sales_order == str(ROWS - 1)


def test_a_receipt_behind_the_rows_of_others_is_found(fake: Any, make_adapter: Make) -> None:
    rows = [document(number, CustomerPoNumber="TO1") for number in range(ROWS)]
    rows += [document(0, Invoice="_CRD01", CustomerPoNumber=name) for name in ("TO1", "TO2")]
    serve(fake, "ArInvoice", rows)
    found = make_adapter().orders.receipts_of(["TO1", "TO2", "TO3"])
    assert [one.purchase_order for one in found] == ["TO1", "TO2"]


def test_all_customers_of_a_mail_address_are_read(fake: Any, make_adapter: Make) -> None:
    mail = "office@example.com"
    rows = [
        {"Customer": f"{number:015d}", "Email": mail, "Currency": "$"} for number in range(ROWS)
    ]
    serve(fake, "ArCustomer", rows)
    assert len(make_adapter().orders.customers(mail)) == ROWS


def test_all_entries_of_a_ledger_journal_are_summed(fake: Any, make_adapter: Make) -> None:
    """A sum that is short would have a person reverse a journal that is right."""
    entry = {"Reference": "TO1", "EntryType": "D", "EntryValue": "1.00"}
    entries = [entry | {"EntryNumber": f"{number:05d}"} for number in range(ROWS)]
    serve(fake, "GenJournalDetail", entries)
    asking, where = make_adapter().orders._asking, (("Reference", "EQ", "TO1"),)
    assert gl_debits(asking, where, "USD", "TO1") == ROWS * 100


def test_all_entries_of_two_ledger_journals_that_number_theirs_alike_are_read(
    fake: Any, make_adapter: Make, deposit: Journal, effect_for: Make
) -> None:
    """Each journal counts its entries from one, and both stand under the deposit's reference."""
    entries = [
        {
            **{"Reference": deposit.reference, "EntryNumber": f"{number:05d}", "EntryType": "D"},
            **{"EntryValue": "1.00", "GlYear": "2026", "GlPeriod": "11", "Journal": name},
            **{"GlCode": "1000", "EntryDate": "20261102"},
        }
        for name in ("00007", "00008")
        for number in range(ROWS)
    ]
    serve(fake, "GenJournalDetail", entries)
    none = "<CshTrnQuery><BankItem><Bank>BUS</Bank></BankItem></CshTrnQuery>"
    fake.on("query CSHQRY", none.encode())
    effect = effect_for(deposit, sent_at=SENT_AT, sends=1)
    found = make_adapter().partners[EffectKind.cash_book_entry].look(effect)
    assert [(one.their_key, one.facts["total_minor"]) for one in found] == [
        ("BUS/GL 2026/11/7", ROWS * 100),
        ("BUS/GL 2026/11/8", ROWS * 100),
    ]


def test_pages_go_on_where_a_short_one_may_be_the_servers_ceiling() -> None:
    rows = [{"no": f"{number:05d}"} for number in range(ROWS)]
    asked_for: list[Find] = []

    def ask(find: Find) -> list[dict[str, str]]:
        asked_for.append(find)
        start = max((value for _, _, value in find.conditions), default="")
        return [row for row in rows if row["no"] >= start][:CEILING]

    assert list(find_all(ask, Find("T", ()), "No", ("No",), is_confirmed=False)) == rows
    assert len(asked_for) == 3
