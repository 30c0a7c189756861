"""The ledger's query objects over what was posted (reference 4.5)."""

from typing import Any
from xml.etree.ElementTree import Element

Wire = Any


def close(wire: Wire, period: int, state: str = "closed") -> None:
    facts = {"company": "A", "year": 2026, "period": period, "state": state}
    wire.control("POST", "periods", facts)


def test_genqso_and_genqpp_show_open_and_closed_periods(wire: Wire) -> None:
    root = wire.query("GENQSO", "<Query/>")
    flags = [root.findtext(f"Periods/GlCurYrFlagPeriod{n}") for n in range(1, 13)]
    assert "".join(flags) == "CCCCCCCCOOOC"
    close(wire, 9)
    root = wire.query("GENQSO", "<Query/>")
    assert root.findtext("Periods/GlCurYrFlagPeriod9") == "C"
    assert root.findtext("Periods/CurrentPeriod") == "11"
    assert root.findtext("Periods/GlCurYrDatePeriod2") == "2026-02-28"
    query = "<Query><Options><PreviousYear>1</PreviousYear></Options></Query>"
    root = wire.query("GENQPP", query)
    assert root.findtext("Periods/GlPreviousYear") == "2025"
    assert root.findtext("Periods/GlPrevYrFlagPeriod12") == "C"


def test_genqgl_validates_a_ledger_code(wire: Wire) -> None:
    query = "<Query><key><LedgerCode>1160</LedgerCode></key></Query>"
    assert wire.query("GENQGL", query).findtext("LedgerDetails/Description") == "Account 1160"
    wrong = query.replace("1160", "9999")
    answer = wire.get("Query/Query", UserId=wire.user, BusinessObject="GENQGL", XmlIn=wrong)
    assert answer == b"ERROR: Ledger code '9999' not found"


def test_genqry_pages_through_an_account(wire: Wire, journal: str) -> None:
    for _ in range(3):
        wire.post("GENTJL", journal)

    def page(start: str) -> Element:
        option = (
            "<IncludeTransactions>Y</IncludeTransactions><Transactions>"
            f"<MaxRowsToReturn>2</MaxRowsToReturn><StartAtKey>{start}</StartAtKey></Transactions>"
        )
        key = "<Key><LedgerCode>1160</LedgerCode></Key>"
        root: Element = wire.query("GENQRY", f"<Query>{key}<Option>{option}</Option></Query>")
        return root

    first = page("")
    assert first.findtext("CurrentBalance", "").strip() == "30.00"
    assert len(first.findall("Transactions/Item")) == 2
    following = first.find("NextPrevKey/NextKey")
    assert following is not None
    start = "".join(f"<{part.tag}>{part.text}</{part.tag}>" for part in following)
    second = page(start)
    assert [i.findtext("Journal") for i in second.findall("Transactions/Item")] == ["119"]
    assert second.findtext("NextPrevKey/Forward") == "N"


def test_genqjr_lists_journals_with_their_lines(wire: Wire, journal: str) -> None:
    wire.post("GENTJL", journal)
    root = wire.query("GENQJR", "<Query><Option><Year>2026</Year></Option></Query>")
    found = root.find("Journal")
    assert found.findtext("Reference") == "TO1"
    assert [d.findtext("GlCode") for d in found.findall("JournalDetail")] == ["1160", "1150"]
