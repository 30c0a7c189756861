"""Bank statements as banks write them: what an entry says, and what is no statement of money."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from include.adapters.layouts.reading.parse import parse_file
from include.services.files import Expected, ParsedFile

DAY = date(2026, 10, 31)
CAMT = (
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt>'
    "<FrToDt><FrDtTm>2026-10-31T00:00:00Z</FrDtTm><ToDtTm>2026-11-01T00:00:00Z</ToDtTm></FrToDt>"
    "<Acct><Id><Othr><Id>UK-1</Id></Othr></Id></Acct>"
    "<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy='GBP'>1.00</Amt>"
    "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-10-31</Dt></Dt></Bal>"
    "<Ntry><Amt Ccy='GBP'>300.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>"
    "<BookgDt><Dt>2026-10-31</Dt></BookgDt><NtryRef>7</NtryRef><NtryDtls>{details}</NtryDtls>"
    "<AddtlNtryInf>CREDIT</AddtlNtryInf></Ntry></Stmt></BkToCstmrStmt></Document>"
)


def payment(end_to_end: str, *texts: str, more: str = "") -> str:
    lines = "".join(f"<Ustrd>{text}</Ustrd>" for text in texts)
    refs = f"<Refs>{more}<EndToEndId>{end_to_end}</EndToEndId></Refs>"
    return f"<TxDtls>{refs}<RmtInf>{lines}</RmtInf></TxDtls>"


def read(folder: Path, layout: str, content: str) -> ParsedFile:
    path = folder / "statement"
    path.write_text(content)
    return parse_file(path, layout, expected=Expected(statement_date=DAY))


def entries(found: ParsedFile) -> list[dict[str, Any]]:
    assert found.fault is None
    return pl.read_parquet(found.lines_path).to_dicts()


def camt(folder: Path, *payments: str) -> tuple[str | None, str | None]:
    """Return reference and text of an entry with these payments."""
    found = read(folder, "camt_053", CAMT.format(details="".join(payments)))
    (entry,) = entries(found)
    return entry["reference"], entry["text"]


def bai2(folder: Path, *records: str, status: str = "1", total: int = 26798) -> ParsedFile:
    account = (f"03,US-001,USD,,,,/\n{record}" for record in ["\n".join(records)])
    n = sum(record.count("\n") + 1 for record in records)
    content = (
        f"01,BANK,US,261101,0600,1,,,2/\n02,US,BANK,{status},261031,,USD,2/\n{''.join(account)}\n"
        f"49,{total},{n + 2}/\n98,{total},1,{n + 4}/\n99,{total},1,{n + 6}/\n"
    )
    return read(folder, "bai2", content)


def test_each_payment_of_a_batched_entry_is_read(tmp_path: Path) -> None:
    said = camt(tmp_path, payment("B1", "PAYOUT ONE"), payment("B2", "PAYOUT TWO"))
    assert said == ("B1 B2", "PAYOUT ONE PAYOUT TWO")


def test_a_text_of_several_lines_is_read_whole(tmp_path: Path) -> None:
    assert camt(tmp_path, payment("B1", "ACQUIRER", "BATCH 20261031"))[1] == (
        "ACQUIRER BATCH 20261031"
    )


def test_a_reference_that_was_not_provided_hides_no_other(tmp_path: Path) -> None:
    instruction = "<InstrId>B1</InstrId>"
    assert camt(tmp_path, payment("NOTPROVIDED", "X", more=instruction))[0] == "B1"
    assert camt(tmp_path, payment("NOT PROVIDED", "X"))[0] == "7"


def test_a_statement_that_ends_at_midnight_is_of_the_day_before(tmp_path: Path) -> None:
    """The date of that midnight is the next day's."""
    assert len(entries(read(tmp_path, "camt_053", CAMT.format(details="")))) == 1


def test_distributed_availability_shifts_no_reference(tmp_path: Path) -> None:
    found = bai2(tmp_path, "16,165,26798,D,3,0,10000,1,10000,2,6798,REF1,B1,ACQUIRER/")
    (entry,) = entries(found)
    assert (entry["entry_id"], entry["reference"], entry["text"]) == ("REF1", "B1", "ACQUIRER")


def test_distributed_availability_of_a_balance_is_in_no_total(tmp_path: Path) -> None:
    content = (
        "01,BANK,US,261101,0600,1,,,2/\n02,US,BANK,1,261031,,USD,2/\n"
        "03,US-001,USD,072,500,,D,2,0,300,1,200,015,700,,/\n"
        "49,1200,2/\n98,1200,1,4/\n99,1200,1,6/\n"
    )
    assert entries(read(tmp_path, "bai2", content)) == []


def test_a_distribution_that_is_no_number_sets_the_file_aside(tmp_path: Path) -> None:
    found = bai2(tmp_path, "16,165,26798,D,X,0,10000,REF1,B1,ACQUIRER/")
    assert found.fault is not None
    assert "'X' in the distribution of record 16" in found.fault.detail


def test_a_group_that_tests_or_deletes_states_no_money(tmp_path: Path) -> None:
    for status, what in (("4", "is a test"), ("2", "deletes what was sent before")):
        found = bai2(tmp_path, "16,165,26798,Z,REF1,B1,ACQUIRER/", status=status)
        assert found.fault is not None
        assert (found.fault.reason_code, what in found.fault.detail) == ("not_this_report", True)
    corrected = bai2(tmp_path, "16,165,26798,Z,REF1,B1,ACQUIRER/", status="3")
    assert len(entries(corrected)) == 1


def test_information_without_money_is_no_unknown_entry(tmp_path: Path) -> None:
    records = ("16,165,26798,Z,REF1,B1,ACQUIRER/", "16,890,,,,,RATES CHANGE MONDAY/")
    found = bai2(tmp_path, *records)
    assert (found.rows_in, found.rows_classified, found.rows_without_money) == (2, 2, 1)
    assert len(entries(found)) == 1
